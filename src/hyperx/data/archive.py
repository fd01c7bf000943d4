"""Universal Dependencies 2.7, the paper's release, from its archive at LINDAT (handle 11234/1-3424)."""

import os
import shutil
import tarfile
import tempfile
import urllib.request
from pathlib import Path, PurePosixPath

from hyperx.builtin import default_cache_dir, publish
from hyperx.errors import HyperXError

URL = "https://lindat.mff.cuni.cz/repository/xmlui/bitstream/handle/11234/1-3424/ud-treebanks-v2.7.tgz"
MAX_FILE = 200_000_000  # bytes of one treebank file

PAPER_TREEBANKS = {
    "eng": "UD_English-EWT", "ara": "UD_Arabic-PADT", "bre": "UD_Breton-KEB", "isl": "UD_Icelandic-PUD",
    "kaz": "UD_Kazakh-KTB", "tam": "UD_Tamil-TTB", "tgl": "UD_Tagalog-TRG", "tur": "UD_Turkish-IMST",
    "yor": "UD_Yoruba-YTB", "zho": "UD_Chinese-GSD", "fao": "UD_Faroese-OFT", "gun": "UD_Mbya_Guarani-Thomas",
    "hsb": "UD_Upper_Sorbian-UFAL", "mlt": "UD_Maltese-MUDT", "san": "UD_Sanskrit-UFAL", "uig": "UD_Uyghur-UDT",
    "yue": "UD_Cantonese-HK",
}  # fmt: skip


def ud27_folder(language: str) -> Path:
    """Return the folder of the paper's treebank of a language; downloads the archive's treebanks once.

    ``$HYPERX_UD27`` names another address of the archive, ``file:`` for one on disk.

    Raises:
        HyperXError: the archive can't be had, or does not hold the treebank.
    """
    folder = default_cache_dir() / "ud-2.7"
    if not folder.is_dir():
        _download(os.environ.get("HYPERX_UD27", URL), folder)
    treebank = folder / PAPER_TREEBANKS[language]
    if not treebank.is_dir():
        raise HyperXError(f"the archive of UD 2.7 held no {treebank.name}; remove {folder} to download it again")
    return treebank


def _download(url: str, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix="ud-2.7-", dir=folder.parent))
    try:
        # As a stream: what is not wanted of the archive is never written.
        with (
            urllib.request.urlopen(url, timeout=60) as response,
            tarfile.open(fileobj=response, mode="r|gz") as archive,
        ):
            for member in archive:
                _extract(archive, member, partial)
        publish(partial, folder)
    except (OSError, ValueError, tarfile.TarError, EOFError) as error:
        raise HyperXError(
            f"UD 2.7 can't be downloaded from {url}: {error}. Download ud-treebanks-v2.7.tgz by other means and set "
            "$HYPERX_UD27 to file:///its/path."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Copy one member, if it is a file of a wanted treebank; its name decides nothing but that."""
    path = PurePosixPath(member.name)
    wanted = path.parent.name in PAPER_TREEBANKS.values() and path.suffix == ".conllu" and member.isfile()
    source = archive.extractfile(member) if wanted else None
    if source is None:
        return
    if member.size > MAX_FILE:
        raise tarfile.TarError(f"{member.name} has {member.size:,} bytes, more than a treebank can have")
    target = folder / path.parent.name / path.name
    target.parent.mkdir(exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(source, file)

"""The corpora that are known by name, and where their splits are."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

from hyperx.data import hub, textfile
from hyperx.data.annotation import Annotation, annotation
from hyperx.data.archive import PAPER_TREEBANKS, ud27_folder
from hyperx.data.read import detect_format, read_sentences
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.languages import normalize

logger = logging.getLogger(__name__)

Splits = Mapping[str, Sequence[Sentence]]
STARTER = files("hyperx") / "data" / "starter"
STARTER_DEV, STARTER_TEST = {3, 11, 19}, {0, 5, 10, 15, 20}  # sentence numbers modulo 24


@dataclass(frozen=True)
class Corpus:
    """A corpus of the catalog.

    Attributes:
        tasks: those it has data for.
        languages: ``(root)`` to the languages at hand.
        load: ``(task, language, root, label_map)`` to its splits.
        on_disk: it lies in a folder of the user's, `root`.
        remote: it is downloaded when it is read.
    """

    name: str
    tasks: tuple[str, ...]
    description: str
    licence: str
    languages: Callable[[Path | None], list[str]]
    load: Callable[[str, str, Path | None, Mapping[str, str]], Splits]
    on_disk: bool = False
    remote: bool = False


def load_splits(
    corpus: str, task: str, language: str, *, root: Path | None = None, label_map: Mapping[str, str] | None = None
) -> Splits:
    """Read a pair's splits, those of train, dev and test that the corpus has.

    Args:
        root: the folder of a corpus on disk; ``$HYPERX_DATA`` unless given.

    Raises:
        HyperXError: the corpus is unknown or not there, has no such pair, or a file is malformed.
    """
    entry = find(corpus)
    if task not in entry.tasks:
        raise HyperXError(f"the corpus '{corpus}' has no data for the task '{task}', but for {', '.join(entry.tasks)}")
    return entry.load(task, normalize(language), _root(entry, root), label_map or {})


def load_files(
    task: str | Annotation,
    paths: Mapping[str, Path],
    *,
    format: str = "auto",
    tag_column: int | None = None,
    label_map: Mapping[str, str] | None = None,
) -> Splits:
    """Read a pair's splits from a file each; raw text stays in its file.

    Raises:
        HyperXError: a file is missing or malformed.
    """
    read = partial(read_sentences, task=task, format=format, tag_column=tag_column, label_map=label_map)
    splits: dict[str, Sequence[Sentence]] = {}
    for split, path in paths.items():
        found = detect_format(path, task=task) if format == "auto" else format
        lazy = annotation(task).auxiliary and found in textfile.FORMATS
        splits[split] = textfile.TextFile(path, found) if lazy else list(read(path))
    return splits


def languages(corpus: str, task: str, root: Path | None = None) -> list[str]:
    """Return the languages for which a corpus has data of a task.

    Raises:
        HyperXError: the corpus is unknown or not there.
    """
    entry = find(corpus)
    return entry.languages(_root(entry, root)) if task in entry.tasks else []


def tasks(corpus: str) -> tuple[str, ...]:
    """Return the tasks for which a corpus has data.

    Raises:
        HyperXError: the corpus is unknown.
    """
    return find(corpus).tasks


def find(name: str) -> Corpus:
    """Return a corpus by its name.

    Raises:
        HyperXError: there is none of that name.
    """
    if name not in CORPORA:
        raise HyperXError(f"there is no corpus '{name}' in the catalog; there are {', '.join(CORPORA)}")
    return CORPORA[name]


def _root(corpus: Corpus, root: Path | None) -> Path | None:
    if not corpus.on_disk:
        return None
    root = root or (Path(os.environ["HYPERX_DATA"]) if "HYPERX_DATA" in os.environ else None)
    if root is None:
        raise HyperXError(f"the corpus '{corpus.name}' lies in a folder: name it as 'root', or in $HYPERX_DATA")
    if not root.is_dir():
        raise HyperXError(f"the corpus '{corpus.name}' is not at {root}: there is no such folder. {corpus.description}")
    return root


# The starter corpus


def _starter_languages(_: Path | None) -> list[str]:
    return sorted(entry.name.removesuffix(".conllu") for entry in STARTER.iterdir() if entry.name.endswith(".conllu"))


def _load_starter(task: str, language: str, _: Path | None, label_map: Mapping[str, str]) -> Splits:
    _check_language("starter", language, _starter_languages(None))
    splits: dict[str, list[Sentence]] = {"train": [], "dev": [], "test": []}
    path = Path(str(STARTER / f"{language}.conllu"))
    for number, sentence in enumerate(read_sentences(path, task=task, label_map=label_map, tell_idle=False), 1):
        splits[starter_split(number)].append(sentence)
    return splits


def starter_split(number: int) -> str:
    """Return a starter sentence's split: by its number, so that no translation of a test sentence is trained on."""
    rest = number % 24
    return "dev" if rest in STARTER_DEV else "test" if rest in STARTER_TEST else "train"


# Corpora of Masakhane


def _masakhane_languages(task: str, root: Path | None) -> list[str]:
    folder = _folder(root, "masakhane", task)
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())


def _load_masakhane(task: str, language: str, root: Path | None, label_map: Mapping[str, str]) -> Splits:
    _check_language(f"masakhane-{task}", language, _masakhane_languages(task, root))
    folder = _folder(root, "masakhane", task) / language
    return load_files(task, {split: folder / f"{split}.txt" for split in ("train", "dev", "test")}, label_map=label_map)


def _mafand_languages(root: Path | None) -> list[str]:
    return sorted(path.stem for path in _folder(root, "mafand").glob("*.txt"))


def _load_mafand(task: str, language: str, root: Path | None, label_map: Mapping[str, str]) -> Splits:
    _check_language("mafand", language, _mafand_languages(root))
    return load_files("mlm", {"train": _folder(root, "mafand") / f"{language}.txt"})


# Universal Dependencies and Universal NER


def _treebanks(folder: Path) -> dict[str, list[Path]]:
    """Return each language's treebanks in a folder of ``UD_Language-Name`` folders, sorted."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("UD_*")):
        conllu = next(iter(sorted(path.glob("*.conllu"))), None)
        if conllu is not None:  # en_ewt-ud-train.conllu
            found.setdefault(normalize(conllu.name.split("_")[0]), []).append(path)
    return found


def _load_treebank(folder: Path, task: str, label_map: Mapping[str, str]) -> Splits:
    """Read a treebank, whose larger splits may be in several files, as de_hdt-ud-train-a-1.conllu is one."""
    paths = {split: sorted(folder.glob(f"*-ud-{split}*.conllu")) for split in ("train", "dev", "test")}
    others = sorted(set(folder.glob("*.conllu")).difference(*paths.values()))
    if others and not paths["train"]:
        names = ", ".join(path.name for path in others)
        logger.warning("%s has no file *-ud-train*.conllu; passed over are %s", folder, names)
    return {
        split: [
            sentence
            for path in parts
            for sentence in read_sentences(path, task=task, label_map=label_map, tell_idle=False)
        ]
        for split, parts in paths.items()
        if parts
    }


def _ud_languages(root: Path | None) -> list[str]:
    return sorted(_treebanks(_folder(root, "ud")))


def _load_ud(task: str, language: str, root: Path | None, label_map: Mapping[str, str]) -> Splits:
    treebanks = _treebanks(_folder(root, "ud"))
    _check_language("ud", language, list(treebanks))
    first, *others = treebanks[language]
    if others:
        names = ", ".join(path.name for path in others)
        logger.warning(
            "%s has several treebanks: %s is read; an entry of files can name %s", language, first.name, names
        )
    return _load_treebank(first, task, label_map)


def _load_ud27(task: str, language: str, _: Path | None, label_map: Mapping[str, str]) -> Splits:
    _check_language("ud-2.7", language, list(PAPER_TREEBANKS))
    return _load_treebank(ud27_folder(language), task, label_map)


def _load_uner(task: str, language: str, root: Path | None, label_map: Mapping[str, str]) -> Splits:
    """Train on the dev set without every tenth sentence, and select on those: there is no training set."""
    _check_language("uner", language, ["eng"])
    folder = _folder(root, "uner", "UNER_English-EWT")
    paths = {split: next(iter(folder.glob(f"*-{split}.iob2")), folder / f"{split}.iob2") for split in ("dev", "test")}
    splits = load_files(task, paths, label_map=label_map)
    dev = splits["dev"]
    train = [sentence for number, sentence in enumerate(dev) if number % 10]
    return {"train": train, "dev": dev[::10], "test": splits["test"]}


def _folder(root: Path | None, *parts: str) -> Path:
    folder = Path(root or ".", *parts)
    if not folder.is_dir():
        raise HyperXError(f"there is no folder {folder}; expected {'/'.join(parts)} in the data's root {root}")
    return folder


def _check_language(corpus: str, language: str, at_hand: list[str]) -> None:
    if language not in at_hand:
        raise HyperXError(f"the corpus '{corpus}' has no {language}; it has {', '.join(at_hand)}")


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            "starter",
            ("pos", "ner", "mlm"),
            "120 parallel sentences a language, written for this project and shipped with it.",
            "CC0",
            _starter_languages,
            _load_starter,
        ),
        Corpus(
            "masakhane-pos",
            ("pos",),
            "MasakhaPOS, as masakhane/pos/LANG/{train,dev,test}.txt: https://github.com/masakhane-io/masakhane-pos",
            "CC BY-NC 4.0",
            partial(_masakhane_languages, "pos"),
            _load_masakhane,
            on_disk=True,
        ),
        Corpus(
            "masakhane-ner",
            ("ner",),
            "MasakhaNER 2.0, as masakhane/ner/LANG/{train,dev,test}.txt: https://github.com/masakhane-io/masakhane-ner",
            "CC BY-NC 4.0",
            partial(_masakhane_languages, "ner"),
            _load_masakhane,
            on_disk=True,
        ),
        Corpus(
            "mafand",
            ("mlm",),
            "MAFAND-MT's monolingual sides, as mafand/LANG.txt: https://github.com/masakhane-io/lafand-mt",
            "CC BY-NC 4.0",
            _mafand_languages,
            _load_mafand,
            on_disk=True,
        ),
        Corpus(
            "ud",
            ("pos", "parse", "feats"),
            "Treebanks of Universal Dependencies, as ud/UD_*/*.conllu: https://universaldependencies.org",
            "by treebank, in its LICENSE.txt: mostly CC BY-SA, some non-commercial",
            _ud_languages,
            _load_ud,
            on_disk=True,
        ),
        Corpus(
            "uner",
            ("ner",),
            "Universal NER's English-EWT, as uner/UNER_English-EWT/*.iob2: https://www.universalner.org",
            "CC BY-SA 4.0",
            lambda root: ["eng"],
            _load_uner,
            on_disk=True,
        ),
        Corpus(
            "ud-2.7",
            ("pos", "parse", "feats"),
            "The paper's treebanks in its release 2.7, from LINDAT (handle 11234/1-3424), downloaded once.",
            "by treebank, in its LICENSE.txt: mostly CC BY-SA, some non-commercial",
            lambda root: list(PAPER_TREEBANKS),
            _load_ud27,
            remote=True,
        ),
        Corpus(
            "wikiann",
            ("ner",),
            "WikiANN with Rahimi's splits, from the Hub (unimelb-nlp/wikiann).",
            "ODC-BY",
            lambda root: list(hub.WIKIANN),
            lambda task, language, root, label_map: hub.load_wikiann(language, label_map),
            remote=True,
        ),
        Corpus(
            "wikipedia",
            ("mlm",),
            "Wikipedia, at most 100,000 sentences a language, from the Hub (wikimedia/wikipedia).",
            "CC BY-SA",
            lambda root: list(hub.WIKIPEDIA),
            lambda task, language, root, label_map: hub.load_wikipedia(language),
            remote=True,
        ),
    )
}

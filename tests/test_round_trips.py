"""Read, write, read gives the same, on real files: a sample, or with HYPERX_ALL_DATA=1 all of them."""

import os
from pathlib import Path

import pytest

from hyperx.data.read import read_sentences
from hyperx.errors import HyperXError
from hyperx.tasks import build_task
from hyperx.text.formats import to_conllu, to_iob2
from hyperx.text.read import Source, read_text_sentences
from hyperx.text.sentence import Layer, TaggedSentence, from_words

SAMPLE = 3  # files of a kind


def chosen(data: Path, pattern: str) -> list[Path]:
    """Return the smallest of the files, or all."""
    files = sorted(data.glob(pattern), key=lambda path: path.stat().st_size)
    assert files
    return files if os.environ.get("HYPERX_ALL_DATA") else files[:SAMPLE]


def gold(task: str, tags: tuple[str, ...]) -> Layer:
    return Layer(tags, (1.0,) * len(tags), None, build_task(task))


def test_conllu_that_nothing_is_added_to_is_the_same_bytes(data: Path) -> None:
    for path in chosen(data, "ud/**/*.conllu"):
        with path.open("rb") as file:
            _, sentences = read_text_sentences(file, Source(str(path), "eng"))
            assert "".join(to_conllu(TaggedSentence(s, {})) for s in sentences).encode() == path.read_bytes(), path


def test_conllu_with_its_own_tags_is_the_same_bytes(data: Path) -> None:
    tasks = ("pos", "feats", "parse")
    for path in chosen(data, "ud/**/*.conllu"):
        try:
            tags = [[s.tags for s in read_sentences(path, task=task)] for task in tasks]
        except HyperXError as error:  # a treebank without one of the annotations
            assert str(path) in str(error)  # noqa: PT017
            continue
        with path.open("rb") as file:
            sentences = read_text_sentences(file, Source(str(path), "eng"))[1]
            written = [
                to_conllu(TaggedSentence(s, {task: gold(task, own) for task, own in zip(tasks, layers, strict=True)}))
                for s, *layers in zip(sentences, *tags, strict=True)
            ]
        assert "".join(written).encode() == path.read_bytes(), path


@pytest.mark.parametrize(
    ("task", "pattern"),
    [("ner", "uner/**/*.iob2"), ("ner", "masakhane/ner/**/*.txt"), ("pos", "masakhane/pos/**/*.txt")],
)
def test_iob2(data: Path, task: str, pattern: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.iob2"
    for path in chosen(data, pattern):
        read = [(s.words, s.tags) for s in read_sentences(path, task=task)]
        copy.write_text(write(task, read), encoding="utf-8")
        again = [(s.words, s.tags) for s in read_sentences(copy, task=task)]
        assert again == read, path
        assert write(task, again).encode() == copy.read_bytes(), path


def write(task: str, sentences: list[tuple[tuple[str, ...], tuple[str, ...] | None]]) -> str:
    return "".join(
        to_iob2(TaggedSentence(from_words(words, "eng"), {task: gold(task, tags or ())})) for words, tags in sentences
    )

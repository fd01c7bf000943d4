"""Any file of sentences."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from hyperx.data.annotation import Annotation, annotation
from hyperx.data.columns import read_columns
from hyperx.data.conllu import read_conllu
from hyperx.data.jsonl import read_jsonl
from hyperx.data.labels import ENTITY_TAG, Scheme, find_scheme, slips, to_iob2
from hyperx.data.lines import read_lines
from hyperx.data.sentence import Sentence
from hyperx.data.text import read_text
from hyperx.data.tsv import read_tsv
from hyperx.errors import HyperXError

logger = logging.getLogger(__name__)

FORMATS = ("conllu", "columns", "wikiann", "tsv", "text", "jsonl")
_EXTENSIONS = {
    ".conllu": "conllu",
    ".jsonl": "jsonl",
    ".json": "jsonl",
    ".iob2": "columns",
    ".iob": "columns",
    ".bio": "columns",
}


def read_sentences(
    path: str | Path,
    *,
    task: str | Annotation,
    format: str = "auto",
    tag_column: int | None = None,
    label_map: Mapping[str, str] | None = None,
    tell_idle: bool = True,
) -> Iterator[Sentence]:
    """Yield a file's sentences, entities in IOB2 whatever scheme they are written in.

    Args:
        task: whose annotation to read; of an auxiliary one, such as ``mlm``, there is none.
        format: one of `FORMATS`; found from the name and the first lines, unless given.
        tag_column: of a file of columns, from 1; found, unless given.
        label_map: tags or entity types to rename, ``{"DATE": "O"}``.
        tell_idle: tell of labels of `label_map` that the file doesn't have; a corpus has one map for all of its tasks.

    Raises:
        HyperXError: the file can't be read as that; the message names file and line.
    """
    path, task = Path(path), annotation(task)
    if format not in ("auto", *FORMATS):
        raise HyperXError(f"unknown format '{format}'; known are {', '.join(FORMATS)}")
    if format == "auto":
        format = detect_format(path, task=task)
    read = partial(_read, path, task, format, tag_column)
    yield from normalize_tags(read, str(path), task=task, label_map=label_map, tell_idle=tell_idle)


def normalize_tags(
    read: Callable[[], Iterator[Sentence]],
    name: str,
    *,
    task: str | Annotation,
    label_map: Mapping[str, str] | None = None,
    tell_idle: bool = True,
) -> Iterator[Sentence]:
    """Yield what `read` does, which is called again for a first pass over entities, with checked and mapped tags.

    Args:
        name: of the file, for messages.
        tell_idle: as in `read_sentences`.

    Raises:
        HyperXError: a word is empty, a tag is none of the task's, or `label_map` takes from an I- what it goes on.
    """
    task, label_map = annotation(task), label_map or {}
    scheme = _scheme(read) if task.spans else None
    seen: set[str] = set()
    for sentence in read():
        tags = to_iob2(sentence.tags, scheme) if scheme and sentence.tags else sentence.tags
        if label_map:
            seen.update(tags or ())
        yield _clean(sentence, tags, task, label_map)
    for key, new in label_map.items() if tell_idle else ():
        if seen and not any(task.rename(tag, {key: new}) != tag for tag in seen):
            logger.warning("%s: the label map's '%s' renames nothing", name, key)


def detect_format(path: Path, *, task: str | Annotation) -> str:
    """Find a file's format from its extension, else from its first lines."""
    task = annotation(task)
    if path.suffix.lower() in _EXTENSIONS:
        return _EXTENSIONS[path.suffix.lower()]
    lines = [line for _, line in islice(read_lines(path), 100) if line.strip() and not line.startswith("# ")]
    if lines and all(line.count("\t") == 9 for line in lines):
        return "conllu"
    if lines and all(line.lstrip().startswith("{") for line in lines):
        return "jsonl"
    return "text" if task.auxiliary else "tsv" if task.per_sentence else "columns"


def _read(path: Path, task: Annotation, format: str, tag_column: int | None) -> Iterator[Sentence]:
    match format:
        case "conllu":
            return read_conllu(path, task=task)
        case "jsonl":
            return read_jsonl(path, task=task)
        case "text":
            if not task.auxiliary:
                raise HyperXError(f"{path} is plain text, which has no {task.name} tags; it can serve the task 'mlm'")
            return read_text(path)
        case "tsv" if task.per_sentence:
            return read_tsv(path, task=task, label_column=tag_column)
        case _ if task.per_sentence or format == "tsv":
            wanted = "a label a sentence" if task.per_sentence else "a tag a word"
            raise HyperXError(f"{path}: the format '{format}' can't hold {wanted}, which the task '{task.name}' needs")
        case _:
            return read_columns(path, task=task, tag_column=tag_column, wikiann=format == "wikiann" or None)


def _scheme(read: Callable[[], Iterator[Sentence]]) -> Scheme:

    def tags() -> Iterator[tuple[str, ...]]:
        for sentence in read():
            _check_entities(sentence)
            yield sentence.tags or ()

    scheme = find_scheme(tags())
    if scheme is None:
        # Published files hold slips, an I- without its B-, which is read as the beginning that it is, as in IOB1.
        for sentence in read():
            for number in slips(sentence.tags or ()):
                logger.warning("%s: an entity begins with I-, read as B-", _at(sentence, number))
    return scheme or "IOB1"


def _clean(sentence: Sentence, tags: Sequence[str] | None, task: Annotation, label_map: Mapping[str, str]) -> Sentence:
    for number, word in enumerate(sentence.words):
        if not word.strip():
            raise HyperXError(f"{_at(sentence, number)}: the word is empty; expected a word and its tag")
    if tags is None:
        return sentence
    tags = [task.rename(tag, label_map) for tag in tags]
    if task.spans:
        _check_iob2(sentence, tags)
    for number, tag in enumerate(tags):
        if problem := task.problem(tag, len(sentence.words)):
            raise HyperXError(f"{_at(sentence, number)}: '{tag}' {problem}")
    if found := task.sentence_problem(tags):
        raise HyperXError(f"{_at(sentence, found[0])}: '{tags[found[0]]}' {found[1]}")
    return replace(sentence, tags=tuple(tags))


def _check_iob2(sentence: Sentence, tags: list[str]) -> None:
    for number, tag in enumerate(tags):
        if tag[0] not in "OBI":
            raise HyperXError(
                f"{_at(sentence, number)}: '{tag}' is of the scheme IOBES or BILOU, which the file breaks; "
                "expected every entity as S, or as B, I and E of one type"
            )
    for number in slips(tags):  # those of the file are mended
        raise HyperXError(
            f"{_at(sentence, number)}: with the label map '{tags[number]}' goes on no entity; "
            "map types, as DATE, not B-DATE alone"
        )


def _check_entities(sentence: Sentence) -> None:
    for number, tag in enumerate(sentence.tags or ()):
        if not ENTITY_TAG.fullmatch(tag):
            raise HyperXError(
                f"{_at(sentence, number)}: '{tag}' is not an entity tag; expected O, B-PER, I-PER or their like"
            )


def _at(sentence: Sentence, word: int) -> str:
    """Return where a sentence's word is: its file, the sentence's first line, and the word."""
    return f"{sentence.source}, word {word + 1} ('{sentence.words[word]}')"

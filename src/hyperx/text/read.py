"""Sentences to be tagged, from files and streams of any length."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, dropwhile, islice
from pathlib import PurePath
from typing import Any, BinaryIO

from hyperx.data.annotation import annotation
from hyperx.data.columns import PEEK, comment, layout_of, read_blocks
from hyperx.data.jsonl import WORDS
from hyperx.data.lines import decode_lines
from hyperx.data.strict_json import parse
from hyperx.errors import HyperXError
from hyperx.languages import normalize
from hyperx.text.segment import Segmenter
from hyperx.text.sentence import TextSentence, from_words

Lines = Iterator[tuple[int, str]]

_EXTENSIONS = {
    ".conllu": "conllu",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".iob2": "columns",
    ".iob": "columns",
    ".bio": "columns",
}


@dataclass(frozen=True)
class Source:
    """What is known of a file's text beside the file.

    Attributes:
        name: the file's, for messages.
        language: of sentences that name none.
        language_field: under which they name it: a field of a line of JSON, a table's column, a comment.
        stream: it comes as it is written, and may never end: as little as can be is read ahead.
    """

    name: str
    language: str | None = None
    language_field: str = "language"
    stream: bool = False

    def at(self, number: int) -> str:
        return f"{self.name}:{number}"

    def language_of(self, given: Any, number: int) -> str:
        """Return a sentence's language.

        Raises:
            HyperXError: it names none and there is no other, or one that is not known.
        """
        written = given or self.language
        if not isinstance(written, str):
            raise HyperXError(
                f"{self.at(number)}: the sentence names no language under '{self.language_field}'; "
                "give --language, or --language-field if it stands under another name"
            )
        try:
            return normalize(written)
        except HyperXError as error:
            raise HyperXError(f"{self.at(number)}: {error}") from None


def read_text_sentences(file: BinaryIO, source: Source, *, format: str = "auto") -> tuple[str, Iterator[TextSentence]]:
    """Return a file's format and its sentences, which are read as they are asked for.

    Args:
        file: open, to read bytes; a stream will do.
        format: one of `INPUTS`, or ``auto``: found from the name or the first line. Raw text is never guessed.

    Raises:
        HyperXError: the format is unknown or can't be told; the file is not of its format, with the line.
    """
    if format not in ("auto", *INPUTS):
        raise HyperXError(f"there is no input format '{format}'; choose auto, {', '.join(INPUTS)}")
    lines, source = decode_lines(file, source.name), replace(source, stream=not file.seekable())
    if format == "auto":
        format = _EXTENSIONS.get(PurePath(source.name).suffix.lower(), "auto")
    if format == "auto":
        head = _head(lines)
        lines = chain(head, lines)
        format = _detect(head, source)
    return format, INPUTS[format](lines, source)


def _head(lines: Lines) -> list[tuple[int, str]]:
    """Return the lines up to the first that is neither blank nor a comment."""
    head = []
    for number, line in lines:
        head.append((number, line))
        if line.strip() and not line.startswith("#"):
            break
    return head


def _detect(head: list[tuple[int, str]], source: Source) -> str:
    number, line = head[-1] if head else (0, "")
    if line.count("\t") == 9:
        return "conllu"
    if line.startswith("{") and _is_object(line):
        return "jsonl"
    if "\t" not in line:
        return "words"
    if {*WORDS, "text"} & set(line.split("\t")):
        return "tsv"
    raise HyperXError(
        f"{source.at(number)}: tabs, but neither CoNLL-U nor a table with a column 'text' or 'tokens'; "
        "say what it is: --input columns for a word a line, --input words or --input text"
    )


def _is_object(line: str) -> bool:
    try:
        return isinstance(parse(line), dict)
    except ValueError:
        return False


def _segment(text: str, source: Source, number: int, language: str, fields: dict[str, Any]) -> Iterator[TextSentence]:
    try:
        sentences = Segmenter(language).split(text)
    except HyperXError as error:
        raise HyperXError(f"{source.at(number)}: {error}") from error
    for words in sentences:
        yield TextSentence(text, words, language, raw=True, source=source.at(number), fields=fields)


def _read_text(lines: Lines, source: Source) -> Iterator[TextSentence]:
    """Raw text, a paragraph a line."""
    for number, line in lines:
        if line.strip():
            yield from _segment(line, source, number, source.language_of(None, number), {})


def _read_words(lines: Lines, source: Source) -> Iterator[TextSentence]:
    """A tokenized sentence a line."""
    for number, line in lines:
        if words := line.split():
            yield from_words(words, source.language_of(None, number), source=source.at(number))


def _first_block(lines: Lines) -> Iterator[tuple[int, str]]:
    """Yield lines up to the first blank one after a word."""
    words = False
    for number, line in lines:
        yield number, line
        bare = line.strip(" \t")
        if words and not bare:
            return
        words = words or bool(bare and not bare.startswith(("-DOCSTART-", "#")))


def _read_columns(lines: Lines, source: Source) -> Iterator[TextSentence]:
    """A word a line, in the column where training finds it, and a blank line after a sentence."""
    task = annotation("mlm")
    lines = dropwhile(lambda numbered: not numbered[1].strip(" \t"), lines)
    head = list(islice(_first_block(lines) if source.stream else lines, PEEK))
    if not head:
        return
    layout = layout_of(head, source.name, task=task)
    for start, comments, rows in read_blocks(chain(head, lines), source.name, layout, task, key=source.language_field):
        language = source.language_of(comments.get(source.language_field), start)
        yield from_words([row[layout.word] for row in rows], language, source=source.at(start), fields=comments)


def _blocks(lines: Lines) -> Iterator[list[tuple[int, str]]]:
    """Yield runs of lines between blank ones."""
    block: list[tuple[int, str]] = []
    for number, line in lines:
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _read_conllu(lines: Lines, source: Source) -> Iterator[TextSentence]:
    """CoNLL-U; the syntactic words are tagged, not multiword tokens and empty nodes."""
    for block in _blocks(lines):
        comments: dict[str, str] = {}
        words: list[str] = []
        for number, line in block:
            if line.startswith("#"):
                comments |= comment(line)
                continue
            columns = line.split("\t")
            if len(columns) != 10:
                raise HyperXError(f"{source.at(number)}: {len(columns)} columns; CoNLL-U has 10, separated by tabs")
            if "-" in columns[0] or "." in columns[0]:
                continue
            if columns[0] != str(len(words) + 1):
                raise HyperXError(f"{source.at(number)}: the word's id is '{columns[0]}', expected {len(words) + 1}")
            words.append(columns[1])
        number = block[0][0]
        language = source.language_of(comments.get(source.language_field), number)
        yield from_words(words, language, source=source.at(number), lines=tuple(line for _, line in block))


def _read_jsonl(lines: Lines, source: Source) -> Iterator[TextSentence]:
    """An object a line, with words under ``tokens`` or raw text under ``text``; what else it holds is kept."""
    for number, line in lines:
        if not line.strip():
            continue
        try:
            value = parse(line)
        except ValueError as error:
            raise HyperXError(f"{source.at(number)}: not valid JSON: {error}; expected one object a line") from error
        if not isinstance(value, dict):
            raise HyperXError(f'{source.at(number)}: expected an object such as {{"text": "..."}}')
        yield from _record(value, source, number)


def _read_tsv(lines: Lines, source: Source) -> Iterator[TextSentence]:
    """A table with names in its first line: ``text``, or ``tokens`` separated by spaces; other columns are kept."""
    names: list[str] = []
    for number, line in lines:
        cells = line.split("\t")
        if not names:
            names = cells
            if not {*WORDS, "text"} & set(names):
                raise HyperXError(f"{source.at(number)}: no column is named 'text' or 'tokens'; expected one that is")
            if twice := [name for name, count in Counter(names).items() if count > 1]:
                raise HyperXError(f"{source.at(number)}: two columns are named '{twice[0]}'; name one otherwise")
            continue
        if not line.strip():
            continue
        if len(cells) != len(names):
            raise HyperXError(f"{source.at(number)}: {len(cells)} columns, but the first line names {len(names)}")
        value: dict[str, Any] = dict(zip(names, cells, strict=True))
        value |= {key: value[key].split() for key in WORDS if key in value}
        yield from _record(value, source, number)


def _record(value: dict[str, Any], source: Source, number: int) -> Iterator[TextSentence]:
    """Yield the sentences of an object; one without words is a sentence without words, so that none is lost."""
    language = source.language_of(value.get(source.language_field), number)
    words, text = next((value[key] for key in WORDS if key in value), None), value.get("text")
    if words is not None:
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise HyperXError(f"{source.at(number)}: the tokens are not a list of strings")
        fields = {key: kept for key, kept in value.items() if key not in (*WORDS, "text")}
        sentence = from_words(words, language, source=source.at(number), fields=fields)
        yield _placed(sentence, text) if isinstance(text, str) else sentence
        return
    if not isinstance(text, str):
        raise HyperXError(f"{source.at(number)}: expected a string under 'text', or a list of strings under 'tokens'")
    fields = {key: kept for key, kept in value.items() if key != "text"}
    found = False
    for sentence in _segment(text, source, number, language, fields):
        found = True
        yield sentence
    if not found:
        yield TextSentence(text, (), language, raw=True, source=source.at(number), fields=fields)


def _placed(sentence: TextSentence, text: str) -> TextSentence:
    """Return a sentence of words as one of the text that they were found in; as it is, where text and words differ."""
    offsets, end = [], 0
    for word in sentence.words:
        start = text.find(word, end)
        if start < 0 or text[end:start].strip():
            return sentence
        end = start + len(word)
        offsets.append((start, end))
    return sentence if text[end:].strip() else replace(sentence, text=text, offsets=tuple(offsets), raw=True)


INPUTS: dict[str, Callable[[Lines, Source], Iterator[TextSentence]]] = {
    "text": _read_text,
    "words": _read_words,
    "columns": _read_columns,
    "conllu": _read_conllu,
    "jsonl": _read_jsonl,
    "tsv": _read_tsv,
}

"""A word and its tag a line, an empty line between sentences: CoNLL-2003, MasakhaNER, Universal NER, WikiANN."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from hyperx.data.annotation import Annotation
from hyperx.data.lines import read_lines
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError

logger = logging.getLogger(__name__)

PEEK = 2000  # lines from which the columns are found
_COMMENT = re.compile(r"#\s*(\S+)\s*=\s*(.*)|#\s*newdoc|#\s*newpar")
_SIGNED = re.compile(r"#\S*=\S")  # a word such as '#a=b', or a comment
_WIKIANN = re.compile(r"[a-z]{2,3}(?:[-_][a-z]+)*:")
_ID = re.compile(r"\d{1,9}([-.]\d+)?")  # a word's, or a multiword token's (2-3), or an empty node's (1.1)


class Layout(NamedTuple):
    """Where a file's words and tags are.

    Attributes:
        separator: a tab, or a space for any run of spaces.
        width: columns a line.
        word, tag: their columns, from 0.
        prefix: words bear WikiANN's ``lang:``.
    """

    separator: str
    width: int
    word: int
    tag: int
    prefix: bool

    @property
    def numbered(self) -> bool:
        """The first column numbers the words."""
        return self.word == 1


class Block(NamedTuple):
    """A sentence's lines.

    Attributes:
        start: the number of its first word's line.
        comments: ``# key = value`` before it.
        rows: each word's fields.
    """

    start: int
    comments: dict[str, str]
    rows: list[list[str]]


def read_columns(
    path: Path, *, task: Annotation, tag_column: int | None = None, wikiann: bool | None = None
) -> Iterator[Sentence]:
    """Yield sentences of two or more columns, separated by tabs or spaces.

    A line ``# key = value`` before a sentence is a comment, as is ``-DOCSTART-``; ``#a=b`` with a tag is a word, to an auxiliary
    task with as many columns as the words.

    Args:
        task: whose tags to look for; an auxiliary one takes the words only.
        tag_column: the tag's column, from 1; found, unless given.
        wikiann: words are written ``lang:word``; found, unless given.

    Raises:
        HyperXError: no column holds tags of the task, or a line is not as the others.
    """
    layout = find_layout(path, task=task, tag_column=tag_column, wikiann=wikiann)
    for block in read_blocks(read_lines(path), str(path), layout, task):
        tags = None if task.auxiliary else tuple(row[layout.tag] for row in block.rows)
        yield Sentence(tuple(row[layout.word] for row in block.rows), tags, f"{path}:{block.start}")


def read_blocks(
    lines: Iterable[tuple[int, str]], name: str, layout: Layout, task: Annotation, *, key: str | None = None
) -> Iterator[Block]:
    """Yield each sentence's lines.

    Args:
        name: the file's, for messages.
        key: ``# key = value`` before a sentence is a comment, however many columns it has.

    Raises:
        HyperXError: a line has not as many columns as the layout, an id that can't be, or a word without the others' prefix.
    """
    start = 1
    comments: dict[str, str] = {}
    rows: list[list[str]] = []
    for number, line in lines:
        if not line.strip(" \t"):
            if rows:
                yield Block(start, comments, rows)
            comments, rows = {}, []
        elif _is_comment(line, layout.separator, task, within=bool(rows), width=layout.width, key=key):
            comments |= comment(line)
        elif row := _row(line, f"{name}:{number}", layout, task, len(rows) + 1):
            if not rows:
                start = number
            rows.append(row)
    if rows:
        yield Block(start, comments, rows)


def _row(line: str, at: str, layout: Layout, task: Annotation, word: int) -> list[str] | None:
    """Return the fields of a sentence's `word`, counted from 1; None where a line holds no word."""
    if layout.separator == " " and "\t" in line:
        raise HyperXError(f"{at}: a tab, but most lines are separated by spaces: {line[:60]!r}")
    fields = split_columns(line, layout.separator)
    if len(fields) == layout.width - 1 and line[0] == layout.separator and task.is_tag(fields[-1]):
        logger.warning("%s: a tag without a word is passed over: %r", at, line)
        return None
    if len(fields) != layout.width:
        mark = "tab" if layout.separator == "\t" else "space"
        wanted = "a word a line" if layout.width == 1 else f"a word and its tag separated by a {mark}"
        raise HyperXError(
            f"{at}: {len(fields)} columns, but {layout.width} on most lines; expected {wanted}: {line[:60]!r}"
        )
    if layout.numbered and fields[0] != str(word):
        if _is_inserted(fields):
            return None
        raise HyperXError(f"{at}: the word's id is '{fields[0]}', expected {word}")
    if layout.prefix:
        return _without_prefix(fields, at, layout.word)
    return fields


def _without_prefix(fields: list[str], at: str, word: int) -> list[str] | None:
    prefix = _WIKIANN.match(fields[word])
    if not prefix:
        raise HyperXError(
            f"{at}: the word '{fields[word]}' is not written as the others are, with a prefix such as sw:"
        )
    bare = fields[word][prefix.end() :]
    if not bare:
        logger.warning("%s: a tag without a word is passed over: %r", at, " ".join(fields))
        return None
    return [*fields[:word], bare, *fields[word + 1 :]]


def find_layout(path: Path, *, task: Annotation, tag_column: int | None = None, wikiann: bool | None = None) -> Layout:
    """Find a file's columns from its first lines.

    Raises:
        HyperXError: no column holds tags of the task.
    """
    return layout_of(islice(read_lines(path), PEEK), str(path), task=task, tag_column=tag_column, wikiann=wikiann)


def layout_of(
    lines: Iterable[tuple[int, str]],
    name: str,
    *,
    task: Annotation,
    tag_column: int | None = None,
    wikiann: bool | None = None,
) -> Layout:
    """Find the columns of a file, of that name, from its first lines; what most of them have is the rule.

    Raises:
        HyperXError: no column holds tags of the task.
    """
    lines = [(number, line) for number, line in lines if line.strip(" \t")]
    separator = _find_separator(line for _, line in lines)
    rows = [
        (number, split_columns(line, separator))
        for number, line in lines
        if not _is_comment(line, separator, task, within=False)
    ]
    if not rows:
        raise HyperXError(f"{name} has no words in its first {PEEK:,} lines")
    first = rows[0][0]
    width = Counter(len(fields) for _, fields in rows).most_common(1)[0][0]
    if width < 2 and not task.auxiliary:
        raise HyperXError(f"{name}:{first}: one column; expected a word and its tag, separated by a tab or a space")
    fitting = [fields for _, fields in rows if len(fields) == width]
    word = 0
    if width > 2 and _are_ids(fitting, f"{name}:{first}"):
        word, fitting = 1, [fields for fields in fitting if not _is_inserted(fields)]
    if wikiann is None:
        wikiann = 2 * sum(bool(_WIKIANN.match(fields[word])) for fields in fitting) > len(fitting)
    if tag_column is not None:
        if not 1 <= tag_column <= width:
            raise HyperXError(f"{name}:{first}: there is no column {tag_column}; the file has {width}")
        return Layout(separator, width, word, tag_column - 1, wikiann)
    return Layout(separator, width, word, _find_tags(f"{name}:{first}", fitting, word, task), wikiann)


def _find_separator(lines: Iterable[str]) -> str:
    marked = ["\t" in line for line in lines if "\t" in line or not _COMMENT.match(line)]
    return "\t" if 2 * sum(marked) >= len(marked) else " "


def _are_ids(rows: list[list[str]], at: str) -> bool:
    """Return whether the first column counts the words of most sentences from 1."""
    if not all(_ID.fullmatch(fields[0]) for fields in rows):
        return False
    ids = [int(fields[0]) for fields in rows if not _is_inserted(fields)]
    counting = sum(after in (1, before + 1) for before, after in pairwise([0, *ids]))
    if 2 * counting > len(ids):
        return True
    logger.warning("%s: the first column holds numbers that don't count the words; they are read as the words", at)
    return False


def _is_inserted(fields: list[str]) -> bool:
    """Return whether a row is of a multiword token or an empty node, by its id."""
    found = _ID.fullmatch(fields[0])
    return bool(found and found[1])


def _find_tags(at: str, rows: list[list[str]], word: int, task: Annotation) -> int:
    if task.auxiliary:
        return word
    width = len(rows[0])
    found = [
        column for column in range(width) if column != word and all(task.is_tag(fields[column]) for fields in rows)
    ]
    if len(found) > 1:
        *others, last = (str(column + 1) for column in found)
        names = f"{', '.join(others[:9])} and {last}"
        logger.warning(
            "%s: columns %s hold %s tags; %s is read, say tag_column for another", at, names, task.name, last
        )
    if found:
        return found[-1]
    if width == 2:
        return 1 - word  # the wrong tag is reported where it stands
    raise HyperXError(
        f"{at}: none of the {width} columns holds {task.name} tags only; say which one does, with tag_column"
    )


def split_columns(line: str, separator: str) -> list[str]:
    """Return a line's fields."""
    # Only tabs or plain spaces separate: a no-break space may be part of a word.
    return line.split("\t") if separator == "\t" else [field for field in line.strip(" ").split(" ") if field]


def comment(line: str) -> dict[str, str]:
    """Return what a line ``# key = value`` says; of any other, nothing."""
    found = _COMMENT.match(line)
    return {found[1]: found[2].strip()} if found and found[1] else {}


def _is_comment(
    line: str, separator: str, task: Annotation, *, within: bool, width: int | None = None, key: str | None = None
) -> bool:
    if split_columns(line, separator)[0] == "-DOCSTART-":
        return True
    if not line.startswith("#") or within:
        return False
    if key in comment(line):
        return True
    fields = split_columns(line, separator)
    tagged = len(fields) > 1 and task.is_tag(fields[-1])
    if separator == "\t":
        return "\t" not in line or (bool(_COMMENT.match(line)) and not tagged)
    # An auxiliary task knows no tags to tell a word by, but a word has as many columns as the others.
    word = len(fields) == width if task.auxiliary else tagged
    return bool(_COMMENT.match(line)) and not (word and _SIGNED.match(line))

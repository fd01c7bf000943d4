"""JSON Lines: an object with a sentence's words and tags a line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hyperx.data.annotation import Annotation
from hyperx.data.lines import read_lines
from hyperx.data.sentence import Sentence
from hyperx.data.strict_json import parse
from hyperx.errors import HyperXError

WORDS = ("tokens", "words")


def read_jsonl(path: Path, *, task: Annotation) -> Iterator[Sentence]:
    """Yield sentences of objects such as ``{"tokens": [...], "ner_tags": [...]}`` or, for ``mlm``, ``{"text": "..."}``.

    Tags are looked for under ``ner_tags`` (``pos_tags`` for pos, and so on), the task's name, and the task's `json_keys`.

    Raises:
        HyperXError: a line is no such object, or words and tags are not equally many.
    """
    for number, line in read_lines(path):
        if line.strip():
            source = f"{path}:{number}"
            try:
                value = parse(line)
            except ValueError as error:
                raise HyperXError(f"{source}: not valid JSON: {error}; expected one object a line") from error
            yield to_sentence(value, source, task)


def to_sentence(value: Any, source: str, task: Annotation) -> Sentence:
    """Turn an object, a line's or a row's of a data set, into a sentence.

    Raises:
        HyperXError: it has no words or tags, or not equally many.
    """
    if not isinstance(value, dict):
        raise HyperXError(f'{source}: expected an object such as {{"tokens": [...], "{task.name}_tags": [...]}}')
    words = _strings(value, WORDS, source)
    if words is None and isinstance(value.get("text"), str):
        words = tuple(value["text"].split())
    if not words:
        raise HyperXError(f"{source}: no words; expected a list of strings under 'tokens', or a string under 'text'")
    if task.auxiliary:
        return Sentence(words, None, source)
    keys = label_keys(task)
    tags = _label(value, keys) if task.per_sentence else _tags(value, keys, source)
    if tags is None:
        kind = "string" if task.per_sentence else "list of strings"
        raise HyperXError(
            f"{source}: no {kind} that could be tags; expected one under {' or '.join(repr(key) for key in keys)}"
        )
    if len(tags) != len(words) and not task.per_sentence:
        raise HyperXError(f"{source}: {len(words)} words but {len(tags)} tags; expected one tag a word")
    return Sentence(words, tags, source)


def label_keys(task: Annotation) -> tuple[str, ...]:
    """Return where an object may have a task's annotation."""
    return (f"{task.name}_tags", task.name, *task.json_keys)


def _label(value: dict[str, Any], keys: tuple[str, ...]) -> tuple[str, ...] | None:
    return next(((value[key],) for key in keys if isinstance(value.get(key), str) and value[key].strip()), None)


def _tags(value: dict[str, Any], keys: tuple[str, ...], source: str) -> tuple[str, ...] | None:
    for key in keys:
        lists = [_strings(value, (part,), source) for part in key.split(":")]
        if all(lists):
            return tuple(":".join(parts) for parts in zip(*(strings or () for strings in lists), strict=False))
    return None


def _strings(value: dict[str, Any], keys: tuple[str, ...], source: str) -> tuple[str, ...] | None:
    for key in keys:
        if key in value:
            items = value[key]
            if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
                raise HyperXError(f"{source}: '{key}' is not a list of strings")
            return tuple(items)
    return None

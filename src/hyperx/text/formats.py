"""A tagged sentence as text: CoNLL-U, IOB2, JSON Lines, CSV, and colours for the terminal."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from hyperx.data.columns import comment
from hyperx.text.sentence import Layer, TaggedSentence, TextSentence

_ENTITY_COLOURS = {"PER": "magenta", "ORG": "cyan", "LOC": "green"}
_TAG_COLOURS = {"NOUN": "cyan", "PROPN": "magenta", "VERB": "green", "AUX": "green", "ADJ": "yellow", "ADV": "yellow"}


def to_conllu(tagged: TaggedSentence) -> str:
    """Return CoNLL-U, each task's tags where it has them: pos in UPOS, entities in MISC as ``NER=B-PER``, a label in a comment.

    A sentence that was read from CoNLL-U keeps all else that it held. Any other has its `_comments`, and one of raw text its
    ``# text`` and ``SpaceAfter=No``.
    """
    kept = tagged.sentence.lines
    if not tagged.words:
        return "\n".join(kept) + "\n\n" if kept else ""
    lines = kept or tuple(_conllu_lines(tagged))
    rows = [[line] if line.startswith("#") else line.split("\t") for line in lines]
    words = [columns for columns in rows if columns[0].isdigit()]
    added: dict[str, str] = {}
    for layer in tagged.layers.values():
        layer.task.to_conllu(words, added, layer.tags)
    rows = [columns for columns in rows if _key(columns[0]) not in added]
    first = next(number for number, columns in enumerate(rows) if not columns[0].startswith("#"))
    rows[first:first] = [[f"# {key} = {value}"] for key, value in added.items()]
    return "\n".join("\t".join(columns) for columns in rows) + "\n\n"


def _key(line: str) -> str | None:
    """Return the key of a comment ``# key = value``."""
    return line[1:].partition("=")[0].strip() if line.startswith("#") else None


def _comments(sentence: TextSentence) -> dict[str, str]:
    """Return what else was said of a sentence, where a comment ``# key = value`` can hold it."""
    said = {key: str(value) for key, value in sentence.fields.items() if isinstance(value, str | int | float)}
    return {
        key: value
        for key, value in said.items()
        if comment(line := f"# {key} = {value}") == {key: value} and not set("\t\r") & set(line)
    }


def _conllu_lines(tagged: TaggedSentence) -> Iterator[str]:
    sentence = tagged.sentence
    yield from (f"# {key} = {value}" for key, value in _comments(sentence).items())
    glued = [sentence.raw and not sentence.text[end : end + 1].isspace() for _, end in sentence.offsets]
    if glued:
        glued[-1] = glued[-1] and sentence.end < len(sentence.text)
    if sentence.raw:
        spaced = zip(sentence.words, glued, strict=True)
        yield "# text = " + "".join(word if near else f"{word} " for word, near in spaced).rstrip(" ")
    for number, (word, near) in enumerate(zip(sentence.words, glued, strict=True), 1):
        yield "\t".join([str(number), word, *["_"] * 7, "SpaceAfter=No" if near else "_"])


def to_iob2(tagged: TaggedSentence) -> str:
    """Return a word and its tags a line, separated by tabs, and an empty line after the sentence.

    Its labels, and what else was said of it, are comments before it.
    """
    if not tagged.words:
        return ""
    layers = tagged.layers.items()
    comments = _comments(tagged.sentence) | {name: layer.label for name, layer in layers if layer.label is not None}
    columns = [layer.tags for layer in tagged.layers.values() if layer.label is None]
    rows = ("\t".join(row) for row in zip(tagged.words, *columns, strict=True))
    return "\n".join([*(f"# {key} = {value}" for key, value in comments.items()), *rows]) + "\n\n"


def to_json(tagged: TaggedSentence) -> str:
    """Return `to_dict` as a line of JSON."""
    return json.dumps(to_dict(tagged), ensure_ascii=False) + "\n"


def to_dict(tagged: TaggedSentence) -> dict[str, Any]:
    """Return what JSON holds: ``text``, ``tokens``, their ``offsets`` in it, and of each task tags, scores and spans,
    or its label of the sentence and that one's score.

    ``start`` says where raw text's sentence begins in the line, or the ``text``, that it was read from.
    """
    sentence = tagged.sentence
    value: dict[str, Any] = {
        **sentence.fields,
        "language": sentence.language,
        "text": tagged.text,
        "tokens": sentence.words,
        "offsets": [[start - sentence.start, end - sentence.start] for start, end in sentence.offsets],
        **({"start": sentence.start} if sentence.raw else {}),
    }
    for task, layer in tagged.layers.items():
        if layer.label is not None:
            value |= {task: layer.label, f"{task}_score": round(layer.scores[0], 4)}
            continue
        value[f"{task}_tags"] = layer.tags
        value[f"{task}_scores"] = [round(score, 4) for score in layer.scores]
        if layer.spans is not None:
            value[f"{task}_spans"] = _json_spans(layer, sentence.start)
    return value


def _json_spans(layer: Layer, shift: int) -> list[dict[str, Any]]:
    return [
        {
            "start": span.start - shift,
            "end": span.end - shift,
            "label": span.label,
            "score": round(span.score, 4),
            "text": span.text,
        }
        for span in layer.spans or ()
    ]


def rows(tagged: TaggedSentence) -> list[dict[str, Any]]:
    """Return a row a word, as of a table: where it was read, where it stands in the text, its tags and scores."""
    sentence = tagged.sentence
    return [
        {
            "source": sentence.source,
            "language": sentence.language,
            "word": sentence.text[start:end],
            "start": start,
            "end": end,
            **{task: layer.at(number)[0] for task, layer in tagged.layers.items()},
            **{f"{task}_score": round(layer.at(number)[1], 4) for task, layer in tagged.layers.items()},
        }
        for number, (start, end) in enumerate(sentence.offsets)
    ]


def column_names(tasks: Sequence[str]) -> list[str]:
    """Return the names of the columns of `rows`."""
    return ["source", "language", "word", "start", "end", *tasks, *(f"{task}_score" for task in tasks)]


def to_csv(tagged: TaggedSentence) -> str:
    """Return `rows` as lines of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(row.values() for row in rows(tagged))
    return text.getvalue()


def colored(tagged: TaggedSentence) -> Text:
    """Return the words and their tags in colour, for a `rich` console."""
    line = Text()
    for layer in tagged.layers.values():
        if layer.label is not None:
            line.append(f"{layer.label} ", style="bold reverse").append(" ")
    for number, word in enumerate(tagged.words):
        tags = [layer.tags[number] for layer in tagged.layers.values() if layer.label is None]
        colours = [_ENTITY_COLOURS.get(tag[2:]) or _TAG_COLOURS.get(tag) for tag in tags]
        # The last task that has something to say colours the word.
        colour = next((colour for colour in reversed(colours) if colour), None)
        line.append(word, style=f"bold {colour}" if colour else "")
        for tag, own in zip(tags, colours, strict=True):
            if tag != "O":
                line.append(f"/{tag}", style=f"dim {own or ''}".strip())
        line.append(" ")
    return line

"""A tagged sentence as text: CoNLL-U, IOB2, JSON Lines, CSV, and colours for the terminal."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from hyperx.text.sentence import Layer, TaggedSentence

UPOS, MISC = 3, 9
_ENTITY_COLOURS = {"PER": "magenta", "ORG": "cyan", "LOC": "green"}
_TAG_COLOURS = {"NOUN": "cyan", "PROPN": "magenta", "VERB": "green", "AUX": "green", "ADJ": "yellow", "ADV": "yellow"}


def to_conllu(tagged: TaggedSentence) -> str:
    """Return CoNLL-U, with the tags of pos in UPOS and of other tasks in MISC, as ``NER=B-PER``.

    A sentence that was read from CoNLL-U keeps all else that it held. One of raw text has its ``# text`` and ``SpaceAfter=No``.
    """
    lines = []
    number = 0
    for line in tagged.sentence.lines or _conllu_lines(tagged):
        columns = line.split("\t")
        if columns[0].isdigit():
            for task, layer in tagged.layers.items():
                if task == "pos":
                    columns[UPOS] = layer.tags[number]
                else:
                    columns[MISC] = _misc(columns[MISC], task.upper(), layer.tags[number])
            number += 1
        lines.append("\t".join(columns))
    return "\n".join(lines) + "\n\n" if number else ""


def _conllu_lines(tagged: TaggedSentence) -> Iterator[str]:
    sentence = tagged.sentence
    glued = [sentence.raw and not sentence.text[end : end + 1].isspace() for _, end in sentence.offsets]
    if glued:
        glued[-1] = glued[-1] and sentence.end < len(sentence.text)
    if sentence.raw:
        spaced = zip(sentence.words, glued, strict=True)
        yield "# text = " + "".join(word if near else f"{word} " for word, near in spaced).rstrip(" ")
    for number, (word, near) in enumerate(zip(sentence.words, glued, strict=True), 1):
        yield "\t".join([str(number), word, *["_"] * 7, "SpaceAfter=No" if near else "_"])


def _misc(column: str, key: str, tag: str) -> str:
    kept = [item for item in column.split("|") if item != "_" and not item.startswith(f"{key}=")]
    return "|".join([*kept, *([] if tag == "O" else [f"{key}={tag}"])]) or "_"


def to_iob2(tagged: TaggedSentence) -> str:
    """Return a word and its tags a line, separated by tabs, and an empty line after the sentence."""
    rows = zip(tagged.words, *(layer.tags for layer in tagged.layers.values()), strict=True)
    lines = ["\t".join(row) for row in rows]
    return "\n".join(lines) + "\n\n" if lines else ""


def to_json(tagged: TaggedSentence) -> str:
    """Return a line of JSON: ``text``, ``tokens``, their ``offsets`` in it, and of each task tags, scores and spans.

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
        value[f"{task}_tags"] = layer.tags
        value[f"{task}_scores"] = [round(score, 4) for score in layer.scores]
        if layer.spans is not None:
            value[f"{task}_spans"] = _json_spans(layer, sentence.start)
    return json.dumps(value, ensure_ascii=False) + "\n"


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
            **{task: layer.tags[number] for task, layer in tagged.layers.items()},
            **{f"{task}_score": round(layer.scores[number], 4) for task, layer in tagged.layers.items()},
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
    for number, word in enumerate(tagged.words):
        tags = [layer.tags[number] for layer in tagged.layers.values()]
        colours = [_ENTITY_COLOURS.get(tag[2:]) or _TAG_COLOURS.get(tag) for tag in tags]
        # The last task that has something to say colours the word.
        colour = next((colour for colour in reversed(colours) if colour), None)
        line.append(word, style=f"bold {colour}" if colour else "")
        for tag, own in zip(tags, colours, strict=True):
            if tag != "O":
                line.append(f"/{tag}", style=f"dim {own or ''}".strip())
        line.append(" ")
    return line

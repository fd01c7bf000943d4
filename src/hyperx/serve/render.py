"""The playground's HTML: the matrix, and words with their tags. All that came from outside is escaped."""

import unicodedata
from collections.abc import Sequence
from hashlib import sha256
from html import escape

from hyperx.languages import name as language_name
from hyperx.matrix import UNITS
from hyperx.serve.schema import Cell, Matrix
from hyperx.text.sentence import Layer, TaggedSentence

NAMES = {"pos": "Parts of speech", "ner": "Named entities"}
KINDS = {"trained": "trained", "zero-shot": "zero-shot", "text-only": "zero-shot, raw text only"}
# Hues of the tags seen most, far from one another where they meet often.
_HUES = {
    **{"NOUN": 210, "PROPN": 285, "PRON": 245, "VERB": 140, "AUX": 165, "ADJ": 45, "ADV": 25, "ADP": 190, "DET": 320},
    **{"NUM": 0, "CCONJ": 75, "SCONJ": 95, "PART": 60, "INTJ": 345, "PER": 285, "LOC": 140, "ORG": 35},
}
Place = tuple[int, int, str]
_PLAIN = ("PUNCT", "SYM", "X", "O", "_")  # grey


def direction(text: str) -> str:
    """Return ``rtl`` or ``ltr``: that of the first letter, as ``dir=auto`` has it, which doesn't look into isolates."""
    strong = (unicodedata.bidirectional(character) for character in text)
    return "rtl" if next((kind for kind in strong if kind in ("L", "R", "AL")), "L") != "L" else "ltr"


def matrix_html(matrix: Matrix) -> str:
    """Return the matrix as a table of buttons, a template of Gradio's in which `value` holds the chosen pairs."""
    heads = "".join(
        f'<th scope="col">{escape(NAMES.get(task.name, task.name))} <small>{UNITS.get(task.metric, task.metric)}</small></th>'
        for task in matrix.tasks
    )
    body = []
    for language in matrix.languages:
        unseen = ' <small title="unseen by the backbone">unseen</small>' if language.seen is False else ""
        cells = (matrix.cell(f"{task.name}/{language.code}") for task in matrix.tasks)
        buttons = "".join(f"<td>{_button(cell)}</td>" for cell in cells if cell)
        head = f'<th scope="row">{escape(language.name)} <small>{escape(language.code)}</small>{unseen}</th>'
        body.append(f"<tr>{head}{buttons}</tr>")
    kinds = [kind for kind in KINDS if any(cell.kind == kind for cell in matrix.cells)]
    legend = "".join(f'<span class="key {kind}">{KINDS[kind]}</span>' for kind in kinds)
    expected = "" if all(cell.measured for cell in matrix.cells) else "<span>~ expected, not measured</span>"
    return (
        f'<div class="matrix"><table><thead><tr><th scope="col">Language</th>{heads}</tr></thead>'
        f'<tbody>{"".join(body)}</tbody></table></div><p class="legend">{legend}{expected}</p>'
    )


def _button(cell: Cell) -> str:
    # The template is a JavaScript string: pairs are letters, digits, _ and /.
    pressed = f'${{value.includes("{cell.pair}")}}'
    told = (
        "nothing is known of its score"
        if cell.score is None
        else f"{_score(cell)}, 95 % {cell.low:.0f} to {cell.high:.0f}"
    )
    label = f"{_title(cell)}, {KINDS[cell.kind]}, {told}"
    return (
        f'<button type="button" class="cell {cell.kind}" data-pair="{cell.pair}" aria-pressed="{pressed}" '
        f'style="--score:{cell.score or 0:.0f}" title="{escape(label)}" aria-label="{escape(label)}">{_score(cell)}</button>'
    )


def _score(cell: Cell) -> str:
    if cell.score is None:
        return "?"
    return f"{cell.score:.1f}" if cell.measured else f"~{cell.score:.0f}"


def _title(cell: Cell) -> str:
    return f"{NAMES.get(cell.task, cell.task)} · {language_name(cell.language)}"


def panels_html(matrix: Matrix, tagged: Sequence[tuple[Cell, Sequence[TaggedSentence]]]) -> str:
    """Return a panel a cell, side by side; tags that differ from those of the first cell of the same task are marked."""
    units = {task.name: UNITS.get(task.metric, task.metric) for task in matrix.tasks}
    first: dict[str, set[Place]] = {}
    panels = []
    for cell, sentences in tagged:
        places = {place for sentence in sentences for place in _places(sentence, sentence[cell.task])}
        reference = first.setdefault(cell.task, places)
        text = "".join(_sentence(sentence, sentence[cell.task], reference) for sentence in sentences)
        differing = max(len(places - reference), len(reference - places))
        note = f'<p class="note">{_count(differing)} unlike the first panel’s of this task</p>' if differing else ""
        title = escape(_title(cell))
        panels.append(
            f'<section class="panel" data-pair="{cell.pair}" aria-label="{title}"><header><h3>{title}</h3>'
            f'<span class="key {cell.kind}">{KINDS[cell.kind]}</span>'
            f'<span class="told">{_told(cell, units[cell.task])}</span></header>{text}{note}</section>'
        )
    return f'<div class="panels">{"".join(panels)}</div>'


def message_html(text: str) -> str:
    """Return a message in place of panels."""
    return f'<p class="message" role="status">{escape(text)}</p>'


def _count(number: int) -> str:
    return "1 tag" if number == 1 else f"{number} tags"


def _told(cell: Cell, unit: str) -> str:
    if cell.score is None:
        return f"{unit} not known"
    return (
        f"{unit} {_score(cell)} on its test set"
        if cell.measured
        else f"{unit} about {cell.low:.0f}–{cell.high:.0f}, not measured"
    )


def _places(sentence: TaggedSentence, layer: Layer) -> list[Place]:
    """Return where each of a layer's spans, else of its words, stands and what it is tagged as."""
    if layer.label is not None:
        return [(sentence.sentence.start, sentence.sentence.end, layer.label)]
    if layer.spans is not None:
        return [(span.start, span.end, span.label) for span in layer.spans]
    return [(start, end, tag) for (start, end), tag in zip(sentence.offsets, layer.tags, strict=True)]


def _sentence(sentence: TaggedSentence, layer: Layer, reference: set[Place]) -> str:
    text, last = sentence.sentence.text, sentence.sentence.start
    places = _places(sentence, layer)
    if layer.label is not None:
        pieces = [_chip("", layer.label, layer.scores[0], places[0] not in reference), " "]
    else:
        pieces = []
        scores = layer.scores if layer.spans is None else [span.score for span in layer.spans]
        for (start, end, tag), score in zip(places, scores, strict=True):
            pieces += [escape(text[last:start]), _chip(text[start:end], tag, score, (start, end, tag) not in reference)]
            last = end
    pieces.append(escape(text[last : sentence.sentence.end]))
    return f'<p class="words" dir="{direction(sentence.text)}">{"".join(pieces)}</p>'


def _chip(word: str, tag: str, score: float, differs: bool) -> str:
    shown = f"<bdi>{escape(word)}</bdi>" if word else ""
    classes = "chip" + (" plain" if tag in _PLAIN else "") + (" differs" if differs else "")
    percent = f"{100 * score:.0f}"
    title = f"{tag}, {percent} % sure" + ("; another tag than the first panel’s" if differs else "")
    return (
        f'<span class="{classes}" style="--hue:{_hue(tag)};--sure:{percent}%" title="{escape(title)}">{shown}'
        f'<small dir="ltr"><b>{escape(tag)}</b> {percent}</small></span>'
    )


def _hue(tag: str) -> int:
    return _HUES.get(tag, sha256(tag.encode()).digest()[0] * 360 // 256)

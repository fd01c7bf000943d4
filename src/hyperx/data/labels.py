"""Labels: the universal tags, and the ways to write entities."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

UPOS = [
    "ADJ",
    "ADP",
    "ADV",
    "AUX",
    "CCONJ",
    "DET",
    "INTJ",
    "NOUN",
    "NUM",
    "PART",
    "PRON",
    "PROPN",
    "PUNCT",
    "SCONJ",
    "SYM",
    "VERB",
    "X",
]  # https://universaldependencies.org/u/pos/

Scheme = Literal["IOB1", "IOB2", "IOBES"]

ENTITY_TAG = re.compile(r"O|[BIESLU]-\S+")
_BILOU = str.maketrans("LU", "ES")
_TO_IOB2 = str.maketrans("ELSU", "IIBB")


def find_scheme(sentences: Iterable[Sequence[str]]) -> Scheme | None:
    """Return the scheme that all the sentences' entity tags fit, None if there is none.

    IOBES covers BILOU. Tags that fit several schemes are IOB2.
    """
    schemes: dict[Scheme, Callable[[Sequence[str]], bool]] = {"IOB2": _is_iob2, "IOB1": _is_iob1, "IOBES": _is_iobes}
    for tags in sentences:
        schemes = {scheme: fits for scheme, fits in schemes.items() if fits(tags)}
    return next(iter(schemes), None)


def slips(tags: Sequence[str]) -> list[int]:
    """Return the numbers of the words whose I- goes on no entity of its type."""
    pairs = zip(["O", *tags], tags, strict=False)
    return [number for number, (previous, tag) in enumerate(pairs) if tag[0] == "I" and previous[2:] != tag[2:]]


def to_iob2(tags: Sequence[str], scheme: Scheme) -> list[str]:
    """Rewrite a sentence's tags of a known scheme in IOB2."""
    if scheme == "IOBES":
        return [tag[0].translate(_TO_IOB2) + tag[1:] for tag in tags]
    result = []
    previous = "O"
    for tag in tags:
        result.append(f"B{tag[1:]}" if tag.startswith("I-") and previous[2:] != tag[2:] else tag)
        previous = tag
    return result


def map_tag(tag: str, label_map: Mapping[str, str]) -> str:
    """Rename a tag, or an entity's type; a type that becomes ``O`` is no entity."""
    if tag in label_map:
        return label_map[tag]
    prefix, dash, kind = tag.partition("-")
    if not dash or kind not in label_map:
        return tag
    return "O" if label_map[kind] == "O" else f"{prefix}-{label_map[kind]}"


def _is_iob2(tags: Sequence[str]) -> bool:
    return not slips(tags) and all(tag[0] in "OBI" for tag in tags)


def _is_iob1(tags: Sequence[str]) -> bool:
    """In IOB1 a B- stands only where an entity touches one of the same type before it."""
    return all(
        tag[0] in "IO" or (tag[0] == "B" and previous[2:] == tag[2:] and previous != "O")
        for previous, tag in zip(["O", *tags], tags, strict=False)
    )


def _is_iobes(tags: Sequence[str]) -> bool:
    """In IOBES every entity is S, or B I* E of one type."""
    previous = "O"
    for tag in (*(t[0].translate(_BILOU) + t[1:] for t in tags), "O"):
        inside = previous[0] in "BI"
        if inside != (tag[0] in "IE") or (inside and previous[2:] != tag[2:]):
            return False
        previous = tag
    return True

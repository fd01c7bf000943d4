"""Data sets on the Hugging Face Hub, or in a folder laid out the same way."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hyperx.data.labels import map_tag
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError

# The paper's languages by the names that the data sets give them.
WIKIANN = {
    "eng": "en", "ara": "ar", "bre": "br", "isl": "is", "kaz": "kk", "tam": "ta", "tgl": "tl", "tur": "tr", "yor": "yo",
    "zho": "zh", "fao": "fo", "gun": "gn", "hsb": "hsb", "mlt": "mt", "san": "sa", "uig": "ug", "yue": "zh-yue",
}  # fmt: skip
WIKIPEDIA = {**WIKIANN}
WIKIPEDIA_DUMP = "20231101"
MAX_WIKIPEDIA = 100_000  # sentences a language
_TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
_SPLITS = {"train": "train", "dev": "validation", "test": "test"}
_SENTENCE_END = re.compile(r"(?<=[.!?।。！？؟])\s*(?=\S)")


def load_wikiann(language: str, label_map: Mapping[str, str]) -> dict[str, list[Sentence]]:
    """Load WikiANN with Rahimi's splits (Rahimi et al., ACL 2019).

    Raises:
        HyperXError: `datasets` is not installed, or the data set can't be had.
    """
    name = _location("unimelb-nlp/wikiann")
    return {split: list(_tagged(name, WIKIANN[language], own, label_map)) for split, own in _SPLITS.items()}


def load_wikipedia(language: str) -> dict[str, list[Sentence]]:
    """Load the first 100,000 sentences of a Wikipedia.

    Raises:
        HyperXError: `datasets` is not installed, or the data set can't be had.
    """
    config = f"{WIKIPEDIA_DUMP}.{WIKIPEDIA[language]}"
    sentences: list[Sentence] = []
    for number, row in enumerate(_rows(_location("wikimedia/wikipedia"), config, "train", streaming=True)):
        for line in str(row["text"]).splitlines():
            words = (sentence.split() for sentence in _SENTENCE_END.split(line))
            sentences += [
                Sentence(tuple(w), None, f"wikipedia/{config}, article {number}") for w in words if len(w) > 2
            ]
        if len(sentences) >= MAX_WIKIPEDIA:
            break
    return {"train": sentences[:MAX_WIKIPEDIA]}


def _location(name: str) -> str:
    """Return the data set's folder under ``$HYPERX_HUB``, for machines without the Hub, else its id."""
    mirror = os.environ.get("HYPERX_HUB")
    return os.path.join(mirror, name) if mirror else name


def _tagged(name: str, config: str, split: str, label_map: Mapping[str, str]) -> Iterator[Sentence]:
    for number, row in enumerate(_rows(name, config, split), 1):
        tags = [_TAGS[tag] if isinstance(tag, int) else tag for tag in row["ner_tags"]]
        yield Sentence(
            tuple(row["tokens"]), tuple(map_tag(tag, label_map) for tag in tags), f"{name}/{config}/{split}:{number}"
        )


def _rows(name: str, config: str, split: str, *, streaming: bool = False) -> Iterator[dict[str, Any]]:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise HyperXError("data sets on the Hub need `pip install hyperx-nlp[hub]`") from error
    try:
        yield from load_dataset(name, config, split=split, streaming=streaming)
    except (OSError, ValueError, ConnectionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise HyperXError(
            f"the data set '{name}' ({config}, {split}) can't be loaded from the Hub: {reason} "
            "Check the network, or set $HYPERX_HUB to a folder that holds a copy."
        ) from error

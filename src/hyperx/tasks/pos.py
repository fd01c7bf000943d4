"""Part-of-speech tagging with the 17 universal tags."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import ClassVar

from hyperx.data.annotation import UPOS as UPOS_COLUMN
from hyperx.data.annotation import Columns
from hyperx.data.labels import UPOS
from hyperx.metrics import ACCURACY, Metric
from hyperx.tasks.tagging import TaggingTask


class PartOfSpeech(TaggingTask):
    """UPOS tags, scored by accuracy."""

    name = "pos"
    metric: Metric = ACCURACY
    default_labels: ClassVar[Sequence[str]] = UPOS
    json_keys: ClassVar[tuple[str, ...]] = ("upos", "tags")

    def is_tag(self, text: str) -> bool:
        """Return whether it is a universal tag, or the mark of a word that has none."""
        return text in UPOS or text == "_"

    def problem(self, tag: str, num_words: int) -> str | None:
        """Return what is wrong with a tag that is not universal."""
        if tag in UPOS:
            return None
        cure = "the word has no tag" if tag == "_" else "map it to one of them with label_map, or correct it"
        return f"is not a universal tag ({', '.join(UPOS)}); {cure}"

    def from_conllu(self, words: Sequence[Columns], comments: Mapping[str, str]) -> tuple[str, ...]:
        """Return UPOS."""
        return tuple(columns[UPOS_COLUMN] for columns in words)

    def to_conllu(self, words: Sequence[Columns], comments: MutableMapping[str, str], tags: Sequence[str]) -> None:
        """Set UPOS."""
        for columns, tag in zip(words, tags, strict=True):
            columns[UPOS_COLUMN] = tag

"""Spans of any types in IOB2: chunks, slots, or what a run names."""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from hyperx.data.annotation import Columns, misc, set_misc
from hyperx.data.labels import ENTITY_TAG, map_tag
from hyperx.metrics import SPAN_F1, Metric
from hyperx.tasks.tagging import TaggingTask


class Spans(TaggingTask):
    """Spans, scored by strict span F1; their types are found in the training data."""

    name = "spans"
    spans: ClassVar[bool] = True
    metric: Metric = SPAN_F1
    default_labels: ClassVar[Sequence[str]] = ("O",)

    def find_labels(self, gold: Iterable[str]) -> list[str]:
        """Return the usual labels and those of the types that are not usual, DATE of entities for one."""
        usual = {label[2:] for label in self.default_labels if label != "O"}
        types = sorted({tag[2:] for tag in gold if tag != "O"} - usual)
        return [*self.default_labels, *(f"{prefix}-{kind}" for kind in types for prefix in "BI")]

    def is_tag(self, text: str) -> bool:
        """Return whether it is ``O``, ``B-PER`` or their like."""
        return bool(ENTITY_TAG.fullmatch(text))

    def rename(self, tag: str, label_map: Mapping[str, str]) -> str:
        """Rename the type."""
        return map_tag(tag, label_map)

    def counted(self, tags: Sequence[str]) -> Iterable[str]:
        """Return each span's type."""
        return [tag[2:] for tag in tags if tag.startswith("B-")]

    def from_conllu(self, words: Sequence[Columns], comments: Mapping[str, str]) -> tuple[str, ...]:
        """Return the tags of MISC, ``NER=B-PER``; a word without one is outside."""
        return tuple(misc(columns, self.name.upper()) or "O" for columns in words)

    def to_conllu(self, words: Sequence[Columns], comments: MutableMapping[str, str], tags: Sequence[str]) -> None:
        """Set the tags in MISC; a word outside has none."""
        for columns, tag in zip(words, tags, strict=True):
            set_misc(columns, self.name.upper(), None if tag == "O" else tag)

    def decode(self, scores: Tensor) -> list[str]:
        """Return the best valid IOB2 sequence (Viterbi over the transitions that IOB2 allows).

        Shapes:
            scores: ``(words, num_labels)``, log-probabilities.
        """
        if not len(scores):
            return []
        forbidden = self._forbidden()
        likeliest = scores.argmax(-1)
        if not self._inside()[likeliest[0]] and not forbidden[likeliest[:-1], likeliest[1:]].any():
            return [self.labels[number] for number in likeliest.tolist()]
        best = scores[0].masked_fill(self._inside(), -torch.inf)
        back = []
        for row in scores[1:]:
            # (previous, next)
            paths = best[:, None].masked_fill(forbidden, -torch.inf)
            top, previous = paths.max(0)
            best = top + row
            back.append(previous)
        path = [int(best.argmax())]
        for previous in reversed(back):
            path.append(int(previous[path[-1]]))
        return [self.labels[number] for number in reversed(path)]

    def _inside(self) -> Tensor:
        return torch.tensor([label.startswith("I-") for label in self.labels])

    def _forbidden(self) -> Tensor:
        """Mark, ``(previous, next)``, what IOB2 forbids: I-X after anything but B-X and I-X."""
        return torch.tensor(
            [[after.startswith("I-") and before[2:] != after[2:] for after in self.labels] for before in self.labels]
        )

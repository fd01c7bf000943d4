"""Morphological features: each word's FEATS, one classifier an attribute."""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from hyperx.data.annotation import FEATS, Columns
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.metrics import ACCURACY, Metric
from hyperx.precision import at_least_float32
from hyperx.tasks.base import IGNORED, Label
from hyperx.tasks.tagging import TaggingTask

# Those that the CoNLL 2018 shared task's UFeats compares: https://universaldependencies.org/conll18/evaluation.html
UNIVERSAL = {
    "PronType", "NumType", "Poss", "Reflex", "Foreign", "Abbr", "Gender", "Animacy", "Number", "Case", "Definite",
    "Degree", "VerbForm", "Mood", "Tense", "Aspect", "Voice", "Evident", "Polarity", "Person", "Polite",
}  # fmt: skip


def attributes(bundle: str) -> dict[str, str]:
    """Return a bundle's values by attribute; ``_`` has none."""
    return {} if bundle == "_" else dict(feature.split("=", 1) for feature in bundle.split("|"))


def _universal(bundle: str) -> dict[str, str]:
    return {attribute: value for attribute, value in attributes(bundle).items() if attribute in UNIVERSAL}


def _count(gold: Sequence[str], predicted: Sequence[str]) -> tuple[int, int]:
    return sum(_universal(a) == _universal(b) for a, b in zip(gold, predicted, strict=True)), len(gold)


UFEATS = Metric("ufeats", _count, ACCURACY.score)


class MorphologicalFeatures(TaggingTask):
    """Feature bundles, scored by UFeats: a word is right if all its universal features are.

    A label is an attribute's value, ``Case=Nom``, or its absence, ``Case=``. So a bundle can be predicted that no training
    sentence has.
    """

    name = "feats"
    metric: Metric = UFEATS
    exclusive: ClassVar[bool] = False
    json_keys: ClassVar[tuple[str, ...]] = ("feats", "tags")

    def __init__(self, labels: Sequence[str] | None = None) -> None:
        super().__init__(labels)
        self._values: dict[str, list[str]] = {}
        self._columns: dict[str, list[int]] = {}  # of the logits; a model that was grown has new values last
        for column, label in enumerate(self.labels):
            attribute, _, value = label.partition("=")
            self._values.setdefault(attribute, []).append(value)
            self._columns.setdefault(attribute, []).append(column)
        self.no_label: Label = [IGNORED] * len(self._values)

    def find_labels(self, gold: Iterable[str]) -> list[str]:
        """Return every attribute's values, its absence first.

        Raises:
            HyperXError: there are none.
        """
        found: dict[str, set[str]] = {}
        for bundle in set(gold):
            for attribute, value in attributes(bundle).items():
                found.setdefault(attribute, set()).add(value)
        if not found:
            raise HyperXError(f"no training sentence of the task '{self.name}' has a feature; train it where some have")
        return [f"{attribute}={value}" for attribute in sorted(found) for value in ("", *sorted(found[attribute]))]

    def _number(self, tag: str, sentence: Sentence) -> list[int]:  # type: ignore[override]
        values = attributes(tag)
        try:
            if not values.keys() <= self._values.keys():
                raise ValueError
            return [own.index(values.get(attribute, "")) for attribute, own in self._values.items()]
        except ValueError:
            raise HyperXError(
                f"{sentence.source}: the features '{tag}' hold one that is not a label of the task '{self.name}'; "
                "train the model with it, or correct the file"
            ) from None

    def loss(self, head: Callable[[Tensor], Tensor], hidden: Tensor, labels: Tensor) -> Tensor:
        """Return the mean over words of the attributes' cross-entropies, summed."""
        tagged = labels[..., 0] != IGNORED
        gold = labels[tagged].unbind(-1)
        logits = self._by_attribute(at_least_float32(head(hidden[tagged])))
        losses = [nn.functional.cross_entropy(own, values) for own, values in zip(logits, gold, strict=True)]
        return torch.stack(losses).sum()

    def decode(self, scores: Tensor) -> list[str]:
        """Return each word's bundle of the attributes' best values."""
        columns = []
        for own, (attribute, values) in zip(self._by_attribute(scores), self._values.items(), strict=True):
            columns.append([(attribute, values[number]) for number in own.argmax(-1).tolist()])
        return [_bundle(features) for features in zip(*columns, strict=True)]

    def confidences(self, scores: Tensor, tags: Sequence[str], temperature: float = 1.0) -> list[float]:
        """Return the bundles' probabilities: the products of their attributes'."""
        likeliest = [own.softmax(-1).amax(-1) for own in self._by_attribute(scores)]
        return torch.stack(likeliest).prod(0).tolist()

    def _by_attribute(self, scores: Tensor) -> Sequence[Tensor]:
        return [scores[..., columns] for columns in self._columns.values()]

    def is_tag(self, text: str) -> bool:
        """Return whether it is a bundle."""
        return text == "_" or all(all(feature.partition("=")) for feature in text.split("|"))

    def problem(self, tag: str, num_words: int) -> str | None:
        """Return what is wrong with what is no bundle."""
        return None if self.is_tag(tag) else "is not features; expected Case=Nom|Number=Sing or the like, or _"

    def counted(self, tags: Sequence[str]) -> Iterable[str]:
        """Return the attributes' values."""
        return [f"{attribute}={value}" for tag in tags for attribute, value in attributes(tag).items()]

    def from_conllu(self, words: Sequence[Columns], comments: Mapping[str, str]) -> tuple[str, ...]:
        """Return FEATS."""
        return tuple(columns[FEATS] for columns in words)

    def to_conllu(self, words: Sequence[Columns], comments: MutableMapping[str, str], tags: Sequence[str]) -> None:
        """Set FEATS."""
        for columns, tag in zip(words, tags, strict=True):
            columns[FEATS] = tag


def _bundle(features: Iterable[tuple[str, str]]) -> str:
    present = sorted((f"{attribute}={value}" for attribute, value in features if value), key=str.lower)
    return "|".join(present) or "_"

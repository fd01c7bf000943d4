"""One label a sentence, read at its first piece, which for most backbones is a special token."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from hyperx.data.annotation import Columns
from hyperx.data.sentence import Sentence
from hyperx.encoding import encode
from hyperx.metrics import ACCURACY, Metric, ratio
from hyperx.tasks.base import Example
from hyperx.tasks.tagging import TaggingTask


class Classification(TaggingTask):
    """Sentence labels, scored by accuracy and macro-averaged F1."""

    name = "classification"
    per_sentence: ClassVar[bool] = True
    json_keys: ClassVar[tuple[str, ...]] = ("label",)
    metric: Metric = ACCURACY

    def __init__(self, labels: Sequence[str] | None = None) -> None:
        super().__init__(labels)
        self.metric = replace(ACCURACY, count=self._count, others={"macro_f1": macro_f1})

    def find_labels(self, gold: Iterable[str]) -> list[str]:
        """Return the labels, sorted."""
        return sorted(set(gold))

    def encode(
        self, sentences: Sequence[Sentence], tokenizer: PreTrainedTokenizerBase, *, max_length: int
    ) -> Iterator[Example]:
        """Encode sentences; each chunk of a long one bears its label."""
        words = [sentence.words for sentence in sentences]
        for chunk in encode(words, tokenizer, max_length=max_length, cut_words=True):
            sentence = sentences[chunk.sentence]
            labels = None if sentence.tags is None else [self._number(sentence.tags[0], sentence)]
            yield Example(chunk.sentence, chunk.input_ids, [0], labels)

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Return the labels' log-probabilities over all chunks together, ``(1, num_labels)``."""
        return torch.cat(list(parts)).sum(0, keepdim=True).log_softmax(-1)

    def from_conllu(self, words: Sequence[Columns], comments: Mapping[str, str]) -> tuple[str, ...] | None:
        """Return the label of the comment ``# genre = news``, or ``# label = news``."""
        label = comments.get(self.name, comments.get("label"))
        return (label,) if label else None

    def to_conllu(self, words: Sequence[Columns], comments: MutableMapping[str, str], tags: Sequence[str]) -> None:
        """Set the comment that bears the task's name, or ``# label = news`` for a task without one of its own."""
        comments["label" if self.name == Classification.name else self.name] = tags[0]

    def _count(self, gold: Sequence[str], predicted: Sequence[str]) -> tuple[int, ...]:
        """Return whether it is right; then of each label, and of those unknown in training as one, right, predicted, gold."""
        known = [*self.labels, None]
        truth, guess = (tags[0] if tags[0] in self.labels else None for tags in (gold, predicted))
        right = [int(label == truth == guess) if label else 0 for label in known]
        found, wanted = ([int(label == mine) for label in known] for mine in (guess, truth))
        return int(gold[0] == predicted[0]), *right, *found, *wanted, 1


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """Return the mean F1 in percent of the labels that stand in the gold or the predictions.

    Shapes:
        counts: ``(..., 3 k + 2)``, as `Classification` counts k labels; result: ``(...)``.
    """
    right, found, wanted = np.moveaxis(counts[..., 1:-1].reshape(*counts.shape[:-1], 3, -1), -2, 0)
    present = found + wanted > 0
    scores = ratio(2 * right, found + wanted)
    return np.divide(scores.sum(-1), present.sum(-1), out=np.zeros(scores.shape[:-1]), where=present.any(-1))

"""What a task is, and what it makes of sentences."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from hyperx.data.annotation import Annotation
from hyperx.data.sentence import Sentence
from hyperx.metrics import Metric

IGNORED = -100  # the label of a position that has none, as in PyTorch's cross-entropy
Label = int | list[int]


class Example(NamedTuple):
    """A chunk of a sentence, ready to be batched.

    Attributes:
        sentence: its sentence's number in what was encoded.
        input_ids: pieces with special tokens.
        positions: where what is labelled is: each word's first piece.
        labels: one a position, a number or several, or None.
    """

    sentence: int
    input_ids: list[int]
    positions: list[int]
    labels: Sequence[Label] | None


class Batch(NamedTuple):
    """Padded examples.

    Shapes:
        input_ids, attention_mask: ``(batch, length)``
        labels: ``(batch, length)``, or ``(batch, length, k)`` of a task with several numbers a position; `IGNORED`
            where there is none.
    """

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor


class Task(Annotation):
    """A task owns its annotation, labels, encoding, head, loss, decoding and metric.

    What it encodes, gives to `metric` and returns from `decode` is a sentence's gold annotation as strings, one a word
    or, `per_sentence`, one alone.

    Attributes:
        metric: what its cells are scored by; an auxiliary task has none.
        exclusive: its scores are log-probabilities of `labels`, one of which is a position's tag.
        labels: what its head tells apart; saved with the model.
    """

    metric: Metric
    exclusive: ClassVar[bool] = False
    labels: list[str]

    def __init__(self, labels: Sequence[str] | None = None) -> None:
        self.labels = list(labels or ())

    def find_labels(self, gold: Iterable[str]) -> list[str]:
        """Return the labels of a model that is trained on these gold tags."""
        return self.labels

    @property
    def num_logits(self) -> int:
        """Those of its linear head, which a method may replace by another linear one; 0 if its head is none."""
        return 0

    def head(self, encoder: nn.Module, config: Any) -> nn.Module:
        """Return a new head for an encoder."""
        raise NotImplementedError

    def encode(
        self, sentences: Sequence[Sentence], tokenizer: PreTrainedTokenizerBase, *, max_length: int
    ) -> Iterator[Example]:
        """Encode sentences to examples, with labels if they have gold tags; every word is in exactly one.

        Raises:
            HyperXError: a gold tag is not one of the task's labels.
        """
        raise NotImplementedError

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, generator: torch.Generator
    ) -> Batch:
        """Pad examples to a batch with labels; what is random in it comes from `generator`."""
        raise NotImplementedError

    def loss(self, head: Callable[[Tensor], Tensor], hidden: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss over the labelled positions, in float32.

        Shapes:
            hidden: ``(batch, length, hidden)``; labels: as in `Batch`.
        """
        raise NotImplementedError

    def score(
        self, head: Callable[[Tensor], Tensor], hidden: Tensor, positions: Sequence[Sequence[int]]
    ) -> list[Tensor]:
        """Return what `join` and `decode` need of each example, in float32 on the CPU.

        Shapes:
            hidden: ``(batch, length, hidden)``; positions: those of each row.
        """
        raise NotImplementedError

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Return a sentence's scores, of those of its chunks."""
        raise NotImplementedError

    def decode(self, scores: Tensor) -> list[str]:
        """Return a sentence's best annotation."""
        raise NotImplementedError

    def confidences(self, scores: Tensor, tags: Sequence[str], temperature: float = 1.0) -> list[float]:
        """Return how likely each of the tags that `decode` returned is right, from 0 to 1.

        Args:
            temperature: what logits are divided by, of a task that is `exclusive`.
        """
        raise NotImplementedError


def pad(rows: Sequence[Sequence[Label]], value: Label) -> Tensor:
    """Stack rows of unequal length, filled up with `value` on the right."""
    length = max(len(row) for row in rows)
    return torch.tensor([[*row, *[value] * (length - len(row))] for row in rows], dtype=torch.long)


def collate_inputs(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase) -> tuple[Tensor, Tensor]:
    """Return padded input ids and their attention mask, each ``(batch, length)``."""
    rows = [example.input_ids for example in examples]
    return pad(rows, tokenizer.pad_token_id), pad([[1] * len(row) for row in rows], 0)

"""What a task is, and what it makes of sentences."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from hyperx.data.sentence import Sentence

IGNORED = -100  # the label of a position that has none, as in PyTorch's cross-entropy


class Example(NamedTuple):
    """A chunk of a sentence, ready to be batched.

    Attributes:
        sentence: its sentence's number in what was encoded.
        input_ids: pieces with special tokens.
        positions: where each word's first piece is.
        labels: one label's number a word, or None.
    """

    sentence: int
    input_ids: list[int]
    positions: list[int]
    labels: list[int] | None


class Batch(NamedTuple):
    """Padded examples.

    Shapes:
        input_ids, attention_mask: ``(batch, length)``
        labels: ``(batch, length)``, `IGNORED` where there is none.
    """

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor


class Task(Protocol):
    """A task owns its labels, encoding, head, loss, decoding and metric.

    Attributes:
        name: as in pairs, ``ner`` of ``ner/swa``.
        labels: what a word can be tagged as; empty for a task that tags nothing.
        auxiliary: the task is trained to help others and has no cell in the matrix.
    """

    name: ClassVar[str]
    auxiliary: ClassVar[bool]
    labels: list[str]

    def __init__(self, labels: Sequence[str] | None = None) -> None: ...

    def head(self, encoder: nn.Module, config: Any) -> nn.Module:
        """Return a new head for an encoder, from hidden states to logits."""

    def encode(
        self, sentences: Sequence[Sentence], tokenizer: PreTrainedTokenizerBase, *, max_length: int
    ) -> Iterator[Example]:
        """Encode sentences to examples; every word is in exactly one."""

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, generator: torch.Generator
    ) -> Batch:
        """Pad examples to a batch with labels; what is random in it comes from `generator`."""

    def loss(self, head: Callable[[Tensor], Tensor], hidden: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss over the labelled positions, in float32.

        Shapes:
            hidden: ``(batch, length, hidden)``; labels: ``(batch, length)``.
        """


def pad(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """Stack rows of unequal length, filled up with `value` on the right."""
    length = max(len(row) for row in rows)
    return torch.tensor([[*row, *[value] * (length - len(row))] for row in rows], dtype=torch.long)


def collate_inputs(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase) -> tuple[Tensor, Tensor]:
    """Return padded input ids and their attention mask, each ``(batch, length)``."""
    rows = [example.input_ids for example in examples]
    return pad(rows, tokenizer.pad_token_id), pad([[1] * len(row) for row in rows], 0)

"""What the tasks that give each word a tag have in common: a word's label is read at its first piece."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from hyperx.data.sentence import Sentence
from hyperx.dropout import Dropout
from hyperx.encoding import encode
from hyperx.errors import HyperXError
from hyperx.precision import at_least_float32
from hyperx.tasks.base import IGNORED, Batch, Example, Label, Task, collate_inputs, pad


class TagHead(nn.Module):
    """A linear layer over the hidden states."""

    def __init__(self, hidden_size: int, num_labels: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(hidden_size, num_labels)
        nn.init.normal_(self.output.weight, std=0.02)
        nn.init.zeros_(self.output.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        """Shapes: hidden ``(..., hidden)``, result ``(..., num_labels)``."""
        return self.output(self.dropout(hidden))


class TaggingTask(Task):
    """Tags words.

    Attributes:
        default_labels: those without any data.
        no_label: what stands in a batch's labels where there is no word.
    """

    exclusive: ClassVar[bool] = True
    default_labels: ClassVar[Sequence[str]] = ()
    no_label: Label = IGNORED

    def __init__(self, labels: Sequence[str] | None = None) -> None:
        self.labels = list(labels or self.default_labels)
        self._numbers = {label: number for number, label in enumerate(self.labels)}

    @property
    def num_logits(self) -> int:
        """One a label."""
        return len(self.labels)

    def head(self, encoder: nn.Module, config: Any) -> nn.Module:
        """Return a new linear head."""
        return TagHead(config.hidden_size, len(self.labels))

    def encode(
        self, sentences: Sequence[Sentence], tokenizer: PreTrainedTokenizerBase, *, max_length: int
    ) -> Iterator[Example]:
        """Encode sentences, with their tags' numbers if they have tags."""
        words = [sentence.words for sentence in sentences]
        for chunk in encode(words, tokenizer, max_length=max_length):
            sentence = sentences[chunk.sentence]
            labels = None
            if sentence.tags is not None:
                tags = sentence.tags[chunk.start : chunk.start + len(chunk.positions)]
                labels = [self._number(tag, sentence) for tag in tags]
            yield Example(chunk.sentence, chunk.input_ids, chunk.positions, labels)

    def _number(self, tag: str, sentence: Sentence) -> int:
        try:
            return self._numbers[tag]
        except KeyError:
            raise HyperXError(
                f"{sentence.source}: the tag '{tag}' is not a label of the task '{self.name}' "
                f"({', '.join(self.labels)}). Map it to one of them with label_map, or correct the file."
            ) from None

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, generator: torch.Generator
    ) -> Batch:
        """Pad examples; labels stand at first pieces."""
        rows = []
        for example in examples:
            row = [self.no_label] * len(example.input_ids)
            for position, label in zip(example.positions, example.labels or (), strict=example.labels is not None):
                row[position] = label
            rows.append(row)
        return Batch(*collate_inputs(examples, tokenizer), pad(rows, self.no_label))

    def loss(self, head: Callable[[Tensor], Tensor], hidden: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy over words."""
        tagged = labels != IGNORED
        return nn.functional.cross_entropy(at_least_float32(head(hidden[tagged])), labels[tagged])

    def score(
        self, head: Callable[[Tensor], Tensor], hidden: Tensor, positions: Sequence[Sequence[int]]
    ) -> list[Tensor]:
        """Return log-probabilities, ``(positions, num_labels)`` of each row."""
        scores = head(hidden).float().log_softmax(-1).cpu()
        return [row[list(own)] for row, own in zip(scores, positions, strict=True)]

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Return all words' scores: they are decoded together, as an entity may go on across a cut."""
        return torch.cat(list(parts))

    def decode(self, scores: Tensor) -> list[str]:
        """Return the best tag of each word.

        Shapes:
            scores: ``(words, num_labels)``, log-probabilities.
        """
        return [self.labels[number] for number in scores.argmax(-1).tolist()]

    def confidences(self, scores: Tensor, tags: Sequence[str], temperature: float = 1.0) -> list[float]:
        """Return the tags' probabilities.

        Shapes:
            scores: ``(words, num_labels)``, log-probabilities.
        """
        numbers = torch.tensor([self._numbers[tag] for tag in tags], dtype=torch.long)
        return (scores / temperature).softmax(-1).gather(1, numbers[:, None])[:, 0].tolist()

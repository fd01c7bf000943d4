"""Masked language modelling: the auxiliary task that trains every language's embedding, labelled data or not."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from hyperx.data.sentence import Sentence
from hyperx.encoding import encode
from hyperx.precision import at_least_float32
from hyperx.tasks.base import IGNORED, Batch, Example, Task, collate_inputs

MASKED = 0.15  # of the pieces; of these 80 % become the mask, 10 % a random piece, 10 % stay (Devlin et al., 2019)


class MaskedLanguageModelHead(nn.Module):
    """BERT's head, tied to the backbone's frozen word embeddings.

    It predicts among the pieces of `candidates`, those that occur in the run's raw text: a softmax over all 250,000
    pieces of a multilingual vocabulary would cost more than the backbone itself.
    """

    candidates: Tensor

    def __init__(self, embeddings: nn.Embedding, hidden_size: int) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.norm = nn.LayerNorm(hidden_size)
        self.bias = nn.Parameter(torch.zeros(embeddings.num_embeddings))
        self.register_buffer("candidates", torch.arange(embeddings.num_embeddings, dtype=torch.int32))
        self._embeddings = [embeddings]  # in a list, so that it stays the backbone's and is not saved twice
        self._output: Tensor | None = None

    def restrict(self, pieces: Tensor, counts: Tensor) -> None:
        """Predict among `pieces` only, given as sorted numbers, starting from their frequencies.

        Left to learn the frequencies, the first hundreds of steps would press them into the adapters.
        """
        self.candidates = pieces.to(self.candidates)
        self.bias = nn.Parameter((counts / counts.sum()).log().to(self.bias))
        self._output = None

    def extend(self, pieces: Tensor, counts: Tensor) -> None:
        """Predict among `pieces`, too; those that are new start from their frequencies."""
        pieces, counts = pieces.to(self.candidates), counts.to(self.bias)
        new = ~torch.isin(pieces, self.candidates)
        joined, order = torch.cat([self.candidates, pieces[new]]).sort()
        frequencies = (counts / counts.sum()).log()[new]
        self.candidates = joined
        self.bias = nn.Parameter(torch.cat([self.bias.detach(), frequencies])[order])
        self._output = None

    def forward(self, hidden: Tensor, inverse: Callable[[Tensor], Tensor] = lambda hidden: hidden) -> Tensor:
        """Return the candidates' logits; `inverse` undoes what an invertible adapter did to the embeddings.

        Shapes:
            hidden: ``(pieces, hidden)``; result: ``(pieces, candidates)``.
        """
        hidden = inverse(self.norm(nn.functional.gelu(self.dense(hidden))))
        return nn.functional.linear(hidden, self._weight(hidden.device).to(hidden.dtype), self.bias.to(hidden.dtype))

    def inverted(self, inverse: Callable[[Tensor], Tensor]) -> "InvertedHead":
        """Return this head over embeddings that an invertible adapter has changed."""
        return InvertedHead(self, inverse)

    def _weight(self, device: torch.device) -> Tensor:
        """Return the candidates' embeddings, looked up once as long as they are frozen."""
        weight = self._embeddings[0].weight
        if weight.requires_grad:
            return weight[self.candidates.long()]
        if self._output is None or self._output.device != device:
            self._output = weight[self.candidates.long()]
        return self._output


class InvertedHead:
    """A masked language model's head over embeddings that an invertible adapter has changed."""

    def __init__(self, head: MaskedLanguageModelHead, inverse: Callable[[Tensor], Tensor]) -> None:
        self.head, self.inverse, self.candidates = head, inverse, head.candidates

    def __call__(self, hidden: Tensor) -> Tensor:
        return self.head(hidden, self.inverse)


class MaskedLanguageModelling(Task):
    """Predicts masked pieces of raw text."""

    name = "mlm"
    auxiliary: ClassVar[bool] = True

    def head(self, encoder: nn.Module, config: Any) -> nn.Module:
        """Return a new head over the encoder's own word embeddings."""
        return MaskedLanguageModelHead(encoder.get_input_embeddings(), config.hidden_size)  # type: ignore[operator]

    def encode(
        self, sentences: Sequence[Sentence], tokenizer: PreTrainedTokenizerBase, *, max_length: int
    ) -> Iterator[Example]:
        """Encode raw sentences; those that the vocabulary has no piece of are passed over."""
        words = [sentence.words for sentence in sentences]
        special = set(tokenizer.all_special_ids)
        for chunk in encode(words, tokenizer, max_length=max_length, cut_words=True):
            if not special.issuperset(chunk.input_ids):
                yield Example(chunk.sentence, chunk.input_ids, chunk.positions, None)

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, generator: torch.Generator
    ) -> Batch:
        """Pad and mask; a label is the piece that stood at a masked position."""
        input_ids, attention_mask = collate_inputs(examples, tokenizer)
        special = torch.tensor(sorted(tokenizer.all_special_ids))
        maskable = (attention_mask == 1) & ~torch.isin(input_ids, special)
        chosen = maskable & (torch.rand(input_ids.shape, generator=generator) < MASKED)
        if not chosen.any():  # a batch of one-piece sentences may draw none
            chosen[torch.arange(len(chosen)), maskable.to(torch.int8).argmax(1)] = True
        labels = input_ids.masked_fill(~chosen, IGNORED)
        fate = torch.rand(input_ids.shape, generator=generator)
        pieces = input_ids[maskable]  # a random piece is drawn as often as it occurs in the batch
        random = pieces[torch.randint(len(pieces), input_ids.shape, generator=generator)]
        input_ids = torch.where(chosen & (fate < 0.8), torch.tensor(tokenizer.mask_token_id), input_ids)
        input_ids = torch.where(chosen & (fate >= 0.9), random, input_ids)
        return Batch(input_ids, attention_mask, labels)

    def loss(self, head: Callable[[Tensor], Tensor], hidden: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy over the masked pieces."""
        assert isinstance(head, MaskedLanguageModelHead | InvertedHead)
        masked = labels != IGNORED
        targets = torch.searchsorted(head.candidates, labels[masked].to(torch.int32))
        return nn.functional.cross_entropy(at_least_float32(head(hidden[masked])), targets)

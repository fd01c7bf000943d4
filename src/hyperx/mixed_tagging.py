"""Tagging in mixed batches: sentences of any pairs go through the backbone together."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from hyperx.adapter import Adapters, stack, transform
from hyperx.batching import even_batches
from hyperx.data.sentence import Sentence
from hyperx.pairs import Pair
from hyperx.precision import at_least_float32
from hyperx.tasks import Example
from hyperx.tasks.base import collate_inputs

if TYPE_CHECKING:
    from hyperx.modeling import HyperX


class Row(NamedTuple):
    """A row of a batch: a sentence, or a part of one that is too long, in a cell of the matrix."""

    pair: Pair
    example: Example

    @property
    def length(self) -> int:
        return len(self.example.input_ids)


class Written(NamedTuple):
    """What a model has written for a pair."""

    adapters: Adapters | None
    head: Callable[[Tensor], Tensor]


class MixedTagger:
    """Tags sentences of any cells of a model's matrix, each row of a batch by its own pair's adapters and head.

    What it gives equals what a `Tagger` of each pair does, but for rounding. The model is put in evaluation mode. Not for
    several threads at once.

    Args:
        batch_size: rows that the backbone reads at once.
        max_tokens: of a batch, padding counted; a longer row is a batch of its own. None: no bound.
        cached_pairs: those last used, whose adapters are kept, matrices in the backbone's `dtype`.
    """

    def __init__(
        self, model: "HyperX", *, batch_size: int = 32, max_tokens: int | None = 8192, cached_pairs: int = 64
    ) -> None:
        self.model = model.eval()
        self.batch_size = batch_size
        self.max_tokens = max_tokens
        self.cached_pairs = cached_pairs
        self._cache: OrderedDict[Pair, Written] = OrderedDict()

    def scores(self, sentences: Sequence[tuple[Pair, Sentence]]) -> list[Tensor]:
        """Return what its pair's task decodes of each sentence; of tags, log-probabilities, ``(words, labels)``.

        Raises:
            HyperXError: a pair is outside the model's matrix, or its task tags nothing.
        """
        rows: list[Row] = []
        owners: list[int] = []
        places: dict[Pair, list[int]] = {}
        for number, (pair, _) in enumerate(sentences):
            places.setdefault(pair, []).append(number)
        for pair, numbers in places.items():
            encoded = self.encode(pair, [sentences[number][1] for number in numbers])
            rows += encoded
            owners += [numbers[row.example.sentence] for row in encoded]
        scores: list[Tensor] = [torch.empty(0)] * len(rows)
        for batch in self.batches(rows):
            for number, own in zip(batch, self.run([rows[number] for number in batch]), strict=True):
                scores[number] = own
        parts: list[list[Tensor]] = [[] for _ in sentences]
        for owner, own in zip(owners, scores, strict=True):
            parts[owner].append(own)
        return [self.model.tasks[pair.task].join(own) for (pair, _), own in zip(sentences, parts, strict=True)]

    def encode(self, pair: Pair, sentences: Sequence[Sentence]) -> list[Row]:
        """Return the sentences' rows: one each, or several of a sentence that is too long.

        Raises:
            HyperXError: the model has no such task, or it tags nothing.
        """
        task, model = self.model.tagging_task(pair.task), self.model
        untagged = [Sentence(sentence.words) for sentence in sentences]
        examples = task.encode(untagged, model.tokenizer, max_length=model.model_config.max_length)
        return [Row(pair, example) for example in examples]

    def batches(self, rows: Sequence[Row]) -> list[list[int]]:
        """Return the numbers of the rows of each batch; rows of like lengths go together, the longest first."""
        return even_batches(
            [row.length for row in rows],
            batch_size=self.batch_size,
            max_tokens=self.max_tokens,
            device=self.model.device.type,
        )

    @torch.inference_mode()
    def run(self, rows: Sequence[Row]) -> list[Tensor]:
        """Return what each row's task joins and decodes, from one forward of the backbone.

        Raises:
            HyperXError: a pair is outside the model's matrix.
        """
        model = self.model
        written = {pair: self.written(pair) for pair in dict.fromkeys(row.pair for row in rows)}
        inputs = collate_inputs([row.example for row in rows], model.tokenizer)
        input_ids, attention_mask = (tensor.to(model.device) for tensor in inputs)
        scores: list[Tensor] = [torch.empty(0)] * len(rows)
        adapters = _by_row([written[row.pair].adapters for row in rows])
        # Heads compute in float32: bfloat16 has so few digits that tags tie.
        hidden = at_least_float32(model.backbone(adapters, input_ids=input_ids, attention_mask=attention_mask))
        # A task's pairs have one head; those of a method that writes heads have one each.
        heads: dict[tuple[str, int], list[int]] = {}
        for number, row in enumerate(rows):
            heads.setdefault((row.pair.task, id(written[row.pair].head)), []).append(number)
        for (task, _), numbers in heads.items():
            head = written[rows[numbers[0]].pair].head
            positions = [rows[number].example.positions for number in numbers]
            for number, own in zip(numbers, model.tasks[task].score(head, hidden[numbers], positions), strict=True):
                scores[number] = own
        return scores

    @torch.inference_mode()
    def written(self, pair: Pair) -> Written:
        """Return what the model writes for a pair, kept from its last use where there was one of late.

        Raises:
            HyperXError: the pair is outside the model's matrix.
        """
        if pair not in self._cache:
            with self.model.backbone.autocast():  # as in training: in bfloat16, too, both are to give the same
                adapters, dtype = self.model.adapters([pair]), self.model.backbone.dtype
            # Biases stay as they are: autocast, too, converts what is multiplied only.
            kept = transform(lambda tensor: tensor.to(dtype) if tensor.ndim > 1 else tensor, adapters)
            self._cache[pair] = Written(kept, self.model.head(pair)[0])
        self._cache.move_to_end(pair)
        written = self._cache[pair]
        while len(self._cache) > self.cached_pairs:
            self._cache.popitem(last=False)
        return written


def _by_row(adapters: Sequence[Adapters | None]) -> Adapters | None:
    """Return a row's adapters each, or one for all where they are the same."""
    return adapters[0] if all(own is adapters[0] for own in adapters) else stack(adapters)

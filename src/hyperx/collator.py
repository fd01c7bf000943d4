"""Keys to padded batches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.nn.functional import pad
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from hyperx.distributed import Share
from hyperx.pairs import Pair
from hyperx.sampler import Key
from hyperx.streaming import StreamedExamples
from hyperx.tasks import Batch, Example, Task
from hyperx.tasks.base import IGNORED


class PairDataset(Dataset[Key]):
    """Hands keys on to the collator, which looks them up and knows the whole batch."""

    def __getitem__(self, key: Key) -> Key:
        return key


class PairCollator:
    """Makes a process's share of a batch of one pair's keys.

    What is random in it depends on the seed and the batch's number alone: the whole batch is made, and cut then.
    """

    def __init__(
        self,
        examples: Mapping[Pair, Sequence[Example] | StreamedExamples],
        tasks: Mapping[str, Task],
        tokenizer: PreTrainedTokenizerBase,
        *,
        seed: int,
        share: Share | None = None,
    ) -> None:
        self.examples = examples
        self.tasks = tasks
        self.tokenizer = tokenizer
        self.seed = seed
        self.share = share or Share()

    def __call__(self, keys: Sequence[Key]) -> dict[str, Any]:
        """Return what the model takes, the batch's number, and how many labels are this process's."""
        parts = list(self._parts(keys))
        own = self._join([cut(batch, rows) for batch, rows in parts])
        count = int(labelled(own.labels).sum())
        if not count:  # there must be a loss to have no gradient of
            batch = parts[0][0]
            row = int(labelled(batch.labels).any(1).to(torch.int8).argmax())
            own = cut(batch, range(row, row + 1))
        return {"pair": keys[0].pair, **trim(own)._asdict(), "number": keys[0].batch, "num_labels": count}

    def _parts(self, keys: Sequence[Key]) -> Iterator[tuple[Batch, range]]:
        """Yield the batch as a whole, or the parts of a streamed one that this process reads, and which rows are its own."""
        pair, first, number = keys[0]
        source, own = self.examples[pair], self.share.rows(len(keys))
        if isinstance(source, StreamedExamples):
            parts = source.parts(first // len(keys), own)
        else:
            parts = iter([(0, [source[key.example] for key in keys], own)])
        for part, examples, rows in parts:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number + (part << 52))
            yield self.tasks[pair.task].collate(examples, self.tokenizer, generator), rows

    def _join(self, batches: Sequence[Batch]) -> Batch:
        if len(batches) == 1:
            return batches[0]
        length = max(batch.input_ids.shape[1] for batch in batches)
        paddings = (self.tokenizer.pad_token_id, 0, IGNORED)
        return Batch(
            *(
                torch.cat([pad(tensor, (0, length - tensor.shape[1]), value=value) for tensor in tensors])
                for tensors, value in zip(zip(*batches, strict=True), paddings, strict=True)
            )
        )


def cut(batch: Batch, rows: range) -> Batch:
    """Return some rows of a batch."""
    return Batch(*(tensor[rows.start : rows.stop] for tensor in batch))


def labelled(labels: torch.Tensor) -> torch.Tensor:
    """Return which positions have a label, ``(batch, length)``."""
    return (labels if labels.dim() == 2 else labels[..., 0]) != IGNORED


def trim(batch: Batch) -> Batch:
    """Leave out columns that hold padding alone."""
    length = int(batch.attention_mask.sum(1).max())
    return Batch(*(tensor[:, :length] for tensor in batch))

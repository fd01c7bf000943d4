"""Keys to padded batches."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from hyperx.distributed import Share
from hyperx.pairs import Pair
from hyperx.sampler import Key
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
        examples: Mapping[Pair, Sequence[Example]],
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
        pair, _, number = keys[0]
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        examples = [self.examples[pair][key.example] for key in keys]
        batch = self.tasks[pair.task].collate(examples, self.tokenizer, generator)
        rows = self.share.rows(len(keys))
        own = Batch(*(tensor[rows.start : rows.stop] for tensor in batch))
        count = labelled(own.labels).sum().item()
        if not count:  # there must be a loss to have no gradient of
            row = int(labelled(batch.labels).any(1).to(torch.int8).argmax())
            own = Batch(*(tensor[row : row + 1] for tensor in batch))
        return {"pair": pair, **trim(own)._asdict(), "number": number, "num_labels": count}


def labelled(labels: torch.Tensor) -> torch.Tensor:
    """Return which positions have a label, ``(batch, length)``."""
    return (labels if labels.dim() == 2 else labels[..., 0]) != IGNORED


def trim(batch: Batch) -> Batch:
    """Leave out columns that hold padding alone."""
    length = int(batch.attention_mask.sum(1).max())
    return Batch(*(tensor[:, :length] for tensor in batch))

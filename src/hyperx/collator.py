"""Keys to padded batches."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from hyperx.pairs import Pair
from hyperx.sampler import Key
from hyperx.tasks import Example, Task


class PairDataset(Dataset[Key]):
    """Hands keys on to the collator, which looks them up and knows the whole batch."""

    def __getitem__(self, key: Key) -> Key:
        return key


class PairCollator:
    """Makes a batch of one pair's keys. What is random in it depends on the seed and the step alone."""

    def __init__(
        self,
        examples: Mapping[Pair, Sequence[Example]],
        tasks: Mapping[str, Task],
        tokenizer: PreTrainedTokenizerBase,
        *,
        seed: int,
    ) -> None:
        self.examples = examples
        self.tasks = tasks
        self.tokenizer = tokenizer
        self.seed = seed

    def __call__(self, keys: Sequence[Key]) -> dict[str, Any]:
        pair, _, step = keys[0]
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        examples = [self.examples[pair][key.example] for key in keys]
        batch = self.tasks[pair.task].collate(examples, self.tokenizer, generator)
        return {"pair": pair, **batch._asdict()}

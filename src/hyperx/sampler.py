"""Which sentences a training step sees: batches of one pair, pairs by temperature, sentences of like length."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler

from hyperx.distributed import Share
from hyperx.pairs import Pair
from hyperx.tasks import is_auxiliary

BUCKET = 50  # batches whose sentences are sorted by length together


class Key(NamedTuple):
    """One example of a batch: its pair, its number, and its batch's number."""

    pair: Pair
    example: int
    batch: int


def probabilities(
    sizes: Mapping[Pair, int], temperature: float, auxiliary_share: float | None = None
) -> dict[Pair, float]:
    """Return each pair's sampling probability, ``p ∝ n^(1/T)`` (Üstün et al. 2022, section 3.2).

    Args:
        auxiliary_share: of the auxiliary tasks' pairs together; theirs and the others' proportions among themselves stay.
    """
    groups: dict[bool, list[Pair]] = {}
    for pair in sizes:
        groups.setdefault(auxiliary_share is not None and is_auxiliary(pair.task), []).append(pair)
    shares = dict.fromkeys(groups, 1.0)
    if auxiliary_share is not None and len(groups) == 2:
        shares = {True: auxiliary_share, False: 1 - auxiliary_share}
    chances: dict[Pair, float] = {}
    for auxiliary, pairs in groups.items():
        largest = max(sizes[pair] for pair in pairs)  # sizes as its shares, lest a power overflow
        powers = {pair: (sizes[pair] / largest) ** (1 / temperature) for pair in pairs}
        total = sum(powers.values())
        chances |= {pair: shares[auxiliary] * power / total for pair, power in powers.items()}
    return {pair: chances[pair] for pair in sizes}


class PairBatchSampler(Sampler[list[Key]]):
    """Yields the keys of one-pair batches, `num_batches` of them, the same for the same seed.

    Args:
        lengths: each pair's examples' lengths in pieces.
        streams: of pairs whose examples come in an order of their own, how many they count as.
        batch_size: sentences in a batch; a pair with fewer gives all that it has.
        temperature, auxiliary_share: of the pairs' `probabilities`.
    """

    def __init__(
        self,
        lengths: Mapping[Pair, Sequence[int] | np.ndarray],
        *,
        batch_size: int,
        num_batches: int,
        streams: Mapping[Pair, int] | None = None,
        temperature: float = 5.0,
        auxiliary_share: float | None = None,
        seed: int = 0,
    ) -> None:
        self.lengths = {pair: np.asarray(values) for pair, values in lengths.items()}
        self.streams = dict(streams or {})
        self.batch_size = batch_size
        self.num_batches = num_batches
        self.temperature = temperature
        self.auxiliary_share = auxiliary_share
        self.seed = seed

    def __len__(self) -> int:
        return self.num_batches

    def __iter__(self) -> Iterator[list[Key]]:
        sizes = {pair: len(values) for pair, values in self.lengths.items()} | self.streams
        chance = probabilities(sizes, self.temperature, self.auxiliary_share)
        pairs = list(chance)
        draws = np.random.default_rng([self.seed, 0]).choice(len(pairs), self.num_batches, p=list(chance.values()))
        batches = [self._batches(pair, number) for number, pair in enumerate(pairs, 1)]
        for number, draw in enumerate(draws):
            yield [Key(pairs[draw], int(example), number) for example in next(batches[draw])]

    def _batches(self, pair: Pair, stream: int) -> Iterator[np.ndarray]:
        """Yield a pair's batches for ever, every sentence once an epoch, sentences of like length together."""
        if pair in self.streams:
            yield from (np.arange(start, start + self.batch_size) for start in count(0, self.batch_size))
        generator = np.random.default_rng([self.seed, stream])
        lengths = self.lengths[pair]
        while True:
            order = generator.permutation(len(lengths))
            span = self.batch_size * BUCKET
            buckets = [order[start : start + span] for start in range(0, len(order), span)]
            batches = [batch for bucket in buckets for batch in self._cut(bucket[np.argsort(lengths[bucket])])]
            for number in generator.permutation(len(batches)):
                yield batches[number]

    def _cut(self, ordered: np.ndarray) -> list[np.ndarray]:
        return np.array_split(ordered, -(-len(ordered) // self.batch_size))


class ShareSampler(Sampler[list[Key]]):
    """Yields those of a sampler's batches that are a process's."""

    def __init__(self, sampler: PairBatchSampler, share: Share) -> None:
        self.sampler = sampler
        self.share = share

    def __len__(self) -> int:
        return len(self.sampler) // self.share.num_batches * len(self.share.batches)

    def __iter__(self) -> Iterator[list[Key]]:
        return (keys for keys in self.sampler if keys[0].batch % self.share.num_batches in self.share.batches)

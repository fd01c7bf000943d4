"""Which sentences a training step sees: batches of one pair, pairs by temperature, sentences of like length."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler

from hyperx.pairs import Pair
from hyperx.tasks import is_auxiliary

BUCKET = 50  # batches whose sentences are sorted by length together


class Key(NamedTuple):
    """One example of a batch: its pair, its number, and the step that it is drawn for."""

    pair: Pair
    example: int
    step: int


def probabilities(
    sizes: Mapping[Pair, int], temperature: float, auxiliary_share: float | None = None
) -> dict[Pair, float]:
    """Return each pair's sampling probability, ``p ∝ n^(1/T)`` (Üstün et al. 2022, section 3.2).

    Args:
        auxiliary_share: of the auxiliary tasks' pairs together; theirs and the others' proportions among themselves stay.
    """
    powers = {pair: size ** (1 / temperature) for pair, size in sizes.items()}
    groups: dict[bool, float] = {}
    for pair, power in powers.items():
        auxiliary = is_auxiliary(pair.task)
        groups[auxiliary] = groups.get(auxiliary, 0.0) + power
    if auxiliary_share is None or len(groups) == 1:
        total = sum(powers.values())
        return {pair: power / total for pair, power in powers.items()}
    shares = {True: auxiliary_share, False: 1 - auxiliary_share}
    factors = {auxiliary: shares[auxiliary] / total for auxiliary, total in groups.items()}
    return {pair: power * factors[is_auxiliary(pair.task)] for pair, power in powers.items()}


class PairBatchSampler(Sampler[list[Key]]):
    """Yields the keys of one-pair batches, `num_steps` of them, the same for the same seed.

    Args:
        lengths: each pair's examples' lengths in pieces.
        batch_size: sentences in a batch; a pair with fewer gives all that it has.
        temperature, auxiliary_share: of the pairs' `probabilities`.
    """

    def __init__(
        self,
        lengths: Mapping[Pair, Sequence[int]],
        *,
        batch_size: int,
        num_steps: int,
        temperature: float = 5.0,
        auxiliary_share: float | None = None,
        seed: int = 0,
    ) -> None:
        self.lengths = {pair: np.asarray(values) for pair, values in lengths.items()}
        self.batch_size = batch_size
        self.num_steps = num_steps
        self.temperature = temperature
        self.auxiliary_share = auxiliary_share
        self.seed = seed

    def __len__(self) -> int:
        return self.num_steps

    def __iter__(self) -> Iterator[list[Key]]:
        sizes = {pair: len(values) for pair, values in self.lengths.items()}
        chance = probabilities(sizes, self.temperature, self.auxiliary_share)
        pairs = list(chance)
        draws = np.random.default_rng([self.seed, 0]).choice(len(pairs), self.num_steps, p=list(chance.values()))
        batches = [self._batches(pair, number) for number, pair in enumerate(pairs, 1)]
        for step, draw in enumerate(draws):
            yield [Key(pairs[draw], int(example), step) for example in next(batches[draw])]

    def _batches(self, pair: Pair, stream: int) -> Iterator[np.ndarray]:
        """Yield a pair's batches for ever, every sentence once an epoch, sentences of like length together."""
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

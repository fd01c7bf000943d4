"""Batches of rows of like lengths."""

from itertools import combinations
from random import Random

import pytest

from hyperx.batching import OVERHEAD, even_batches


def cost(batches: list[list[int]], lengths: list[int]) -> int:
    return sum(OVERHEAD["cpu"] + len(batch) * max(lengths[number] for number in batch) for batch in batches)


def every_division(lengths: list[int]) -> list[list[list[int]]]:
    """All ways of cutting the rows, the longest first, into batches."""
    order = sorted(range(len(lengths)), key=lambda number: -lengths[number])
    cuts = [cut for size in range(len(order)) for cut in combinations(range(1, len(order)), size)]
    return [[order[start:end] for start, end in zip((0, *cut), (*cut, len(order)), strict=True)] for cut in cuts]


@pytest.mark.parametrize("seed", range(20))
def test_no_division_by_length_costs_less(seed: int) -> None:
    random = Random(seed)
    lengths = [random.randint(1, 200) for _ in range(random.randint(1, 9))]
    allowed = [
        division
        for division in every_division(lengths)
        if all(len(own) == 1 or (len(own) <= 4 and len(own) * lengths[own[0]] <= 400) for own in division)
    ]
    batches = even_batches(lengths, batch_size=4, max_tokens=400)
    assert batches in allowed
    assert cost(batches, lengths) == min(cost(division, lengths) for division in allowed)


def test_like_lengths_share_a_batch_and_outliers_do_not() -> None:
    assert even_batches([30, 200, 31, 29, 199], batch_size=32) == [[1, 4], [2, 0, 3]]
    assert even_batches([30, 200, 31, 29, 199], batch_size=32, device="cuda") == [[1, 4, 2, 0, 3]]
    assert even_batches([], batch_size=32) == []

"""The best tree against a search through all of them."""

import tracemalloc
from itertools import product

import numpy as np
import pytest

from hyperx.spanning_tree import best_tree


def is_tree(heads: tuple[int, ...]) -> bool:
    """Whether one word hangs on the root, and every word under it."""
    if heads.count(0) != 1:
        return False
    for word in range(1, len(heads) + 1):
        for _ in heads:
            word = heads[word - 1] if word else 0
        if word:
            return False
    return True


def total(scores: np.ndarray, heads: list[int] | tuple[int, ...]) -> float:
    return float(sum(scores[word, head] for word, head in enumerate(heads)))


@pytest.mark.parametrize("size", range(1, 6))
def test_the_best_tree_is_the_best_of_all(size: int) -> None:
    generator = np.random.default_rng(size)
    trees = [heads for heads in product(range(size + 1), repeat=size) if is_tree(heads)]
    assert len(trees) == size ** (size - 1)  # Cayley
    for scale in (0.1, 1, 30) * 8:
        scores = generator.normal(size=(size, size + 1)) * scale
        found = best_tree(scores)
        assert is_tree(tuple(found))
        assert total(scores, found) == pytest.approx(max(total(scores, heads) for heads in trees))


def test_one_root_even_where_every_word_wants_it() -> None:
    scores = np.zeros((4, 5))
    scores[:, 0] = 100
    scores[2, 0] = 101
    assert best_tree(scores).count(0) == 1
    assert best_tree(scores)[2] == 0


def test_cycles_within_cycles() -> None:
    # 1 and 2 want each other, as do 3 and 4; the two pairs want one another more than the root.
    scores = np.full((4, 5), -50.0)
    scores[0, 2] = scores[1, 1] = scores[2, 4] = scores[3, 3] = 10
    scores[0, 3], scores[2, 1], scores[1, 0] = 5, 4, -1
    trees = [heads for heads in product(range(5), repeat=4) if is_tree(heads)]
    assert total(scores, best_tree(scores)) == max(total(scores, heads) for heads in trees)


def test_a_long_sentence_and_none() -> None:
    heads = best_tree(np.random.default_rng(0).normal(size=(300, 301)))
    assert is_tree(tuple(heads))
    assert best_tree(np.empty((0, 1))) == []


def test_a_chain_of_cycles_in_cycles_takes_no_stack_and_little_memory() -> None:
    """Each word wants the one before, the first two want each other, and every contraction makes the next cycle."""
    size = 2000
    scores = np.full((size, size + 1), -1e6)
    scores[:, 0] = -1e3
    scores[0, 2] = scores[1, 1] = 10
    for word in range(2, size):
        scores[word, word] = 10
        scores[0, word + 1] = 10 - word / size
    tracemalloc.start()
    heads = best_tree(scores)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert heads.count(0) == 1
    assert peak < 5 * scores.nbytes

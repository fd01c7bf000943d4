from collections import Counter
from itertools import islice

import pytest

from hyperx.pairs import Pair
from hyperx.sampler import PairBatchSampler, probabilities

SIZES = {Pair("pos", "eng"): 1000, Pair("ner", "swa"): 50, Pair("mlm", "yor"): 7}


def sampler(**options) -> PairBatchSampler:
    lengths = {pair: [(31 * number) % 60 + 3 for number in range(size)] for pair, size in SIZES.items()}
    return PairBatchSampler(lengths, **{"batch_size": 8, "num_batches": 3000, "seed": 1, **options})


def test_probabilities_are_the_fifth_root() -> None:
    total = 1000**0.2 + 50**0.2 + 7**0.2
    assert probabilities(SIZES, 5)[Pair("ner", "swa")] == pytest.approx(50**0.2 / total)


def test_a_temperature_near_zero_leaves_the_largest_alone() -> None:
    sizes = {Pair("pos", "eng"): 10, Pair("ner", "eng"): 1000, Pair("mlm", "eng"): 5, Pair("mlm", "swa"): 2}
    assert list(probabilities(sizes, 1e-4).values()) == [0, 1, 0, 0]
    assert list(probabilities(sizes, 1e-4, auxiliary_share=0.25).values()) == [0, 0.75, 0.25, 0]


def test_auxiliary_tasks_get_their_share() -> None:
    chances = probabilities(SIZES, 5, 0.2)
    assert chances[Pair("mlm", "yor")] == pytest.approx(0.2)
    assert sum(chances.values()) == pytest.approx(1)
    assert chances[Pair("pos", "eng")] / chances[Pair("ner", "swa")] == pytest.approx((1000 / 50) ** 0.2)
    only = {Pair("mlm", "yor"): 7, Pair("mlm", "hau"): 7}
    assert probabilities(only, 5, 0.2)[Pair("mlm", "yor")] == pytest.approx(0.5)


def test_batches_hold_one_pair_drawn_as_often_as_it_should() -> None:
    drawn: Counter[Pair] = Counter()
    for number, batch in enumerate(sampler()):
        assert {key.batch for key in batch} == {number}
        assert 1 <= len(batch) <= 8
        (pair,) = {key.pair for key in batch}
        drawn[pair] += 1
    for pair, chance in probabilities(SIZES, 5).items():
        assert drawn[pair] / 3000 == pytest.approx(chance, abs=0.03)


def test_every_sentence_once_an_epoch() -> None:
    pair = Pair("ner", "swa")
    seen = [key.example for batch in sampler() for key in batch if key.pair == pair]
    epochs = [sorted(seen[start : start + 50]) for start in range(0, len(seen) - 49, 50)]
    assert len(epochs) > 10
    assert all(epoch == list(range(50)) for epoch in epochs)


def test_batches_hold_sentences_of_like_length() -> None:
    lengths = sampler().lengths[Pair("pos", "eng")]
    spreads = [lengths[[k.example for k in batch]] for batch in sampler() if batch[0].pair == Pair("pos", "eng")]
    padded = sum(len(values) * values.max() for values in spreads)
    assert sum(values.sum() for values in spreads) / padded > 0.95


def test_the_same_seed_gives_the_same_batches() -> None:
    assert list(islice(sampler(), 50)) == list(islice(sampler(), 50))
    assert list(islice(sampler(), 50)) != list(islice(sampler(seed=2), 50))

import random
from itertools import product

import numpy as np
import pytest
import torch
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2, Entities

from hyperx.metrics import ACCURACY, SAMPLES, SPAN_F1, interval, resample, spans
from hyperx.tasks import build_task

TAGS = ["O", "O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


@pytest.mark.parametrize("seed", range(5))
def test_span_f1_is_strict_seqeval(seed: int) -> None:
    generator = random.Random(seed)
    gold, predicted = ([[generator.choice(TAGS) for _ in range(n)] for n in (1, 5, 9, 14, 3)] for _ in range(2))
    predicted[2] = gold[2]
    counts = np.array([SPAN_F1.count(a, b) for a, b in zip(gold, predicted, strict=True)])
    assert SPAN_F1.score(counts.sum(0)) == pytest.approx(100 * f1_score(gold, predicted, mode="strict", scheme=IOB2))


def test_spans_are_seqevals_also_of_broken_tags() -> None:
    generator = random.Random(0)
    for _ in range(300):
        tags = [generator.choice([*TAGS, "I-MISC-X", "B-MISC-X"]) for _ in range(generator.randint(1, 8))]
        assert spans(tags) == [entity.to_tuple()[1:] for entity in Entities([tags], IOB2).entities[0]], tags


def test_decoding_finds_the_best_valid_tags() -> None:
    task = build_task("ner", ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
    torch.manual_seed(0)
    for length in (1, 2, 4) * 10:
        scores = torch.randn(length, 5).log_softmax(-1)
        valid = []
        for path in product(range(5), repeat=length):
            tags = [task.labels[number] for number in path]
            before = ["O", *tags[:-1]]
            if all(not b.startswith("I-") or a[2:] == b[2:] for a, b in zip(before, tags, strict=True)):
                valid.append((float(sum(scores[i, number] for i, number in enumerate(path))), tags))
        assert task.decode(scores) == max(valid)[1]


def test_accuracy_and_empty_counts() -> None:
    assert ACCURACY.count(["NOUN", "VERB", "X"], ["NOUN", "VERB", "ADJ"]) == (2, 3)
    assert ACCURACY.score(np.array([2, 3])) == pytest.approx(200 / 3)
    assert SPAN_F1.score(np.zeros(3)) == 0


def test_the_bootstrap_interval_covers_the_binomial_one() -> None:
    counts = np.array([[1, 1]] * 300 + [[0, 1]] * 100)
    scores = resample(counts, ACCURACY, samples=2000)
    low, high = interval(scores)
    # 75 % of 400: the normal approximation's interval is 75 ± 4.24.
    assert low == pytest.approx(75 - 4.24, abs=0.6)
    assert high == pytest.approx(75 + 4.24, abs=0.6)
    assert np.array_equal(scores, resample(counts, ACCURACY, samples=2000))


def test_counts_need_tags_of_the_same_words() -> None:
    with pytest.raises(ValueError, match="zip"):
        ACCURACY.count(["X"], ["X", "X"])
    assert SPAN_F1.count(["B-PER", "O", "B-LOC"], ["B-PER", "B-LOC", "B-LOC"]) == (2, 3, 2)
    assert (ACCURACY.name, SPAN_F1.name) == ("accuracy", "f1")


def test_scores_of_many_samples_at_once() -> None:
    counts = np.array([[[1, 2, 3], [0, 0, 0]], [[2, 2, 2], [0, 1, 4]]])
    assert SPAN_F1.score(counts).tolist() == [[40, 0], [100, 0]]
    assert ACCURACY.score(counts).tolist() == [[100 / 3, 0], [100, 0]]
    assert ACCURACY.score(np.array([[0, 0], [1, 1]])).tolist() == [0, 100]


def test_resampling_draws_whole_sentences_by_the_seed() -> None:
    counts = np.array([[1, 1], [0, 3], [2, 4]])
    generator = np.random.default_rng(7)
    drawn = [counts[generator.integers(3, size=3)].sum(0) for _ in range(5)]
    expected = [100 * right / words for right, words in drawn]
    assert resample(counts, ACCURACY, samples=5, seed=7).tolist() == pytest.approx(expected)
    assert len(resample(counts, ACCURACY)) == SAMPLES == 1000
    assert np.array_equal(resample(counts, ACCURACY), resample(counts, ACCURACY, seed=0))


def test_the_interval_leaves_out_2_5_percent_on_each_side() -> None:
    assert interval(np.arange(1001.0)) == (25.0, 975.0)

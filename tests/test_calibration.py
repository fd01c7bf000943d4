"""Probabilities that mean what they say, and what cells without a test set can be expected to score."""

import math
from statistics import NormalDist

import pytest
import torch

from conftest import WORDS, shake
from hyperx.calibration import calibration_error, fit_temperature, fit_temperatures
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.expectation import UNKNOWN, expect, predict
from hyperx.pairs import Pair
from hyperx.tasks import build_task


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_of_known_logits_is_found(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(40_000, 5, generator=generator)
    gold = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
    assert fit_temperature((temperature * logits).log_softmax(-1), gold) == pytest.approx(temperature, rel=0.05)
    assert fit_temperature(logits[:0], gold[:0]) == 1.0


def test_scores_are_the_chosen_labels_probabilities() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    scores = build_task("pos", ["A", "B", "C"]).confidences(logits.log_softmax(-1), ["A", "C"], 2.0)
    first = math.exp(1) / (math.exp(1) + 1 + math.exp(-0.5))
    assert scores == pytest.approx([first, 1 / (2 + math.exp(0.5))])


def test_the_calibration_error_is_the_gap_between_scores_and_what_is_right() -> None:
    assert calibration_error([0.9] * 10, [True] * 9 + [False]) == pytest.approx(0, abs=1e-4)
    assert calibration_error([1.0] * 4 + [0.55] * 4, [True, True, True, False] * 2) == pytest.approx(22.5, abs=1e-4)
    assert calibration_error([], []) == 0


def test_temperatures_change_scores_and_no_tag(make_model) -> None:
    model = shake(make_model())
    dev = {
        Pair("pos", "eng"): [Sentence(tuple(WORDS[:4]), ("DET", "NOUN", "VERB", "DET"))],
        Pair("ner", "swa"): [Sentence(tuple(WORDS[7:10]), ("B-LOC", "O", "B-DATE"))],  # no model knows dates here
    }
    words = WORDS[:12]
    before = model.tagger(["pos", "ner"], "eng")(words)
    model.model_config.temperatures = fit_temperatures(model, dev)
    after = model.tagger(["pos", "ner"], "eng")(words)
    assert set(model.model_config.temperatures) == {"pos", "ner"}
    for task in ("pos", "ner"):
        assert after[task].tags == before[task].tags
        assert after[task].scores != before[task].scores


def test_a_prediction_interval_is_that_of_one_more_normal_value() -> None:
    values = [NormalDist(60, 5).inv_cdf((n + 0.5) / 500) for n in range(500)]
    told = predict(values)
    assert (told.score, told.low, told.high) == pytest.approx((60, 60 - 9.8, 60 + 9.8), abs=0.1)
    # By hand: mean 50, s = sqrt(200), t(1) = 12.706, so half = 12.706 * sqrt(200) * sqrt(1.5), cut at the ends.
    assert predict([40.0, 60.0])[:4] == (50.0, 0.0, 100.0, 2)
    assert predict([59.0, 60.0, 61.0]).high == pytest.approx(60 + 4.3027 * math.sqrt(4 / 3), abs=1e-3)
    assert predict([40.0])[:4] == (40.0, 0.0, 100.0, 1)
    assert predict([]) == UNKNOWN


SCORES = {
    f"ner/{language}": (score, score - 1, score + 1)
    for language, score in zip(
        ["eng", "swa", "hau", "xho", "fra", "yor", "ibo", "zul"],
        [80.0, 50.0, 52.0, 54.0, 56.0, 30.0, 31.0, 32.0],
        strict=True,
    )
}


def test_a_cell_is_expected_to_score_as_its_like() -> None:
    seen = {"eng", "swa", "hau", "xho", "fra", "deu"}
    known = {"trained": ["ner/eng", "ner/mlt"], "seen": seen}
    assert expect(Pair("ner", "swa"), SCORES, **known) == (50.0, 49.0, 51.0, 0)
    assert expect(Pair("ner", "swa"), SCORES, **known).measured
    alike = expect(Pair("ner", "deu"), SCORES, **known)
    assert (alike.score, alike.cells, alike.measured) == (53.0, 4, False)
    few = expect(Pair("ner", "gun"), SCORES, **known)  # three unseen cells are too few to be asked alone
    assert (few.score, few.cells) == (pytest.approx(305 / 7), 7)
    assert expect(Pair("ner", "mlt"), SCORES, **known) == UNKNOWN
    assert expect(Pair("pos", "deu"), SCORES, **known) == UNKNOWN
    assert "not known" in str(UNKNOWN)


def test_a_models_expected_scores(make_model) -> None:
    model = make_model()
    model.model_config.scores = {"pos/eng": (90.0, 88.0, 92.0), "pos/swa": (70.0, 60.0, 80.0)}
    model.model_config.trained = ["pos/eng"]
    assert str(model.expected_score("pos", "sw")) == "70.0 (60.0–80.0) on its test set"
    assert model.expected_score("pos", "yor")[:4] == (70.0, 0.0, 100.0, 1)
    with pytest.raises(HyperXError, match="not trained with the language 'deu'"):
        model.expected_score("pos", "deu")

"""What the soak holds an answer for."""

import json
from typing import Any

import pytest
import torch
from benchmarks.soak.client import Answer
from benchmarks.soak.requests import Asked, Request, Told, as_json

from hyperx.tasks import MorphologicalFeatures, NamedEntities
from hyperx.text.sentence import TaggedSentence, from_words
from hyperx.text.tagger import layer

TASK = NamedEntities(["O", "B-LOC", "B-PER"])
SENTENCE = from_words(["Juba", "sleeps"], "eng")
SCORES = torch.tensor([[0.02, 0.5, 0.48], [0.9, 0.05, 0.05]]).log()


def told(*tags: str) -> TaggedSentence:
    return TaggedSentence(SENTENCE, {"ner": layer(TASK, tags, SCORES, SENTENCE, 1.0)})


OURS = Told(told("B-LOC", "O"), TASK, SCORES, 1.0)


def test_an_answer_equals_the_taggers_but_for_rounded_scores() -> None:
    assert OURS.judge(as_json(OURS.tagged)) == "equal"
    assert OURS.judge(as_json(OURS.tagged) | {"ner_scores": [0.52, 0.87]}) == "equal"
    assert OURS.judge(as_json(OURS.tagged) | {"ner_scores": [0.5, 0.8]}) == "wrong"


def test_a_tag_that_the_tagger_scores_as_its_own_is_a_tie() -> None:
    assert OURS.judge(as_json(told("B-PER", "O"))) == "tied"
    assert OURS.judge(as_json(told("O", "O"))) == "wrong"
    assert OURS.judge(as_json(told("B-LOC", "B-PER"))) == "wrong"


@pytest.mark.parametrize(
    "changed",
    [
        {"ner_spans": as_json(OURS.tagged)["ner_spans"]},  # a place, where the tag says a person
        {"ner_scores": [0.4, 0.9]},
        {"ner_tags": ["B-PER"]},
        {"ner_tags": ["B-ORG", "O"]},
        {"ner_tags": None},
        {"tokens": ["Juba", "slept"]},
        {"language": "swa"},
    ],
)
def test_a_tie_must_be_right_in_all_else(changed: dict[str, Any]) -> None:
    assert OURS.judge(as_json(told("B-PER", "O")) | changed) == "wrong"


@pytest.mark.parametrize("given", [None, [], {}, "B-PER"])
def test_what_is_no_sentence_is_wrong(given: Any) -> None:
    assert OURS.judge(given) == "wrong"


def test_a_task_that_can_not_score_other_tags_has_no_ties() -> None:
    task = MorphologicalFeatures(["Case=Acc", "Case=Nom"])
    scores = torch.zeros(2, len(task.labels))
    tagged, other = (
        TaggedSentence(SENTENCE, {"feats": layer(task, tags, scores, SENTENCE, 1.0)})
        for tags in (["Case=Acc", "_"], ["Case=Nom", "_"])
    )
    assert Told(tagged, task, scores, 1.0).judge(as_json(tagged)) == "equal"
    assert Told(tagged, task, scores, 1.0).judge(as_json(other)) == "wrong"


def test_an_answer_lacks_no_sentence() -> None:
    request = Request("sound", b"", asked=[Asked({}, [OURS])])
    whole = [{"sentences": [as_json(OURS.tagged)]}]
    for outputs, verdict in (
        (whole, "equal"),
        ([], "wrong"),
        ([*whole, *whole], "wrong"),
        ([{"sentences": []}], "wrong"),
    ):
        assert Answer(200, json.dumps({"outputs": outputs}).encode()).judge(request) == verdict


def test_the_worst_verdict_decides() -> None:
    equal, tied, wrong = (as_json(told(tag, "O")) for tag in ("B-LOC", "B-PER", "O"))
    assert Asked({}, [OURS] * 3).judge([equal, tied, equal]) == "tied"
    assert Asked({}, [OURS] * 2).judge([wrong, tied]) == "wrong"
    assert Asked({}, []).judge([]) == "equal"

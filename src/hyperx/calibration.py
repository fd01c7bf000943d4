"""How sure a tag is: probabilities with a temperature, fitted so that of words at 0.8 eight of ten are right."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hyperx.data.sentence import Sentence
from hyperx.pairs import Pair
from hyperx.tagging import Tagger

if TYPE_CHECKING:
    from hyperx.modeling import HyperX

BINS = 15
DEV_SENTENCES = 100  # of a dev set; a score needs more of them than the choice of a checkpoint does


def fit_temperatures(model: "HyperX", dev: Mapping[Pair, Sequence[Sentence]]) -> dict[str, float]:
    """Return each exclusive task's temperature, fitted on all its dev sets, on the first `DEV_SENTENCES` of each."""
    rows: dict[str, list[Tensor]] = {}
    gold: dict[str, list[Tensor]] = {}
    for pair, given in dev.items():
        if not model.tasks[pair.task].exclusive:
            continue
        sentences = given[:DEV_SENTENCES]
        labels = model.tasks[pair.task].labels
        for sentence, scores in zip(sentences, Tagger(model, pair).scores(sentences), strict=True):
            # A dev set may hold tags that nothing trained knows.
            known = [number for number, tag in enumerate(sentence.tags or ()) if tag in labels]
            rows.setdefault(pair.task, []).append(scores[known])
            tags = [labels.index((sentence.tags or ())[number]) for number in known]
            gold.setdefault(pair.task, []).append(torch.tensor(tags, dtype=torch.long))
    return {task: fit_temperature(torch.cat(rows[task]), torch.cat(gold[task])) for task in rows}


def fit_temperature(log_probabilities: Tensor, gold: Tensor) -> float:
    """Return the temperature that makes the gold labels most likely (Guo et al., 2017); 1 where there are no words.

    Shapes:
        log_probabilities: ``(words, labels)``; gold: ``(words,)``, numbers of labels.
    """
    if not len(gold):
        return 1.0
    scores = log_probabilities.double()
    inverse = torch.ones((), dtype=torch.double, requires_grad=True)
    # To the optimum itself: where the search stops on the way depends on the last bits of the scores.
    optimizer = torch.optim.LBFGS(
        [inverse], max_iter=100, tolerance_grad=1e-12, tolerance_change=1e-15, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = nn.functional.cross_entropy(scores * inverse, gold)  # convex in 1/T
        value.backward()
        return value

    optimizer.step(loss)
    return float(1 / inverse.detach().clamp(0.05, 20))


def calibration_error(scores: Sequence[float], right: Sequence[bool], *, bins: int = BINS) -> float:
    """Return the expected calibration error in percent (Naeini et al., 2015): bins of equal width, weighted by size."""
    confidence, hit = torch.tensor(scores), torch.tensor(right, dtype=torch.float)
    places = (confidence * bins).long().clamp(max=bins - 1)
    gaps = torch.zeros(bins).index_add(0, places, confidence - hit)
    return float(100 * gaps.abs().sum() / max(len(confidence), 1))

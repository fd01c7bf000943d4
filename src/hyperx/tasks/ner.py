"""Named entity recognition in IOB2."""

from typing import ClassVar

import torch
from torch import Tensor

from hyperx.metrics import SPAN_F1, Metric
from hyperx.tasks.tagging import TaggingTask


class NamedEntities(TaggingTask):
    """Entity spans, scored by strict span F1."""

    name: ClassVar[str] = "ner"
    metric: ClassVar[Metric] = SPAN_F1
    default_labels: ClassVar[list[str]] = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]

    def decode(self, scores: Tensor) -> list[str]:
        """Return the best valid IOB2 sequence (Viterbi over the transitions that IOB2 allows).

        Shapes:
            scores: ``(words, num_labels)``, log-probabilities.
        """
        if not len(scores):
            return []
        forbidden = self._forbidden()
        likeliest = scores.argmax(-1)
        if not self._inside()[likeliest[0]] and not forbidden[likeliest[:-1], likeliest[1:]].any():
            return [self.labels[number] for number in likeliest.tolist()]
        best = scores[0].masked_fill(self._inside(), -torch.inf)
        back = []
        for row in scores[1:]:
            # (previous, next)
            paths = best[:, None].masked_fill(forbidden, -torch.inf)
            top, previous = paths.max(0)
            best = top + row
            back.append(previous)
        path = [int(best.argmax())]
        for previous in reversed(back):
            path.append(int(previous[path[-1]]))
        return [self.labels[number] for number in reversed(path)]

    def _inside(self) -> Tensor:
        return torch.tensor([label.startswith("I-") for label in self.labels])

    def _forbidden(self) -> Tensor:
        """Mark, ``(previous, next)``, what IOB2 forbids: I-X after anything but B-X and I-X."""
        return torch.tensor(
            [[after.startswith("I-") and before[2:] != after[2:] for after in self.labels] for before in self.labels]
        )

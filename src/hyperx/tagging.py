"""Tagging: sentences in, one tag a word out, however long the sentences are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from hyperx.data.sentence import Sentence
from hyperx.mixed_tagging import MixedTagger
from hyperx.pairs import Pair

if TYPE_CHECKING:
    from hyperx.modeling import HyperX


class Tagger:
    """Tags sentences in one cell of a model's matrix, with the pair's adapters written once.

    Raises:
        HyperXError: the pair is outside the model's matrix, or the task tags nothing.
    """

    def __init__(self, model: "HyperX", pair: Pair, *, batch_size: int = 32) -> None:
        self.task = model.tagging_task(pair.task)
        self.model = model
        self.pair = pair
        was_training = model.training
        self._mixed = MixedTagger(model, batch_size=batch_size, max_tokens=None, cached_pairs=1)
        self._mixed.written(pair)
        model.train(was_training)

    def tag(self, sentences: Sequence[Sentence]) -> list[list[str]]:
        """Return one tag a word of each sentence, or its one label of a task that gives it one."""
        return [self.task.decode(scores) for scores in self.scores(sentences)]

    def scores(self, sentences: Sequence[Sentence]) -> list[Tensor]:
        """Return what the task decodes of each sentence; of tags, log-probabilities, ``(words, labels)``."""
        was_training = self.model.training
        self.model.eval()
        scores = self._mixed.scores([(self.pair, sentence) for sentence in sentences])
        self.model.train(was_training)
        return scores

"""Tagging: sentences in, one tag a word out, however long the sentences are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from hyperx.data.sentence import Sentence
from hyperx.pairs import Pair
from hyperx.tasks import Example
from hyperx.tasks.base import collate_inputs

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
        self.batch_size = batch_size
        was_training = model.training
        model.eval()
        with torch.inference_mode(), model.backbone.autocast():
            self.adapters = model.adapters([pair])
            self.head, _ = model.head(pair)
        model.train(was_training)

    def tag(self, sentences: Sequence[Sentence]) -> list[list[str]]:
        """Return one tag a word of each sentence, or its one label of a task that gives it one."""
        return [self.task.decode(scores) for scores in self.scores(sentences)]

    def scores(self, sentences: Sequence[Sentence]) -> list[torch.Tensor]:
        """Return what the task decodes of each sentence; of tags, log-probabilities, ``(words, labels)``."""
        model = self.model
        untagged = [Sentence(sentence.words) for sentence in sentences]
        examples = list(self.task.encode(untagged, model.tokenizer, max_length=model.model_config.max_length))
        # Batches of like lengths hold little padding; the longest come first, so that memory runs out at once or never.
        order = sorted(range(len(examples)), key=lambda number: -len(examples[number].input_ids))
        scores: list[torch.Tensor] = [torch.empty(0)] * len(examples)
        was_training = model.training
        model.eval()
        for start in range(0, len(order), self.batch_size):
            numbers = order[start : start + self.batch_size]
            batch = self._scores([examples[number] for number in numbers])
            for number, rows in zip(numbers, batch, strict=True):
                scores[number] = rows
        model.train(was_training)
        return self._join(sentences, examples, scores)

    @torch.inference_mode()
    def _scores(self, examples: Sequence[Example]) -> list[torch.Tensor]:
        """Return what the task decodes of each example; of tags, log-probabilities, ``(words, labels)``."""
        model = self.model
        input_ids, attention_mask = (tensor.to(model.device) for tensor in collate_inputs(examples, model.tokenizer))
        with model.backbone.autocast():
            hidden = model.backbone(self.adapters, input_ids=input_ids, attention_mask=attention_mask)
            return self.task.score(self.head, hidden, [example.positions for example in examples])

    def _join(
        self, sentences: Sequence[Sentence], examples: Sequence[Example], scores: Sequence[torch.Tensor]
    ) -> list[torch.Tensor]:
        parts: list[list[torch.Tensor]] = [[] for _ in sentences]
        for example, rows in zip(examples, scores, strict=True):
            parts[example.sentence].append(rows)
        return [self.task.join(rows) for rows in parts]

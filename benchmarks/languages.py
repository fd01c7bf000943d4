"""From 20 to 10,000 languages: a step, tagging, and bytes a language.

Usage: python -m benchmarks.languages [--rounds N] [--quick]
"""

from functools import partial

import torch
from transformers.utils import logging

from benchmarks.peers import seconds
from benchmarks.rounds import Options, Row, alternate, options, ratios, save
from benchmarks.setting import labelled, shaken
from hyperx.backbone import load_backbone, load_tokenizer
from hyperx.modeling import HyperX, ModelConfig
from hyperx.pairs import Pair
from hyperx.tasks import build_task
from hyperx.trainer import parameter_groups

COUNTS = (20, 200, 2_000, 10_000)
BATCH, LENGTH = 16, 50  # about AfriMix's


class Matrix:
    """A model of so many languages, and the two things that are done with it."""

    def __init__(self, count: int, given: Options) -> None:
        config = labelled(given)
        # Their names don't matter to speed; there are no 10,000 codes that this project knows.
        names = [f"q{number:05d}" for number in range(count)]
        labels = {task: build_task(task).labels for task in ("pos", "ner")}
        backbone, tokenizer = load_backbone(config.backbone), load_tokenizer(config.backbone)
        described = ModelConfig(backbone=config.backbone, method=config.method, tasks=labels, languages=names)
        self.model = shaken(HyperX(described, backbone, tokenizer))
        self.model.backbone.compute_in(torch.bfloat16)
        self.optimizer = torch.optim.AdamW(parameter_groups(self.model, 1e-3), fused=True)
        self.pair = Pair("pos", names[count // 2])
        generator = torch.Generator().manual_seed(0)
        self.pieces = torch.randint(5, backbone.config.vocab_size, (BATCH, LENGTH), generator=generator)
        self.mask, self.labels = torch.ones_like(self.pieces), self.pieces % 17
        self.times = 1 if given.quick else 10

    def state_bytes(self) -> int:
        """Return the size of what is saved, the languages' names included."""
        names = sum(len(name) + 3 for name in self.model.model_config.languages)
        return sum(tensor.nbytes for tensor in self.model.trained_state().values()) + names

    def train(self) -> float:
        """Return the seconds of a step."""
        self.model.train()
        return seconds(lambda: self._steps(self.times)) / self.times

    def _steps(self, number: int) -> None:
        for _ in range(number):
            self._step()

    def _step(self) -> None:
        with self.model.backbone.autocast():
            loss = self.model(self.pair, self.pieces, self.mask, self.labels)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def tag(self) -> float:
        """Return the seconds of a batch."""
        self.model.eval()
        with torch.inference_mode():
            encode = partial(self.model.encode, [self.pair], self.pieces, self.mask)
            return seconds(lambda: [encode() for _ in range(self.times)]) / self.times


def main(given: Options) -> None:
    logging.set_verbosity_error()
    counts = COUNTS[:2] if given.quick else COUNTS
    matrices = {count: Matrix(count, given) for count in counts}
    measures = {f"step, {count}": matrix.train for count, matrix in matrices.items()}
    measures |= {f"tagging, {count}": matrix.tag for count, matrix in matrices.items()}
    figures = alternate(measures, given.rounds)
    first, last = counts[0], counts[-1]
    grown = (matrices[last].state_bytes() - matrices[first].state_bytes()) / (last - first)
    rows = [
        Row(
            f"{name} with {count:,} languages over {first}'s",
            ratios(figures, f"{name}, {count}", f"{name}, {first}"),
            1.05,
        )
        for name in ("step", "tagging")
        for count in counts[1:]
    ]
    rows.append(Row("bytes a language, its name included", [grown], 256 + len("q00000") + 3, unit="bytes"))
    save("languages", given, rows, figures, unit="seconds")


if __name__ == "__main__":
    main(options(__doc__))

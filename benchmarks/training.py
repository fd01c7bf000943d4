"""Training steps: ours, the single adapter's, full fine-tuning's, other software's, and the limit, in turn.

A figure is seconds a real piece: padding is not counted. A step is collating, forward, backward, clipping and the update.
Usage: python -m benchmarks.training [--rounds N] [--quick]
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.utils import logging

from benchmarks.limit import step_products
from benchmarks.peers import Peer, seconds, write_inputs
from benchmarks.rounds import Options, Row, alternate, options, ratios, save
from benchmarks.setting import labelled, read, shorter
from hyperx.backbone import load_backbone
from hyperx.config import RunConfig
from hyperx.pairs import Pair
from hyperx.run import build_model, encode_all
from hyperx.tasks import Example
from hyperx.trainer import HyperXTrainer

WARMUP = 5
AUTHORS_LENGTH = 256  # what the authors' code pads every sentence to


class Clock(TrainerCallback):
    """Notes when each step began, the collating of its batch included, and the end."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.times.append(time.perf_counter())

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.times.append(time.perf_counter())


class Ours:
    """A trainer as `hyperx train` makes it, and what it trains on."""

    def __init__(self, config: RunConfig, folder: Path) -> None:
        data = read(config)
        self.model = build_model(config, data)
        self.examples = encode_all(self.model, data, progress=lambda doing: None)
        self.clock = Clock()
        self.trainer = HyperXTrainer(
            self.model,
            examples=self.examples,
            dev={},
            config=config.training,
            folder=folder,
            seed=1,
            callbacks=[self.clock],
        )
        self.batches = list(self.trainer.sampler)

    def rows(self, step: int) -> list[Example]:
        """Return a step's sentences."""
        return [self.examples[key.pair][key.example] for key in self.batches[step]]

    def __call__(self) -> float:
        self.clock.times.clear()
        self.trainer.train()
        pieces = sum(len(row.input_ids) for step in range(WARMUP, len(self.batches)) for row in self.rows(step))
        return (self.clock.times[-1] - self.clock.times[WARMUP]) / pieces


def padded(ours: Ours, steps: int) -> Callable[[], float]:
    """Return Hyper-X's step as the authors' code takes it: float32, every sentence padded to 256 pieces."""
    model = ours.model
    copy = type(model)(model.model_config, load_backbone(model.model_config.backbone), model.tokenizer).train()
    optimizer = torch.optim.AdamW([p for p in copy.parameters() if p.requires_grad], lr=1e-4)

    def step(number: int) -> None:
        pair: Pair = ours.batches[number][0].pair
        batch = copy.tasks[pair.task].collate(ours.rows(number), copy.tokenizer, torch.Generator())
        room = (0, AUTHORS_LENGTH - batch.input_ids.shape[1])
        fills = (copy.tokenizer.pad_token_id, 0, -100)
        inputs = [torch.nn.functional.pad(tensor, room, value=fill) for tensor, fill in zip(batch, fills, strict=True)]
        copy(pair, *inputs)["loss"].backward()
        torch.nn.utils.clip_grad_norm_(copy.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    def run() -> float:
        spent = seconds(lambda: list(map(step, range(steps))))
        return spent / sum(len(row.input_ids) for number in range(steps) for row in ours.rows(number))

    return run


def limit(ours: Ours) -> Callable[[], float]:
    """Return the limit of a step of the mean size."""
    steps = len(ours.batches)
    tokens = sum(len(row.input_ids) for step in range(steps) for row in ours.rows(step)) // steps
    model = ours.model
    products = step_products(
        model.backbone.config,
        tokens=tokens,
        sentences=len(ours.batches[0]),
        bottleneck=model.model_config.method.bottleneck,  # type: ignore[union-attr]
        labels=len(model.tasks["pos"].labels),
        dtype=model.backbone.dtype,
    )
    return lambda: seconds(lambda: [product() for product in products]) / tokens


def hand_over(ours: Ours, folder: Path, steps: int) -> None:
    """Give the peers the encoder and the same sentences."""
    load_backbone(ours.model.model_config.backbone).encoder.save_pretrained(folder / "encoder")
    rows = [
        {"input_ids": row.input_ids, "positions": row.positions, "labels": row.labels}
        for step in range(steps)
        for row in ours.rows(step)
    ]
    write_inputs(
        folder,
        training=rows,
        pad=ours.model.tokenizer.pad_token_id,
        max_length=ours.model.model_config.max_length,
        labels=max(len(task.labels) for task in ours.model.tasks.values()),
        bottleneck=ours.model.model_config.method.bottleneck,  # type: ignore[union-attr]
    )


def main(given: Options) -> None:
    logging.set_verbosity_error()
    steps, slow = (WARMUP + 2, 1) if given.quick else (40, 12)
    overrides = [f"training.steps={steps}", f"training.eval_steps={steps}"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        trained = {
            name: Ours(labelled(given, name, *overrides), folder / name) for name in ("hyperx", "single", "finetune")
        }
        ud = Ours(shorter(given, *overrides), folder / "ud")
        hand_over(trained["hyperx"], folder, slow)
        peer = stack.enter_context(Peer("adapters_library", folder))
        figures = alternate(
            {
                "limit": limit(trained["hyperx"]),
                **trained,
                "padded to 256": padded(trained["hyperx"], slow),
                "UD": ud,
                "UD padded to 256": padded(ud, slow),
                "adapters": peer.measure("single"),
                "adapters, MAD-X": peer.measure("madx"),
            },
            given.rounds,
        )
    rows = [
        Row("training step, share of the limit", ratios(figures, "limit", "hyperx"), 0.75, at_most=False),
        Row("Hyper-X's step over the single adapter's", ratios(figures, "hyperx", "single"), 1.03),
        Row(
            "rate over `adapters`' with one bottleneck adapter",
            ratios(figures, "adapters", "hyperx"),
            1.5,
            at_most=False,
        ),
        Row("rate over `adapters`' with MAD-X's stack", ratios(figures, "adapters, MAD-X", "hyperx"), at_most=False),
        Row("rate over full fine-tuning's", ratios(figures, "finetune", "hyperx"), at_most=False),
        Row("rate over the step padded to 256", ratios(figures, "padded to 256", "hyperx"), 5.5, at_most=False),
        Row("the same on UD's shorter sentences", ratios(figures, "UD padded to 256", "UD"), 10, at_most=False),
        Row("training, real pieces", [1 / value for value in figures["hyperx"]], unit="a second", at_most=False),
    ]
    save("training", given, rows, figures, unit="seconds a real piece", steps=steps)


if __name__ == "__main__":
    main(options(__doc__))

"""Real tokens a second of whole training steps, of Hyper-X and of the single adapter in turn.

A token is a piece of a sentence; padding is not counted. A step is collating, forward, backward, clipping and the update.
Usage: python -m benchmarks.training [CONFIG]
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.utils import logging

from benchmarks import RESULTS, machine
from hyperx.config import RunConfig, load_run_config
from hyperx.data.check import collected_notices
from hyperx.dataset import load_data
from hyperx.run import build_model, encode_all, restrict_vocabulary
from hyperx.trainer import HyperXTrainer

ROUNDS, STEPS, WARMUP = 5, 40, 5


class Clock(TrainerCallback):
    """Notes when each step began, the collating of its batch included, and the end."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.times.append(time.perf_counter())

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.times.append(time.perf_counter())


def trainer(config: RunConfig, folder: Path, clock: Clock) -> HyperXTrainer:
    with collected_notices():
        data = load_data(config)
    model = build_model(config, data)
    examples = encode_all(model, data, progress=lambda doing: None)
    restrict_vocabulary(model, examples)
    return HyperXTrainer(
        model, examples=examples, dev={}, config=config.training, folder=folder, seed=1, callbacks=[clock]
    )


def rate(trainer: HyperXTrainer, clock: Clock) -> float:
    """Train for `STEPS` steps and return the tokens a second of those after the warm-up."""
    clock.times.clear()
    trainer.train()
    lengths = trainer.sampler.lengths
    tokens = [sum(int(lengths[key.pair][key.example]) for key in batch) for batch in trainer.sampler]
    return sum(tokens[WARMUP:]) / (clock.times[-1] - clock.times[WARMUP])


def main(path: str = "configs/afrimix-mixed-1.yaml") -> None:
    logging.set_verbosity_error()
    rates: dict[str, list[float]] = {"hyperx": [], "single": []}
    with tempfile.TemporaryDirectory() as folder:
        overrides = [f"training.steps={STEPS}", f"training.eval_steps={STEPS}"]
        trainers = {}
        for method in rates:
            clock = Clock()
            config = load_run_config(path, [*overrides, f"method={{name: {method}}}"])
            trainers[method] = trainer(config, Path(folder) / method, clock), clock
        for _ in range(ROUNDS):
            for method, measured in trainers.items():
                rates[method].append(rate(*measured))
    report = {
        "machine": machine(),
        "config": path,
        "tokens_per_second": {method: [round(value) for value in values] for method, values in rates.items()},
        "median": {method: round(statistics.median(values)) for method, values in rates.items()},
        "step_time_of_hyperx_over_single": round(
            statistics.median(b / a for a, b in zip(rates["hyperx"], rates["single"], strict=True)), 3
        ),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "training-speed.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])

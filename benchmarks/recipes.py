"""Time to quality: dev scores by step of recipes, on AfriMix mixed-1, trained and zero-shot cells apart.

Test sets are not read. Finished runs are skipped. ``results/recipes`` gets a file a run, the table and the curves.
Usage: python -m benchmarks.recipes [VARIANT...] [--seeds 1 2 3] [--report]
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any
from unittest.mock import patch

from transformers import TrainerCallback, set_seed
from transformers.utils import logging

from benchmarks import RESULTS, machine
from benchmarks.recipes_report import write_report
from hyperx.config import RunConfig, load_run_config
from hyperx.data.check import collected_notices
from hyperx.dataset import RunData, load_data
from hyperx.methods import hyperx as hyperx_method
from hyperx.run import build_model, encode_all, restrict_vocabulary
from hyperx.trainer import HyperXTrainer

FOLDER = RESULTS / "recipes"
HYPERNETWORK = "method.hypernetwork.*"
# Each: what differs from configs/afrimix-mixed-1.yaml, and the learning rates that differ from the recipe's.
VARIANTS: dict[str, tuple[list[str], dict[str, float]]] = {
    "default": ([], {}),
    "single": (["method={name: single}"], {}),
    "paper": (["method={name: hyperx, recipe: paper}"], {}),
    "paper-10000": (["method={name: hyperx, recipe: paper}", "training.steps=10000", "training.eval_steps=1000"], {}),
    "rate-1e-3": ([], {HYPERNETWORK: 1e-3}),
    "rate-sqrt": ([], {HYPERNETWORK: 1e-3 / 32**0.5}),
    "head-1e-3": ([], {"heads.*.output.*": 1e-3}),
    "d_p-8": (["method.projection_size=8"], {}),
    "d_p-192": (["method.projection_size=192"], {}),
    "b-32": (["method.bottleneck=32"], {}),
    "b-256": (["method.bottleneck=256"], {}),
    "no-mlm": (["train.mlm=[]"], {}),
}
STEPS = ["training.steps=1000", "training.eval_steps=200", "training.dev_sentences=40"]


class Stages(TrainerCallback):
    """Collects the dev scores of every cell, and the seconds spent on steps alone."""

    def __init__(self) -> None:
        self.seconds, self.started, self.curve = 0.0, 0.0, []  # type: ignore[var-annotated]

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.started = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds += time.perf_counter() - self.started

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:
        scores = {key.removeprefix("eval_"): round(value, 2) for key, value in metrics.items() if "/" in key}
        self.curve.append({"step": state.global_step, "seconds": round(self.seconds), "scores": scores})


def load(config: RunConfig) -> RunData:
    with collected_notices():
        return load_data(config)


def learning_rates(changed: dict[str, float]) -> Callable[[hyperx_method.HyperXMethod], None]:
    """Return the default recipe with other learning rates."""
    usual = hyperx_method.HyperXMethod._init_default

    def init(method: hyperx_method.HyperXMethod) -> None:
        usual(method)
        method.learning_rates |= changed

    return init


def run(variant: str, seed: int) -> None:
    """Train one run and write its curve, unless that is done."""
    path = FOLDER / f"{variant}-seed{seed}.json"
    if path.exists():
        return
    overrides, rates = VARIANTS[variant]
    config = load_run_config(
        "configs/afrimix-mixed-1.yaml", [*STEPS, *overrides, "method.norm_first=false", f"seed={seed}"]
    )
    data = load(config)
    set_seed(seed)
    with patch.object(hyperx_method.HyperXMethod, "_init_default", learning_rates(rates)):
        model = build_model(config, data)
    examples = encode_all(model, data, progress=lambda doing: None)
    restrict_vocabulary(model, examples)
    stages = Stages()
    with tempfile.TemporaryDirectory() as folder:
        trainer = HyperXTrainer(
            model,
            examples=examples,
            dev=data.dev,  # of all cells, also those that were not trained: this is a study of recipes
            config=config.training,
            folder=Path(folder),
            seed=seed,
            callbacks=[stages],
        )
        trainer.train()
    trained = [str(pair) for pair in data.train]
    losses = [[entry["step"], round(entry["loss"], 4)] for entry in trainer.state.log_history if "loss" in entry]
    report = {"variant": variant, "seed": seed, "machine": machine(), "trained": trained, "loss": losses}
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report | {"curve": stages.curve}) + "\n", encoding="utf-8")
    print(path.name, round(mean(stages.curve[-1]["scores"].values()), 1), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variants", nargs="*", default=list(VARIANTS), metavar="VARIANT")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--report", action="store_true", help="only draw the report again")
    arguments = parser.parse_args()
    if unknown := set(arguments.variants) - set(VARIANTS):
        parser.error(f"unknown variant {', '.join(unknown)}; known are {', '.join(VARIANTS)}")
    logging.set_verbosity_error()
    for seed in [] if arguments.report else arguments.seeds:
        for variant in arguments.variants:
            run(variant, seed)
    write_report(FOLDER)


if __name__ == "__main__":
    main()

"""Learning rates of the baselines, and pairs a step, on a short schedule: dev sets of AfriMix mixed-1; test sets are not read.

Finished runs are skipped. ``results/rates`` gets a file a run, and the table.
Usage: python -m benchmarks.rates [--jobs 2]
"""

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from transformers.utils import logging

from benchmarks import RESULTS
from hyperx.config import load_run_config
from hyperx.data.check import collected_notices
from hyperx.dataset import load_data
from hyperx.results import Results
from hyperx.run import train

FOLDER = RESULTS / "rates"
RUNS = Path("runs/rates")
DEV_SENTENCES = 40
STEPS = ["training.steps=500", "training.eval_steps=500", "train.mlm=[]"]
# Language adapters of four languages, as often as in the study, and task adapters on them.
LANGUAGES = "[eng, hau, luo, yor]"
FOUR = [*STEPS, "train.pos=[eng, hau]", "train.ner=[eng, luo, yor]"]
FOUR += [f"evaluate={{pos: {LANGUAGES}, ner: {LANGUAGES}}}"]
MADX = "name: madx, language_bottleneck: 128, task_bottleneck: 48"


HEADING = f"""# Rates

Mean dev scores, {DEV_SENTENCES} sentences a cell, after 500 steps of 16 sentences on AfriMix mixed-1: one seed, no raw text.
Runs of four languages (`single-four`, `madx`) have other cells than the rest; the losses of MAD-X's language adapters are in
their files. `block-alone`, and `single-four`, have `norm_first: false`; `4-pairs` has `training.pairs_per_step: 4`; numbers
are `training.learning_rate`. Made by `python -m benchmarks.rates`.
"""


def variants() -> dict[str, list[str]]:
    """Return what differs from configs/afrimix-mixed-1.yaml, by name."""
    runs = {}
    for rate in ("1e-4", "1e-3"):
        runs[f"madx-languages-{rate}"] = [
            f"method={{{MADX}}}",
            "training.steps=2000",
            "training.eval_steps=2000",
            f"training.learning_rate={float(rate)}",
            f"train={{mlm: {LANGUAGES}}}",
            "training.temperature=1e9",
        ]
    for method in ("single", "hyperx"):
        runs[method] = [*STEPS, f"method={{name: {method}}}"]
        runs[f"{method}-block-alone"] = [*STEPS, f"method={{name: {method}, norm_first: false}}"]
    runs["hyperx-4-pairs"] = [*runs["hyperx"], "training.pairs_per_step=4"]
    for method in ("finetune", "psf"):
        for rate in ("1e-4", "3e-4", "3e-5"):
            runs[f"{method}-{rate}"] = [
                *STEPS,
                f"method={{name: {method}, freeze_embeddings: true}}",
                f"training.learning_rate={float(rate)}",
            ]
    for rate in ("1e-4", "1e-3"):
        runs[f"madx-{rate}"] = [
            *FOUR,
            f"method={{{MADX}, language_adapters: {RUNS / 'madx-languages-1e-3'}}}",
            f"training.learning_rate={float(rate)}",
        ]
    runs["single-four"] = [*FOUR, "method={name: single, norm_first: false}"]
    return runs


def run(name: str) -> None:
    """Train one run and score its cells' dev sets."""
    overrides = [*variants()[name], f"name={name}", f"output={RUNS / name}"]
    config = load_run_config("configs/afrimix-mixed-1.yaml", overrides)
    with collected_notices():
        data = load_data(config)
    data.test = {pair: data.dev[pair][:DEV_SENTENCES] for pair in data.test if pair in data.dev}
    data.dev = {}
    _, results = train(config, data=data)
    if name.startswith("madx-languages"):  # no cells: what tells them apart is the loss
        log = json.loads((RUNS / name / "log.json").read_text(encoding="utf-8"))
        losses = [[entry["step"], round(entry["loss"], 4)] for entry in log if "loss" in entry]
        (FOLDER / f"{name}.json").write_text(json.dumps({"loss": losses}) + "\n", encoding="utf-8")
    else:
        results.save(FOLDER / f"{name}.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", help="one run, in this process")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    logging.set_verbosity_error()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if arguments.run:
        return run(arguments.run)
    todo = [name for name in variants() if not (FOLDER / f"{name}.json").exists()]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(lambda name: subprocess.run([sys.executable, "-m", __spec__.name, "--run", name]), todo))
    write_table()


def write_table() -> None:
    """Write the dev scores of what is finished."""
    lines = [HEADING, "| Run | POS trained | POS zero-shot | NER trained | NER zero-shot |", "|---|---|---|---|---|"]
    for name in variants():
        if (FOLDER / f"{name}.json").exists() and not name.startswith("madx-languages"):
            results = Results.load(FOLDER / f"{name}.json")
            averages = [results.average(task, cells) for task in ("pos", "ner") for cells in ("trained", "zero-shot")]
            lines.append(f"| {name} | " + " | ".join(f"{a.score:.1f}" if a else "" for a in averages) + " |")
    (FOLDER / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

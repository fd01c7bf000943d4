"""Learning rates of a few sentences' training, chosen on dev sets of three of AfriMix's languages; test sets are not read.

It starts from the study's English multi-task models, ``runs/afrimix-small/multi-SYSTEM-seed1``; for Hyper-X that with raw
text, and that without. ``results/few-shot-rates`` gets a file a model, and the table.
Usage: python -m benchmarks.few_shot_rates [SYSTEM...]
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean

from transformers.utils import logging

from benchmarks import RESULTS
from hyperx.cli.study import find_planner
from hyperx.data.check import collected_notices
from hyperx.dataset import load_data
from hyperx.results import Results
from hyperx.study.benchmark import TASKS
from hyperx.study.few_shot import train_group
from hyperx.study.runs import Planner, Run, base

FOLDER = RESULTS / "few-shot-rates"
RUNS = Path("runs/few-shot-rates")
DATA = Path("../shared/data")
SIZE = 10
DEV_SENTENCES = 100
LANGUAGES = ("swa", "wol", "luo")
# Steps and learning rate.
SLOW = [(30, 1e-4), (30, 3e-4), (30, 1e-3), (30, 3e-3), (60, 3e-4), (60, 1e-3)]
FAST = [(30, 3e-5), (30, 1e-4), (30, 3e-4), (30, 1e-3), (60, 1e-4), (60, 3e-4)]
# By whose model is started from.
SCHEDULES = {"hyperx-mlm-all": SLOW, "hyperx": SLOW, "finetune": FAST, "madx": SLOW}

HEADING = f"""# A few sentences' learning rates

Mean dev scores ({DEV_SENTENCES} sentences) of Swahili, Wolof and Luo, each after training on {SIZE} sentences of it (draw 1) from
the English multi-task model of AfriMix. Made by `python -m benchmarks.few_shot_rates`.

| Starts from the model of | steps | learning rate | NER F1 | POS accuracy | mean |
|---|---:|---:|---:|---:|---:|
"""


def cells(planner: Planner, system: str) -> list[Run]:
    """Return the study's runs on the sentences that the schedules are tried on."""
    method = base(system)
    wanted = {f"few-shot-{method}-{task}-{language}-{SIZE}-draw1" for task in TASKS for language in LANGUAGES}
    return [run for run in planner.few_shot() if run.name in wanted]


def scores(planner: Planner, run: Run, system: str) -> list[float]:
    """Train a cell by each schedule from a system's model, and return its dev set's scores."""
    start = str(planner.run("multi", system).config.folder)
    with collected_notices():
        data = load_data(run.config.model_copy(update={"data": planner.benchmark.data}))
    data = replace(data, test={pair: data.dev[pair][:DEV_SENTENCES] for pair in data.test})
    configs = []
    for steps, rate in SCHEDULES[system]:
        name = f"{run.name}-{system}-{steps}-{rate:g}"
        training = run.config.training.model_copy(update={"steps": steps, "learning_rate": rate})
        changes = {"name": name, "output": RUNS / name, "start": start, "training": training}
        configs.append(run.config.model_copy(update=changes))
    train_group(configs, data=data)
    return [Results.load(config.folder).rows[0].score for config in configs]


def main() -> None:
    logging.set_verbosity_error()
    FOLDER.mkdir(parents=True, exist_ok=True)
    planner = find_planner("afrimix", "small", data=DATA, runs=Path("runs"))
    for system in sys.argv[1:] or SCHEDULES:
        found = {"/".join(run.name.split("-")[3:5]): scores(planner, run, system) for run in cells(planner, system)}
        (FOLDER / f"{system}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    write_table()


def write_table() -> None:
    """Write the means of what is finished."""
    lines = []
    for system, schedules in SCHEDULES.items():
        path = FOLDER / f"{system}.json"
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        for number, (steps, rate) in enumerate(schedules if found else []):
            means = [
                mean(row[number] for cell, row in found.items() if cell.startswith(f"{task}/")) for task in TASKS[::-1]
            ]
            figures = " | ".join(f"{value:.1f}" for value in (*means, mean(means)))
            lines.append(f"| {system} | {steps} | {rate:g} | {figures} |\n")
    (FOLDER / "README.md").write_text(HEADING + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()

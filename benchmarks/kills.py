"""Kill a run with SIGKILL again and again, and compare how it ends with one that was never stopped, bit for bit.

Usage: python -m benchmarks.kills [--kills N] [--seed N] [--output FILE]
"""

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import RESULTS, machine
from hyperx.checkpoint import UNFINISHED

ROOT = RESULTS.parent
# A backbone of a few kB, and a generator that makes writing a checkpoint take a good part of the time.
RUN = """
name: killed
backbone: {root}/tests/golden/1/backbone
method: {{name: hyperx, bottleneck: {bottleneck}, projection_size: 64}}
data:
  - {{corpus: starter, languages: [eng, swa]}}
  - {{task: mlm, language: cat, train: {root}/docs/tutorial/catalan.txt}}
train: {{pos: [eng], ner: [swa], mlm: all}}
training: {{steps: {steps}, batch_size: 8, eval_steps: {eval_steps}, max_length: 24, dev_sentences: 10}}
"""
MOMENTS = ("training", "writing", "any")
LATEST = {"training": 0.5, "writing": 0.05}  # seconds after what was waited for


@dataclass
class Kill:
    """A kill.

    Attributes:
        moment: what was waited for: a checkpoint that is being written, the training after one, or nothing.
        seconds: after that.
        checkpoints: the steps whose checkpoints were there when the process was dead.
        writing: one was left unfinished.
    """

    moment: str
    seconds: float
    checkpoints: list[int]
    writing: bool


class Run:
    """A run in a folder of its own, by the command line as a user has it."""

    def __init__(self, yaml: Path, folder: Path) -> None:
        self.yaml, self.folder = yaml, folder

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "hyperx", "train", str(self.yaml), "--output", str(self.folder), "--resume"]
        log = self.folder.with_suffix(".log").open("ab")
        return subprocess.Popen(command, stdout=log, stderr=log)

    def finish(self) -> float:
        """Run to the end, and return the seconds."""
        start = time.monotonic()
        if self.start().wait():
            raise SystemExit(self.folder.with_suffix(".log").read_text(encoding="utf-8"))
        return time.monotonic() - start

    def kill(self, moment: str, seconds: float) -> Kill | None:
        """Start or go on, kill at a moment, and return what was left; None if the run ended before."""
        before = self.checkpoints()
        process = self.start()
        reached: dict[str, Callable[[], bool]] = {
            "training": lambda: self.checkpoints() > before,
            "writing": (self.folder / "checkpoints" / UNFINISHED).exists,
            "any": lambda: True,
        }
        while process.poll() is None and not reached[moment]():
            time.sleep(0.001)
        time.sleep(seconds)
        process.kill()
        if process.wait() >= 0:
            return None
        return Kill(moment, round(seconds, 3), self.checkpoints(), (self.folder / "checkpoints" / UNFINISHED).exists())

    def checkpoints(self) -> list[int]:
        """Return the steps of the checkpoints that are there."""
        return sorted(int(path.name[11:]) for path in (self.folder / "checkpoints").glob("checkpoint-*"))

    def outcome(self) -> dict[str, Any]:
        """Return what two runs must have in common: losses and scores, weights, and results but for seconds."""
        results = json.loads((self.folder / "results.json").read_text(encoding="utf-8"))
        for row in results["rows"]:
            del row["seconds"]
        weights = [*sorted((self.folder / "model").glob("*.safetensors")), self.folder / "results.safetensors"]
        return {
            "log": json.loads((self.folder / "log.json").read_text(encoding="utf-8")),
            "results": results,
            "model": json.loads((self.folder / "model" / "config.json").read_text(encoding="utf-8")),
            **{path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in weights},
        }


def kill_runs(
    folder: Path, count: int, *, seed: int = 0, per_run: int = 5, **sizes: int
) -> tuple[list[list[Kill]], bool]:
    """Kill runs `count` times, each a few times before it may end, and return the kills and whether all ended alike."""
    yaml = folder / "run.yaml"
    yaml.write_text(RUN.format(root=ROOT, **sizes), encoding="utf-8")
    whole = Run(yaml, folder / "whole")
    seconds = whole.finish()
    chance, runs, equal = random.Random(seed), list[list[Kill]](), True
    while (left := count - sum(map(len, runs))) > 0:
        run = Run(yaml, folder / f"killed-{len(runs)}")
        kills: list[Kill] = []
        while len(kills) < min(per_run, left):
            moment = MOMENTS[sum(map(len, runs), len(kills)) % len(MOMENTS)]
            kill = run.kill(moment, chance.uniform(0, seconds if moment == "any" else LATEST[moment]))
            if kill is None:
                break
            kills.append(kill)
            print(kill, flush=True)
        run.finish()
        equal &= run.outcome() == whole.outcome()
        runs.append(kills)
    return runs, equal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--output", type=Path, default=RESULTS / "kills.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs, equal = kill_runs(Path(folder), given.kills, seed=given.seed, steps=120, eval_steps=10, bottleneck=4096)
    values = {
        "date": datetime.now(UTC).date().isoformat(),
        **machine(),
        "kills": sum(map(len, runs)),
        "while_writing": sum(kill.writing for kills in runs for kill in kills),
        "all_equal": equal,
        "runs": [[asdict(kill) for kill in kills] for kills in runs],
    }
    given.output.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    print(f"{values['kills']} kills, {values['while_writing']} while a checkpoint was written; all equal: {equal}")
    sys.exit(not equal)


if __name__ == "__main__":
    main()

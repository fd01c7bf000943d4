"""AfriMix: train each method on both mixed partitions with several seeds, and write what came out.

Finished runs are skipped, broken off ones resumed. ``results/afrimix`` gets each run's results, log and matrix, and the report.
Usage: python -m benchmarks.afrimix [RUN...], such as mixed-1-hyperx-seed1; all of them unless given, none with --report.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import RESULTS
from benchmarks.afrimix_report import write_report

PARTITIONS = ("mixed-1", "mixed-2")
METHODS = {
    "hyperx": "{name: hyperx, bottleneck: 128, projection_size: 32, norm_first: false}",
    "single": "{name: single, bottleneck: 128, norm_first: false}",
}
SEEDS = (1, 2)
KEPT = ("results.json", "results.safetensors", "log.json", "matrix.png", "environment.json")
RUNS = {f"{p}-{m}-seed{s}": (p, m, s) for s in SEEDS for p in PARTITIONS for m in METHODS}
FOLDER = RESULTS / "afrimix"


def train(name: str) -> None:
    """Train one run, unless it is finished, and keep its figures."""
    partition, method, seed = RUNS[name]
    run = Path("runs/afrimix") / name
    if not (run / "results.json").exists():
        subprocess.run(
            [sys.executable, "-m", "hyperx", "train", f"configs/afrimix-{partition}.yaml"]
            + [f"method={METHODS[method]}", f"seed={seed}", f"name={name}", "--output", str(run)]
            + (["--resume"] if run.exists() else []),
            check=True,
        )
    kept = FOLDER / name
    kept.mkdir(parents=True, exist_ok=True)
    for file in KEPT:
        shutil.copy2(run / file, kept / file)
    log = json.loads((kept / "log.json").read_text(encoding="utf-8"))
    (kept / "log.json").write_text(json.dumps(log, separators=(",", ":")) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN", help="the runs to train; all unless given")
    parser.add_argument("--report", action="store_true", help="only write the report again")
    arguments = parser.parse_args()
    for run in [] if arguments.report else arguments.runs or RUNS:
        train(run)
    write_report(FOLDER)


if __name__ == "__main__":
    main()

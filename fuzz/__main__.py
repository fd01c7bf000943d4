"""Fuzz every target, and note executions, processor time and findings in results/fuzz.json.

Usage: python -m fuzz [--runs N] [TARGET...]
"""

import argparse
import json
import re
import resource
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import RESULTS, machine

from fuzz import TARGETS

HERE = Path(__file__).parent
BUILD = HERE.parent / "build" / "fuzz"
# Shares of the executions: whole models and applications take a hundred times a reader's time.
SLOW = {"configuration": 0.3, "segmentation": 0.3, "model_folder": 0.1, "bodies": 0.3, "results": 0.3}
LIMITS = ("-timeout=120", "-rss_limit_mb=3000", "-print_final_stats=1", "-use_value_profile=1")


def fuzz(target: str, runs: int) -> dict[str, Any]:
    """Fuzz a target, and return what came out."""
    corpus, findings = BUILD / target / "corpus", BUILD / target / "findings"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    before, known = _processor_seconds(), set(findings.iterdir())
    command = [sys.executable, "-m", "fuzz.one", target, str(corpus), str(HERE / "seeds" / target), f"-runs={runs}"]
    options = [*LIMITS, "-max_len=2000", f"-dict={HERE / 'tokens.dict'}", f"-artifact_prefix={findings}/"]
    with (BUILD / target / "log").open("w", encoding="utf-8") as log:
        subprocess.run([*command, *options], stdout=log, stderr=log, check=False)
    text = (BUILD / target / "log").read_text(encoding="utf-8", errors="replace")
    done = re.findall(r"stat::number_of_executed_units: (\d+)|^#(\d+)\t", text, re.MULTILINE)
    return {
        "executions": max((int(a or b) for a, b in done), default=0),
        "processor_seconds": round(_processor_seconds() - before, 1),
        "coverage": max(map(int, re.findall(r" cov: (\d+)", text)), default=0),
        "findings": [path.name for path in sorted(set(findings.iterdir()) - known)],
    }


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300_000, help="executions of a fast target")
    parser.add_argument("--output", type=Path, default=RESULTS / "fuzz.json")
    parser.add_argument("targets", nargs="*", metavar="TARGET", default=TARGETS)
    given = parser.parse_args()
    known = json.loads(given.output.read_text(encoding="utf-8")) if given.output.exists() else {"targets": {}}
    targets = known["targets"]
    for target in given.targets:
        targets[target] = fuzz(target, int(given.runs * SLOW.get(target, 1)))
        print(target, targets[target], flush=True)
        values = {
            "date": datetime.now(UTC).date().isoformat(),
            "atheris": version("atheris"),
            **machine(),
            "executions": sum(own["executions"] for own in targets.values()),
            "targets": targets,
        }
        given.output.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    sys.exit(any(targets[target]["findings"] for target in given.targets))


if __name__ == "__main__":
    main()

"""Sum up what mutmut has found, in results/mutation.json: which small changes of the code the tests notice.

Usage, after ``mutmut run``: python -m benchmarks.mutation. Fails where fewer than 90 % of a module's mutants are killed.
"""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import RESULTS

MUTANTS = Path("mutants/src/hyperx")
TARGET = 0.9
LIVING = (0, 5, 33)  # exit statuses of mutmut: the tests passed, or there are none
# Lines that no test can tell from those they stand for, and why.
_ROW = '"  ".join(cell.ljust(width) for cell, width in zip(row, widths, {})).rstrip()'
_PAIRS = "first, second = (np.mean(side, axis=0) for side in zip(*scores, {}))"
EQUIVALENT = {
    "self.hidden = nn.Linear(input_size, input_size, bias=None)": "None is no bias, as False is",
    "self.output = nn.Linear(input_size, output_size, bias=None)": "None is no bias, as False is",
    "stacked = np.stack([results.counts[str(row.pair)] for results in runs]).astype(None)": "NumPy's default is float64",
    **{
        _ROW.format(strict): "a row has as many cells as there are widths"
        for strict in ("strict=None", "", "strict=False")
    },
    **{_PAIRS.format(strict): "all are pairs" for strict in ("strict=None", "", "strict=False")},
}


def summary(meta: Path) -> dict[str, Any]:
    """Return a module's counts, and the lines of the mutants that live."""
    codes: dict[str, int | None] = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    if None in codes.values():
        sys.exit(f"{meta} has mutants that were not tried; run mutmut to its end")
    killed = sum(code not in LIVING for code in codes.values())  # by a test, or as they never end
    lines = {name: changed(name) for name, code in codes.items() if code in LIVING}
    equivalent = {name: EQUIVALENT[line] for name, line in lines.items() if line in EQUIVALENT}
    living = {name: line for name, line in lines.items() if line not in EQUIVALENT}
    return {
        "mutants": len(codes),
        "killed": killed,
        "survived": len(living),
        "equivalent": len(equivalent),
        "score": round(killed / (len(codes) - len(equivalent)), 4),
        "survivors": living,
        "equivalents": equivalent,
    }


def changed(name: str) -> str:
    """Return the line that a mutant has in another's place."""
    diff = subprocess.run(
        [sys.executable, "-m", "mutmut", "show", name], capture_output=True, text=True, check=True
    ).stdout
    return next((line[1:].strip() for line in diff.splitlines() if line.startswith("+") and line[1:2] != "+"), "")


def main() -> None:
    modules = {meta.name.partition(".")[0]: summary(meta) for meta in sorted(MUTANTS.glob("*.meta"))}
    report = {"mutmut": version("mutmut"), "modules": modules}
    path = RESULTS / "mutation.json"
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for module, found in modules.items():
        print(
            f"{module}: {found['killed']} of {found['mutants']} killed, {found['equivalent']} equivalent",
            found["score"],
        )
    if any(found["score"] < TARGET for found in modules.values()):
        sys.exit(f"fewer than {TARGET:.0%} were killed: write tests that notice those that survived, in {path}")


if __name__ == "__main__":
    main()

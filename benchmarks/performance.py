"""docs/performance.md's table, from the figures of ``results/performance``. Usage: python -m benchmarks.performance"""

import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks import RESULTS

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
START, END = "<!-- measured -->\n", "<!-- /measured -->\n"
TITLES = {
    "training": "Training",
    "tagging": "Tagging",
    "corpus": "A corpus",
    "startup": "Start and memory",
    "languages": "Languages",
    "text": "Raw text",
    "gpu": "GPU",
}


def write(folder: Path) -> None:
    """Write the page's tables anew."""
    before, rest = PAGE.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    sections = [section(folder / f"{name}.json", title) for name, title in TITLES.items()]
    PAGE.write_text(before + START + "\n".join(sections) + "\n" + END + after, encoding="utf-8")


def section(path: Path, title: str) -> str:
    """Return a benchmark's table; a line where it was not run."""
    if not path.exists():
        return f"### {title}\n\nNot measured yet.\n"
    report = json.loads(path.read_text(encoding="utf-8"))
    rounds = max(len(row["values"]) for row in report["rows"])
    about = ", ".join(f"{key} {value}" for key, value in (report["machine"] | {"rounds": rounds}).items())
    lines = ["| what | target | measured | range | met |", "|---|---|---|---|---|", *map(_row, report["rows"])]
    return f"### {title}\n\n" + "\n".join(lines) + f"\n\n{about}; `{path.parent.name}/{path.name}`.\n"


def _row(row: dict[str, Any]) -> str:
    bound = "at most" if row["at_most"] else "at least"
    unit = f" {row['unit']}" if row["unit"] else ""
    target = "" if row["target"] is None else f"{bound} {row['target']:g}{unit}"
    values = row["values"]
    measured = f"{_number(statistics.median(values))}{unit}" if values else "not measured"
    spread = f"{_number(min(values))} to {_number(max(values))}" if len(values) > 1 else ""
    met = {True: "yes", False: "**no**", None: ""}[row["met"]]
    note = f" ({row['note']})" if row["note"] else ""
    return f"| {row['what']}{note} | {target} | {measured} | {spread} | {met} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    write(RESULTS / "performance")

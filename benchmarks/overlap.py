"""How many of AfriMix's test sentences stand in training sets of their language.

``results/overlap.json`` gets the counts: of each cell's test set, the sentences that its own training set holds, the other
task's, and the raw text. Sentences are the same that have the same letters and digits, whatever the case, spaces and signs.
Usage: python -m benchmarks.overlap
"""

import json
from pathlib import Path

from benchmarks import RESULTS
from hyperx.cli.study import find_planner
from hyperx.data.check import collected_notices
from hyperx.data.sentence import Sentence
from hyperx.dataset import available_pairs, read_splits
from hyperx.pairs import Pair
from hyperx.study.benchmark import TASKS


def letters(sentence: Sentence) -> str:
    """Return a sentence's letters and digits."""
    return "".join(character for word in sentence.words for character in word.casefold() if character.isalnum())


def main() -> None:
    planner = find_planner("afrimix", "small", data=Path("../shared/data"), runs=Path("runs"))
    entries = available_pairs(
        planner.run("mixed-1", "hyperx").config.model_copy(update={"data": planner.benchmark.data})
    )
    found: dict[str, dict[str, int]] = {}
    with collected_notices():
        splits = {pair: read_splits(entry, pair, {}) for pair, entry in entries.items()}
    for task, other in (TASKS, TASKS[::-1]):
        for language in planner.benchmark.languages:
            test = splits[Pair(task, language)].get("test", [])
            sets = {"own": Pair(task, language), "other task": Pair(other, language), "raw text": Pair("mlm", language)}
            held = {name: {letters(s) for s in splits.get(pair, {}).get("train", [])} for name, pair in sets.items()}
            counts = {name: sum(letters(sentence) in known for sentence in test) for name, known in held.items()}
            found[f"{task}/{language}"] = {"test": len(test), **counts}
    for task in TASKS:
        rows = [row for cell, row in found.items() if cell.startswith(f"{task}/")]
        found[task] = {key: sum(row[key] for row in rows) for key in rows[0]}
    (RESULTS / "overlap.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""results.json: what is written comes back, and a collapse is named."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from hyperx.matrix import expectations, print_matrix, save_html
from hyperx.results import Results, Row, floor_notice


def row(pair: str, score: float, majority: float, *, trained: bool) -> Row:
    task, language = pair.split("/")
    return Row(
        task=task,
        language=language,
        trained=trained,
        seen=None,
        metric="accuracy",
        score=score,
        low=score,
        high=score,
        majority=majority,
        sentences=3,
        support=9,
        seconds=0,
    )


def results(rows: list[Row], method: str = "hyperx") -> Results:
    counts = {str(row.pair): np.array([[300, 70_000], [0, 1], [2, 2]], dtype=np.int32) for row in rows}
    return Results(run="r", method=method, backbone="b", seed=1, split="test", rows=rows, averages=[], counts=counts)


def test_results_and_counts_come_back(tmp_path: Path) -> None:
    saved = results([row("pos/swa", 50, 20, trained=True), row("ner/swa", 1, 0, trained=False)])
    saved.save(tmp_path / "results.json")
    loaded = Results.load(tmp_path)
    assert loaded.model_dump() == saved.model_dump()
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "results.safetensors"}
    for pair, counts in saved.counts.items():
        assert np.array_equal(loaded.counts[pair], counts)
    results([]).save(tmp_path / "results.json")
    assert {path.name for path in tmp_path.iterdir()} == {"results.json"}  # the counts were others'


def test_a_cell_is_foretold_by_three_at_least() -> None:
    rows = [row(f"pos/{language}", 50, 20, trained=False) for language in ("swa", "yor", "hau")]
    assert expectations(results(rows[:2])) is None
    assert "POS accuracy about 50.0 (50.0–50.0), as 3 other zero-shot cells scored" in (
        expectations(results(rows)) or ""
    )


def test_cells_that_beat_the_most_frequent_tag_need_no_notice() -> None:
    rows = [row("pos/swa", 21.0, 20, trained=True), row("ner/swa", 1.0, 0, trained=False)]
    assert floor_notice(results([*rows, row("pos/eng", 100, 100, trained=True)])) is None


@pytest.mark.parametrize(
    ("trained", "method", "causes", "not_causes"),
    [
        (True, "hyperx", ["learning rate"], ["raw text", "language adapters"]),
        (False, "hyperx", ["labels", "raw text"], ["learning rate", "language adapters"]),
        (False, "madx", ["labels", "raw text", "language adapters"], ["learning rate"]),
    ],
)
def test_a_collapse_is_named_with_its_likely_causes(
    trained: bool, method: str, causes: list[str], not_causes: list[str], tmp_path: Path
) -> None:
    collapsed = results([row("pos/yor", 80, 20, trained=True), row("ner/swa", 0.9, 0, trained=trained)], method)
    notice = floor_notice(collapsed) or ""
    assert "ner/swa" in notice
    assert "pos/yor" not in notice
    assert all(cause in notice for cause in causes)
    assert not any(cause in notice for cause in not_causes)
    console = Console(record=True, width=1000)
    print_matrix(collapsed, console)
    assert notice in console.export_text()
    save_html(collapsed, tmp_path / "m.html")
    assert "No better than the most frequent tag: ner/swa" in (tmp_path / "m.html").read_text()

"""Comparison of methods: exact on counts that can be checked by hand."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hyperx.cli.app import app
from hyperx.comparison import compare
from hyperx.errors import HyperXError
from hyperx.results import Results, Row
from hyperx.tasks import build_task


def results(run: str, counts: dict[str, list[list[int]]], *, trained: bool = False, seen: bool = True) -> Results:
    rows = []
    for pair, sentences in counts.items():
        task, language = pair.split("/")
        right, words = np.sum(sentences, axis=0)
        score = 100 * right / words
        rows.append(
            Row(
                task=task,
                language=language,
                trained=trained,
                seen=seen,
                metric="accuracy",
                score=score,
                low=score,
                high=score,
                majority=0,
                sentences=len(sentences),
                support=words,
                seconds=0,
            )
        )
    arrays = {pair: np.array(sentences, dtype=np.int32) for pair, sentences in counts.items()}
    return Results(run=run, method=run, backbone="b", seed=1, split="test", rows=rows, averages=[], counts=arrays)


BASE = {"pos/swa": [[1, 2], [2, 2], [0, 2], [1, 2]], "pos/yor": [[5, 10], [5, 10]]}


def better(counts: dict[str, list[list[int]]]) -> dict[str, list[list[int]]]:
    """One more word right in every sentence of Swahili."""
    return {pair: [[r + (pair == "pos/swa" and r < n), n] for r, n in rows] for pair, rows in counts.items()}


def test_differences_of_averages_and_cells() -> None:
    found = {d.languages: d for d in compare([results("a", BASE)], [results("b", better(BASE))])}
    assert list(found) == ["all", "seen", "swa", "yor"]
    assert found["swa"].points == pytest.approx(100 * 3 / 8)
    assert found["yor"].points == 0
    assert found["all"].points == found["seen"].points == pytest.approx(100 * 3 / 16)
    # Unpaired, Swahili's four sentences would say nothing; paired, every sentence that was not perfect is better.
    assert found["swa"].low >= 0
    assert found["yor"].low == found["yor"].high == 0
    assert not found["yor"].significant


def test_a_method_is_the_mean_of_its_runs() -> None:
    first, second = [results("a", BASE)] * 2, [results("b", better(BASE)), results("b", BASE)]
    found = {d.languages: d for d in compare(first, second)}
    assert found["swa"].points == pytest.approx(100 * 3 / 16)


def test_a_method_does_not_differ_from_itself() -> None:
    for difference in compare([results("a", BASE)], [results("a", BASE)]):
        assert (difference.low, difference.points, difference.high) == (0, 0, 0)


def test_only_like_is_compared_with_like() -> None:
    with pytest.raises(HyperXError, match="no cell in common"):
        compare([results("a", BASE)], [results("b", BASE, trained=True)])
    other = {"pos/swa": [[1, 3], *BASE["pos/swa"][1:]]}
    with pytest.raises(HyperXError, match="not scored on the same sentences of pos/swa"):
        compare([results("a", BASE)], [results("b", other)])


def test_runs_whose_training_data_had_other_labels() -> None:
    gold = "aabbc"
    runs = []
    for labels, predicted in (("ab", "aaaaa"), ("abc", "aabbc")):
        metric = build_task("classification", list(labels)).metric
        counts = np.array([metric.count(pair[:1], pair[1:]) for pair in zip(gold, predicted, strict=True)])
        run = results(labels, {"classification/eng": [[right, 1] for right in counts[:, 0].tolist()]})
        run.counts = {"classification/eng": counts}
        runs.append(run)
    found = {d.languages: d for d in compare([runs[0]], [runs[1]])}
    assert (found["eng"].first, found["eng"].second) == (40, 100)
    found = {d.languages: d for d in compare([runs[0]], runs)}  # of one method, too
    assert found["eng"].second == 70


def test_the_command(tmp_path: Path) -> None:
    for name, counts in (("a", BASE), ("b", better(BASE))):
        (tmp_path / name).mkdir()
        results(name, counts).save(tmp_path / name / "results.json")
    result = CliRunner().invoke(app, ["compare", str(tmp_path / "b"), "--against", str(tmp_path / "a"), "--cells"])
    assert result.exit_code == 0, result.output
    row = next(line.split() for line in result.output.splitlines() if " swa " in line)
    assert row[:6] == ["pos", "zero-shot", "swa", "50.0", "87.5", "+37.5"]
    (tmp_path / "a" / "results.safetensors").unlink()
    result = CliRunner().invoke(app, ["compare", str(tmp_path / "b"), "--against", str(tmp_path / "a")])
    assert "a has no counts beside its results.json; evaluate the run again" in str(result.exception)


def test_runs_of_one_method_are_told_by_their_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        results("hyperx", BASE).save(tmp_path / name / "results.json")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["compare", "b", "--against", "a"])
    assert result.output.split()[:5] == ["Task", "Cells", "Languages", "a", "b"]
    result = CliRunner().invoke(app, ["compare", "b", "a", "--against", "a/results.json"])
    assert f"{tmp_path / 'a' / 'results.json'} is given twice" in str(result.exception)

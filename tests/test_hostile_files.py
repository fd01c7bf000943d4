"""Configurations and results from a stranger."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from safetensors.numpy import save_file

from hostile import bounded
from hyperx.comparison import compare
from hyperx.config import MAX_BYTES, load_run_config, read_yaml
from hyperx.cost import Cost
from hyperx.errors import HyperXError
from hyperx.matrix import print_matrix, save_html, save_png
from hyperx.results import Results

LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 30))
YAML = {
    "billion laughs": (LAUGHS, "values"),
    "billion merges": (MERGES, "values"),
    "an alias inside itself": ("a: &a [*a]", "inside"),
    "deep nesting": ("[" * 50_000, "deeply"),
    "a key twice": ("name: a\nname: b\n", ":1: .*twice"),
    "an object": ("name: !!python/object/apply:os.mkdir [ran]", "constructor"),
    "a number of many digits": ("seed: " + "9" * 5000, "digits"),
    "an infinite number": ("name: a\ntrain: {}\ndata: []\ntraining: {learning_rate: .inf}", "."),
    "a day that is none": ("name: 2001-99-99", "not valid YAML"),
    "half a character": ('name: "\\ud800"', "not valid YAML"),
    "a list as a key": ("? [a]\n: b", "not valid YAML"),
    "a number as a key": ("1: 2", "'1': Keys should be strings"),
    "a key named as a method": ("hyperx: 1\nFilesEntry: 2", "unknown key 'hyperx'"),
    "many keys": ("\n".join(f"k{n}: 1" for n in range(20_000)), "unknown key"),
    "too large": ("#" * (MAX_BYTES + 1), "larger"),
    "nothing": ("", "found NoneType"),
    "two documents": ("a: 1\n---\nb: 2", "not valid YAML"),
    "NUL": ("a: \0", "not valid YAML"),
}


@pytest.mark.parametrize("name", YAML)
def test_a_crafted_configuration_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    text, message = YAML[name]
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    with bounded(), pytest.raises(HyperXError, match=message):
        load_run_config(path)
    assert not (tmp_path / "ran").exists()


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.sampled_from(list(" \n-?:,[]{}#&*!|>'\"%@`<~a1")) | st.sampled_from(["&a ", "*a", "<<: ", "!!int ", "1:2"])
    )
)
def test_any_yaml(tmp_path: Path, parts: list[str]) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("".join(parts))
    with contextlib.suppress(HyperXError):
        assert isinstance(read_yaml(path), dict)
    with pytest.raises(HyperXError):
        load_run_config(path)


def test_an_alias_may_be_used_as_it_should(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n")
    assert read_yaml(path)["b"] == {"x": 3, "y": 2}


ROW = {
    "task": "pos", "language": "swa", "trained": True, "seen": True, "metric": "accuracy", "score": 90.0, "low": 89.0,
    "high": 91.0, "majority": 20.0, "sentences": 2, "support": 5, "seconds": 1.0,
}  # fmt: skip
VALUES: dict[str, Any] = {
    "version": 1, "run": "r", "method": "hyperx", "backbone": "b", "seed": 1, "split": "test", "averages": [],
}  # fmt: skip
COUNTS = np.array([[2, 3], [1, 2]])


def write(folder: Path, row: dict[str, Any] | None = None, counts: np.ndarray | None = COUNTS, **values: Any) -> Path:
    path = folder / "results.json"
    path.write_text(json.dumps(VALUES | {"rows": [ROW | (row or {})]} | values))
    if counts is not None:
        save_file({"pos/swa": counts}, folder / "results.safetensors")
    return path


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[" * 100_000, b"[]", b'{"version": 1, "version": 1}', b'{"version": ' + b"9" * 5000 + b"}"],
)
def test_crafted_json_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    for name, load in (("results.json", Results.load), ("cost.json", Cost.load)):
        (tmp_path / name).write_bytes(content)
        with bounded(), pytest.raises(HyperXError, match=r"again|give a run's"):
            load(tmp_path / name)
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to("/dev/zero")
        with bounded(), pytest.raises(HyperXError, match="no file"):
            load(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"row": {"score": float("nan")}}, "finite"),
        ({"row": {"sentences": 10**12}}, "counts"),
        ({"rows": [ROW] * 6000}, "rows"),
        ({"counts": np.ones((3, 2), dtype=int)}, "counts"),
        ({"counts": np.ones(2, dtype=int)}, "counts"),
        ({"counts": np.ones((2, 2))}, "counts"),
        ({"counts": np.ones((2, 0), dtype=int)}, "counts"),
        ({"row": {"task": "ner"}}, "counts"),
    ],
)
def test_crafted_results_are_a_clear_error(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(HyperXError, match=message):
        Results.load(write(tmp_path, **change))


def test_crafted_counts_are_a_clear_error(tmp_path: Path) -> None:
    path = write(tmp_path)
    for content in (b"", b"\xff" * 100, b"\x02" + b"\0" * 7 + b"{}"):
        (tmp_path / "results.safetensors").write_bytes(content)
        with pytest.raises(HyperXError, match=r"can't be read|counts"):
            Results.load(path)
    os.truncate(tmp_path / "results.safetensors", 2**40)
    with bounded(), pytest.raises(HyperXError, match="can't be read"):
        Results.load(path)


@pytest.mark.parametrize("metric", ["f1", "evil"])
def test_counts_of_another_metric_cannot_be_compared(tmp_path: Path, metric: str) -> None:
    results = Results.load(write(tmp_path, {"metric": metric}))
    with pytest.raises(HyperXError, match=metric):
        compare([results], [results])


def test_results_are_shown_as_they_are_written(tmp_path: Path) -> None:
    """Neither markup of the terminal nor of a page has an effect."""
    written = "[/red][link=x]<script>$5 to $\\frac{x$"
    rows = [ROW | {"task": written}, ROW | {"language": "eng", "task": written, "others": {written: 1.0}}]
    results = Results.load(write(tmp_path, counts=None, run=written, rows=rows))
    console = Console(record=True, width=300, file=(tmp_path / "out").open("w"))
    print_matrix(results, console)
    assert written in console.export_text()
    save_html(results, tmp_path / "page.html")
    assert "<script>" not in (tmp_path / "page.html").read_text()
    save_png(results, tmp_path / "picture")
    assert (tmp_path / "picture").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(HyperXError, match="Is a directory"):
        save_html(results, tmp_path)


def test_results_cannot_steer_a_terminal(tmp_path: Path) -> None:
    evil = "a\x1b]0;title\x07\x9b31m\x08\x7fb"
    results = Results.load(write(tmp_path, counts=None, run=evil, rows=[ROW | {"others": {evil: 1.0}}]))
    console = Console(width=300, file=(tmp_path / "out").open("w+"))
    print_matrix(results, console)
    console.file.seek(0)
    shown = console.file.read()
    assert not set("\x1b\x07\x9b\x08\x7f") & set(shown)
    assert shown.count("a�]0;title��31m��b") == 2


def test_a_picture_has_a_size(tmp_path: Path) -> None:
    results = Results.load(write(tmp_path, counts=None, rows=[ROW | {"task": f"t{n}"} for n in range(1000)]))
    with pytest.raises(HyperXError, match="--html"):
        save_png(results, tmp_path / "matrix.png")

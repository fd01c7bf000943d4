"""The documentation: what it is made from is there, and its notebook runs."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

from hyperx.config import load_run_config
from hyperx.data.check import check_file
from hyperx.results import Results

DOCS = Path(__file__).parents[1] / "docs"


def test_the_command_line_reference_is_fresh() -> None:
    command = [sys.executable, DOCS.parent / "scripts" / "cli_reference.py"]
    made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert (DOCS / "reference" / "cli.md").read_text() == made, "run `make docs/reference/cli.md`"
    assert "### `hyperx data check`" in made


def test_the_tutorials_run_reads_the_tutorials_files() -> None:
    folder = DOCS / "tutorial"
    config = load_run_config(folder / "my-languages.yaml")
    named = {
        path for entry in config.data for path in (getattr(entry, "train", None), getattr(entry, "test", None)) if path
    }
    files = {path.resolve() for path in folder.iterdir() if path.suffix not in {".yaml", ".png"}}
    assert {Path(path).resolve() for path in named} <= files
    assert not [report.error for report in map(check_file, files) if report.error]


def test_every_page_is_in_the_navigation() -> None:
    def pages(part: object) -> set[str]:
        if isinstance(part, str):
            return {part}
        return set().union(*map(pages, part.values() if isinstance(part, dict) else part))  # type: ignore[attr-defined]

    site = yaml.safe_load((DOCS.parent / "mkdocs.yml").read_text())
    assert {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} <= pages(site["nav"])


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    notebook = nbformat.read(DOCS / "notebooks" / "quickstart.ipynb", 4)
    NotebookClient(notebook, timeout=1800, resources={"metadata": {"path": str(tmp_path)}}).execute()
    results = Results.load(tmp_path / "runs" / "swahili" / "results.json")
    assert {str(row.pair): row.trained for row in results.rows} == {
        "pos/eng": True,
        "pos/swa": True,
        "ner/eng": True,
        "ner/swa": False,
    }

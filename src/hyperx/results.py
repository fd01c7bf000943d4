"""Results: a row a cell and averages over them in ``results.json``, and beside it each sentence's counts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors.numpy import load_file, save_file

from hyperx.data.strict_json import parse
from hyperx.disk import write_whole
from hyperx.errors import HyperXError
from hyperx.expectation import Expectation, predict
from hyperx.languages import normalize
from hyperx.pairs import Pair
from hyperx.permissions import share_tensors

RESULTS_NAME = "results.json"
VERSION = 1
MAX_BYTES = 50_000_000
MAX_ROWS = 5_000
MAX_SENTENCES = 100_000  # of a cell


class Row(BaseModel):
    """A cell's score.

    Attributes:
        trained: labelled data of the pair was seen; else zero-shot.
        seen: the language was in the backbone's pre-training; None where that is not known.
        score, low, high: the metric in percent, and its bootstrap 95 % interval.
        support: words, gold spans for F1, or sentences of a task that labels them.
        majority: what the training data's most frequent tag scores.
        seconds: spent tagging.
        others: the metric's further figures, UAS beside LAS.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    task: str
    language: str
    trained: bool
    seen: bool | None
    metric: str
    score: float
    low: float
    high: float
    majority: float
    sentences: int
    support: int
    seconds: float
    others: dict[str, float] = {}

    @property
    def pair(self) -> Pair:
        return Pair(self.task, self.language)

    @property
    def at_floor(self) -> bool:
        """Whether it is less than a point above the most frequent tag: the model has collapsed there."""
        return self.score < min(self.majority + 1, 100)


class Average(BaseModel):
    """The mean score of a task's cells of one kind, with its bootstrap 95 % interval."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    task: str
    cells: Literal["trained", "zero-shot"]
    languages: Literal["all", "seen", "unseen"]
    count: int
    score: float
    low: float
    high: float


class Results(BaseModel):
    """What a run scored.

    Attributes:
        step: of the checkpoint that was kept.
        text_only: languages whose raw text alone was trained on.
        counts: by pair, a row of the metric's counts a sentence; empty where the file beside results.json is missing.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    version: int = VERSION
    run: str
    method: str
    backbone: str
    seed: int
    split: str
    step: int | None = None
    text_only: list[str] = []
    rows: list[Row] = Field(max_length=MAX_ROWS)
    averages: list[Average] = Field(max_length=MAX_ROWS)
    counts: dict[str, Any] = Field(default_factory=dict, exclude=True)

    @property
    def tasks(self) -> list[str]:
        return list(dict.fromkeys(row.task for row in self.rows))

    @property
    def languages(self) -> list[str]:
        return sorted({row.language for row in self.rows})

    def row(self, task: str, language: str) -> Row | None:
        """Return a cell's row, or None where it was not scored."""
        return next((row for row in self.rows if row.task == task and row.language == language), None)

    def average(self, task: str, cells: str, languages: str = "all") -> Average | None:
        """Return an average, or None where it has no cells."""
        wanted = (task, cells, languages)
        return next((a for a in self.averages if (a.task, a.cells, a.languages) == wanted), None)

    def expected(self, task: str) -> Expectation:
        """Return what a zero-shot cell of a task that was not scored can be expected to score."""
        return predict([row.score for row in self.rows if row.task == task and not row.trained])

    def save(self, path: Path) -> None:
        """Write ``results.json`` and, beside it, ``results.safetensors`` with the counts."""
        if self.counts:  # a sentence's counts are small numbers
            small = {pair: counts.astype(np.min_scalar_type(counts.max())) for pair, counts in self.counts.items()}
            save_file(small, path.with_suffix(".safetensors"))
            share_tensors(path.parent)
        else:  # others' counts are not these results'
            path.with_suffix(".safetensors").unlink(missing_ok=True)
        # Complete or not there: a folder with results.json is a finished run.
        write_whole(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path, *, counts: bool = True) -> "Results":
        """Read ``results.json``, or that of a run's folder.

        Args:
            counts: whether to read the file beside it, too.

        Raises:
            HyperXError: there is none, or it can't be understood.
        """
        path = results_file(path)
        try:
            if path.exists() and not (path.is_file() and path.stat().st_size <= MAX_BYTES):
                raise HyperXError(f"{path} is no file, or larger than {MAX_BYTES:,} bytes: those are no results")
            values = parse(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise HyperXError(f"{path} can't be read ({error}); give a run's folder or its results.json") from error
        if not isinstance(values, dict) or values.get("version") != VERSION:
            raise HyperXError(f"{path} holds no results of version {VERSION}; evaluate the run again")
        try:
            results = cls.model_validate(values)
            for language in (*results.languages, *results.text_only):
                normalize(language)
        except HyperXError as error:
            raise HyperXError(f"{path}: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise HyperXError(f"{path}: {where}: {first['msg']}; evaluate the run again") from error
        beside = path.with_suffix(".safetensors")
        if counts and beside.is_file():
            results.counts = _read_counts(beside, results.rows)
        return results


def _read_counts(path: Path, rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """Read the counts of each row's sentences.

    Raises:
        HyperXError: the file is broken, or has not a row of whole numbers for each sentence of each cell.
    """
    try:
        counts = load_file(path)
    except Exception as error:  # whatever the library makes of a header
        raise HyperXError(f"{path} can't be read ({error}); evaluate the run again") from error
    for row in rows:
        own = counts.get(str(row.pair))
        fits = own is not None and own.ndim == 2 and own.dtype.kind in "iu" and own.shape[1] > 1
        if own is None or not fits or not 0 < len(own) <= MAX_SENTENCES or len(own) != row.sentences:
            raise HyperXError(
                f"{path} has not the counts of the {row.sentences:,} sentences of {row.pair}; evaluate again"
            )
    return counts


def floor_notice(results: Results) -> str | None:
    """Name the cells at the floor with likely causes, or return None where there are none."""
    low = [row for row in results.rows if row.at_floor]
    if not low:
        return None
    causes = []
    if any(row.trained for row in low):
        causes.append("training was too short, or at a learning rate too low or too high (log.json has the dev scores)")
    if any(not row.trained for row in low):
        causes.append("the trained languages' labels are not this test set's")
        causes.append("the model knows the language neither by the backbone's pre-training nor by raw text")
    if results.method == "madx":
        causes.append("the language adapters are untrained or of another backbone")
    cells = ", ".join(str(row.pair) for row in low)
    return f"No better than the most frequent tag: {cells}. Likely causes: {'; '.join(causes)}."


def kinds(row: Row) -> Sequence[tuple[str, str]]:
    """Return which averages a row belongs to: trained or zero-shot, of all languages and of seen or unseen ones."""
    cells = "trained" if row.trained else "zero-shot"
    if row.seen is None:
        return [(cells, "all")]
    return [(cells, "all"), (cells, "seen" if row.seen else "unseen")]


def results_file(path: Path) -> Path:
    """Return the file of a run's results, of which the folder may have been given."""
    return path / RESULTS_NAME if path.is_dir() else path

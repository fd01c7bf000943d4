"""kill -9 in the middle of a run, twice: it ends as one that was never stopped. `python -m benchmarks.kills` has twenty."""

from pathlib import Path

from benchmarks.kills import kill_runs


def test_a_killed_run_ends_as_one_that_was_never_stopped(tmp_path: Path) -> None:
    runs, equal = kill_runs(tmp_path, 2, per_run=2, steps=40, eval_steps=10, bottleneck=512)
    assert equal
    assert [kill.moment for run in runs for kill in run] == ["training", "writing"]

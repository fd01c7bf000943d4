"""A run that is stopped, on a broken or full disk, or that diverges, ends in one clear error and loses nothing."""

import errno
import fcntl
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file
from transformers import TrainerCallback
from typer.testing import CliRunner

from conftest import small_disk
from hyperx.checkpoint import UNFINISHED, damage, newest
from hyperx.cli.app import app
from hyperx.config import RunConfig, load_run_config
from hyperx.errors import HyperXError
from hyperx.lock import alone_in, is_held
from hyperx.modeling import HyperX
from hyperx.run import prepare_folder, train


class At(TrainerCallback):
    """Does something at the end of a step."""

    def __init__(self, step: int, do: Callable[[], object]) -> None:
        self.step, self.do = step, do

    def on_step_end(self, args, state, control, **_) -> None:
        if state.global_step == self.step:
            self.do()


def stop() -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def stopped(yaml: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was stopped at step 27 of 40, with checkpoints at 10 and 20."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(KeyboardInterrupt):
        train(load_run_config(yaml, [f"output={folder}"]), callbacks=[At(27, stop)])
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == ["checkpoint-10", "checkpoint-20"]
    return folder


@pytest.fixture
def copy(stopped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stopped, tmp_path / "run"))


def test_whoever_stops_a_run_is_told_what_it_can_go_on_from(
    yaml: Path, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setattr("hyperx.run.train", lambda *_, **__: stop())
    for folder, shown, told in (
        (copy, False, f"Go on with the last checkpoint in {copy} by --resume"),
        (tmp_path / "new", True, "before the first checkpoint"),
    ):
        result = CliRunner().invoke(app, ["train", str(yaml), "--output", str(folder), "--resume"])
        assert result.exit_code == 130
        assert told in result.stderr
        assert ("No checkpoint in" in result.stderr) == shown


def test_a_run_that_is_not_finished_has_no_model_yet(copy: Path) -> None:
    with pytest.raises(
        HyperXError, match=r"no model yet; train it to its end with hyperx train .*config\.yaml .*--resume"
    ):
        HyperX.from_pretrained(copy)


def unlearning(yaml: Path, folder: Path) -> RunConfig:
    """Return a run that learns nothing, whose first checkpoint stays the best; the heads of that recipe have no other rate."""
    method = "method={name: hyperx, recipe: paper, bottleneck: 8, projection_size: 4}"
    return load_run_config(yaml, [f"output={folder}", method, "training.learning_rate=1e-30"])


def flip(path: Path, byte: int = -5) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit in the weights": (lambda f: flip(f / "model.safetensors"), "model.safetensors is not as"),
    "a flipped bit in the optimizer's state": (lambda f: flip(f / "optimizer.pt", 5000), "optimizer.pt is not as"),
    "a truncated optimizer's state": (lambda f: cut(f / "optimizer.pt"), "optimizer.pt is not as"),
    "weights of no bytes": (lambda f: (f / "model.safetensors").write_bytes(b""), "model.safetensors is not as"),
    "a lost schedule": (lambda f: (f / "scheduler.pt").unlink(), "scheduler.pt is missing"),
    "a lost state": (lambda f: (f / "trainer_state.json").unlink(), "trainer_state.json is missing"),
    "lost checksums": (lambda f: (f / "checksums.json").unlink(), "can't be checked"),
    "truncated checksums": (lambda f: cut(f / "checksums.json"), "can't be checked"),
    "checksums of another kind": (lambda f: (f / "checksums.json").write_text("[]"), "can't be checked"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over(copy: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    change, message = DAMAGES[name]
    checkpoints = copy / "checkpoints"
    assert newest(checkpoints) == checkpoints / "checkpoint-20"
    change(checkpoints / "checkpoint-20")
    with caplog.at_level(logging.WARNING):
        assert newest(checkpoints) == checkpoints / "checkpoint-10"
    assert message in caplog.text
    assert "going on from checkpoint-10" in caplog.text
    change(checkpoints / "checkpoint-10")
    with pytest.raises(HyperXError, match=f"{message}.*{message}.*train anew"):
        newest(checkpoints)


def test_no_checkpoint_is_gone_on_from_whose_best_is_lost(yaml: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(unlearning(yaml, tmp_path), callbacks=[At(27, stop)])
    flip(tmp_path / "checkpoints" / "checkpoint-10" / "model.safetensors")
    with pytest.raises(HyperXError, match=r"the best before it is checkpoint-10, of which model\.safetensors is not"):
        newest(tmp_path / "checkpoints")


def test_the_best_checkpoint_is_checked_before_it_is_the_model(yaml: Path, tmp_path: Path) -> None:
    best = tmp_path / "checkpoints" / "checkpoint-10"
    with pytest.raises(KeyboardInterrupt):
        train(unlearning(yaml, tmp_path), callbacks=[At(27, stop)])
    with pytest.raises(HyperXError, match=r"checkpoint-10 has the best dev score, but model\.safetensors is not"):
        train(unlearning(yaml, tmp_path), resume=True, callbacks=[At(39, lambda: flip(best / "model.safetensors"))])
    assert not (tmp_path / "results.json").exists()


def test_a_run_goes_on_from_the_checkpoint_before_to_the_same_end(yaml: Path, run: Path, copy: Path) -> None:
    flip(copy / "checkpoints" / "checkpoint-20" / "model.safetensors")
    (copy / "checkpoints" / UNFINISHED).mkdir()  # of a writing that was cut off
    train(load_run_config(yaml, [f"output={copy}"]), resume=True)
    same_end(run, copy)


def test_the_same_seed_gives_the_same_bytes(yaml: Path, run: Path, tmp_path: Path) -> None:
    train(load_run_config(yaml, [f"output={tmp_path}"]))
    same_end(run, tmp_path)


def same_end(run: Path, other: Path) -> None:
    for file in ("model/model.safetensors", "model/config.json", "results.safetensors", "log.json"):
        assert (run / file).read_bytes() == (other / file).read_bytes(), file
    rows = [json.loads((folder / "results.json").read_text())["rows"] for folder in (run, other)]
    assert [row | {"seconds": 0} for row in rows[0]] == [row | {"seconds": 0} for row in rows[1]]


@pytest.mark.parametrize("step", [5, 25])
def test_a_full_disk_loses_no_checkpoint(yaml: Path, tmp_path: Path, step: int) -> None:
    config = load_run_config(yaml, [f"output={tmp_path / 'run'}"])
    message = rf"checkpoint-{step + 5} can't be written: .*make room"
    with small_disk() as fill, pytest.raises(HyperXError, match=message):
        train(config, callbacks=[At(step, fill)])
    left = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert left == ([] if step == 5 else ["checkpoint-10", "checkpoint-20"])
    assert all(damage(tmp_path / "run" / "checkpoints" / name) is None for name in left)


def test_a_full_disk_at_the_end_is_gone_on_from(yaml: Path, run: Path, tmp_path: Path) -> None:
    config = load_run_config(yaml, [f"output={tmp_path / 'run'}"])
    with small_disk() as fill, pytest.raises(HyperXError, match=r"can't be written: .*make room"):
        train(config, progress=lambda doing: fill() if doing == "Calibrating" else None)
    assert not (tmp_path / "run" / "results.json").exists()
    train(config, resume=True)
    same_end(run, tmp_path / "run")


def test_a_run_goes_on_with_the_settings_that_it_began_with(
    yaml: Path, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = copy / "config.yaml"
    twin = shutil.copytree(
        load_run_config(yaml).backbone, tmp_path / "twin" / Path(load_run_config(yaml).backbone).name
    )
    described.write_text(described.read_text().replace("steps: 40", "steps: 50"))
    for changed, told in (
        (
            load_run_config(yaml, [f"output={copy}", "training.learning_rate=0.5"]),
            "learning_rate was None, now it is 0.5",
        ),
        (load_run_config(described), "steps was 40, now it is 50"),
        (load_run_config(yaml, [f"output={copy}", "seed=3"]), "seed was 1, now it is 3"),
        (load_run_config(yaml, [f"output={copy}", f"start={copy}"]), "start was None"),
        (load_run_config(yaml, [f"output={copy}", f"backbone={twin}"]), "backbone was"),
    ):
        with pytest.raises(HyperXError, match=f"can't go on with other settings than it began with .*{told}"):
            train(changed, resume=True)
    (copy / "checkpoints" / "unfinished").mkdir()
    (copy / "checkpoints" / "unfinished" / "config.yaml").touch()
    (copy / "checkpoints" / "checkpoint-30").mkdir()
    (copy / "checkpoints" / "checkpoint-30" / "config.yaml").touch()
    monkeypatch.chdir(load_run_config(yaml).backbone)
    prepare_folder(load_run_config(yaml, [f"output={copy}", "backbone=."]), resume=True)
    moved = shutil.copytree(yaml.parent, tmp_path / "moved")
    text = (moved / yaml.name).read_text().replace(str(yaml.parent), str(moved))
    (moved / yaml.name).write_text(text)
    kept = [f"output={copy}", f"backbone={load_run_config(yaml).backbone}", "training.report_to=all"]
    prepare_folder(load_run_config(moved / yaml.name, kept), resume=True)


def test_what_is_refused_changes_no_folder(yaml: Path, copy: Path) -> None:
    before = (copy / "config.yaml").read_bytes()
    changed = load_run_config(yaml, [f"output={copy}", "seed=3"])
    for checkpoint in (copy / "checkpoints").iterdir():
        (checkpoint / "model.safetensors").write_bytes(b"")
    with pytest.raises(HyperXError, match=r"no checkpoint in .* can be gone on from"):
        train(changed, resume=True)
    shutil.rmtree(copy / "checkpoints")
    (copy / "results.json").touch()
    (copy / "model").mkdir(exist_ok=True)
    with pytest.raises(HyperXError, match="seed was 1, now it is 3"):
        train(changed, resume=True)
    with pytest.raises(HyperXError, match="is finished, and has no checkpoints to go on from"):
        train(load_run_config(yaml, [f"output={copy}"]), resume=True)
    assert (copy / "config.yaml").read_bytes() == before


def test_a_run_is_trained_by_one_process_at_a_time(yaml: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_run_config(yaml, [f"output={copy}"])
    before = (copy / "config.yaml").stat().st_mtime_ns
    with alone_in(copy), pytest.raises(HyperXError, match=f"another process trains in {copy}; wait until it ends"):
        train(config, resume=True)
    assert (copy / "config.yaml").stat().st_mtime_ns == before
    assert not is_held(copy)

    def unknown(file: object, operation: int) -> None:
        raise OSError(errno.ENOSYS, "a file system without locks")

    monkeypatch.setattr(fcntl, "flock", unknown)
    with alone_in(copy):
        assert not is_held(copy)


def test_a_report_to_nowhere(yaml: Path, tmp_path: Path) -> None:
    config = load_run_config(yaml, [f"output={tmp_path / 'run'}", "training.report_to=wandbb"])
    with pytest.raises(HyperXError, match=r"'training\.report_to' is 'wandbb', which is not .*choose none, all"):
        train(config)


@pytest.mark.parametrize("place", ["/proc/run", "FILE/run"])
def test_a_folder_that_takes_no_files(yaml: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "FILE").touch()
    config = load_run_config(yaml, [f"output={tmp_path / place}"])
    with pytest.raises(HyperXError, match=r"run can't be written: .*choose another place"):
        train(config)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["training.learning_rate=1e20"],
            r"diverged: at step \d+, of (pos/eng|ner/swa|mlm/yor), the loss is (nan|inf)",
        ),
        (["training.learning_rate=1e39"], r"diverged: at step 2 the weights are no finite"),
    ],
)
def test_a_run_that_diverges_keeps_what_was_before(
    yaml: Path, tmp_path: Path, overrides: list[str], message: str
) -> None:
    config = load_run_config(yaml, [f"output={tmp_path / 'run'}", "training.eval_steps=1", *overrides])
    with pytest.raises(HyperXError, match=rf"{message}.*a larger 'training.warmup_ratio'.*another --output"):
        train(config)
    last = newest(tmp_path / "run" / "checkpoints")
    assert last is not None
    assert all(tensor.isfinite().all() for tensor in load_file(last / "model.safetensors").values())

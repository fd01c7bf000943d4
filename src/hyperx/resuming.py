"""Whether a run that goes on is the one that began."""

from pathlib import Path
from typing import Any

from hyperx.checkpoint import newest
from hyperx.config import RUN_CONFIG_NAME, Entry, FilesEntry, RunConfig, load_run_config, whole_name
from hyperx.errors import HyperXError
from hyperx.results import RESULTS_NAME

MOVABLE: Any = {"output": True, "data": True, "training": {"report_to"}}


def check_folder(config: RunConfig, *, resume: bool) -> None:
    """Check that a run's folder is free, or holds this very run to go on with, wherever its data lies by now.

    Raises:
        HyperXError: it holds a run and `resume` is not set, or one of other settings, or a finished one without checkpoints.
    """
    if has_begun(config.folder) and not resume:
        raise HyperXError(f"{config.folder} holds a run already; give --resume to go on with it, or another --output")
    last = newest(config.folder / "checkpoints")
    finished = config.folder if (config.folder / RESULTS_NAME).is_file() else None
    begun = last or finished
    if begun and (begun / RUN_CONFIG_NAME).is_file():
        _check_same(config, load_run_config(begun / RUN_CONFIG_NAME))
    if finished and last is None and (finished / "model").is_dir():  # which training anew would replace
        raise HyperXError(
            f"the run in {config.folder} is finished, and has no checkpoints to go on from; give another --output to train anew"
        )


def has_begun(folder: Path) -> bool:
    """Return whether a run was trained in a folder, to its end or not."""
    return any((folder / part).exists() for part in ("checkpoints", RESULTS_NAME))


def _check_same(config: RunConfig, begun: RunConfig) -> None:
    if told := changes(config, begun):
        raise HyperXError(
            f"the run in {config.folder} can't go on with other settings than it began with ({told}): "
            "set them back, or give another --output to train anew"
        )


def changes(config: RunConfig, begun: RunConfig) -> str:
    """Say what a run's outcome depends on and is not as it was when it began; nothing where all is."""
    new, old = _settings(config), _settings(begun)
    changed = [key for key in dict.fromkeys([*old, *new]) if new.get(key) != old.get(key)]
    return "; ".join(f"{key} was {old.get(key)}, now it is {new.get(key)}" for key in changed)


def _settings(config: RunConfig) -> dict[str, Any]:
    """Return what a run's outcome depends on, sections' keys with the section's name."""
    settings: dict[str, Any] = {}
    for key, value in config.model_dump(mode="json", exclude=MOVABLE).items():
        settings |= (
            {f"{key}.{name}": one for name, one in value.items()} if value and isinstance(value, dict) else {key: value}
        )
    for key, value in settings.items():
        if isinstance(value, str):
            settings[key] = whole_name(value)
    for number, entry in enumerate(config.data):
        settings |= {f"data.{number}.{key}": value for key, value in _without_place(entry).items()}
    return settings


def _without_place(entry: Entry) -> dict[str, Any]:
    """Return an entry's settings, of files whether there are any."""
    values = entry.model_dump(mode="json", exclude={"root", "files"})
    if isinstance(entry, FilesEntry):
        values |= {split: values[split] is not None for split in ("train", "dev", "test")}
    return values

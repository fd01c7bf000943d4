"""The figures of finished runs that a study keeps, and the settings that they are of."""

import shutil
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from hyperx.config import RUN_CONFIG_NAME, RunConfig, load_run_config, save_run_config
from hyperx.disk import whole_file
from hyperx.errors import HyperXError
from hyperx.results import RESULTS_NAME
from hyperx.resuming import changes
from hyperx.study.runs import Run

# In the order in which they are copied: results.json says that all is there.
KEPT = (RUN_CONFIG_NAME, "results.safetensors", "cost.json", "environment.json", "log.json", RESULTS_NAME)

AnyModel = TypeVar("AnyModel", bound=BaseModel)


def keep(run: Run, folder: Path) -> None:
    """Copy a finished run's figures, with its settings, to a folder; each file is whole or as it was before."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        source = run.config.folder / name
        if name == RUN_CONFIG_NAME and source.exists():
            save_run_config(portable(load_run_config(source)), folder / name)
        elif source.exists():
            with whole_file(folder / name) as unfinished:
                shutil.copy2(source, unfinished)


def check_kept(run: Run, folder: Path) -> None:
    """Check that the figures in a folder are of a run's settings, where these are noted.

    Raises:
        HyperXError: they are of others, or these can't be read.
    """
    noted = folder / RUN_CONFIG_NAME
    if noted.exists() and (told := changes(portable(run.config), portable(load_run_config(noted)))):
        raise HyperXError(
            f"the figures of {run.name} in {folder} are of other settings ({told}): set them back, remove that folder to "
            "train the run anew, or give other folders by --runs and --results"
        )


def portable(config: RunConfig) -> RunConfig:
    """Return a run's settings without a machine's folders: a path's last part is left, of the run's own nothing."""
    return config.model_copy(
        update={
            "output": None,
            "start": config.start and Path(config.start).name,
            "method": _without_folders(config.method),
            "data": [_without_folders(entry) for entry in config.data],
        }
    )


def _without_folders(values: AnyModel) -> AnyModel:
    return values.model_copy(update={key: Path(path.name) for key, path in values if isinstance(path, Path)})

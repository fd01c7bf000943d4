"""A checkpoint on disk: whole, which its checksums tell, or not there."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transformers.trainer import TRAINER_STATE_NAME

from hyperx.disk import write_whole, writing
from hyperx.errors import HyperXError

logger = logging.getLogger(__name__)

SUMS_NAME = "checksums.json"
UNFINISHED = "unfinished"


@contextmanager
def new_checkpoint(folder: Path) -> Iterator[Path]:
    """Give a folder beside `folder` to write to; once all is written it takes that place, with a checksum a file.

    Raises:
        HyperXError: it can't be written; what was there before is as it was.
    """
    unfinished = folder.with_name(UNFINISHED)
    try:
        with writing(folder):
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            try:
                yield unfinished
            except RuntimeError as error:  # what torch.save makes of a full disk
                raise OSError(str(error)) from error
            _seal(unfinished)
            if folder.exists():  # of the same step, and passed over in resuming as it is damaged
                shutil.rmtree(folder)
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def newest(folder: Path) -> Path | None:
    """Return the newest checkpoint to go on from: it is whole, and so is the one with the best dev score so far.

    One that is damaged is passed over, with a warning.

    Raises:
        HyperXError: there are checkpoints, but none to go on from.
    """
    problems: list[str] = []
    found = {int(path.name[11:]): path for path in folder.glob("checkpoint-*") if path.name[11:].isdigit()}
    for _, path in sorted(found.items(), reverse=True):
        problem = damage(path) or _damage_of_best(path)
        if problem is None:
            if problems:
                logger.warning("%s; going on from %s", "; ".join(problems), path.name)
            return path
        problems.append(f"{path.name}: {problem}")
    if problems:
        raise HyperXError(
            f"no checkpoint in {folder} can be gone on from ({'; '.join(problems)}); remove that folder to train anew"
        )
    return None


def damage(folder: Path) -> str | None:
    """Return what is wrong with a checkpoint's files, or None if they are as they were written."""
    try:
        sums = json.loads((folder / SUMS_NAME).read_text(encoding="utf-8"))
        for name, expected in sums.items():
            if not (folder / name).is_file():
                return f"{name} is missing"
            if _digest(folder / name) != expected:
                return f"{name} is not as it was written"
    except (OSError, ValueError, AttributeError) as error:
        return f"it can't be checked, {error}"
    return None


def _damage_of_best(folder: Path) -> str | None:
    best = json.loads((folder / TRAINER_STATE_NAME).read_text(encoding="utf-8"))["best_global_step"]
    path = folder.with_name(f"checkpoint-{best}")
    problem = None if best is None or path == folder else damage(path)
    return problem and f"the best before it is {path.name}, of which {problem}"


def _seal(folder: Path) -> None:
    """Note the checksums of a folder's files, and wait until they are on the disk."""
    sums = {}
    for path in sorted(folder.iterdir()):
        sums[path.name] = _digest(path)
        with path.open("rb") as file:
            os.fsync(file.fileno())
    write_whole(folder / SUMS_NAME, json.dumps(sums, indent=1) + "\n")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

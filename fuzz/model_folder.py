"""A model's folder in which one file is anyone's: a model that tags, or an error."""

import os
import shutil
from pathlib import Path

import torch

from fuzz.scratch import FOLDER
from hyperx.errors import HyperXError
from hyperx.modeling import HyperX

FILES = ("config.json", "model.safetensors", "backbone/config.json", "backbone/model.safetensors")
GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "1"


def run(data: bytes) -> None:
    """Load the folder with the bytes after the first, which chooses whose place they take."""
    if not data:
        return
    before = Path.cwd()
    os.chdir(prepared())
    name = FILES[data[0] % len(FILES)]
    whole = Path(name).read_bytes()
    Path(name).write_bytes(data[1:])
    try:
        model = HyperX.from_pretrained(".", dtype=torch.float32)
        for task in model.tasks.values():
            if not task.auxiliary and model.model_config.languages:
                (tags,) = model.tag(["the cat"], task=task.name, language=model.model_config.languages[0])
                assert len(tags) == (1 if task.per_sentence else 2)
    except HyperXError:
        pass
    finally:
        Path(name).write_bytes(whole)
        os.chdir(before)


def prepared() -> Path:
    """Return a copy of a golden model, whose backbone is the folder's own."""
    folder = FOLDER / "model"
    if not folder.is_dir():
        shutil.copytree(GOLDEN / "hyperx", folder)
        shutil.copytree(GOLDEN / "backbone", folder / "backbone")
    return folder

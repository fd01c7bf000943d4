"""What is measured: a model of the recipe's sizes with fresh weights, and AfriMix's and UD's real sentences."""

from pathlib import Path

import torch

from hyperx.config import RunConfig, load_run_config
from hyperx.data.check import collected_notices
from hyperx.dataset import RunData, load_data
from hyperx.modeling import HyperX
from hyperx.run import build_model

AFRIMIX = "configs/afrimix-mixed-1.yaml"
# English and the treebanks of the paper's languages that have a training set; labels alone, as the peers train on.
UD = "data=[{corpus: ud, languages: [eng, mlt, tam, tur, uig], root: ../../shared/data}]"


def labelled(method: str = "hyperx", *overrides: str) -> RunConfig:
    """Return AfriMix's run without raw text, of which a peer knows nothing."""
    config = load_run_config(AFRIMIX, [f"method={{name: {method}}}", *overrides])
    return config.model_copy(update={"train": {task: rows for task, rows in config.train.items() if task != "mlm"}})


def shorter(method: str = "hyperx", *overrides: str) -> RunConfig:
    """Return a run on UD's sentences, which are shorter than AfriMix's news."""
    return labelled(method, UD, "train={pos: all}", *overrides)


def read(config: RunConfig) -> RunData:
    """Load a run's sentences."""
    with collected_notices():
        return load_data(config)


def saved_model(folder: Path) -> Path:
    """Write a model with fresh weights that differ from pair to pair, and return its folder."""
    config = labelled()
    model = shaken(build_model(config, read(config)))
    model.save_pretrained(folder)
    return folder


def shaken(model: HyperX) -> HyperX:
    """Give the generator weights that are not zero, as training would."""
    torch.nn.init.normal_(model.method.hypernetwork.generator.weight, std=0.01)  # type: ignore[union-attr, arg-type]
    return model.eval()

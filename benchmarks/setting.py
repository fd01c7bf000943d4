"""What is measured: a model of the recipe's sizes with fresh weights, and AfriMix's and UD's real sentences."""

import atexit
import tempfile
from functools import cache
from pathlib import Path

import torch
from transformers import BertConfig, BertModel

from benchmarks.rounds import Options
from hyperx.backbone import load_tokenizer
from hyperx.config import RunConfig, load_run_config
from hyperx.data.catalog import languages
from hyperx.data.check import collected_notices
from hyperx.dataset import RunData, load_data
from hyperx.methods import HyperXConfig
from hyperx.modeling import HyperX, ModelConfig
from hyperx.run import build_model
from hyperx.tasks import build_task

AFRIMIX = "configs/afrimix-mixed-1.yaml"
# English and the treebanks of the paper's languages that have a training set; labels alone, as the peers train on.
UD = "data=[{corpus: ud, languages: [eng, mlt, tam, tur, uig], root: ../../shared/data}]"


def labelled(given: Options, method: str = "hyperx", *overrides: str) -> RunConfig:
    """Return AfriMix's run without raw text, of which a peer knows nothing."""
    config = load_run_config(AFRIMIX, [f"method={{name: {method}}}", *overrides])
    data = [entry.model_copy(update={"max_sentences": 20 if given.quick else 400}) for entry in config.data]
    train = {task: rows for task, rows in config.train.items() if task != "mlm"}
    backbone = str(tiny_backbone()) if given.quick else config.backbone
    return config.model_copy(update={"data": data, "train": train, "backbone": backbone})


def shorter(given: Options, *overrides: str) -> RunConfig:
    """Return a run on UD's sentences, which are shorter than AfriMix's news."""
    return labelled(given, "hyperx", UD, "train={pos: all}", *overrides)


@cache
def tiny_backbone() -> Path:
    """Write a random encoder that takes the built-in tokenizer's pieces, and return its folder."""
    temporary = tempfile.TemporaryDirectory()
    atexit.register(temporary.cleanup)
    config = BertConfig(
        vocab_size=250037, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(temporary.name)
    load_tokenizer("builtin:multilingual-e5-small").save_pretrained(temporary.name)
    return Path(temporary.name)


def tiny_model(folder: Path) -> Path:
    """Write a small random model of two tasks in the starter corpus' languages, and return its folder."""
    config = ModelConfig(
        backbone=str(tiny_backbone()),
        method=HyperXConfig(bottleneck=8, projection_size=16, embedding_size=8),
        tasks={task: build_task(task).labels for task in ("pos", "ner")},
        languages=languages("starter", "pos"),
    )
    torch.manual_seed(0)
    model = HyperX(config)
    with torch.no_grad():  # weights that differ enough for tags to
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape))
    model.save_pretrained(folder)
    return folder


def read(config: RunConfig) -> RunData:
    """Load a run's sentences."""
    with collected_notices():
        return load_data(config)


def saved_model(given: Options, folder: Path) -> Path:
    """Write a model with fresh weights that differ from pair to pair, and return its folder."""
    config = labelled(given)
    shaken(build_model(config, read(config))).save_pretrained(folder)
    return folder


def shaken(model: HyperX) -> HyperX:
    """Give the generator weights that are not zero, as training would."""
    torch.nn.init.normal_(model.method.hypernetwork.generator.weight, std=0.01)  # type: ignore[union-attr, arg-type]
    return model.eval()

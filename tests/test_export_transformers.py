"""Folders that `transformers` loads compute what the model does."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForTokenClassification, BertForTokenClassification

from conftest import ENCODERS, INPUTS, logits, readme_code, shake
from hyperx.errors import HyperXError
from hyperx.exporters.transformers import export
from hyperx.methods import FinetuneConfig, HyperXConfig, MADXConfig, PSFConfig, SingleConfig
from hyperx.pairs import Pair

PAIR = Pair("ner", "swa")
METHODS = {
    "hyperx": HyperXConfig(bottleneck=4, skip_last_layer=True),
    "layer-norm": HyperXConfig(bottleneck=4, layer_norm=True),
    "single": SingleConfig(bottleneck=4),
    "madx": MADXConfig(language_bottleneck=6, task_bottleneck=4),
    "finetune": FinetuneConfig(),
    "psf": PSFConfig(latent_size=8, num_layers=2),
}
CASES = [("bert", method) for method in METHODS]
CASES += [(architecture, "hyperx") for architecture in ENCODERS if architecture != "bert"]
CASES += [("xlm-roberta", "madx"), ("modernbert", "finetune"), ("distilbert", "finetune"), ("deberta-v2", "finetune")]


@pytest.mark.parametrize(("architecture", "method"), CASES)
def test_logits_are_the_models(architecture: str, method: str, make_model, tmp_path: Path) -> None:
    model = shake(make_model(architecture, METHODS[method]))
    export(model, PAIR, tmp_path)
    needs_code = (tmp_path / "modeling_adapted.py").exists()
    assert needs_code == (method not in ("finetune", "psf") or architecture == "modernbert")
    loaded = AutoModelForTokenClassification.from_pretrained(tmp_path, trust_remote_code=needs_code).eval()
    assert list(loaded.config.id2label.values()) == model.tasks["ner"].labels
    with torch.inference_mode():
        theirs = loaded(**INPUTS).logits
    torch.testing.assert_close(theirs, logits(model, PAIR), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(theirs, logits(model, Pair("ner", "eng")), atol=1e-3) or method in ("single", "finetune")


def test_without_consent_to_its_code_the_folder_does_not_load(make_model, tmp_path: Path) -> None:
    export(make_model("bert"), PAIR, tmp_path)
    with pytest.raises(ValueError, match="trust_remote_code"):
        AutoModelForTokenClassification.from_pretrained(tmp_path, trust_remote_code=False)


@pytest.mark.parametrize("method", ["hyperx", "finetune"])
def test_the_readmes_pipeline_tags(method: str, make_model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(shake(make_model("bert", METHODS[method])), PAIR, tmp_path)
    values: dict[str, object] = {}
    exec(readme_code(tmp_path), values)
    assert isinstance(values["tag"].model, BertForTokenClassification) == (method == "finetune")
    words = "the cat saw Paris"
    assert all(words[entity["start"] : entity["end"]].strip() in words.split() for entity in values["tag"](words))
    assert capsys.readouterr().out.startswith("[")


def test_loss_is_the_tasks(make_model, tmp_path: Path) -> None:
    model = shake(make_model("bert"))
    export(model, PAIR, tmp_path)
    loaded = AutoModelForTokenClassification.from_pretrained(tmp_path, trust_remote_code=True)
    labels = INPUTS["input_ids"] % 7
    labels[:, ::2] = -100
    with torch.inference_mode():
        ours = model(PAIR, **INPUTS, labels=labels)["loss"]
        torch.testing.assert_close(loaded(**INPUTS, labels=labels).loss, ours, atol=1e-5, rtol=1e-5)


def test_mistakes(make_model, tmp_path: Path) -> None:
    model = make_model("bert")
    for pair, message in [
        (Pair("ner", "deu"), "German"),
        (Pair("mlm", "swa"), "tags nothing"),
        (Pair("x", "swa"), "x"),
    ]:
        with pytest.raises(HyperXError, match=message):
            export(model, pair, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(HyperXError, match="not empty"):
        export(model, PAIR, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

"""MAD-X and Hyper-X compute what AdapterHub's library does on the same weights, and ours load there."""

import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import shake
from hyperx.errors import HyperXError
from hyperx.exporters.adapters import parts, save_adapter
from hyperx.methods import HyperXConfig, MADXConfig
from hyperx.modeling import HyperX
from hyperx.pairs import Pair

INPUTS = {"input_ids": torch.arange(5, 23).reshape(2, 9), "attention_mask": torch.ones(2, 9, dtype=torch.long)}
PAIR = Pair("ner", "swa")


def theirs(library: Path, model: HyperX, folder: Path, *setups: str) -> dict[str, torch.Tensor]:
    model.backbone.encoder.save_pretrained(folder / "encoder")
    save_file(INPUTS, folder / "inputs.safetensors")
    script = Path(__file__).with_name("adapters_library.py")
    result = subprocess.run([library, script, folder, *setups], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return load_file(folder / "outputs.safetensors")


@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta", "distilbert", "deberta-v2"])
@pytest.mark.parametrize("invertible", [True, False])
def test_mad_x(library: Path, make_model, tmp_path: Path, architecture: str, invertible: bool) -> None:
    config = MADXConfig(language_bottleneck=6, task_bottleneck=4, invertible=invertible)
    model = shake(make_model(architecture, config))
    named, norm_first = parts(model, PAIR)
    for name, adapters in named.items():
        save_adapter(tmp_path / name, name, adapters, model_type=architecture, norm_first=norm_first)
    outputs = theirs(library, model, tmp_path, "swa", "swa+ner")
    with torch.inference_mode():
        alone = model.encode([Pair("mlm", "swa")], **INPUTS)
        stacked = model.encode([PAIR], **INPUTS)
    torch.testing.assert_close(outputs["swa"], alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(outputs["swa+ner"], stacked, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(alone, stacked, atol=1e-3)


@pytest.mark.parametrize("recipe", ["default", "paper"])
@pytest.mark.parametrize("skip_last_layer", [True, False])
def test_hyper_x(library: Path, make_model, tmp_path: Path, recipe: str, skip_last_layer: bool) -> None:
    sizes = {"bottleneck": 4, "projection_size": 6, "embedding_size": 5}
    model = shake(make_model("bert", HyperXConfig(recipe=recipe, skip_last_layer=skip_last_layer, **sizes)))
    named, norm_first = parts(model, PAIR)
    save_adapter(tmp_path / "pair", "pair", named["ner-swa"], model_type="bert", norm_first=norm_first)
    with torch.inference_mode():
        ours = model.encode([PAIR], **INPUTS)
    torch.testing.assert_close(theirs(library, model, tmp_path, "pair")["pair"], ours, atol=1e-5, rtol=1e-5)


def test_what_the_library_has_no_place_for_is_a_clear_error(make_model, tmp_path: Path) -> None:
    for architecture, config, why in [
        ("modernbert", HyperXConfig(bottleneck=4), "modernbert"),
        ("bert", HyperXConfig(bottleneck=4, layer_norm=True), "LayerNorm"),
    ]:
        named, norm_first = parts(make_model(architecture, config), PAIR)
        with pytest.raises(HyperXError, match=why):
            save_adapter(tmp_path, "pair", named["ner-swa"], model_type=architecture, norm_first=norm_first)

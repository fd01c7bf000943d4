"""Exported adapters give the model's logits in AdapterHub's library, loaded as the folder's README says."""

import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import INPUTS, logits, shake
from hyperx.errors import HyperXError
from hyperx.exporters.adapters import LAYER_NORMS, export, reduction_factor
from hyperx.methods import FinetuneConfig, HyperXConfig, MADXConfig, PSFConfig, SingleConfig
from hyperx.pairs import Pair

PAIR = Pair("ner", "swa")
METHODS = {
    "hyperx": HyperXConfig(bottleneck=4, projection_size=6, embedding_size=5, skip_last_layer=True),
    "single": SingleConfig(bottleneck=4),
    "madx": MADXConfig(language_bottleneck=6, task_bottleneck=4),
}
CASES = [("bert", method) for method in METHODS]
CASES += [(architecture, "hyperx") for architecture in ("xlm-roberta", "roberta", "distilbert", "deberta-v2")]
# Importing the library takes seconds, so one process runs each folder's README, and on the same inputs what it has built.
SCRIPT = """
import re, sys
from pathlib import Path
import torch
from safetensors.torch import load_file, save_file

root = Path(sys.argv[1])
for folder in sorted(root.glob("*/export")):
    print("==", folder.parent.name)
    (code,) = re.findall(r"```python\\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    exec(code.replace("path/to/this/folder", str(folder)), values := {})
    with torch.inference_mode():
        logits = values["model"](**load_file(root / "inputs.safetensors")).logits
    save_file({"logits": logits}, folder.parent / "outputs.safetensors")
"""


@pytest.fixture(scope="module")
def exported(library: Path, make_model, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Every case's export and the library's outputs, and by case what its README prints."""
    root = tmp_path_factory.mktemp("exports")
    save_file(INPUTS, root / "inputs.safetensors")
    for architecture, method in CASES:
        folder = root / f"{architecture}-{method}"
        model = make_model(architecture, METHODS[method])
        model.backbone.encoder.save_pretrained(folder / "backbone")  # before training changes the LayerNorms
        model.model_config.backbone = str(folder / "backbone")
        export(shake(model), PAIR, folder / "export")
    result = subprocess.run([library, "-c", SCRIPT, root], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    texts = [part.split("\n", 1) for part in result.stdout.split("== ")[1:]]
    return root, {name: text for name, text in texts}


@pytest.mark.parametrize(("architecture", "method"), CASES)
def test_logits_are_the_models(
    exported: tuple[Path, dict[str, str]], architecture: str, method: str, make_model
) -> None:
    root, printed = exported
    name = f"{architecture}-{method}"
    model = shake(make_model(architecture, METHODS[method]))
    assert (root / name / "export" / LAYER_NORMS).exists() == (method != "madx")
    lines = [line.split() for line in printed[name].splitlines()]
    assert [word for word, _ in lines] == ["Amina", "alisafiri", "kutoka", "Mombasa", "hadi", "Nairobi", "."]
    assert {tag for _, tag in lines} <= set(model.tasks["ner"].labels)
    theirs = load_file(root / name / "outputs.safetensors")["logits"]
    torch.testing.assert_close(theirs, logits(model, PAIR), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("architecture", "method", "message"),
    [
        ("bert", FinetuneConfig(), "'finetune' has no adapters.*--to transformers"),
        ("bert", PSFConfig(latent_size=8, num_layers=2), "'psf' has no adapters"),
        ("bert", HyperXConfig(bottleneck=4, layer_norm=True), "LayerNorm"),
        ("modernbert", SingleConfig(bottleneck=4), "modernbert"),
    ],
)
def test_what_the_library_can_not_hold_is_a_clear_error(
    architecture: str, method: object, message: str, make_model, tmp_path: Path
) -> None:
    with pytest.raises(HyperXError, match=message):
        export(make_model(architecture, method), PAIR, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("hidden", [312, 384, 768, 1024])
def test_the_library_gets_every_bottleneck_from_its_factor(hidden: int) -> None:
    for bottleneck in range(1, hidden + 1):
        assert int(hidden // reduction_factor(hidden, bottleneck)) == bottleneck
    assert reduction_factor(384, 128) == 3

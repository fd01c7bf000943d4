"""Exported graphs compute the model's logits, and tag as it does, in ONNX Runtime."""

import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from conftest import INPUTS, WORDS, logits, readme_code, shake
from hyperx.errors import HyperXError
from hyperx.exporters.onnx import GRAPH, QUANTIZED, export
from hyperx.methods import HyperXConfig, MADXConfig, PSFConfig
from hyperx.modeling import HyperX
from hyperx.pairs import Pair

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

METHODS = {
    "hyperx": HyperXConfig(bottleneck=4, projection_size=6, embedding_size=5, layer_norm=True, skip_last_layer=True),
    "madx": MADXConfig(language_bottleneck=6, task_bottleneck=4),
    "psf": PSFConfig(latent_size=8, num_layers=2),
}
# An export takes seconds.
CASES = [("bert", "madx"), ("bert", "psf")]
PAIRS = [Pair("pos", "eng"), Pair("ner", "swa"), Pair("ner", "yor"), Pair("pos", "yor")]
SENTENCES = [WORDS[i : i + 3 + i % 4] for i in range(9)] + [["Amina"], WORDS * 3]  # one word; several chunks


def run(folder: Path, graph: str = GRAPH, **inputs: Any) -> np.ndarray:
    session = onnxruntime.InferenceSession(folder / graph)
    return session.run(None, {name: np.asarray(value) for name, value in inputs.items()})[0]


def load_tag(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("exported_tag", folder / "tag.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def hyperx(make_model, tmp_path_factory: pytest.TempPathFactory) -> tuple[HyperX, Path]:
    """A model, and the folder of its graph of every pair."""
    model = shake(make_model("bert", METHODS["hyperx"]))
    folder = tmp_path_factory.mktemp("onnx") / "new"
    export(model, None, folder, int8=True)
    return model, folder


def check_graph(model: HyperX, folder: Path) -> None:
    about = json.loads((folder / "pairs.json").read_text())
    tasks = list(about["tasks"])
    theirs = run(  # every pair over both rows
        folder,
        **{name: tensor.repeat(len(PAIRS), 1) for name, tensor in INPUTS.items()},
        task=[tasks.index(pair.task) for pair in PAIRS for _ in range(2)],
        language=[about["languages"].index(pair.language) for pair in PAIRS for _ in range(2)],
    )
    for number, pair in enumerate(PAIRS):
        rows = torch.from_numpy(theirs[2 * number : 2 * number + 2])
        ours = logits(model, pair)
        torch.testing.assert_close(rows[..., : ours.shape[-1]], ours, atol=1e-5, rtol=1e-4)
        assert (rows[..., ours.shape[-1] :] == -torch.inf).all()


@pytest.mark.parametrize(("architecture", "method"), CASES)
def test_rows_of_any_pairs_get_the_models_logits(architecture: str, method: str, make_model, tmp_path: Path) -> None:
    model = shake(make_model(architecture, METHODS[method]))
    export(model, None, tmp_path)
    check_graph(model, tmp_path)


def test_the_hypernetwork_is_in_the_graph(hyperx: tuple[HyperX, Path]) -> None:
    check_graph(*hyperx)


def test_the_folder_tags_as_the_model_does(hyperx: tuple[HyperX, Path]) -> None:
    model, folder = hyperx
    pairs = [PAIRS[number % len(PAIRS)] for number in range(len(SENTENCES))]
    tagger = load_tag(folder).Tagger(folder)
    tags = tagger.tag(SENTENCES, [(pair.task, pair.language) for pair in pairs], batch_size=4)
    for sentence, pair, row in zip(SENTENCES, pairs, tags, strict=True):
        assert [row] == model.tag([sentence], task=pair.task, language=pair.language)
    assert tagger.tag([[]], [("ner", "swa")]) == [[]]
    with pytest.raises(ValueError, match="no ner/deu here; tasks are pos, ner, languages eng, swa, yor"):
        tagger.tag([["a"]], [("ner", "deu")])


def test_eight_bits_are_smaller_and_near(hyperx: tuple[HyperX, Path]) -> None:
    _, folder = hyperx
    assert (folder / QUANTIZED).stat().st_size < (folder / GRAPH).stat().st_size
    pairs = {"task": [0, 1], "language": [1, 2]}
    whole, quantized = run(folder, **INPUTS, **pairs), run(folder, graph=QUANTIZED, **INPUTS, **pairs)
    finite = np.isfinite(whole)
    assert (np.isfinite(quantized) == finite).all()
    assert 0 < np.abs(whole[finite] - quantized[finite]).max() < 0.2 * np.abs(whole[finite]).max()


def test_one_pair(make_model, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    model = shake(make_model("bert", METHODS["madx"]))
    export(model, PAIRS[1], tmp_path)
    torch.testing.assert_close(torch.from_numpy(run(tmp_path, **INPUTS)), logits(model, PAIRS[1]), atol=1e-5, rtol=1e-4)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "tag", raising=False)
    exec(readme_code(tmp_path), {})
    (expected,) = model.tag(["Amina alisafiri kutoka Mombasa hadi Nairobi ."], task="ner", language="swa")
    assert capsys.readouterr().out.split(") (")[-1] == f"'.', '{expected[-1]}')\n"
    # As a script, with neither torch nor transformers nor hyperx.
    code = "import runpy, sys; sys.argv = ['tag.py', 'ner', 'swa']; runpy.run_path('tag.py', run_name='__main__'); "
    code += "assert not {'torch', 'transformers', 'hyperx'} & set(sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        input="the cat\n\nParis\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    (first, second) = model.tag(["the cat", "Paris"], task="ner", language="swa")
    assert result.stdout == f"the\t{first[0]}\ncat\t{first[1]}\n\nParis\t{second[0]}\n\n"


def test_the_readme_of_every_pair(hyperx: tuple[HyperX, Path], capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "tag", raising=False)
    exec(readme_code(hyperx[1]), {})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:2] for line in lines] == [
        [task, language] for task in ("pos", "ner") for language in ("eng", "swa", "yor")
    ]
    assert all(len(line) == 2 + 7 for line in lines)


def test_without_the_extra_the_error_says_what_to_install(make_model, tmp_path: Path, monkeypatch) -> None:
    for name in ("onnx", "onnxruntime", "onnxscript"):
        monkeypatch.setitem(sys.modules, name, None)
    importlib.reload(sys.modules[export.__module__])  # the module itself needs none of them
    with pytest.raises(HyperXError, match=r"hyperx-nlp\[onnx\]"):
        export(make_model("bert"), None, tmp_path / "new")
    assert not (tmp_path / "new").exists()

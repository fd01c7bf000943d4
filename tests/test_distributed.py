"""Two processes over gloo train what one process trains."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerFast

from conftest import ENCODERS, WORDS
from hyperx.config import load_run_config
from hyperx.distributed import Share
from hyperx.errors import HyperXError
from hyperx.results import Results
from hyperx.run import train
from test_run import ENTITIES, TAGS, columns

SINGLE = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1] / "src")}


@pytest.fixture(scope="module")
def yaml(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A run of three pairs, one of which has fewer sentences than there are processes."""
    folder = tmp_path_factory.mktemp("distributed")
    torch.manual_seed(0)
    ENCODERS["bert"]().save_pretrained(folder / "backbone")
    tokenizer.save_pretrained(folder / "backbone")
    pos = columns(folder / "pos.txt", TAGS, 30)
    ner = columns(folder / "ner.txt", [ENTITIES.get(word, "O") for word in WORDS[:14]], 1)
    (folder / "raw.txt").write_text("\n".join(" ".join(WORDS[i : i + 6]) for i in range(10)) + "\n")
    path = folder / "run.yaml"
    path.write_text(f"""
name: tiny
backbone: {folder / "backbone"}
method: {{name: hyperx, bottleneck: 8, projection_size: 4}}
data:
  - {{task: pos, language: eng, train: {pos}, dev: {pos}, test: {pos}}}
  - {{task: ner, language: swa, train: {ner}, dev: {ner}, test: {ner}}}
  - {{task: mlm, language: yor, train: raw.txt}}
train: {{pos: [eng], ner: [sw], mlm: all}}
training: {{steps: 12, batch_size: 8, eval_steps: 6, max_length: 24}}
""")
    return path


def launch(*arguments: str, processes: int = 2, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command += ["-m", "hyperx", "train", *arguments]
    return subprocess.run(
        command, env={**os.environ, **SINGLE, **environment}, capture_output=True, text=True, timeout=300
    )


def weights(run: Path, step: int = 12) -> dict[str, torch.Tensor]:
    return load_file(run / "checkpoints" / f"checkpoint-{step}" / "model.safetensors")


def losses(run: Path) -> list[float]:
    return [row["loss"] for row in json.loads((run / "log.json").read_text()) if "loss" in row]


def assert_same(run: Path, other: Path) -> None:
    """Compare weights, dev scores and results up to rounding, which Adam makes larger where gradients are small."""
    ours, theirs = weights(run), weights(other)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=1e-4, atol=2e-5, msg=lambda m, n=name: f"{n}: {m}")
    assert [r.score for r in Results.load(run).rows] == pytest.approx([r.score for r in Results.load(other).rows])


@pytest.fixture(scope="module")
def alone(yaml: Path) -> Path:
    """The run by one process."""
    train(load_run_config(yaml, [f"output={yaml.parent / 'alone'}"]))
    return yaml.parent / "alone"


def test_two_processes_train_what_one_does(yaml: Path, alone: Path, tmp_path: Path) -> None:
    result = launch(str(yaml), "--output", str(tmp_path / "two"))
    assert result.returncode == 0, result.stderr
    assert_same(tmp_path / "two", alone)
    assert result.stderr.count("trained pairs with") == 1  # one process speaks
    assert result.stdout.count("yor") == 0

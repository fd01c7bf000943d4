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

import distributed_worker as worker
from conftest import ENCODERS, TAGS, WORDS, columns
from hyperx.distributed import Share
from hyperx.errors import HyperXError
from hyperx.results import Results

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1] / "src")}


@pytest.fixture(scope="module")
def yaml(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A run of four pairs; one has fewer sentences than there are processes, one is streamed from an odd number of files."""
    folder = tmp_path_factory.mktemp("distributed")
    torch.manual_seed(0)
    encoder = ENCODERS["bert"]()
    encoder.config.hidden_dropout_prob = encoder.config.attention_probs_dropout_prob = (
        0.0  # drawn by each process alone
    )
    encoder.save_pretrained(folder / "backbone")
    tokenizer.save_pretrained(folder / "backbone")
    pos = columns(folder / "pos.txt", TAGS, 30)
    ner = columns(folder / "ner.txt", ["B-PER", *["O"] * 13], 1)
    (folder / "raw.txt").write_text("\n".join(" ".join(WORDS[i : i + 6]) for i in range(10)) + "\n")
    for file in range(3):
        rows = [json.dumps({"text": " ".join(WORDS[n % 7 : n % 7 + 2 + n % 5])}) for n in range(file, 20)]
        (folder / f"{file}.jsonl").write_text("\n".join(rows) + "\n")
    path = folder / "run.yaml"
    path.write_text(f"""
name: tiny
backbone: {folder / "backbone"}
method: {{name: hyperx, bottleneck: 8, projection_size: 4}}
data:
  - {{task: pos, language: eng, train: {pos}, dev: {pos}, test: {pos}}}
  - {{task: ner, language: swa, train: {ner}, dev: {ner}, test: {ner}}}
  - {{task: mlm, language: yor, train: raw.txt}}
  - {{task: mlm, language: eng, hub: json, files: "{folder}/*.jsonl", streaming: true, sentences: 40, buffer: 16}}
train: {{pos: [eng], ner: [sw], mlm: all}}
training: {{steps: 12, batch_size: 8, eval_steps: 6, dev_sentences: 5, max_length: 24}}
""")
    return path


TORCHRUN = ["torch.distributed.run", "--standalone", "--nproc-per-node=2"]
# Its --cpu needs MPI; without a GPU, several "GPUs" are processes over gloo.
ACCELERATE = ["accelerate.commands.launch", "--multi_gpu", "--num_processes=2", "--num_machines=1"]
ACCELERATE += ["--mixed_precision=no", "--dynamo_backend=no"]


def launch(launcher: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run distributed_worker.py in two processes."""
    command = [sys.executable, "-m", *launcher, str(Path(__file__).with_name("distributed_worker.py")), *arguments]
    return subprocess.run(command, env=os.environ | ENVIRONMENT, capture_output=True, text=True, timeout=500)


RUNS = {
    "default": [],
    "two-pairs": ["training.pairs_per_step=2"],
    "psf": ["method={name: psf, latent_size: 4}", "train={pos: [eng], ner: [swa]}"],
}


@pytest.fixture(scope="module")
def runs(yaml: Path) -> Path:
    """A folder with the runs by one process, and those by two or by one and then the other."""
    folder = yaml.parent
    for name, overrides in RUNS.items():
        worker.train(str(yaml), [*overrides, f"output={folder / 'one' / name}"])
    worker.train(str(yaml), [f"output={folder / 'one-then-two'}"], stop=8)
    runs = [{"overrides": [*own, f"output={folder / 'two' / name}"]} for name, own in RUNS.items()]
    runs.append({"overrides": [f"output={folder / 'two-then-one'}"], "stop": 8})
    runs.append({"overrides": [f"output={folder / 'one-then-two'}"], "resume": True})
    result = launch(TORCHRUN, json.dumps(runs), str(yaml))
    assert result.returncode == 0, result.stderr
    worker.train(str(yaml), [f"output={folder / 'two-then-one'}"], resume=True)
    return folder


@pytest.mark.parametrize(
    ("run", "other"),
    [(f"two/{name}", f"one/{name}") for name in RUNS]
    + [("one-then-two", "one/default"), ("two-then-one", "one/default")],
)
def test_the_number_of_processes_changes_rounding_alone(runs: Path, run: str, other: str) -> None:
    """Weights, losses, dev scores and results agree."""
    ours, theirs = (
        load_file(runs / name / "checkpoints" / "checkpoint-12" / "model.safetensors") for name in (run, other)
    )
    assert ours.keys() == theirs.keys()
    differences = torch.cat([(ours[name] - theirs[name]).abs().flatten() for name in ours])
    assert differences.quantile(0.999) < 1e-5
    assert differences.max() < 1e-3  # Adam moves a weight whose gradient is all rounding by the learning rate, too
    logs = [json.loads((runs / name / "log.json").read_text()) for name in (run, other)]
    assert [row["step"] for row in logs[0]] == [row["step"] for row in logs[1]]
    for mine, yours in zip(*logs, strict=True):
        keys = [key for key in mine if key.startswith("eval_") or key in ("loss", "grad_norm")]
        assert [mine[key] for key in keys] == pytest.approx([yours[key] for key in keys], rel=1e-4)
    results = [Results.load(runs / name) for name in (run, other)]
    assert [row.score for row in results[0].rows] == pytest.approx([row.score for row in results[1].rows])


def test_one_process_fails_and_all_end_with_one_message(yaml: Path, tmp_path: Path) -> None:
    message = "raw.txt:7: the disk is gone"
    result = launch(ACCELERATE, "--fail", message, "train", str(yaml), "--output", str(tmp_path / "run"))
    assert result.returncode == 1
    assert result.stderr.count(message) == 1, result.stderr
    assert result.stderr.count("41 sentences") == 1
    assert "Connection closed" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(("batches", "processes"), [(1, 1), (1, 3), (2, 4), (4, 2), (6, 6), (6, 3)])
def test_shares_cover_a_step_once(batches: int, processes: int) -> None:
    shares = [Share(batches, process, processes) for process in range(processes)]
    rows = [(batch, row) for share in shares for batch in share.batches for row in share.rows(7)]
    assert sorted(rows) == [(batch, row) for batch in range(batches) for row in range(7)]


def test_shares_must_fit() -> None:
    with pytest.raises(HyperXError, match=r"pairs_per_step' is 3, and there are 2 processes"):
        Share(3, 0, 2)

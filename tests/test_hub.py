"""Pushing a model to the Hub and loading it from there, against a stand-in on loopback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from conftest import TAGS, columns, shake, small_disk
from hub_double import READER, WRITER, Hub, serve
from hyperx.cli.app import app
from hyperx.config import RunConfig
from hyperx.errors import HyperXError
from hyperx.methods import SingleConfig
from hyperx.model_card import model_card
from hyperx.modeling import HyperX, model_folder
from hyperx.results import Results, Row

ENCODER = "someone/tiny-encoder"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, make_model, tmp_path: Path) -> Iterator[Hub]:
    """A Hub that has the tiny backbone."""
    make_model("bert").backbone.encoder.save_pretrained(tmp_path / "encoder")
    make_model("bert").tokenizer.save_pretrained(tmp_path / "encoder")
    with serve() as hub:
        hub.add(ENCODER, {path.name: path.read_bytes() for path in (tmp_path / "encoder").iterdir()})
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        yield hub


@pytest.fixture
def model(make_model) -> HyperX:
    model = shake(make_model("bert"))
    model.model_config.backbone = ENCODER
    model.model_config.trained = ["pos/eng", "ner/swa", "mlm/yor"]
    return model


def commands(hub: Hub, home: Path, *commands: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Run commands in a process of their own: huggingface_hub reads its settings when it is imported."""
    code = "import sys; from hyperx.cli.app import app\n"
    code += "".join(f"app({command!r}, standalone_mode=False); sys.stdout.flush()\n" for command in commands)
    settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_TOKEN": WRITER, "HF_HUB_DISABLE_XET": "1"}
    environment = {**os.environ, **settings}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, input=text, capture_output=True, text=True, check=False
    )


def test_what_is_pushed_loads_by_its_id(hub: Hub, model: HyperX, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "model")
    (expected,) = model.tag(["the cat saw Paris"], task="ner", language="swa")
    # The first loads the backbone from the Hub; the second, the model too.
    push = ["push", str(tmp_path / "model"), "me/taggers", "--private"]
    tag = ["tag", "me/taggers", "--task", "ner", "--language", "swa", "--format", "iob2"]
    result = commands(hub, tmp_path / "home", push, tag, text="the cat saw Paris\n")
    assert result.returncode == 0, result.stderr
    address, *tagged = [line for line in result.stdout.split("\n") if line]
    assert address == f"{hub.url}/me/taggers"
    assert [line.split("\t")[1] for line in tagged] == expected
    repo = hub.repos["me/taggers"]
    assert repo["visibility"] == "private"
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= set(repo["files"])
    assert repo["files"]["model.safetensors"] == (tmp_path / "model" / "model.safetensors").read_bytes()
    assert 'hyperx.load("me/taggers")' in repo["files"]["README.md"].decode()


def test_pushing_again_updates(hub: Hub, model: HyperX) -> None:
    assert model.push_to_hub("taggers", token=WRITER) == f"{hub.url}/me/taggers"
    model.card = "---\n{}\n---\nA card of my own.\n"
    model.push_to_hub("me/taggers", private=True, token=WRITER)  # it is there: it stays what it is
    assert hub.repos["me/taggers"]["visibility"] == "public"
    assert b"my own" in hub.repos["me/taggers"]["files"]["README.md"]


def test_a_grown_model_keeps_its_card(hub: Hub, model: HyperX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperx.hub.check_backbone", lambda model: None)
    monkeypatch.setenv("HF_TOKEN", WRITER)
    model.model_config.backbone = str(tmp_path / "encoder")
    model.save_pretrained(tmp_path / "model")
    file, grown = columns(tmp_path / "pos.txt", TAGS, 4), str(tmp_path / "grown")
    adapt = ["adapt", str(tmp_path / "model"), "--output", grown, "-d", f"pos/hau={file}", "--steps", "2"]
    app([*adapt, "--test", f"pos/hau={file}"], standalone_mode=False)
    app(["push", grown, "me/grown"], standalone_mode=False)
    card = hub.repos["me/grown"]["files"]["README.md"].decode()
    assert "Grown from `model`. Trained on 4 sentences of pos/hau" in card
    assert 'hyperx.load("me/grown")' in card


def test_the_card_loads_the_model_from_where_it_is(hub: Hub, model: HyperX) -> None:
    model.push_to_hub("me/first", token=WRITER)
    model.card = (model_folder("me/first", None) / "README.md").read_text()
    model.push_to_hub("me/second", token=WRITER)
    card = hub.repos["me/second"]["files"]["README.md"].decode()
    assert card == model.card.replace("me/first", "me/second")
    model.card = "hyperx.load('me/second@v1', device=\"cpu\")\n"
    model.push_to_hub("me/third", token=WRITER)
    assert hub.repos["me/third"]["files"]["README.md"] == b"hyperx.load('me/third', device=\"cpu\")\n"


def test_a_revision_of_a_model(hub: Hub, model: HyperX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model.push_to_hub("me/taggers", token=WRITER)
    for name in ("v1", "refs/pr/1"):
        hub.tag("me/taggers", name)
    old, new = hub.repos["me/taggers"]["files"]["model.safetensors"], b"newer"
    hub.repos["me/taggers"]["files"]["model.safetensors"] = new
    for name, revision, expected in [
        ("me/taggers", None, new),
        ("me/taggers@v1", None, old),
        ("me/taggers@refs/pr/1", None, old),
        ("me/taggers", "v1", old),
        ("me/taggers@main", "v1", old),
    ]:
        assert (model_folder(name, revision) / "model.safetensors").read_bytes() == expected
    for name, revision in [("me/taggers@v2", None), ("me/taggers", "v2")]:
        with pytest.raises(HyperXError, match="the Hub's model 'me/taggers' has no revision 'v2'"):
            model_folder(name, revision)
    with pytest.raises(HyperXError, match=r"no model folder 'me/taggers@'.*owner/name@revision"):
        model_folder("me/taggers@", None)
    monkeypatch.chdir(tmp_path)
    Path("me/taggers@v1").mkdir(parents=True)
    assert model_folder("me/taggers@v1", None) == Path("me/taggers@v1")


def test_a_full_disk_uploads_nothing(hub: Hub, model: HyperX) -> None:
    with small_disk() as fill:
        fill()
        with pytest.raises(HyperXError, match=r"can't be written: .*make room"):
            model.push_to_hub("me/taggers", token=WRITER)
    assert "me/taggers" not in hub.repos


@pytest.mark.parametrize(
    ("repo", "token", "message"),
    [
        ("me/taggers", "hf_unknown", "knows no such token.*hf auth login"),
        ("me/taggers", READER, "no permission"),
        ("a/b/c", WRITER, "a/b/c"),
    ],
)
def test_refusals(hub: Hub, model: HyperX, repo: str, token: str, message: str) -> None:
    with pytest.raises(HyperXError, match=message):
        model.push_to_hub(repo, token=token)
    assert list(hub.repos) == [ENCODER]


def test_no_hub(hub: Hub, model: HyperX, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HyperXError, match="can't be uploaded to 'me/taggers'"):
        model.push_to_hub("me/taggers", token=WRITER)


def test_a_backbone_that_nobody_else_has(hub: Hub, model: HyperX, tmp_path: Path) -> None:
    model.model_config.backbone = str(tmp_path / "encoder")
    with pytest.raises(HyperXError, match=r"folder .* of this machine"):
        model.push_to_hub("me/taggers", token=WRITER)
    assert "me/taggers" not in hub.repos


def row(task: str, language: str, score: float, *, trained: bool) -> Row:
    values = {"metric": "accuracy" if task == "pos" else "f1", "low": score - 1, "high": score + 1, "majority": 20}
    counts = {"sentences": 30, "support": 100, "seconds": 1}
    return Row(task=task, language=language, trained=trained, seen=None, score=score, **values, **counts)


def test_the_card_says_where_the_model_comes_from(model: HyperX) -> None:
    run = RunConfig.model_validate(
        {
            "name": "mine",
            "data": [
                {"corpus": "masakhane-pos", "root": "/somewhere/private"},
                {"corpus": "starter"},
                {"hub": "someone/data", "task": "ner", "language": "swa"},
                {"task": "mlm", "language": "yor", "train": "/home/me/secret.txt"},
            ],
            "train": {"pos": ["eng"], "ner": ["swa"], "mlm": ["yor"]},
        }
    )
    rows = [row("pos", "eng", 90.0, trained=True), row("ner", "eng", 20.5, trained=False)]
    about = {"run": "mine", "method": "hyperx", "backbone": ENCODER, "seed": 1, "split": "test"}
    results = Results(**about, rows=rows, averages=[])
    card = model_card(model.model_config, name="mine", results=results, run=run)
    front = yaml.safe_load(card.split("---")[1])
    assert front["base_model"] == ENCODER
    assert front["datasets"] == ["someone/data"]
    assert front["language"] == ["eng", "swa", "yor"]
    assert "| English (eng) | 90.0 | 20.5 ○ |" in card
    assert "CC BY-NC 4.0" in card
    assert "non-commercial use, all or in part: `masakhane-pos`." in card
    assert "Raw text, for masked language modelling: Yoruba" in card
    assert "most frequent tag: `ner/eng`." in card
    assert not any(secret in card for secret in ("/somewhere", "/home"))
    bare = model_card(model.model_config.model_copy(update={"method": SingleConfig()}), name="bare")
    assert "hypernetwork" not in bare
    assert "| Language" not in bare

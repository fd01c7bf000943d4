"""``hyperx export`` as a user calls it."""

from pathlib import Path

import pytest
from transformers import pipeline
from typer.testing import CliRunner

from conftest import shake, small_disk
from hyperx.cli.app import app
from hyperx.disk import UNFINISHED, new_folder
from hyperx.errors import HyperXError


@pytest.fixture(scope="module")
def saved(make_model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    model = make_model("bert")
    model.backbone.encoder.save_pretrained(folder / "encoder")
    model.tokenizer.save_pretrained(folder / "encoder")
    model.model_config.backbone = str(folder / "encoder")
    shake(model).save_pretrained(folder / "model")
    return folder / "model"


def test_a_folder_that_a_pipeline_loads(saved: Path, tmp_path: Path) -> None:
    output = tmp_path / "new"
    result = CliRunner().invoke(app, ["export", str(saved), "pos/sw", "--to", "transformers", "--output", str(output)])
    assert result.exit_code == 0, result.output
    assert "MB  modeling_adapted.py" in result.output
    tag = pipeline("token-classification", model=str(output), trust_remote_code=True)
    assert {found["entity"] for found in tag("the cat")} <= set(tag.model.config.label2id)


@pytest.mark.parametrize("target", ["adapters", "transformers", "spacy"])
@pytest.mark.parametrize("there", [False, True])
def test_a_full_disk_leaves_nothing(
    target: str, there: bool, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperx.exporters.spacy.check_backbone", lambda model: None)
    output = tmp_path / "new"
    if there:
        output.mkdir()
    arguments = ["export", str(saved), "ner/swa", "--to", target, "--output", str(output)]
    with small_disk() as fill:
        fill()
        with pytest.raises(HyperXError, match=r"new can't be written: .*make room"):
            app(arguments, standalone_mode=False)
    assert [path.name for path in tmp_path.rglob("*")] == (["new"] if there else [])
    app(arguments, standalone_mode=False)
    assert (output / "README.md").is_file()


def test_what_is_left_of_a_killed_export_is_replaced(tmp_path: Path) -> None:
    (tmp_path / UNFINISHED).mkdir()
    (tmp_path / UNFINISHED / "half").touch()
    with new_folder(tmp_path) as folder:
        (folder / "part").mkdir()
        (folder / "part" / "file").touch()
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} == {"part", "part/file"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ner/swa", "--to", "tflite"], "no target 'tflite'; choose adapters"),
        (["--to", "adapters"], "give a pair"),
        (["ner/swa", "pos/swa", "--to", "onnx"], "writes one pair"),
        (["ner/swa", "--to", "transformers", "--int8"], "--int8 is for"),
        (["swa", "--to", "transformers"], "not a pair"),
        (["ner/deu", "--to", "transformers"], "not trained with the language 'deu'"),
        (["parse/swa", "--to", "transformers"], "no task 'parse'"),
    ],
)
def test_mistakes(saved: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    output = tmp_path / "new"
    with pytest.raises(HyperXError, match=message):
        app(["export", str(saved), *arguments, "--output", str(output)], standalone_mode=False)
    assert not output.exists()

from pathlib import Path

import pytest
from transformers import BertConfig, DistilBertConfig
from typer.testing import CliRunner, Result

from hyperx import backbone, builtin
from hyperx.cli.backbone import app
from hyperx.errors import HyperXError
from hyperx.shapes import KNOWN


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})


def test_list_names_every_known_backbone_with_its_shape() -> None:
    rows = {line.split()[0]: line.split() for line in run("list").stdout.splitlines() if line}
    assert set(KNOWN) <= set(rows)
    assert rows["builtin:multilingual-e5-small"] == [*("builtin:multilingual-e5-small", "12", "384", "118", "M", "93")]
    assert rows["google-bert/bert-base-multilingual-cased"][1:] == ["12", "768", "177", "M", "103"]


def test_info_of_a_known_backbone_needs_neither_cache_nor_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "_locate", lambda: pytest.fail("the package was read"))
    shown = " ".join(run("info", "builtin:multilingual-e5-small").stdout.split())
    assert "Layers 12 Hidden size 384 Parameters 117,505,920 Vocabulary 250,037" in shown
    assert "Languages seen 93 Afrikaans, Albanian, Amharic" in shown
    assert "Hausa" in shown
    assert "Yoruba" not in shown


def test_info_of_a_folder(tmp_path: Path) -> None:
    DistilBertConfig(vocab_size=100, dim=8, n_layers=3, n_heads=2, hidden_dim=16).save_pretrained(tmp_path)
    shown = " ".join(run("info", str(tmp_path)).stdout.split())
    assert "Layers 3 Hidden size 8" in shown
    assert "Languages seen not known" in shown


def test_fetch_prints_the_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYPERX_CACHE", str(tmp_path))
    cached = tmp_path / builtin._LAYOUT / "multilingual-e5-small"
    cached.mkdir(parents=True)
    assert run("fetch", "builtin:multilingual-e5-small").stdout == f"{cached}\n"


def test_fetch_of_a_folder_is_the_folder(tmp_path: Path) -> None:
    BertConfig().save_pretrained(tmp_path)
    assert run("fetch", str(tmp_path)).stdout == f"{tmp_path}\n"


def test_a_name_that_is_none_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def refuse(name: str, **_: object) -> None:
        asked.append(name)
        raise OSError("Got: ConnectError: no network")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(backbone, "model_info", refuse)
    error = str(run("info", "nope").exception)
    assert (
        "backbone 'nope' can't be loaded as a folder, a built-in backbone or on the Hugging Face Hub: Connect" in error
    )
    assert asked == ["nope"]
    error = str(run("info", "builtin:e5").exception)
    assert error == "there is no built-in backbone 'e5'; there is builtin:multilingual-e5-small"


@pytest.mark.parametrize("text", [b"{oops", b"5", b"\xff"])
def test_a_configuration_that_is_none_is_one_clear_error(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(text)
    (tmp_path / "text.txt").write_text("the cat\n")
    result = run("trim", *(str(tmp_path / part) for part in ("", "new", "text.txt")))
    assert isinstance(result.exception, HyperXError)
    assert str(tmp_path) in str(result.exception)


def test_a_folder_without_a_model_is_one_clear_error(tmp_path: Path) -> None:
    result = run("info", str(tmp_path))
    assert isinstance(result.exception, HyperXError)
    assert str(tmp_path) in str(result.exception)

"""A package for spaCy, loaded from where it is installed, tags as the model does."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import shake
from hyperx.errors import HyperXError
from hyperx.exporters.spacy import export
from hyperx.pairs import Pair

spacy = pytest.importorskip("spacy")
pytest.importorskip("hyperx.spacy_component")


def test_the_package_tags_as_the_model_does(make_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model("bert")
    model.backbone.encoder.save_pretrained(tmp_path / "encoder")
    model.tokenizer.save_pretrained(tmp_path / "encoder")
    model.model_config.backbone = str(tmp_path / "encoder")
    shake(model)
    with pytest.raises(HyperXError, match="of this machine"):
        export(model, [Pair("pos", "yor")], tmp_path / "no")
    monkeypatch.setattr("hyperx.exporters.spacy.check_backbone", lambda model: None)
    export(model, [Pair("pos", "yor"), Pair("ner", "yor")], tmp_path / "package")
    requirements = json.loads((tmp_path / "package" / "meta.json").read_text())["requirements"]
    assert {re.split("[<>=]", requirement)[0] for requirement in requirements} >= {"hyperx-nlp[spacy]", "spacy"}
    # setup.py decides what is installed.
    install = [sys.executable, "setup.py", "--quiet", "install_lib", "--install-dir", str(tmp_path / "site")]
    subprocess.run(install, cwd=tmp_path / "package", check=True, capture_output=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    package = pytest.importorskip("yo_hyperx_yor")
    nlp = package.load()
    assert Path(nlp.get_pipe("hyperx").model).is_relative_to(tmp_path / "site")
    doc = nlp("the cat saw Paris")
    (expected,) = model.tag(["the cat saw Paris"], task="pos", language="yor")
    assert [token.pos_ for token in doc] == expected


def test_mistakes(make_model, tmp_path: Path) -> None:
    model = make_model("bert")
    for pairs, message in [
        ([Pair("ner", "swa"), Pair("ner", "yor")], "one language"),
        ([Pair("ner", "deu")], "German"),
        ([Pair("mlm", "swa")], "tags nothing"),
    ]:
        with pytest.raises(HyperXError, match=message):
            export(model, pairs, tmp_path / "new")
    assert not (tmp_path / "new").exists()

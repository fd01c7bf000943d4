"""Model folders that earlier versions wrote, as `scripts/golden.py` has kept them, load and tag as they did."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from hyperx.errors import HyperXError
from hyperx.methods import METHODS
from hyperx.modeling import FORMAT_VERSION, HyperX
from hyperx.text.formats import to_dict

GOLDEN = Path(__file__).parent / "golden"
FOLDERS = sorted(path.parent for path in GOLDEN.glob("*/*/config.json") if path.parent.name != "backbone")


def test_every_version_and_method_is_kept() -> None:
    assert {folder.parent.name for folder in FOLDERS} == {str(number + 1) for number in range(FORMAT_VERSION)}
    assert METHODS.keys() <= {folder.name for folder in FOLDERS}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_an_old_model_folder_tags_as_it_did(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)  # beside the backbone, which is named by a relative path
    model = HyperX.from_pretrained(folder.name, dtype=torch.float32)
    assert json.loads(Path(folder.name, "config.json").read_text())["format_version"] == int(folder.parent.name)
    assert model.expected_score("pos", "eng").score == 50.0
    for pair, sentences in json.loads(Path(f"{folder.name}.json").read_text()).items():
        task, language = pair.split("/")
        tagged = model.tagger(task, language)([sentence["tokens"] for sentence in sentences])
        for was, now in zip(sentences, map(to_dict, tagged), strict=True):
            assert apart(was)[0] == apart(json.loads(json.dumps(now)))[0]
            assert apart(was)[1] == pytest.approx(apart(now)[1], abs=1e-3)


def apart(value: Any) -> tuple[Any, list[float]]:
    """Return a value without its fractions, and these."""
    numbers: list[float] = []

    def rest(value: Any) -> Any:
        if isinstance(value, float):
            numbers.append(value)
            return None
        if isinstance(value, dict):
            return {key: rest(item) for key, item in value.items()}
        return [rest(item) for item in value] if isinstance(value, list | tuple) else value

    return rest(value), numbers


def test_a_newer_version_is_a_clear_error(tmp_path: Path) -> None:
    shutil.copytree(FOLDERS[0], tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": FORMAT_VERSION + 1}))
    with pytest.raises(HyperXError, match="upgrade"):
        HyperX.from_pretrained(tmp_path / "model")

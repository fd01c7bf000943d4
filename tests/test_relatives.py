"""Languages related to one another, against the database's own vectors."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import shake
from hyperx.adapt import adapt
from hyperx.errors import HyperXError
from hyperx.relatives import distances, weights
from hyperx.start import parts

URIEL = pytest.importorskip("urielplus", reason="urielplus is not installed")
RECORDED = Path(URIEL.__file__).parent / "database" / "original_uriel"


def angle(file: str, first: str, second: str, prefix: str = "") -> float:
    """Return the angle between two languages' vectors, over what is recorded of both, in units of a right angle."""
    database = np.load(RECORDED / f"{file}_features.npz" if file else RECORDED / "features.npz")
    names = list(database["langs"])
    kept = [number for number, name in enumerate(database["feats"]) if name.startswith(prefix)]
    a, b = (database["data"][names.index(code)][kept].max(-1) for code in (first, second))
    both = (a != -1) & (b != -1)
    a, b = a[both].astype(float), b[both].astype(float)
    return 2 / np.pi * np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))


def test_distances_are_angles_between_recorded_features() -> None:
    found = distances("yor", ["ibo", "pcm", "qqq"])
    syntax = angle("", "yor", "ibo", "S_")
    expected = (angle("family", "yor", "ibo") + angle("geocoord", "yor", "ibo") + syntax) / 3
    assert found["ibo"] == pytest.approx(expected, abs=1e-3)
    # Nothing is recorded of the syntax of Nigerian Pidgin.
    assert found["pcm"] == pytest.approx(
        (angle("family", "yor", "pcm") + angle("geocoord", "yor", "pcm")) / 2, abs=1e-3
    )
    assert set(found) == {"ibo", "pcm"}


def test_a_language_without_data_starts_among_its_relatives(make_model) -> None:
    old = shake(make_model())
    old.model_config.trained = ["pos/eng", "mlm/swa"]
    grown = adapt(old, {}, languages=["zul"])
    found = distances("zul", ["eng", "swa"])
    shares = {language: np.exp(-distance / 0.1) for language, distance in found.items()}
    total = sum(shares.values())
    assert list(grown.relatives["zul"]) == ["swa", "eng"]
    assert grown.relatives["zul"] == pytest.approx({language: share / total for language, share in shares.items()})
    table = old.method.hypernetwork.language_embeddings.weight
    expected = (shares["eng"] * table[0] + shares["swa"] * table[1]) / total
    torch.testing.assert_close(grown.model.method.hypernetwork.language_embeddings.weight[3], expected.float())
    changed = [key for key, tensor in parts(old).items() if not torch.equal(tensor, parts(grown.model)[key])]
    assert not changed
    assert weights(found) == grown.relatives["zul"]


def test_a_language_that_has_no_relatives_is_a_clear_error(make_model) -> None:
    with pytest.raises(HyperXError, match=r"relates qqq .* to none of eng, swa, yor; give labelled sentences"):
        adapt(make_model(), {}, languages=["qqq"])


def test_the_library_does_not_set_up_logging() -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level, root.manager.disable
    distances("yor", ["ibo"])
    assert (root.handlers, root.level, root.manager.disable) == before

"""Model folders from a stranger: each is refused with one clear error, and soon."""

import contextlib
import json
import os
import pickle
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import WORDS, shake
from hostile import bounded
from hyperx.errors import HyperXError
from hyperx.language_adapters import read_language_adapters
from hyperx.modeling import HyperX

Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def honest(make_model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model in `model` and its backbone in `encoder`."""
    folder = tmp_path_factory.mktemp("honest")
    model = shake(make_model())
    model.backbone.encoder.save_pretrained(folder / "encoder")
    model.tokenizer.save_pretrained(folder / "encoder")
    model.model_config.backbone = str(folder / "encoder")
    model.save_pretrained(folder / "model")
    return folder


@pytest.fixture
def crafted(honest: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    folder = tmp_path / "crafted"
    shutil.copytree(honest, folder)
    set_keys("model/config.json", backbone=str(folder / "encoder"))(folder)
    return folder


def set_keys(file: str, **values: Any) -> Change:
    def change(folder: Path) -> None:
        kept = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(kept | values))

    return change


def method(**values: Any) -> Change:
    return lambda folder: set_keys(
        "model/config.json", method=json.loads((folder / "model/config.json").read_text())["method"] | values
    )(folder)


def write(file: str, content: bytes | str) -> Change:
    return lambda folder: (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())


def tensors(file: str, change: Callable[[dict[str, torch.Tensor]], Any]) -> Change:
    def rewrite(folder: Path) -> None:
        state = load_file(folder / file)
        change(state)
        save_file(state, folder / file)

    return rewrite


def link(file: str, target: str) -> Change:
    def change(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).symlink_to(target)

    return change


def sparse(file: str) -> Change:
    """A file of a terabyte that takes no room."""
    return lambda folder: os.truncate(folder / file, 2**40)


def pipe(file: str) -> Change:
    def change(folder: Path) -> None:
        (folder / file).unlink()
        os.mkfifo(folder / file)

    return change


def header(**entries: Any) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


CONFIG, WEIGHTS = "model/config.json", "model/model.safetensors"
ENCODER, ENCODER_WEIGHTS = "encoder/config.json", "encoder/model.safetensors"
BIAS = "heads.pos.output.bias"
EMBEDDINGS = "embeddings.word_embeddings.weight"
F32 = {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}

FOLDERS: dict[str, tuple[Change, str]] = {
    "config of a terabyte": (sparse(CONFIG), "larger than"),
    "config nested deeply": (write(CONFIG, '{"format_version":' + "[" * 100_000), "deeply"),
    "config in Latin-1": (write(CONFIG, b'{"format_version": 1, "backbone": "\xe9"}'), "can't be read"),
    "config with a number of a million digits": (write(CONFIG, '{"format_version": ' + "9" * 10**6 + "}"), "digits"),
    "config with a key twice": (write(CONFIG, '{"format_version": 1, "format_version": 1}'), "twice"),
    "config with half a character": (set_keys(CONFIG, backbone="\ud800"), "half a character"),
    "config with NUL": (set_keys(CONFIG, backbone="\0"), "can't be loaded"),
    "config is a device": (link(CONFIG, "/dev/zero"), "no such file"),
    "config is a pipe": (pipe(CONFIG), "no such file"),
    "config outside the folder": (link(CONFIG, "/etc/passwd"), "outside its folder"),
    "config is a circle": (link(CONFIG, "config.json"), "no such file"),
    "an unknown key": (set_keys(CONFIG, auto_map={"AutoModel": "evil.Model"}), "auto_map"),
    "a million labels": (lambda f: set_keys(CONFIG, tasks={"pos": [f"L{n}" for n in range(500_000)]})(f), "tasks"),
    "a million languages": (lambda f: set_keys(CONFIG, languages=["eng"] * 500_000)(f), "languages"),
    "labels beyond the weights": (set_keys(CONFIG, tasks={"pos": [f"L{n}" for n in range(90_000)]}), "don't fit"),
    "languages beyond the weights": (set_keys(CONFIG, languages=[f"q{n}" for n in range(9_999)]), "don't fit"),
    "an empty label": (set_keys(CONFIG, tasks={"ner": [""]}), "at least 1"),
    "no number for a score": (set_keys(CONFIG, scores={"pos/eng": [float("nan")] * 3}), "finite"),
    "a chunk longer than the backbone's": (set_keys(CONFIG, max_length=8192), "512 pieces at most"),
    "an adapter of terabytes": (method(bottleneck=8192, projection_size=4096, embedding_size=4096), "don't fit"),
    "a wider adapter": (method(bottleneck=5), "don't fit"),
    "another method": (set_keys(CONFIG, method={"name": "madx"}), "don't fit"),
    "the backbone is /etc": (set_keys(CONFIG, backbone="/etc"), "can't be loaded"),
    "the backbone is above": (set_keys(CONFIG, backbone="../../etc"), "can't be loaded"),
    "weights are missing": (lambda f: (f / WEIGHTS).unlink(), "no such file"),
    "weights outside the folder": (link(WEIGHTS, "../encoder/model.safetensors"), "outside its folder"),
    "weights are a device": (link(WEIGHTS, "/dev/zero"), "no such file"),
    "weights are a pickle": (write(WEIGHTS, pickle.dumps({BIAS: [0.0]})), "can't be read"),
    "weights of no bytes": (write(WEIGHTS, b""), "can't be read"),
    "weights of a terabyte of zeros": (sparse(WEIGHTS), "can't be read"),
    "a header of exabytes": (write(WEIGHTS, struct.pack("<Q", 2**63)), "can't be read"),
    "a header that ends early": (write(WEIGHTS, struct.pack("<Q", 1000) + b"{"), "can't be read"),
    "a header nested deeply": (write(WEIGHTS, struct.pack("<Q", 9000) + b"[" * 9000), "can't be read"),
    "a tensor beyond the file": (write(WEIGHTS, header(**{BIAS: F32})), "can't be read"),
    "a tensor of an unknown type": (write(WEIGHTS, header(**{BIAS: F32 | {"dtype": "F7"}})), "can't be read"),
    "tensors that overlap": (
        write(
            WEIGHTS,
            header(a={**F32, "shape": [1], "data_offsets": [0, 4]}, b={**F32, "shape": [1], "data_offsets": [0, 4]})
            + b"1234",
        ),
        "can't be read",
    ),
    "a tensor named as a path": (tensors(WEIGHTS, lambda s: s.update({"../../evil": s.pop(BIAS)})), "don't fit"),
    "a tensor too many": (tensors(WEIGHTS, lambda s: s.update(evil=torch.ones(1))), "evil"),
    "a tensor of another shape": (tensors(WEIGHTS, lambda s: s.update({BIAS: torch.ones(3)})), "heads.pos.output.bias"),
    "a tensor of another rank": (tensors(WEIGHTS, lambda s: s.update({BIAS: s[BIAS][None]})), "heads.pos.output.bias"),
    "a tensor of integers": (tensors(WEIGHTS, lambda s: s.update({BIAS: s[BIAS].long()})), "heads.pos.output.bias"),
    "weights that are no numbers": (tensors(WEIGHTS, lambda s: s[BIAS].fill_(float("nan"))), "no numbers"),
    "weights beyond 32 bits": (tensors(WEIGHTS, lambda s: s.update({BIAS: s[BIAS].double() + 1e300})), "no numbers"),
    "candidates that are no pieces": (
        tensors(WEIGHTS, lambda s: s["heads.mlm.candidates"].fill_(-1)),
        "not its pieces",
    ),
    "candidates of no dimension": (
        tensors(WEIGHTS, lambda s: s.update({"heads.mlm.candidates": torch.tensor(3)})),
        "not its pieces",
    ),
    "the backbone's config of a terabyte": (sparse(ENCODER), "larger than"),
    "the backbone's config is a device": (link(ENCODER, "/dev/zero"), "no such file"),
    "the backbone's config is a list": (write(ENCODER, "[]"), "can't be loaded"),
    "the backbone's config nested deeply": (write(ENCODER, "[" * 100_000), "can't be loaded"),
    "a backbone without a type": (write(ENCODER, "{}"), "can't be loaded"),
    "a backbone of another kind": (set_keys(ENCODER, model_type="gpt2"), "."),
    "a backbone of a billion layers": (set_keys(ENCODER, num_hidden_layers=10**9), "layers"),
    "a backbone of more layers": (set_keys(ENCODER, num_hidden_layers=500), "asks for"),
    "a backbone of terabytes": (set_keys(ENCODER, vocab_size=10**12), "asks for"),
    "a backbone of exabytes": (set_keys(ENCODER, hidden_size=2**40), "can't be loaded|asks for"),
    "a backbone of no size": (set_keys(ENCODER, hidden_size=0), "can't be loaded"),
    "a backbone of negative size": (set_keys(ENCODER, hidden_size=-16), "can't be loaded"),
    "a backbone of words": (set_keys(ENCODER, num_hidden_layers="three"), "can't be loaded"),
    "a backbone without a tensor": (tensors(ENCODER_WEIGHTS, lambda s: s.pop(EMBEDDINGS)), "lack embeddings"),
    "a backbone of other shapes": (
        tensors(ENCODER_WEIGHTS, lambda s: s.update({EMBEDDINGS: torch.ones(300, 15)})),
        "can't be loaded",
    ),
    "a backbone that is a pickle": (
        lambda f: (write("encoder/pytorch_model.bin", pickle.dumps(Evil(f)))(f), (f / ENCODER_WEIGHTS).unlink()),
        ".",
    ),
    "a tokenizer of a terabyte": (sparse("encoder/tokenizer.json"), "larger than"),
    "a tokenizer nested deeply": (write("encoder/tokenizer.json", "[" * 100_000), "can't be loaded"),
    "a tokenizer of nothing": (write("encoder/tokenizer.json", "{}"), "can't be loaded"),
    "a tokenizer of more pieces": (
        set_keys("encoder/tokenizer_config.json", extra_special_tokens=[f"<{n}>" for n in range(300)]),
        "has pieces",
    ),
}


class Evil:
    """Leaves a mark where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder / "ran"),)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_crafted_folder_is_a_clear_error(crafted: Path, name: str) -> None:
    change, message = FOLDERS[name]
    change(crafted)
    with bounded(30), pytest.raises(HyperXError, match=message):
        HyperX.from_pretrained(crafted / "model")
    assert not (crafted / "ran").exists()


@pytest.mark.parametrize("file", [ENCODER, "encoder/tokenizer_config.json"])
def test_code_of_a_folder_never_runs(crafted: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(crafted / "cache"))
    (crafted / "encoder" / "evil.py").write_text(f"import os\nos.mkdir({str(crafted / 'ran')!r})\n")
    mapped = {key: "evil.Evil" for key in ("AutoConfig", "AutoModel")} | {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}
    set_keys(file, auto_map=mapped, model_type="evil", tokenizer_class="Evil")(crafted)
    with contextlib.suppress(HyperXError):  # an ordinary tokenizer is read without the code
        HyperX.from_pretrained(crafted / "model")
    assert not (crafted / "ran").exists()


def test_what_lies_beside_the_model_is_not_read(crafted: Path) -> None:
    for name in ("pytorch_model.bin", "training_args.bin", "model.pkl"):
        write(f"model/{name}", pickle.dumps(Evil(crafted)))(crafted)
        write(f"encoder/{name}", pickle.dumps(Evil(crafted)))(crafted)
    write("model/hyperx.py", "raise SystemExit")(crafted)
    model = HyperX.from_pretrained(crafted / "model", dtype=torch.float32)
    assert len(model.tag([WORDS], task="ner", language="swa")[0]) == len(WORDS)
    assert not (crafted / "ran").exists()


def test_a_folder_of_the_hubs_cache_is_read_through_its_links(crafted: Path) -> None:
    snapshot, blobs = crafted / "snapshots" / "main", crafted / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for name in ("config.json", "model.safetensors"):
        (crafted / "model" / name).rename(blobs / name)
        (snapshot / name).symlink_to(f"../../blobs/{name}")
    assert HyperX.from_pretrained(snapshot, dtype=torch.float32).model_config.languages == ["eng", "swa", "yor"]


@pytest.mark.parametrize("name", ["weights are a pickle", "config nested deeply", "weights outside the folder"])
def test_language_adapters_are_read_likewise(crafted: Path, name: str) -> None:
    set_keys(CONFIG, method={"name": "madx"})(crafted)
    FOLDERS[name][0](crafted)
    with pytest.raises(HyperXError, match=FOLDERS[name][1]):
        read_language_adapters(crafted / "model")


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Root reads everything, so be nobody."""
    user = os.geteuid()
    if not user:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("private", [".", "model", "model/model.safetensors"])
def test_what_may_not_be_read_is_told(private: str, honest: Path) -> None:
    with tempfile.TemporaryDirectory() as place:  # pytest's own are closed to others
        Path(place).chmod(0o755)
        folder = Path(place) / "run"
        shutil.copytree(honest, folder)
        set_keys("model/config.json", backbone=str(folder / "encoder"))(folder)
        (folder / private).chmod(0)
        with without_privileges(), pytest.raises(HyperXError, match=r"may not read|Permission denied"):
            HyperX.from_pretrained(folder)
        (folder / private).chmod(0o700)

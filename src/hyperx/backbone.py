"""The frozen encoder, and adapters attached to it from outside."""

import json
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from huggingface_hub import model_info, try_to_load_from_cache
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging as hf_logging

from hyperx import attention
from hyperx.adapter import Adapters, AdapterWeights, adapt, adapt_in_turn, couple
from hyperx.builtin import BUILTINS, materialize
from hyperx.errors import HyperXError, first_line
from hyperx.untrusted import MAX_JSON, own_file

logger = logging.getLogger(__name__)

MAX_LAYERS = 512
MAX_TOKENIZER = 200_000_000  # bytes
TOKENIZER_FILES = ("tokenizer.json", "vocab.json")


class Site(NamedTuple):
    """Where an architecture's adapters are; `{}` is the layer's number.

    Attributes:
        output: the module whose output is the feed-forward block's, after dropout and before the residual add.
        input: the module that the residual enters.
        norm: the LayerNorm after the residual add; where the layer has none there, the one before the block.
    """

    output: str
    input: str
    norm: str


_BERT = Site("encoder.layer.{}.output.dropout", "encoder.layer.{}.intermediate", "encoder.layer.{}.output.LayerNorm")
SITES = {
    "bert": _BERT,
    "deberta-v2": _BERT,
    "distilbert": Site(
        "transformer.layer.{}.ffn", "transformer.layer.{}.ffn", "transformer.layer.{}.output_layer_norm"
    ),
    "modernbert": Site("layers.{}.mlp", "layers.{}.mlp_norm", "layers.{}.mlp_norm"),
    "roberta": _BERT,
    "xlm-roberta": _BERT,
}


class Backbone(nn.Module):
    """A frozen encoder with an adapter site in each layer; its LayerNorms may be trained.

    Args:
        encoder: any encoder of ``transformers`` whose ``model_type`` is in ``SITES``.

    Attributes:
        dtype: what matrices are multiplied in, by `compute_in`.

    Raises:
        HyperXError: the architecture has no entry in ``SITES``.
    """

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(False)
        self.dtype = torch.float32
        attention.use(encoder)
        self._adapters: Adapters | None = None
        self._residual: Tensor | None = None
        site = _site(encoder)
        for layer in range(encoder.config.num_hidden_layers):
            encoder.get_submodule(site.input.format(layer)).register_forward_pre_hook(self._note_residual)
            norm = encoder.get_submodule(site.norm.format(layer))
            encoder.get_submodule(site.output.format(layer)).register_forward_hook(self._adapt(layer, norm))
        embeddings = encoder.get_submodule("embeddings")
        embeddings.register_forward_hook(self._couple)
        for module in embeddings.modules():
            if isinstance(module, nn.Embedding):
                module.register_forward_hook(self._convert)

    @property
    def config(self) -> PreTrainedConfig:
        return self.encoder.config

    @property
    def hidden_size(self) -> int:
        return self.config.hidden_size

    @property
    def num_layers(self) -> int:
        return self.config.num_hidden_layers

    @property
    def max_length(self) -> int | None:
        """Pieces that it can read at once; None where positions are relative."""
        positions = getattr(self.encoder.get_submodule("embeddings"), "position_embeddings", None)
        if positions is None:
            return None
        return positions.num_embeddings - (0 if positions.padding_idx is None else positions.padding_idx + 1)

    def train(self, mode: bool = True) -> "Backbone":
        """Keep a frozen encoder's own dropout off: it can't overfit, and drawing masks costs time."""
        super().train(mode)
        trained = any(parameter.requires_grad for parameter in self.encoder.parameters() if parameter.ndim > 1)
        self.encoder.train(mode and trained)
        return self

    def compute_in(self, dtype: torch.dtype) -> None:
        """Multiply matrices in `dtype` and keep the frozen ones in it; what is trained stays in float32.

        Frozen embeddings are converted as they are looked up: the file that they are mapped from need not be read whole.
        """
        self.dtype = dtype
        for module in self.encoder.modules():
            if isinstance(module, nn.Linear):
                for parameter in module.parameters(recurse=False):
                    if not parameter.requires_grad:
                        parameter.data = parameter.data.to(dtype)

    def autocast(self) -> AbstractContextManager[None]:
        """Compute in `dtype` inside."""
        device = self.word_embeddings().weight.device.type
        return torch.autocast(device, dtype=self.dtype, enabled=self.dtype != torch.float32)

    def word_embeddings(self) -> nn.Embedding:
        return self.encoder.get_input_embeddings()  # type: ignore[return-value]

    def all_parameters(self, *, freeze_embeddings: bool) -> dict[str, nn.Parameter]:
        """Return the encoder's parameters by name, without those of its word embeddings where they are to stay frozen."""
        frozen = self.word_embeddings().weight if freeze_embeddings else None
        return {name: parameter for name, parameter in self.encoder.named_parameters() if parameter is not frozen}

    def layer_norms(self) -> dict[str, nn.Parameter]:
        """Return the parameters of the encoder's LayerNorms by their names in the encoder."""
        return {
            f"{name}.{key}": parameter
            for name, module in self.encoder.named_modules()
            if "layernorm" in type(module).__name__.lower()
            for key, parameter in module.named_parameters(recurse=False)
        }

    def forward(self, adapters: Adapters | None = None, **inputs: Tensor) -> Tensor:
        """Encode, with adapters or plainly.

        Shapes:
            inputs: ``input_ids`` and ``attention_mask``, ``(batch, length)``.
            result: ``(batch, length, hidden)``
        """
        with self._attached(adapters), self.autocast():
            return self.encoder(**inputs).last_hidden_state

    @contextmanager
    def _attached(self, adapters: Adapters | None) -> Any:
        self._adapters = adapters
        try:
            yield
        finally:
            self._adapters = self._residual = None

    def _adapt(self, layer: int, norm: nn.Module) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            weights = None if self._adapters is None else self._adapters.layers[layer]
            if weights is None:
                return output
            if isinstance(weights, AdapterWeights):
                return adapt(output, weights)
            assert self._residual is not None  # the block's input was noted
            return adapt_in_turn(output, weights, residual=self._residual, norm=norm)

        return hook

    def _note_residual(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if self._adapters is not None:
            self._residual = inputs[0]

    def _convert(self, module: nn.Embedding, _inputs: Any, output: Tensor) -> Tensor:
        lower = self.dtype != torch.float32 and not module.weight.requires_grad
        return output.to(self.dtype) if lower else output

    def _couple(self, _module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        coupling = None if self._adapters is None else self._adapters.coupling
        return output if coupling is None else couple(output, coupling)


def _site(encoder: PreTrainedModel) -> Site:
    site = SITES.get(encoder.config.model_type)
    if site is None:
        raise HyperXError(
            f"no adapter sites are known for the architecture '{encoder.config.model_type}'; "
            f"known are {', '.join(sorted(SITES))}. Add its line to hyperx.backbone.SITES."
        )
    return site


def backbone_folder(name: str) -> str:
    """Return what ``transformers`` can load: a built-in backbone's cached folder, else the folder or Hub id itself."""
    return str(materialize(name)) if name.startswith("builtin:") else name


def load_backbone(name: str, *, revision: str | None = None) -> Backbone:
    """Load the encoder called `name`: a built-in backbone, a folder, or a Hub id.

    Raises:
        HyperXError: it can't be found or read, or its architecture is unknown.
    """
    config = load_config(name, revision=revision)
    with _clear_errors(name), _without_bar():
        _check_size(backbone_folder(name), config)
        encoder, found = AutoModel.from_pretrained(
            backbone_folder(name),
            revision=revision,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **plain_encoder(config),
        )
    if found["missing_keys"]:
        raise HyperXError(f"the weights of '{name}' lack {', '.join(sorted(found['missing_keys'])[:5])}; get it again")
    return Backbone(encoder)


def load_config(name: str, *, revision: str | None = None) -> PreTrainedConfig:
    """Load the configuration of the backbone called `name`.

    Raises:
        HyperXError: it can't be found or read.
    """
    with _clear_errors(name):
        folder = _checked(backbone_folder(name), revision)
        return AutoConfig.from_pretrained(folder, revision=revision, trust_remote_code=False)


def load_tokenizer(name: str, *, revision: str | None = None) -> PreTrainedTokenizerBase:
    """Load the fast tokenizer of the backbone called `name`.

    Raises:
        HyperXError: it can't be found or read, or has no fast version (word alignment needs one).
    """
    folder = backbone_folder(name)
    with _clear_errors(name):
        tokenizer = _self_contained(Path(_checked(folder, revision))) or AutoTokenizer.from_pretrained(
            folder, revision=revision, trust_remote_code=False
        )
    if not tokenizer.is_fast:
        raise HyperXError(f"the tokenizer of '{name}' has no fast version, which aligning words with pieces needs")
    return tokenizer


def _self_contained(folder: Path) -> PreTrainedTokenizerBase | None:
    """Load a tokenizer without code of its own; `AutoTokenizer` parses it twice, which takes a second for 250,000 pieces."""
    described = folder / "tokenizer_config.json"
    config = json.loads(described.read_text(encoding="utf-8")) if described.is_file() else {}
    file = folder / "tokenizer.json"
    if not isinstance(config, dict) or config.pop("tokenizer_class", None) != "TokenizersBackend" or not file.is_file():
        return None
    return PreTrainedTokenizerFast(tokenizer_file=str(file), name_or_path=str(folder), **config)


def plain_encoder(config: PreTrainedConfig) -> dict[str, Any]:
    """Return what keeps an encoder from getting a pooler, which would only be dead weight."""
    return {"add_pooling_layer": False} if config.model_type in ("bert", "roberta", "xlm-roberta") else {}


def _checked(name: str, revision: str | None) -> str:
    """Return a folder's name, or a Hub id, if none of the folder's files that are read as a whole are too large.

    An id without an owner may be a slip, so the Hub is asked for it once; `transformers` tries six times, for 20 seconds.
    """
    if Path(name).is_dir():
        for path in Path(name).glob("*.json"):
            own_file(path.parent, path.name, MAX_TOKENIZER if path.name in TOKENIZER_FILES else MAX_JSON)
    elif "/" not in name and not try_to_load_from_cache(name, "config.json", revision=revision):
        logger.warning("there is no folder '%s'; asking the Hugging Face Hub for a model of that name", name)
        model_info(name, revision=revision, timeout=10)
    return name


def _check_size(name: str, config: PreTrainedConfig) -> None:
    """Check that an encoder takes no more memory than a folder's weights account for."""
    if config.num_hidden_layers > MAX_LAYERS:
        raise HyperXError(
            f"the backbone '{name}' has {config.num_hidden_layers:,} layers; expected {MAX_LAYERS} at most"
        )
    if not Path(name).is_dir():
        return
    with torch.device("meta"):
        encoder = AutoModel.from_config(config, trust_remote_code=False, **plain_encoder(config))
    numbers = sum(parameter.numel() for parameter in encoder.parameters())
    stored = sum(path.stat().st_size for path in Path(name).glob("*.safetensors"))
    if numbers > stored:  # a number takes a byte at least
        raise HyperXError(
            f"the configuration of the backbone '{name}' asks for {numbers:,} weights, but its files have {stored:,} bytes"
        )


@contextmanager
def _without_bar() -> Iterator[None]:
    """Keep `transformers` from drawing a bar of a second's work; those of downloads are the Hub library's, and stay."""
    before = hf_logging.set_tqdm_hook(lambda _, args, kwargs: hf_logging.EmptyTqdm(*args, **kwargs))
    try:
        yield
    finally:
        hf_logging.set_tqdm_hook(before)


@contextmanager
def _clear_errors(name: str) -> Any:
    try:
        yield
    except HyperXError:
        raise
    except Exception as error:  # whatever the libraries make of a broken folder
        reason = first_line(error).rstrip(".")
        where = (
            "in that folder" if Path(name).is_dir() else "as a folder, a built-in backbone or on the Hugging Face Hub"
        )
        raise HyperXError(
            f"backbone '{name}' can't be loaded {where}: {reason}. "
            f"Give a folder, a Hub id, or one of {', '.join(sorted(BUILTINS))}."
        ) from error

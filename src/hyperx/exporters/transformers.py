"""`transformers`: a token classifier for one pair.

A method without adapters has changed the backbone's weights alone, so the architecture's own class holds the result. An
adapter's ReLU between two matrices has no place in those classes; its folder brings a class with it.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForTokenClassification, PreTrainedModel

from hyperx.adapter import Adapters, AdapterWeights, Stack
from hyperx.backbone import SITES, plain_encoder
from hyperx.disk import new_folder
from hyperx.exporters.folder import linear_head, save_tokenizer, write_readme
from hyperx.exporters.modeling_adapted import AdaptedConfig, AdaptedForTokenClassification
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.permissions import share_tensors


@torch.no_grad()
def export(model: HyperX, pair: Pair, folder: Path) -> None:
    """Write a folder that ``AutoModelForTokenClassification`` and ``pipeline("token-classification")`` load.

    Raises:
        HyperXError: the pair is outside the model's matrix or tags nothing, or the folder is not empty.
    """
    weight, bias = linear_head(model, pair)
    adapters = model.adapters([pair])
    classifier = {"classifier.weight": weight, "classifier.bias": bias}
    labels = model.tasks[pair.task].labels
    exported = None if adapters is not None else _plain(model, classifier, labels)
    remote = exported is None
    if exported is None:
        exported = _adapted(model, adapters, classifier, labels)
    with new_folder(folder) as unfinished:
        exported.save_pretrained(unfinished)
        share_tensors(unfinished)
        save_tokenizer(model, unfinished)
        write_readme(
            unfinished,
            "transformers-remote" if remote else "transformers",
            pair=pair,
            backbone=model.model_config.backbone,
            method=model.model_config.method.name,
        )


def _plain(model: HyperX, classifier: dict[str, Tensor], labels: list[str]) -> PreTrainedModel | None:
    """Return the architecture's own token classifier; None where it has more than a linear layer over the encoder."""
    config = type(model.backbone.config).from_dict(model.backbone.config.to_dict())
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: number for number, label in enumerate(labels)}
    with torch.device("meta"):
        plain = AutoModelForTokenClassification.from_config(config)
    state = {f"{plain.base_model_prefix}.{name}": value for name, value in model.backbone.encoder.state_dict().items()}
    state |= classifier
    if set(state) != set(plain.state_dict()):
        return None
    plain.load_state_dict(state, assign=True)
    return plain


def _adapted(
    model: HyperX, adapters: Adapters | None, classifier: dict[str, Tensor], labels: list[str]
) -> AdaptedForTokenClassification:
    stacks = _stacks(adapters)
    flat = [weights for stack in stacks.values() for weights in stack]
    coupling = () if adapters is None or adapters.coupling is None else adapters.coupling
    config = AdaptedConfig(
        encoder=model.backbone.config.to_dict(),
        encoder_arguments=plain_encoder(model.backbone.config),
        **SITES[model.backbone.config.model_type]._asdict(),
        layers={str(number): [len(weights.down_bias) for weights in stack] for number, stack in stacks.items()},
        norm_first=adapters is not None and any(isinstance(layer, Stack) for layer in adapters.layers),
        layer_norm=any(weights.gain is not None for weights in flat),
        invertible=bool(coupling),
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    # Saving copies the classes' file beside the weights and notes it in config.json.
    AdaptedConfig.register_for_auto_class()  # type: ignore[no-untyped-call]
    AdaptedForTokenClassification.register_for_auto_class("AutoModelForTokenClassification")  # type: ignore[no-untyped-call]
    state = {f"encoder.{name}": value for name, value in model.backbone.encoder.state_dict().items()} | classifier
    for number, stack in stacks.items():
        for place, weights in enumerate(stack):
            state |= _bottleneck(f"adapters.{number}.{place}", weights)
    for place, weights in enumerate(coupling):
        state |= _bottleneck(f"coupling.{place}", weights)
    with torch.device("meta"):
        adapted = AdaptedForTokenClassification(config)
    adapted.load_state_dict(state, assign=True)
    return adapted


def _stacks(adapters: Adapters | None) -> dict[int, tuple[AdapterWeights, ...]]:
    layers: Any = () if adapters is None else adapters.layers
    return {
        number: layer.adapters if isinstance(layer, Stack) else (layer,)
        for number, layer in enumerate(layers)
        if layer is not None
    }


def _bottleneck(prefix: str, weights: AdapterWeights) -> dict[str, Tensor]:
    parts = {
        "down.weight": weights.down,
        "down.bias": weights.down_bias,
        "up.weight": weights.up,
        "up.bias": weights.up_bias,
        "norm.weight": weights.gain,
        "norm.bias": weights.offset,
    }
    return {f"{prefix}.{name}": value.contiguous() for name, value in parts.items() if value is not None}

"""AdapterHub's `adapters` library: folders that its ``load_adapter`` reads."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from hyperx.adapter import Adapters, AdapterWeights, Stack
from hyperx.builtin import BUILTINS
from hyperx.disk import new_folder
from hyperx.errors import HyperXError
from hyperx.exporters.folder import linear_head, save_tokenizer, write_readme
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.permissions import share_tensors

# Where the library keeps a layer's output adapters, by architecture; `{}` is the layer's number.
PLACES = {
    "bert": "encoder.layer.{}.output.adapters",
    "deberta-v2": "encoder.layer.{}.output.adapters",
    "distilbert": "transformer.layer.{}.output_adapters.adapters",
    "roberta": "encoder.layer.{}.output.adapters",
    "xlm-roberta": "encoder.layer.{}.output.adapters",
}
CONFIG_CLASSES = {
    "bert": "BertModel",
    "deberta-v2": "DebertaV2Model",
    "distilbert": "DistilBertModel",
    "roberta": "RobertaModel",
    "xlm-roberta": "XLMRobertaModel",
}
LAYER_NORMS = "layer_norms.safetensors"


@torch.no_grad()
def export(model: HyperX, pair: Pair, folder: Path) -> None:
    """Write a pair's adapters, a folder each, with the head in the last one's, and the trained LayerNorms beside them.

    Raises:
        HyperXError: the pair is outside the model's matrix or tags nothing, the method has no adapters, the library has no
            such adapters, or the folder is not empty.
    """
    head = linear_head(model, pair)
    model_type = model.backbone.config.model_type
    named, norm_first = parts(model, pair)
    for adapters in named.values():
        _check(adapters, model_type)
    with new_folder(folder) as unfinished:
        for name, adapters in named.items():
            save_adapter(unfinished / name, name, adapters, model_type=model_type, norm_first=norm_first)
        _save_head(unfinished / name, name, *head, labels=model.tasks[pair.task].labels, model_type=model_type)
        norms = {name: tensor.contiguous() for name, tensor in model.backbone_parameters.items()}
        if norms:
            save_file(norms, unfinished / LAYER_NORMS)
        for part in (unfinished, *(unfinished / name for name in named)):
            share_tensors(part)
        save_tokenizer(model, unfinished)
        backbone = model.model_config.backbone
        write_readme(
            unfinished,
            "adapters",
            pair=pair,
            backbone=backbone,
            method=model.model_config.method.name,
            source="path/to/backbone" if backbone in BUILTINS else backbone,
            fetched=FETCHED.format(backbone) if backbone in BUILTINS else "",
            imports="from adapters.composition import Stack\n" if len(named) > 1 else "",
            loading=_loading(list(named), norms=bool(norms)),
        )


FETCHED = "\n`path/to/backbone` is the folder that `hyperx backbone fetch {}` prints.\n"


def parts(model: HyperX, pair: Pair) -> tuple[dict[str, Adapters], bool]:
    """Return a pair's adapters by name, one or MAD-X's two, the language's first, and whether a LayerNorm comes before.

    Raises:
        HyperXError: the pair is outside the model's matrix, or the method has no adapters.
    """
    adapters = model.adapters([pair])
    if adapters is None:
        raise HyperXError(
            f"the method '{model.model_config.method.name}' has no adapters to write; export with --to transformers"
        )
    stacks = [layer for layer in adapters.layers if isinstance(layer, Stack)]
    whole = f"{pair.task}-{pair.language}"
    if not stacks:
        return {whole: adapters}, False
    names = [whole] if len(stacks[0].adapters) == 1 else [pair.language, pair.task]
    named = {
        name: Adapters([layer.adapters[place] if isinstance(layer, Stack) else None for layer in adapters.layers])
        for place, name in enumerate(names)
    }
    named[names[0]] = named[names[0]]._replace(coupling=adapters.coupling)
    return named, True


def _loading(names: list[str], *, norms: bool) -> str:
    """Return the README's lines that load what the folder holds."""
    lines = []
    if norms:
        lines.append(f'norms = load_file(f"{{folder}}/{LAYER_NORMS}")  # trained with the adapters')
        lines.append("model.base_model.load_state_dict(norms, strict=False)")
    lines += [f'model.load_adapter(f"{{folder}}/{name}", use_safetensors=True)' for name in names]
    active = f'"{names[0]}"' if len(names) == 1 else f'Stack("{names[0]}", "{names[1]}")'
    return "\n".join([*lines, f"model.set_active_adapters({active})"])


def _save_head(folder: Path, name: str, weight: Tensor, bias: Tensor, *, labels: list[str], model_type: str) -> None:
    """Write a tagging head of the library: dropout, then the linear layer."""
    config = {
        "head_type": "tagging",
        "num_labels": len(labels),
        "layers": 1,
        "activation_function": None,
        "label2id": {label: number for number, label in enumerate(labels)},
    }
    model_class = CONFIG_CLASSES[model_type].replace("Model", "AdapterModel")
    about = {"name": name, "model_type": model_type, "model_class": model_class, "hidden_size": weight.shape[1]}
    (folder / "head_config.json").write_text(json.dumps({"config": config, **about}, indent=2), encoding="utf-8")
    state = {f"heads.{name}.1.weight": weight.contiguous(), f"heads.{name}.1.bias": bias.contiguous()}
    save_file(state, folder / "model_head.safetensors")


def save_adapter(folder: Path, name: str, adapters: Adapters, *, model_type: str, norm_first: bool) -> None:
    """Write ``adapter_config.json`` and ``adapter.safetensors``.

    Args:
        name: of the adapter in the library.
        adapters: one pair's, a plain `AdapterWeights` a layer or None.
        model_type: the backbone's architecture.
        norm_first: an adapter reads the layer's LayerNorm of its input and the residual, as in MAD-X (Pfeiffer et al., 2020),
            not its input itself, as in the paper's Hyper-X.

    Raises:
        HyperXError: the library has no such adapters for the architecture.
    """
    layers = _check(adapters, model_type)
    state: dict[str, Tensor] = {}
    for number, layer in layers.items():
        state |= _linears(f"{PLACES[model_type].format(number)}.{name}", layer, "adapter_down.0", "adapter_up")
    if adapters.coupling is not None:
        for part, weights in zip("FG", adapters.coupling, strict=True):
            state |= _linears(f"invertible_adapters.{name}.{part}", weights, "0", "2")
    bottleneck, hidden = next(iter(layers.values())).down.shape
    config = {
        "mh_adapter": False,
        "output_adapter": True,
        "reduction_factor": reduction_factor(hidden, bottleneck),
        "non_linearity": "relu",
        "original_ln_before": norm_first,
        "original_ln_after": True,
        "residual_before_ln": True,
        "inv_adapter": None if adapters.coupling is None else "nice",
        "inv_adapter_reduction_factor": None if adapters.coupling is None else 2,
        "leave_out": [number for number in range(len(adapters.layers)) if number not in layers],
    }
    about = {"name": name, "model_type": model_type, "model_class": CONFIG_CLASSES[model_type], "hidden_size": hidden}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps({"config": config, **about}, indent=2), encoding="utf-8")
    save_file(state, folder / "adapter.safetensors")


def reduction_factor(hidden: int, bottleneck: int) -> float:
    """Return a factor by which the library, which rounds ``hidden / factor`` down, gets the bottleneck."""
    exact = hidden / bottleneck
    return exact if hidden // exact == bottleneck else hidden / (bottleneck + 0.5)


def _check(adapters: Adapters, model_type: str) -> dict[int, AdapterWeights]:
    """Return the layers with an adapter, by number.

    Raises:
        HyperXError: the library has no such adapters for the architecture.
    """
    if model_type not in PLACES:
        raise HyperXError(f"the adapters library takes no adapters of the architecture '{model_type}' from us")
    layers = {number: layer for number, layer in enumerate(adapters.layers) if isinstance(layer, AdapterWeights)}
    if any(layer.gain is not None for layer in layers.values()):
        raise HyperXError("the adapters library has no adapters with a LayerNorm of a generated gain and offset")
    return layers


def _linears(prefix: str, weights: AdapterWeights, down: str, up: str) -> dict[str, Tensor]:
    parts = {
        f"{down}.weight": weights.down,
        f"{down}.bias": weights.down_bias,
        f"{up}.weight": weights.up,
        f"{up}.bias": weights.up_bias,
    }
    return {f"{prefix}.{name}": tensor.detach().clone().contiguous() for name, tensor in parts.items()}

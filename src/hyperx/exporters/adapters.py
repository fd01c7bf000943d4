"""AdapterHub's `adapters` library: a folder that its ``load_adapter`` reads."""

import json
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from hyperx.adapter import Adapters, AdapterWeights
from hyperx.errors import HyperXError

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


def save_adapter(folder: Path, name: str, adapters: Adapters, *, model_type: str, norm_first: bool) -> None:
    """Write ``adapter_config.json`` and ``adapter.safetensors``.

    Args:
        name: of the adapter in the library.
        adapters: one pair's, a plain `AdapterWeights` a layer or None.
        model_type: the backbone's architecture.
        norm_first: an adapter reads the layer's LayerNorm of its input and the residual, as in MAD-X (Pfeiffer et al., 2020),
            not its input itself, as in Hyper-X.

    Raises:
        HyperXError: the library has no such adapters for the architecture.
    """
    if model_type not in PLACES:
        raise HyperXError(f"the adapters library takes no adapters of the architecture '{model_type}' from us")
    layers = {number: layer for number, layer in enumerate(adapters.layers) if isinstance(layer, AdapterWeights)}
    if any(layer.gain is not None for layer in layers.values()):
        raise HyperXError("the adapters library has no adapters with a LayerNorm of a generated gain and offset")
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
        "reduction_factor": hidden / bottleneck,
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


def _linears(prefix: str, weights: AdapterWeights, down: str, up: str) -> dict[str, Tensor]:
    parts = {
        f"{down}.weight": weights.down,
        f"{down}.bias": weights.down_bias,
        f"{up}.weight": weights.up,
        f"{up}.bias": weights.up_bias,
    }
    return {f"{prefix}.{name}": tensor.detach().clone().contiguous() for name, tensor in parts.items()}

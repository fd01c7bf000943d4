"""A token classifier whose encoder has adapters. Exported folders hold a copy, so it imports nothing of hyperx."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput


class AdaptedConfig(PretrainedConfig):
    """What the encoder and its adapters look like.

    Args:
        encoder: the encoder's own configuration.
        encoder_arguments: what its class takes beside it.
        output, input, norm: modules of a layer, `{}` for its number: the one whose output is adapted, the one that the
            residual enters, and the LayerNorm after the residual add or, where there is none, before the block.
        layers: each adapted layer's number and the bottlenecks of its adapters, which are applied in turn.
        norm_first: an adapter reads LN(z + residual), not z.
        layer_norm: an adapter has a LayerNorm of its own.
        invertible: there is an invertible adapter at the embeddings.
    """

    model_type = "hyperx_adapted"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        encoder_arguments: dict[str, Any] | None = None,
        output: str = "",
        input: str = "",
        norm: str = "",
        layers: dict[str, list[int]] | None = None,
        norm_first: bool = False,
        layer_norm: bool = False,
        invertible: bool = False,
        **kwargs: Any,
    ) -> None:
        self.encoder = encoder or {}
        self.encoder_arguments = encoder_arguments or {}
        self.output, self.input, self.norm = output, input, norm
        self.layers = layers or {}
        self.norm_first = norm_first
        self.layer_norm = layer_norm
        self.invertible = invertible
        super().__init__(**kwargs)


class Bottleneck(nn.Module):
    """``U ReLU(D x + d) + u``."""

    def __init__(self, hidden_size: int, bottleneck: int, layer_norm: bool = False) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden_size) if layer_norm else nn.Identity()
        self.down = nn.Linear(hidden_size, bottleneck)
        self.up = nn.Linear(bottleneck, hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(torch.relu(self.down(self.norm(x))))


class AdaptedForTokenClassification(PreTrainedModel):
    """An encoder with adapters on its feed-forward blocks' outputs, and a linear layer on top."""

    config_class = AdaptedConfig
    base_model_prefix = "encoder"
    _supports_sdpa = True

    def __init__(self, config: AdaptedConfig) -> None:
        super().__init__(config)
        inner = AutoConfig.for_model(**config.encoder)
        self.encoder = AutoModel.from_config(inner, **config.encoder_arguments)
        self.adapters = nn.ModuleDict(
            {
                layer: nn.ModuleList(Bottleneck(inner.hidden_size, size, config.layer_norm) for size in sizes)
                for layer, sizes in config.layers.items()
            }
        )
        half = inner.hidden_size // 2
        self.coupling = nn.ModuleList(Bottleneck(half, half // 2) for _ in range(2 * config.invertible))
        self.classifier = nn.Linear(inner.hidden_size, config.num_labels or 0)
        self._residual = torch.empty(0)
        self._attach(config)
        self.post_init()  # type: ignore[no-untyped-call]

    def _attach(self, config: AdaptedConfig) -> None:
        for layer in self.adapters:
            norm = None
            if config.norm_first:
                norm = self.encoder.get_submodule(config.norm.format(layer))
                self.encoder.get_submodule(config.input.format(layer)).register_forward_pre_hook(self._note_residual)
            self.encoder.get_submodule(config.output.format(layer)).register_forward_hook(
                partial(self._adapt, layer=layer, norm=norm)
            )
        if config.invertible:
            self.encoder.get_submodule("embeddings").register_forward_hook(self._couple)

    def _note_residual(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._residual = inputs[0]

    def _adapt(self, _module: nn.Module, _inputs: Any, z: Tensor, *, layer: str, norm: nn.Module | None) -> Tensor:
        for adapter in self.adapters[layer].children():
            z = adapter(z if norm is None else norm(z + self._residual)) + z
        return z

    def _couple(self, _module: nn.Module, _inputs: Any, embedded: Tensor) -> Tensor:
        first, second = embedded.chunk(2, dim=-1)
        first = first + self.coupling[0](second)
        return torch.cat([first, second + self.coupling[1](first)], dim=-1)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> TokenClassifierOutput:
        """Return logits and, given labels (-100 where there is none), the mean cross-entropy.

        Shapes:
            input_ids, attention_mask, labels: ``(batch, length)``; logits: ``(batch, length, num_labels)``.
        """
        inputs.pop("return_dict", None)
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **inputs).last_hidden_state
        logits = self.classifier(hidden)
        loss = None if labels is None else nn.functional.cross_entropy(logits.mT.float(), labels)
        return TokenClassifierOutput(loss=loss, logits=logits)

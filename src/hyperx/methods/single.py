"""One static adapter a layer for all pairs: what Hyper-X has to beat."""

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from hyperx.adapter import Adapters, Stack, adapter_size, unflatten
from hyperx.methods.base import MatrixShape, Method

# A tag head reads hidden states that differ little from one another (e5's, a tenth of a unit), so its weights must
# become large: at the adapters' rate training stands still at the majority tag for hundreds of steps.
HEAD_LEARNING_RATE = 1e-2
BIAFFINE_LEARNING_RATE = 1e-3  # where the method's own is smaller: a parser's head has layers of its own, new ones


class SingleConfig(BaseModel):
    """The YAML's ``method:`` for one static adapter a layer.

    Attributes:
        bottleneck, layer_norm, norm_first: as Hyper-X's.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["single"] = "single"
    bottleneck: int = Field(128, ge=1, le=8192)
    layer_norm: bool = False
    norm_first: bool = True


class StaticAdapters(nn.Module):
    """The flat weights of one adapter a layer: D small and random, U zero, so that training starts from the backbone."""

    def __init__(self, *, num_layers: int, hidden_size: int, bottleneck: int, layer_norm: bool = False) -> None:
        super().__init__()
        size = adapter_size(hidden_size=hidden_size, bottleneck=bottleneck, layer_norm=layer_norm)
        flat = torch.zeros(num_layers, size)
        weights = unflatten(flat, hidden_size=hidden_size, bottleneck=bottleneck, layer_norm=layer_norm)
        nn.init.normal_(weights.down, std=hidden_size**-0.5)
        if weights.gain is not None:
            nn.init.ones_(weights.gain)
        self.flat = nn.Parameter(flat)


class SingleMethod(Method):
    """The same adapters for every pair."""

    learning_rate = 1e-3
    warmup_ratio = 0.05

    def __init__(self, config: SingleConfig, shape: MatrixShape) -> None:
        super().__init__(config, shape)
        self.learning_rates = {"heads.*.output.*": HEAD_LEARNING_RATE}
        self.adapters = StaticAdapters(
            num_layers=shape.num_layers,
            hidden_size=shape.hidden_size,
            bottleneck=config.bottleneck,
            layer_norm=config.layer_norm,
        )

    def forward(self, tasks: Tensor, languages: Tensor) -> Adapters:
        """Return each layer's adapter, whatever the pair."""
        sites = [
            unflatten(
                flat.expand(len(tasks), -1),
                hidden_size=self.shape.hidden_size,
                bottleneck=self.config.bottleneck,
                layer_norm=self.config.layer_norm,
            )
            for flat in self.adapters.flat
        ]
        return Adapters([Stack((site,)) for site in sites] if self.config.norm_first else sites)

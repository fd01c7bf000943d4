"""Hyper-X: adapter weights written by a hypernetwork."""

from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from hyperx.adapter import Adapters, Stack, adapter_size, unflatten
from hyperx.hypernetwork import Hypernetwork
from hyperx.methods.base import MatrixShape, Method
from hyperx.methods.single import HEAD_LEARNING_RATE, StaticAdapters


class HyperXConfig(BaseModel):
    """The YAML's ``method:`` for Hyper-X.

    Attributes:
        recipe: ``paper`` as published; ``default`` adds the generated weights to a static base.
        norm_first: the adapters read the layer's LayerNorm of block and residual, as MAD-X's do, not the block's output
            alone; the default recipe's do, unless given.
        bottleneck: ``b`` of the adapters.
        projection_size: ``d_p``; 192 is Hyper-X Base, 32 Small.
        embedding_size: ``d_l = d_t = d_i``.
        layer_norm: a LayerNorm with generated gain and offset inside the adapters.
        skip_last_layer: no adapter in the last layer, as in MAD-X 2.0.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["hyperx"] = "hyperx"
    recipe: Literal["default", "paper"] = "default"
    bottleneck: int = Field(128, ge=1, le=8192)
    projection_size: int = Field(32, ge=1, le=4096)
    embedding_size: int = Field(64, ge=1, le=4096)
    layer_norm: bool = False
    skip_last_layer: bool = False
    norm_first: bool | None = None

    @model_validator(mode="after")
    def _by_recipe(self) -> Self:
        if self.norm_first is None:
            self.norm_first = self.recipe == "default"
        return self


class HyperXMethod(Method):
    """A hypernetwork writes every pair's adapters."""

    numbered: ClassVar[dict[str, Literal["language", "task"]]] = {
        "hypernetwork.language_embeddings": "language",
        "hypernetwork.task_embeddings": "task",
    }

    def __init__(self, config: HyperXConfig, shape: MatrixShape) -> None:
        super().__init__(config, shape)
        self.num_sites = shape.num_layers - config.skip_last_layer
        self.hypernetwork = Hypernetwork(
            num_tasks=shape.num_tasks,
            num_languages=shape.num_languages,
            num_layers=self.num_sites,
            output_size=adapter_size(
                hidden_size=shape.hidden_size, bottleneck=config.bottleneck, layer_norm=config.layer_norm
            ),
            projection_size=config.projection_size,
            embedding_size=config.embedding_size,
        )
        self.base: StaticAdapters | None = None
        if config.recipe == "paper":
            self._init_paper()
        else:
            self._init_default()

    def _init_paper(self) -> None:
        self.learning_rate = 1e-4
        self.warmup_ratio = 0.04  # 4,000 of 100,000 steps
        for module in self.hypernetwork.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def _init_default(self) -> None:
        self.base = StaticAdapters(
            num_layers=self.num_sites,
            hidden_size=self.shape.hidden_size,
            bottleneck=self.config.bottleneck,
            layer_norm=self.config.layer_norm,
        )
        # The generated difference starts at zero: the first step is the single adapter's.
        nn.init.zeros_(self.hypernetwork.generator.weight)
        nn.init.zeros_(self.hypernetwork.generator.bias)
        self.learning_rate = 1e-3
        self.warmup_ratio = 0.05
        # Adam moves every weight by the learning rate, so a generated number by up to d_p times as much as a static one.
        # At a rate that is not scaled down the pairs' differences drown what they share.
        self.learning_rates = {
            "heads.*.output.*": HEAD_LEARNING_RATE,
            "method.hypernetwork.*": 1e-3 / self.config.projection_size,
        }

    def forward(self, tasks: Tensor, languages: Tensor) -> Adapters:
        """Generate the adapter weights of each site for each pair."""
        flat = self.hypernetwork(tasks, languages, None if self.base is None else self.base.flat)
        sites = [
            unflatten(
                weights,
                hidden_size=self.shape.hidden_size,
                bottleneck=self.config.bottleneck,
                layer_norm=self.config.layer_norm,
            )
            for weights in flat
        ]
        placed = [Stack((site,)) for site in sites] if self.config.norm_first else sites
        return Adapters([*placed, *[None] * self.config.skip_last_layer])

"""Full fine-tuning: no adapters, all of the backbone is trained."""

from typing import Literal

from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from hyperx.adapter import Adapters
from hyperx.backbone import Backbone
from hyperx.methods.base import MatrixShape, Method
from hyperx.methods.single import BIAFFINE_LEARNING_RATE, HEAD_LEARNING_RATE


class FinetuneConfig(BaseModel):
    """The YAML's ``method:`` for full fine-tuning.

    Attributes:
        freeze_embeddings: leave the word embeddings as they are; most of a multilingual backbone's parameters are theirs.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["finetune"] = "finetune"
    freeze_embeddings: bool = False


class FinetuneMethod(Method):
    """Every pair is served by the same fine-tuned backbone (Üstün et al. 2022, section 4.1: lr 1e-5)."""

    learning_rate = 1e-5
    warmup_ratio = 0.05

    def __init__(self, config: FinetuneConfig, shape: MatrixShape) -> None:
        super().__init__(config, shape)
        self.learning_rates = {
            "heads.*.output.*": HEAD_LEARNING_RATE,
            "heads.*.biaffine.*": BIAFFINE_LEARNING_RATE,
        }

    def backbone_parameters(self, backbone: Backbone) -> dict[str, nn.Parameter]:
        """Return all parameters of the encoder, the word embeddings only where they are not frozen."""
        return backbone.all_parameters(freeze_embeddings=self.config.freeze_embeddings)

    def forward(self, tasks: Tensor, languages: Tensor) -> Adapters | None:
        """Return None: there are no adapters."""
        return None

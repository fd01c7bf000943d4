"""What a method is."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from hyperx.adapter import AdapterWeights


@dataclass(frozen=True, slots=True)
class MatrixShape:
    """The matrix that a method serves and the backbone that its adapters fit."""

    num_tasks: int
    num_languages: int
    num_layers: int
    hidden_size: int


class Method(nn.Module):
    """Supplies the adapter weights of any pair.

    A subclass implements `forward`; it sets `learning_rate`, the recipe's own, and in `learning_rates` those of
    the model's parameters that need another, by a pattern of their names.
    """

    learning_rate: float
    learning_rates: dict[str, float]
    warmup_ratio: float

    def __init__(self, config: Any, shape: MatrixShape) -> None:
        super().__init__()
        self.config = config
        self.shape = shape
        self.learning_rates = {}

    def forward(self, tasks: Tensor, languages: Tensor) -> list[AdapterWeights]:
        """Return the adapter weights of each site for each pair.

        Shapes:
            tasks, languages: ``(pairs,)`` indices.
            result: a site's weights have a leading dimension of the number of pairs.
        """
        raise NotImplementedError

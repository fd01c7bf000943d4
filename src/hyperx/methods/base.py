"""What a method is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from hyperx.adapter import Adapters
from hyperx.backbone import Backbone


@dataclass(frozen=True, slots=True)
class MatrixShape:
    """The matrix that a method serves and the backbone that its adapters fit.

    Attributes:
        num_labels: of each task's linear head; none for a task with another head.
        auxiliary: the numbers of the tasks without labels.
    """

    num_labels: tuple[int, ...]
    num_languages: int
    num_layers: int
    hidden_size: int
    auxiliary: frozenset[int] = frozenset()

    @property
    def num_tasks(self) -> int:
        return len(self.num_labels)


class Method(nn.Module):
    """Supplies what serves a pair: its adapter weights and, where a method has its own, its head.

    A subclass implements `forward`; it sets `learning_rate`, the recipe's own, and in `learning_rates` those of
    the model's parameters that need another, by a pattern of their names.

    Attributes:
        needs_labels: a language can be served only if labelled data of it was seen, in whatever task.
        numbered: what in the state belongs to a language or a task: prefixes of names that its number follows, or of
            tensors that have a row each.
    """

    needs_labels: ClassVar[bool] = False
    numbered: ClassVar[dict[str, Literal["language", "task"]]] = {}

    learning_rate: float
    learning_rates: dict[str, float]
    warmup_ratio: float

    def __init__(self, config: Any, shape: MatrixShape) -> None:
        super().__init__()
        self.config = config
        self.shape = shape
        self.learning_rates = {}

    def backbone_parameters(self, backbone: Backbone) -> dict[str, nn.Parameter]:
        """Return what is trained of the backbone, by name in the encoder: its LayerNorms, unless a method says otherwise."""
        return backbone.layer_norms()

    def head(
        self, task: Tensor, language: Tensor, default: nn.Module
    ) -> tuple[Callable[[Tensor], Tensor], Tensor | None]:
        """Return a pair's head, the task's own (`default`) unless a method has another, and what to add to the loss.

        Shapes:
            task, language: ``()``, indices.
        """
        return default, None

    def forward(self, tasks: Tensor, languages: Tensor) -> Adapters | None:
        """Return each pair's adapters; None for a method without adapters.

        Shapes:
            tasks, languages: ``(pairs,)`` indices.
            result: weights have a leading dimension of the number of pairs.
        """
        raise NotImplementedError

"""MAD-X: a task's adapter stacked on a language's (Pfeiffer et al., EMNLP 2020)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from hyperx.adapter import Adapters, AdapterWeights, CouplingWeights, Stack, adapter_size, uncouple, unflatten
from hyperx.backbone import Backbone
from hyperx.errors import HyperXError
from hyperx.methods.base import MatrixShape, Method
from hyperx.methods.single import HEAD_LEARNING_RATE

INIT_STD = 0.02


class MADXConfig(BaseModel):
    """The YAML's ``method:`` for MAD-X, which is trained in two runs.

    Attributes:
        language_adapters: the folder of a run that trained them by masked language modelling; unless given, this run does.
        language_bottleneck, task_bottleneck: ``b`` of either adapter.
        invertible: language adapters have an invertible adapter at the embeddings.
        skip_last_layer: no adapters in the last layer (MAD-X 2.0; Pfeiffer et al., EMNLP 2021).
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["madx"] = "madx"
    language_adapters: Path | None = None
    language_bottleneck: int = Field(256, ge=1, le=8192)
    task_bottleneck: int = Field(48, ge=1, le=8192)
    invertible: bool = True
    skip_last_layer: bool = False


class LanguageAdapter(nn.Module):
    """One language's adapters, a layer each, and its invertible adapter."""

    def __init__(self, *, num_layers: int, hidden_size: int, bottleneck: int, invertible: bool) -> None:
        super().__init__()
        self.layers = nn.Parameter(_initial(num_layers, hidden_size, bottleneck))
        half = hidden_size // 2
        # NICE couples halves; each of its two networks is a bottleneck of half a half (Pfeiffer et al. 2020, section 3.3).
        self.coupling = nn.Parameter(_initial(2, half, half // 2)) if invertible else None


class MADXMethod(Method):
    """Language adapters, trained by MLM or taken over frozen, and task adapters stacked on them."""

    learning_rate = 1e-4
    warmup_ratio = 0.05
    numbered: ClassVar[dict[str, Literal["language", "task"]]] = {"languages": "language", "tasks": "task"}

    def __init__(self, config: MADXConfig, shape: MatrixShape) -> None:
        super().__init__(config, shape)
        if config.invertible and shape.hidden_size % 4:
            raise HyperXError(f"invertible adapters need a hidden size that 4 divides, not {shape.hidden_size}")
        layers, hidden = shape.num_layers - config.skip_last_layer, shape.hidden_size
        self.languages = nn.ModuleList(
            LanguageAdapter(
                num_layers=layers,
                hidden_size=hidden,
                bottleneck=config.language_bottleneck,
                invertible=config.invertible,
            )
            for _ in range(shape.num_languages)
        )
        self.languages.requires_grad_(config.language_adapters is None)
        # A parameter each, so that the optimizer leaves alone what a batch did not use.
        self.tasks = nn.ParameterDict(
            {
                str(task): _initial(layers, hidden, config.task_bottleneck)
                for task in range(shape.num_tasks)
                if task not in shape.auxiliary
            }
        )
        self.learning_rates = {"heads.*.output.*": HEAD_LEARNING_RATE}

    def backbone_parameters(self, backbone: Backbone) -> dict[str, nn.Parameter]:
        """Return nothing: MAD-X leaves the whole backbone as it is."""
        return {}

    def head(
        self, task: Tensor, language: Tensor, default: nn.Module
    ) -> tuple[Callable[[Tensor], Tensor], Tensor | None]:
        """Return the task's head; that of MLM inverts the language's invertible adapter before the embeddings' softmax."""
        coupling: Any = self.languages[int(language)].coupling
        if str(int(task)) in self.tasks or coupling is None:
            return default, None
        return default.inverted(lambda hidden: uncouple(hidden, _coupling(coupling))), None  # type: ignore[operator]

    def forward(self, tasks: Tensor, languages: Tensor) -> Adapters:
        """Return each pair's stacks: its language's adapter and, for a task with labels, the task's on top."""
        modules = [self.languages[language] for language in languages.tolist()]
        tagged = str(int(tasks[0])) in self.tasks
        return self.stacked(
            torch.stack([module.layers for module in modules]),
            torch.stack([self.tasks[str(task)] for task in tasks.tolist()]) if tagged else None,
            torch.stack([module.coupling for module in modules]) if self.config.invertible else None,
        )

    def stacked(self, languages: Tensor, tasks: Tensor | None, couplings: Tensor | None) -> Adapters:
        """Cut pairs' flat weights into their stacks.

        Shapes:
            languages, tasks: ``(pairs, layers, size)``, the languages' adapters and the tasks' on top.
            couplings: ``(pairs, 2, size)``, the invertible adapters'.
        """
        hidden = self.shape.hidden_size
        banks = [_bank(languages, hidden, self.config.language_bottleneck)]
        if tasks is not None:
            banks.append(_bank(tasks, hidden, self.config.task_bottleneck))
        layers: list[Stack | None] = [Stack(adapters) for adapters in zip(*banks, strict=True)]
        coupling = None if couplings is None else _coupling(couplings)
        return Adapters(layers + [None] * self.config.skip_last_layer, coupling)


def _initial(count: int, hidden_size: int, bottleneck: int) -> Tensor:
    """Return flat weights of `count` adapters: matrices from N(0, 0.02), biases zero, as in the `adapters` library."""
    flat = torch.zeros(count, adapter_size(hidden_size=hidden_size, bottleneck=bottleneck))
    weights = unflatten(flat, hidden_size=hidden_size, bottleneck=bottleneck)
    nn.init.normal_(weights.down, std=INIT_STD)
    nn.init.normal_(weights.up, std=INIT_STD)
    return flat


def _bank(flat: Tensor, hidden_size: int, bottleneck: int) -> list[AdapterWeights]:
    """Cut pairs' flat weights, ``(pairs, layers, size)``, into one `AdapterWeights` a layer."""
    return [unflatten(layer, hidden_size=hidden_size, bottleneck=bottleneck) for layer in flat.unbind(1)]


def _coupling(flat: Tensor) -> CouplingWeights:
    """Shapes: flat ``([pairs,] 2, size)``."""
    size = flat.shape[-1]  # 2 · half · half/2 + half/2 + half, so half = (√(9/4 + 4 size) - 3/2) / 2
    half = round(((9 / 4 + 4 * size) ** 0.5 - 3 / 2) / 2)
    first, second = (unflatten(part, hidden_size=half, bottleneck=half // 2) for part in flat.unbind(-2))
    return CouplingWeights(first, second)

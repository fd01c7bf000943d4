"""Tasks: each owns its annotation, labels, encoding, head, loss, decoding and metric.

A new one is a file here and a line below, or a class of another package under its entry point group ``hyperx.tasks``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points

from torch import nn

from hyperx.errors import HyperXError
from hyperx.metrics import Metric
from hyperx.tasks.base import Batch, Example, Task
from hyperx.tasks.classification import Classification
from hyperx.tasks.feats import MorphologicalFeatures
from hyperx.tasks.mlm import MaskedLanguageModelling
from hyperx.tasks.ner import NamedEntities
from hyperx.tasks.parse import DependencyParsing
from hyperx.tasks.pos import PartOfSpeech
from hyperx.tasks.spans import Spans

__all__ = ["TASKS", "Batch", "Example", "Task", "build_task", "is_auxiliary", "metric_named", "task_class"]

ENTRY_POINTS = "hyperx.tasks"
BUILT_IN: tuple[type[Task], ...] = (
    PartOfSpeech,
    NamedEntities,
    MaskedLanguageModelling,
    DependencyParsing,
    MorphologicalFeatures,
    Spans,
    Classification,
)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class _Registry(Mapping[str, type[Task]]):
    """The tasks by name: those built in, then other packages', which are imported when they are looked up."""

    def __init__(self) -> None:
        self._known: dict[str, type[Task]] = {task.name: task for task in BUILT_IN}

    def __getitem__(self, name: str) -> type[Task]:
        if name not in self._known:
            points = tuple(entry_points(group=ENTRY_POINTS, name=name))
            if not points:
                raise KeyError(name)
            try:
                task = points[0].load()
            except Exception as error:  # whatever another package does wrong
                raise HyperXError(f"the task '{name}' can't be loaded from {points[0].value}: {error}") from error
            if not (isinstance(task, type) and issubclass(task, Task) and getattr(task, "name", None) == name):
                raise HyperXError(
                    f"{points[0].value} is no hyperx.tasks.Task whose name is '{name}'; correct its package"
                )
            self._known[name] = task
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys([task.name for task in BUILT_IN] + [p.name for p in entry_points(group=ENTRY_POINTS)])

    def __len__(self) -> int:
        return sum(1 for _ in self)


TASKS: Mapping[str, type[Task]] = _Registry()


def task_class(name: str, kinds: Mapping[str, str] | None = None) -> type[Task]:
    """Return a task's class: that of its name or, of a run's own tasks, that of its kind.

    Args:
        kinds: a run's own tasks, each of a kind such as ``spans``.

    Raises:
        HyperXError: there is no such task, or a task of one's own has a name or kind that can't be.
    """
    kinds = kinds or {}
    if name not in kinds:
        if name in TASKS:
            return TASKS[name]
        known = ", ".join([*TASKS, *kinds])
        raise HyperXError(f"unknown task '{name}'; known are {known}, and what 'tasks' names of your own")
    if name in TASKS or not _NAME.fullmatch(name) or hasattr(nn.ModuleDict, name):
        raise HyperXError(
            f"a task of your own can't be named '{name}'; choose another name of small letters, digits and _"
        )
    kind = kinds[name]
    if kind not in TASKS or TASKS[kind].auxiliary:
        possible = ", ".join(kind for kind in TASKS if not TASKS[kind].auxiliary)
        raise HyperXError(f"the task '{name}' can't be of the kind '{kind}'; choose one of {possible}")
    return TASKS[kind]


def is_auxiliary(name: str) -> bool:
    """Return whether a task is trained to help others; a run's own tasks never are."""
    return name in TASKS and TASKS[name].auxiliary


def build_task(name: str, labels: Sequence[str] | None = None, kinds: Mapping[str, str] | None = None) -> Task:
    """Build a task by its name, with its usual labels or those given.

    Raises:
        HyperXError: as `task_class` does.
    """
    task = task_class(name, kinds)(labels)
    task.name = name
    return task


def metric_named(name: str) -> Metric:
    """Return a metric by its name, as results.json has it.

    Raises:
        HyperXError: no task that is installed has it.
    """
    metrics = (task.metric for task in TASKS.values() if not task.auxiliary)
    metric = next((metric for metric in metrics if metric.name == name), None)
    if metric is None:
        raise HyperXError(f"the metric '{name}' is of no task that is installed; install the package that has it")
    return metric

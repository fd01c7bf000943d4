"""Tasks: each owns its labels, encoding, head, loss, decoding and metric. A new one is a file here and a line below."""

from hyperx.tasks.base import Batch, Example, Task
from hyperx.tasks.mlm import MaskedLanguageModelling
from hyperx.tasks.ner import NamedEntities
from hyperx.tasks.pos import PartOfSpeech

__all__ = ["TASKS", "Batch", "Example", "Task", "build_task"]

TASKS: dict[str, type[Task]] = {"pos": PartOfSpeech, "ner": NamedEntities, "mlm": MaskedLanguageModelling}


def build_task(name: str, labels: list[str] | None = None) -> Task:
    """Build a task by its name, with its usual labels or those given."""
    return TASKS[name](labels)

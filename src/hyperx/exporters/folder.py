"""What the targets have in common: the README, the tokenizer, and a pair's linear head."""

import json
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from torch import Tensor

from hyperx.errors import HyperXError
from hyperx.methods.psf import GeneratedHead
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.tasks import Task
from hyperx.tasks.tagging import TagHead


def write_readme(folder: Path, template: str, **values: Any) -> None:
    """Fill in one of the README templates, which are beside this file."""
    text = (files("hyperx.exporters") / "readmes" / f"{template}.md").read_text(encoding="utf-8")
    (folder / "README.md").write_text(Template(text).substitute(values), encoding="utf-8")


def save_tokenizer(model: HyperX, folder: Path) -> None:
    """Write the tokenizer under the name of its class that older versions of `transformers` know, too."""
    model.tokenizer.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def linear_head(model: HyperX, pair: Pair) -> tuple[Tensor, Tensor]:
    """Return the weight, ``(num_labels, hidden)``, and the bias of a pair's head.

    Raises:
        HyperXError: the pair is outside the model's matrix, or its task does not give each word one of its labels.
    """
    task = model.tagging_task(pair.task)
    head = model.head(pair)[0]
    if labels_words(task) and isinstance(head, TagHead):
        return head.output.weight.detach(), head.output.bias.detach()
    if labels_words(task) and isinstance(head, GeneratedHead):
        return head.weight.detach(), head.bias.detach()
    raise HyperXError(f"the task '{pair.task}' does more than give each word one of its labels, which no target holds")


def labels_words(task: Task) -> bool:
    """Return whether a task gives each word one of its labels."""
    return task.exclusive and not task.per_sentence

"""ONNX: one pair's tagger, or one graph for every pair, which has the hypernetwork in it and takes the pair as an input."""

import json
import logging
import shutil
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hyperx.adapter import Adapters
from hyperx.disk import new_folder
from hyperx.encoding import special_tokens
from hyperx.errors import HyperXError
from hyperx.exporters.folder import labels_words, linear_head, save_tokenizer, write_readme
from hyperx.methods.hyperx import HyperXMethod
from hyperx.methods.madx import MADXMethod
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.tasks.tagging import TagHead

GRAPH, QUANTIZED = "model.onnx", "model-int8.onnx"
MAX_FILE = 2_000_000_000  # a graph's weights are beside it in a file of their own where they are more: protobuf's limit


class OnePair(nn.Module):
    """The model for one pair, whose adapters are constants."""

    def __init__(self, model: HyperX, pair: Pair) -> None:
        super().__init__()
        self.backbone = model.backbone
        self.adapters = model.adapters([pair])
        self.weight, self.bias = linear_head(model, pair)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Shapes: input_ids, attention_mask ``(batch, length)``, result ``(batch, length, labels)``."""
        hidden = self.backbone(self.adapters, input_ids=input_ids, attention_mask=attention_mask)
        return nn.functional.linear(hidden, self.weight, self.bias)


class AnyPair(nn.Module):
    """The model for all pairs of tagging tasks; each row has its own."""

    weight: Tensor
    bias: Tensor

    def __init__(self, model: HyperX, tasks: list[str]) -> None:
        super().__init__()
        self.backbone = model.backbone
        languages = model.model_config.languages
        self.adapters = _supply(model, [Pair(task, languages[0]) for task in tasks])
        labels = max(len(model.tasks[task].labels) for task in tasks)
        weight = torch.zeros(len(tasks), len(languages), labels, self.backbone.hidden_size)
        bias = torch.full((len(tasks), len(languages), labels), -torch.inf)  # of labels that a task has not
        for task, name in enumerate(tasks):
            for language, code in enumerate(languages):
                own, own_bias = linear_head(model, Pair(name, code))
                weight[task, language, : len(own)], bias[task, language, : len(own)] = own, own_bias
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, task: Tensor, language: Tensor) -> Tensor:
        """Return logits, -inf where a row's task has no such label.

        Shapes:
            input_ids, attention_mask: ``(batch, length)``; task, language: ``(batch,)``, indices.
            result: ``(batch, length, labels)``, of the task with the most labels.
        """
        adapters = self.adapters(task, language)
        hidden = self.backbone(adapters, input_ids=input_ids, attention_mask=attention_mask)
        return hidden @ self.weight[task, language].mT + self.bias[task, language].unsqueeze(-2)


class Generated(nn.Module):
    """Hyper-X's adapters: the hypernetwork itself."""

    numbers: Tensor

    def __init__(self, method: HyperXMethod, numbers: list[int]) -> None:
        super().__init__()
        self.method = method
        self.register_buffer("numbers", torch.tensor(numbers))

    def forward(self, task: Tensor, language: Tensor) -> Adapters:
        return self.method(self.numbers[task], language)


class Tabulated(nn.Module):
    """MAD-X's adapters: a table of the languages' and one of the tasks'."""

    languages: Tensor
    tasks: Tensor
    couplings: Tensor | None

    def __init__(self, method: MADXMethod, numbers: list[int]) -> None:
        super().__init__()
        self.method = method
        modules: Any = method.languages
        self.register_buffer("languages", torch.stack([module.layers for module in modules]))
        self.register_buffer("tasks", torch.stack([method.tasks[str(number)] for number in numbers]))
        couplings = torch.stack([module.coupling for module in modules]) if method.config.invertible else None
        self.register_buffer("couplings", couplings)

    def forward(self, task: Tensor, language: Tensor) -> Adapters:
        couplings = None if self.couplings is None else self.couplings[language]
        return self.method.stacked(self.languages[language], self.tasks[task], couplings)


def _supply(model: HyperX, pairs: list[Pair]) -> Callable[[Tensor, Tensor], Adapters | None]:
    """Return what gives rows their adapters, by their tasks' numbers in `pairs` and their languages'."""
    numbers = [list(model.tasks).index(pair.task) for pair in pairs]
    if isinstance(model.method, HyperXMethod):
        return Generated(model.method, numbers)
    if isinstance(model.method, MADXMethod):
        return Tabulated(model.method, numbers)
    adapters = model.adapters(pairs[:1])  # the same for every pair, or none
    return lambda task, language: adapters


def export(model: HyperX, pair: Pair | None, folder: Path, *, int8: bool = False) -> None:
    """Write a graph with its tokenizer, labels, and a script that tags with them.

    Args:
        pair: the one to serve; None for all, the pair being an input of the graph.
        int8: quantize the weights to 8 bits, too, in a second graph.

    Raises:
        HyperXError: the pair is outside the model's matrix or tags nothing, the folder is not empty, or the libraries
            are not installed.
    """
    _check_installed()
    tasks = [name for name, task in model.tasks.items() if _exportable(model, task)] if pair is None else [pair.task]
    if not tasks:
        raise HyperXError("this model has no task that gives each word a label, so there is nothing to export")
    with torch.no_grad():
        graph = AnyPair(model, tasks) if pair is None else OnePair(model, pair)
    with new_folder(folder) as unfinished:
        _write_graph(graph.eval(), unfinished / GRAPH)
        if int8:
            _quantize(unfinished / GRAPH, unfinished / QUANTIZED)
        _write_about(model, tasks, pair, unfinished / "pairs.json")
        save_tokenizer(model, unfinished)
        # Importing it would need the extra.
        shutil.copyfile(Path(__file__).with_name("onnx_tag.py"), unfinished / "tag.py")
        languages = model.model_config.languages
        example = pair or Pair(tasks[0], languages[0])
        write_readme(
            unfinished,
            "onnx-pair" if pair else "onnx",
            pair=example,
            task=example.task,
            language=example.language,
            tasks=", ".join(tasks),
            languages=", ".join(languages),
            backbone=model.model_config.backbone,
            method=model.model_config.method.name,
            quantized=QUANTIZED_NOTE if int8 else "",
        )


QUANTIZED_NOTE = f"""
`{QUANTIZED}` is the same graph with its matrices in 8 bits: a quarter of the size, and some tags differ. Name it as a third
argument of `tag.py`, or as the second of `Tagger`.
"""


def _check_installed() -> None:
    try:
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise HyperXError(f"exporting to ONNX needs {error.name}: pip install 'hyperx-nlp[onnx]'") from error


def _exportable(model: HyperX, task: Any) -> bool:
    return labels_words(task) and isinstance(model.heads[task.name], TagHead)


def _write_graph(graph: nn.Module, path: Path) -> None:
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    rows = torch.tensor([[5, 6, 7, 8], [5, 6, 0, 0]])
    inputs = {"input_ids": rows, "attention_mask": (rows > 0).long()}
    if isinstance(graph, AnyPair):
        inputs |= {"task": torch.zeros(2, dtype=torch.long), "language": torch.zeros(2, dtype=torch.long)}
    size = sum(tensor.nbytes for tensor in graph.state_dict().values())
    with torch.no_grad(), _quiet():
        torch.onnx.export(
            graph,
            kwargs=inputs,
            f=path,
            output_names=["logits"],
            dynamic_shapes={
                name: {0: batch, 1: length} if value.ndim > 1 else {0: batch} for name, value in inputs.items()
            },
            dynamo=True,
            external_data=size > MAX_FILE,
            verbose=False,
        )


def _quantize(source: Path, target: Path) -> None:
    from onnxruntime.quantization import quantize_dynamic

    large = source.with_name(source.name + ".data").exists()
    with _quiet():
        quantize_dynamic(source, target, per_channel=True, use_external_data_format=large)


@contextmanager
def _quiet() -> Any:
    """Keep back what the exporter and the quantizer say of their own doing."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "root")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _write_about(model: HyperX, tasks: list[str], pair: Pair | None, path: Path) -> None:
    """Note what the graph's numbers mean: its tasks with their labels, its languages, and the tokenizer's special pieces."""
    prefix, suffix = special_tokens(model.tokenizer)
    about = {
        "tasks": {task: model.tasks[task].labels for task in tasks},
        "languages": model.model_config.languages if pair is None else [pair.language],
        "max_length": model.model_config.max_length,
        "prefix": prefix,
        "suffix": suffix,
        "pad": model.tokenizer.pad_token_id,
        "unknown": model.tokenizer.unk_token_id,
    }
    path.write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

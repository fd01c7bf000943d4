"""What a run would do, without doing it."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoModel, PreTrainedConfig, PreTrainedTokenizerFast

from hyperx.backbone import Backbone, load_config, plain_encoder
from hyperx.config import RunConfig
from hyperx.cost import peak_memory
from hyperx.dataset import RunData, available_pairs, evaluated_pairs, load_data, trained_pairs
from hyperx.errors import HyperXError
from hyperx.language_adapters import check_two_runs
from hyperx.methods import METHODS, MethodConfig
from hyperx.modeling import HyperX, ModelConfig, check_length, model_folder, read_config
from hyperx.pairs import Pair
from hyperx.precision import best_device, has_bf16
from hyperx.resuming import check_folder
from hyperx.sampler import probabilities
from hyperx.shapes import known_config
from hyperx.start import check_start
from hyperx.tasks import build_task, is_auxiliary

FEW_STEPS = (
    5000  # after 1,500 raw text had cost more than it gave (docs/study.md); after the paper's 100,000 it had helped
)
SMALL_SHARE = 0.05  # of the steps, that raw text may have of few
PIECES_PER_WORD = 1.8  # of a multilingual vocabulary, on average over the languages it was made from


@dataclass
class PlannedPair:
    """A trained pair: sentences and words of its training set, None where the data is not at hand yet, or streamed."""

    pair: str
    sentences: int | None
    words: int | None
    probability: float | None


@dataclass
class Plan:
    """What ``hyperx train --plan`` shows.

    Attributes:
        trained_parameters: in all; `parts` has them by part.
        zero_shot: cells that are scored without having been trained.
        tagged_only: cells that are neither trained nor scored, for want of a test set.
        memory_bytes: that are needed at least: of weights, gradients, optimizer and the activations of the longest sentences;
            without a GPU also of this process, its libraries and the training data.
        seconds: of training, roughly; None where the data is not at hand yet, or streamed.
        notices: what kept the plan from being whole, what training will say of the data, and what is unlikely to pay.
    """

    name: str
    method: str
    backbone: str
    trained_parameters: int
    parts: dict[str, int]
    backbone_parameters: int
    pairs: list[PlannedPair]
    zero_shot: list[str]
    tagged_only: list[str]
    steps: int
    batch_size: int
    memory_bytes: int
    seconds: float | None
    notices: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def plan(config: RunConfig, *, resume: bool = False) -> Plan:
    """Work out what a run would do; loads no weights, reads the data that is at hand.

    Args:
        resume: the run is to go on from its folder's last checkpoint.

    Raises:
        HyperXError: the configuration can't be run.
    """
    data = load_data(config, remote="optional")
    if config.start:
        check_start(config.start, read_config(model_folder(config.start, None)), config)
    available = available_pairs(config)
    trained, scored = trained_pairs(config, available), evaluated_pairs(config, available)
    sizes = {pair: _sizes(pair, data) for pair in trained}
    chances = _chances(config, {pair: sentences for pair, (sentences, _) in sizes.items()})
    pairs = [PlannedPair(str(pair), *size, chances.get(pair)) for pair, size in sizes.items()]
    # What is not at hand yet will be trained and scored all the same.
    data.train |= {pair: [] for pair in trained if pair in data.absent}
    data.test |= {pair: [] for pair in scored if pair in data.absent}
    check_method(config.method, data)
    shape = known_config(config.backbone) or load_config(config.backbone, revision=config.revision)
    model = _meta_model(config, shape, data)
    parts = model.trained_parameters()
    backbone_parameters = sum(parameter.numel() for parameter in model.backbone.parameters())
    tagging = [task for task in data.tasks if not is_auxiliary(task)]
    cells = [Pair(task, language) for task in tagging for language in data.languages]
    known = {*trained, *data.test}
    return Plan(
        name=config.name,
        method=config.method.name,
        backbone=config.backbone,
        trained_parameters=sum(parts.values()),
        parts=parts,
        backbone_parameters=backbone_parameters,
        pairs=pairs,
        zero_shot=[str(pair) for pair in data.test if pair not in sizes],
        tagged_only=[str(pair) for pair in cells if pair not in known],
        steps=config.training.steps,
        batch_size=config.training.batch_size,
        memory_bytes=_memory(config, shape, backbone_parameters, sum(parts.values()), data),
        seconds=_seconds(config, shape, pairs),
        notices=[
            *(f"{pair}: {error}" for pair, error in data.absent.items()),
            *data.notices,
            *_raw_text(config, chances),
            *_folder(config, resume),
        ],
    )


def check_method(method: MethodConfig, data: RunData) -> None:
    """Check that a method can learn from a run's pairs and serve its cells.

    Raises:
        HyperXError: it needs labels of a language that has none, or what it trains in two runs is in one.
    """
    labelled = {pair.language for pair in data.train if not is_auxiliary(pair.task)}
    without = sorted({pair.language for pair in data.test} - labelled)
    if METHODS[method.name].needs_labels and without:
        raise HyperXError(
            f"the method '{method.name}' knows a language by its labelled data alone, and there is none of "
            f"{', '.join(without)}: train a task there, or leave its cells out under 'evaluate'"
        )
    check_two_runs(method, data.trained)


def _sizes(pair: Pair, data: RunData) -> tuple[int | None, int | None]:
    """Return the sentences and words of a training set, None where they are not known."""
    if pair in data.streams:
        return data.streams[pair].sentences, None
    if pair in data.absent:
        return None, None
    sentences = data.train[pair]
    return len(sentences), sum(len(sentence.words) for sentence in sentences)


def _chances(config: RunConfig, sizes: Mapping[Pair, int | None]) -> dict[Pair, float]:
    """Return how likely each pair is drawn; nothing where the size of one is not known."""
    known = {pair: size for pair, size in sizes.items() if size}
    if len(known) < len(sizes):
        return {}
    return probabilities(known, config.training.temperature, config.training.auxiliary_share)


def _raw_text(config: RunConfig, chances: dict[Pair, float]) -> Iterator[str]:
    """Say where raw text takes more of few steps than it is worth."""
    raw = sum(chance for pair, chance in chances.items() if is_auxiliary(pair.task))
    if SMALL_SHARE < round(raw, 3) < 1 and config.training.steps < FEW_STEPS:
        yield (
            f"raw text takes {raw:.0%} of the steps; in a run this short labels are usually worth more: "
            f"try training.auxiliary_share={SMALL_SHARE}"
        )


def _folder(config: RunConfig, resume: bool) -> Iterator[str]:
    """Say what keeps the run from its folder, which is no reason to plan nothing."""
    try:
        check_folder(config, resume=resume)
    except HyperXError as error:
        yield str(error)


def _meta_model(config: RunConfig, shape: PreTrainedConfig, data: RunData) -> HyperX:
    """Build the model without memory for its weights."""
    tasks = {task: build_task(task, kinds=config.tasks) for task in data.tasks}
    model_config = ModelConfig(
        backbone=config.backbone,
        method=config.method,
        tasks={
            name: task.find_labels(data.gold(name)) if any(data.gold(name)) else task.labels
            for name, task in tasks.items()
        },
        kinds=config.tasks,
        languages=data.languages,
        max_length=config.training.max_length,
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel()))
    with torch.device("meta"):
        encoder = AutoModel.from_config(shape, **plain_encoder(shape))
        model = HyperX(model_config, Backbone(encoder), tokenizer)
    check_length(model_config, model.backbone)
    return model


def _pieces_per_step(config: RunConfig, pairs: list[PlannedPair]) -> float | None:
    """Return the expected pieces of a batch."""
    if not pairs or any(pair.probability is None or pair.words is None for pair in pairs):
        return None
    words = sum((pair.probability or 0) * (pair.words or 0) / (pair.sentences or 1) for pair in pairs)
    return config.training.batch_size * min(words * PIECES_PER_WORD + 2, config.training.max_length)


def _memory(config: RunConfig, shape: PreTrainedConfig, frozen: int, trained: int, data: RunData) -> int:
    words = max((len(sentence.words) for rows in data.train.values() for sentence in rows), default=0)
    longest = min(words * PIECES_PER_WORD + 2 if words else math.inf, config.training.max_length)
    # A trained number has a gradient and two moments; a layer keeps some 16 hidden states a piece for the backward pass,
    # and of each head what the piece attends to, before and after softmax and dropout.
    kept = 16 * shape.hidden_size + 3 * shape.num_attention_heads * longest
    activations = config.training.batch_size * longest * kept * shape.num_hidden_layers
    process = 0 if torch.cuda.is_available() else peak_memory()
    return int(process + 4 * (frozen + 4 * trained + activations))


def _seconds(config: RunConfig, shape: PreTrainedConfig, pairs: list[PlannedPair]) -> float | None:
    pieces = _pieces_per_step(config, pairs)
    if pieces is None:
        return None
    hidden, bottleneck = shape.hidden_size, getattr(config.method, "bottleneck", 0)
    wide = getattr(shape, "intermediate_size", None) or getattr(shape, "hidden_dim", 4 * hidden)
    frozen = shape.num_hidden_layers * (4 * hidden * hidden + 2 * hidden * wide)
    adapters = shape.num_hidden_layers * 2 * hidden * bottleneck
    # Forward 2 operations a weight, backward 2 more for activations, and for what is trained 2 more for the weights.
    operations = pieces * ((4 if bottleneck else 6) * frozen + 6 * adapters)
    return config.training.steps * operations / (_speed() * 0.3)  # a step reaches about 0.3 of a matrix product's speed


def _speed() -> float:
    """Measure the operations a second of a matrix product like the backbone's."""
    device = best_device()
    a, b = (torch.randn(1024, 1024, device=device, dtype=torch.bfloat16 if has_bf16(device) else None) for _ in "ab")
    best = min(_timed(a, b) for _ in range(5))
    return 2 * 1024**3 / best


def _timed(a: torch.Tensor, b: torch.Tensor) -> float:
    start = time.perf_counter()
    (a @ b).sum().item()
    return time.perf_counter() - start

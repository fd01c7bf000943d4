"""A GPU's bench, with random weights of mBERT's shape: PyTorch, transformers and this package are all that it needs.

The paper's schedule, 100,000 steps of 32 sentences of one pair, is extrapolated from some steps; so is the same number of
sentences in steps of several pairs at once, each 32 sentences, whose losses are averaged: fewer, larger updates.
Usage: python -m benchmarks.gpu [--rounds N] [--quick]
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import Tensor
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from benchmarks.rounds import Options, Row, alternate, options, ratios, save, timed
from hyperx.backbone import Backbone
from hyperx.methods import HyperXConfig
from hyperx.modeling import HyperX, ModelConfig
from hyperx.pairs import Pair
from hyperx.precision import best_dtype
from hyperx.tasks import build_task
from hyperx.trainer import parameter_groups

CODES = "eng ara bre fao grn hsb isl kaz mlt san tam tgl tur uig yor yue zho"
MBERT = BertConfig(vocab_size=119547)
TINY = BertConfig(vocab_size=500, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
STEPS, SENTENCES = 100_000, 32
PACKED = 8  # pairs in a packed step
LARGE = 512  # sentences of `LONG` pieces in a large batch
LONG = 128
MIXED = 32  # pairs in a batch to tag

Batch = tuple[list[Pair], Tensor, Tensor, Tensor]


def build(config: BertConfig, device: torch.device) -> HyperX:
    """Return a model of the paper's Hyper-X Base on a random encoder."""
    torch.manual_seed(0)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"a": 0}, "a")))
    described = ModelConfig(
        backbone="random",
        method=HyperXConfig(recipe="paper", bottleneck=config.hidden_size // 3, projection_size=192),
        tasks={task: build_task(task).labels for task in ("pos", "ner")},
        languages=CODES.split(),
    )
    model = HyperX(described, Backbone(BertModel(config, add_pooling_layer=False)), tokenizer).to(device)
    model.backbone.compute_in(best_dtype(device))
    return model


def batch(model: HyperX, pairs: Sequence[Pair], lengths: Tensor) -> Batch:
    """Return random sentences of these lengths, as many of each pair, one pair after another."""
    longest = int(lengths.max())
    mask = (torch.arange(longest) < lengths[:, None]).long()
    pieces = torch.randint(5, model.backbone.config.vocab_size, mask.shape) * mask
    labels = torch.where(mask == 1, pieces % 7, -100)
    rows = [pair for pair in pairs for _ in range(len(lengths) // len(pairs))]
    return rows, pieces.to(model.device), mask.to(model.device), labels.to(model.device)


def sentence_lengths(count: int) -> Tensor:
    """Return lengths in pieces such as news has: half are below 45, sorted, so that batches of neighbours hold little padding."""
    return torch.distributions.LogNormal(3.8, 0.5).sample((count,)).clamp(6, 256).int().sort().values


def loss(model: HyperX, rows: Sequence[Pair], pieces: Tensor, mask: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of the pairs' losses, each over its own rows, from one forward."""
    with model.backbone.autocast():
        hidden = model.encode(rows, pieces, mask)
        pairs = list(dict.fromkeys(rows))
        groups = zip(pairs, hidden.chunk(len(pairs)), labels.chunk(len(pairs)), strict=True)
        losses = [model.tasks[pair.task].loss(model.head(pair)[0], own, gold) for pair, own, gold in groups]
        return torch.stack(losses).mean()


def training(model: HyperX, batches: Sequence[Batch]) -> Callable[[], None]:
    """Return what takes a step a batch."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameter_groups(model, 1e-4), fused=True)

    def run() -> None:
        model.train()
        for one in batches:
            loss(model, *one).backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad()
        _wait(model.device)

    return run


def inference(model: HyperX, rows: Sequence[Pair] | None, pieces: Tensor, mask: Tensor) -> Callable[[], None]:
    """Return what reads a batch, plainly where `rows` is None."""

    @torch.inference_mode()
    def run() -> None:
        model.eval()
        if rows is None:
            model.backbone(None, input_ids=pieces, attention_mask=mask)
        else:
            model.encode(rows, pieces, mask)
        _wait(model.device)

    return run


def matrix_product(size: int, device: torch.device) -> Callable[[], None]:
    """Return one large product, by which the chip's rate is measured."""
    left, right = (torch.randn(size, size, device=device, dtype=best_dtype(device)) for _ in range(2))

    def run() -> None:
        left @ right
        _wait(device)

    return run


def step_operations(config: Any, bottleneck: int, sentences: int, length: int) -> float:
    """Return a step's operations in matrix products: forward, backward through activations, adapters' gradients."""
    hidden, inner = config.hidden_size, config.intermediate_size
    frozen = 2 * (4 * hidden**2 + 2 * hidden * inner)
    attention, adapter = 3 * 4 * length * hidden, 3 * 4 * hidden * bottleneck
    return float(sentences * length * config.num_hidden_layers * (2 * frozen + attention + adapter))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main(given: Options) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = TINY if given.quick else MBERT
    model = build(config, device)
    pairs = [Pair(task, language) for task in ("pos", "ner") for language in CODES.split()]
    count, large, size = (2, 8, 64) if given.quick else (50, LARGE, 8192)
    lengths = sentence_lengths(count * SENTENCES).chunk(count)
    ones = [batch(model, [pairs[i % len(pairs)]], rows) for i, rows in enumerate(lengths)]
    lengths = sentence_lengths(count * SENTENCES * PACKED).chunk(count)
    packed = [
        batch(model, [pairs[(i * PACKED + j) % len(pairs)] for j in range(PACKED)], rows)
        for i, rows in enumerate(lengths)
    ]
    long = batch(model, pairs[:1], torch.full((large,), LONG))
    mixed = batch(model, pairs[:MIXED], torch.full((8 * MIXED,), LONG))
    figures = alternate(
        {
            "steps": timed(training(model, ones)),
            "packed steps": timed(training(model, packed)),
            "large step": timed(training(model, [long])),
            "product": timed(matrix_product(size, device), 10),
            "plain backbone": timed(inference(model, None, *mixed[1:3])),
            "32 pairs": timed(inference(model, *mixed[:3])),
        },
        given.rounds,
    )
    bottleneck = model.model_config.method.bottleneck  # type: ignore[union-attr]
    operations = step_operations(config, bottleneck, large, LONG)
    rates = [operations / a / (2 * size**3 / b) for a, b in zip(figures["large step"], figures["product"], strict=True)]
    minutes = [value / count * STEPS / 60 for value in figures["steps"]]
    packed_minutes = [value / count * STEPS / PACKED / 60 for value in figures["packed steps"]]
    rows = [
        Row("100,000 steps of 32 sentences, extrapolated", minutes, 20, unit="minutes"),
        Row(
            f"the same sentences, {PACKED} pairs a step, extrapolated",
            packed_minutes,
            20,
            unit="minutes",
            note=f"{PACKED} times fewer updates, of the mean of {PACKED} pairs' gradients: another optimization",
        ),
        Row("a large step's share of the chip's matrix rate", rates, 0.45, at_most=False),
        Row(
            "mixed-pair tagging, rate over the plain backbone's",
            ratios(figures, "plain backbone", "32 pairs"),
            0.9,
            False,
        ),
    ]
    save("gpu", given, rows, figures, unit="seconds", steps=count)


if __name__ == "__main__":
    main(options(__doc__))

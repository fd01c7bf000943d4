"""What a thousand languages, a hundred tasks and a terabyte of text would take: arithmetic from measured sizes and rates.

Measures, on one core, how raw text is encoded, cached and held in memory; works out the rest from the hardware's data sheets.
Writes ``results/scaling.json``. Usage: python -m benchmarks.scaling ../shared/data/mafand [--sentences 1000000]
"""

import argparse
import json
import os
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from benchmarks import RESULTS, machine
from hyperx.adapter import adapter_size
from hyperx.backbone import load_tokenizer
from hyperx.cache import encode_text, lengths, piece_counts
from hyperx.data.read import read_sentences
from hyperx.data.textfile import TextFile
from hyperx.methods import HyperXConfig, MatrixShape, build_method
from hyperx.pairs import Pair
from hyperx.sampler import PairBatchSampler
from hyperx.shapes import count_parameters, known_config
from hyperx.tasks import build_task

LANGUAGES, TASKS, LABELS, TEXT = 1000, 100, 20, 10**12
BACKBONE = "FacebookAI/xlm-roberta-base"
SIZES = {"small": 32, "base": 192}  # d_p
BOTTLENECK = 256
# NVIDIA H100 SXM's data sheet: dense bf16, NVLink; a common cluster's network, a node; a usual price.
PEAK, SHARE, NVLINK, NETWORK, DOLLARS = 989e12, 0.45, 900e9 / 2, 400e9 / 8, 2.5
MASKED = 0.15


def sentences(folder: Path) -> Iterator[str]:
    """Yield lines of all languages in turn, over and over."""
    files = [cycle(path.read_text().splitlines()) for path in sorted(folder.glob("*.txt"))]
    while True:
        yield from map(next, files)


def measure(folder: Path, count: int) -> dict[str, Any]:
    """Measure what encoding and reading raw text takes, in seconds of one core."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    tokenizer = load_tokenizer("builtin:multilingual-e5-small")  # XLM-R's vocabulary
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, "raw.txt")
        path.write_text("\n".join(islice(sentences(folder), count)) + "\n")
        first, examples = read(path, tokenizer, Path(temporary, "cache"))
        again, examples = read(path, tokenizer, Path(temporary, "cache"))
        pieces = int(lengths(examples).sum())
        return {
            "sentences": count,
            "bytes_a_piece": path.stat().st_size / pieces,
            "pieces_a_sentence": pieces / count,
            "first_seconds": first,
            "second_seconds": again,
            "encoded_bytes_a_second": path.stat().st_size / first,
            "held_bytes_a_sentence": held(path, tokenizer),
        }


def read(path: Path, tokenizer: PreTrainedTokenizerBase, cache: Path) -> tuple[float, Any]:
    """Return the core's seconds from the file to the first batch's keys and the vocabulary's counts, and the examples."""
    start = time.process_time()
    text = TextFile(path, "text")
    assert len(text)
    examples = encode_text(text, build_task("mlm"), tokenizer, max_length=256, folder=cache)
    piece_counts(examples, 250_037)
    sampler = PairBatchSampler({Pair("mlm", "eng"): lengths(examples)}, batch_size=16, num_batches=3000)
    next(iter(sampler))
    return time.process_time() - start, examples


def held(path: Path, tokenizer: PreTrainedTokenizerBase, count: int = 10_000) -> float:
    """Return what a sentence and its example take in memory where they are not mapped, as labelled ones."""
    tracemalloc.start()
    sentences = list(islice(read_sentences(path, task="mlm"), count))
    examples = list(build_task("mlm").encode(sentences, tokenizer, max_length=256))
    size = tracemalloc.get_traced_memory()[0] / len(examples)
    tracemalloc.stop()
    return size


def plan(measured: dict[str, Any]) -> dict[str, Any]:
    """Work out compute, memory, traffic and cost."""
    config = known_config(BACKBONE)
    assert config is not None
    hidden, layers, vocabulary = config.hidden_size, config.num_hidden_layers, config.vocab_size
    frozen = layers * (4 * hidden**2 + 2 * hidden * config.intermediate_size)
    adapters = layers * 2 * hidden * BOTTLENECK
    # A product takes 2 operations a weight forward, 2 backward to activations, 2 to weights that are trained.
    piece = 4 * frozen + 6 * adapters + MASKED * 4 * hidden * vocabulary
    rate = PEAK * SHARE / piece
    per_pass = TEXT / measured["bytes_a_piece"]
    schedules = {
        "published: 100,000 steps of 32 sentences": 1e5 * 32 * measured["pieces_a_sentence"],
        "1,000,000 steps of 2,048 sentences": 1e6 * 2048 * measured["pieces_a_sentence"],
        "the terabyte once": per_pass,
    }
    shape = MatrixShape((LABELS,) * (TASKS - 1) + (0,), LANGUAGES, layers, hidden)
    heads = (TASKS - 1) * (hidden + 1) * LABELS + hidden**2 + 3 * hidden + vocabulary
    sizes = {}
    for name, projection in SIZES.items():
        with torch.device("meta"):
            method = build_method(
                HyperXConfig(recipe="paper", bottleneck=BOTTLENECK, projection_size=projection), shape
            )
        trained = sum(p.numel() for p in method.parameters()) + heads
        traffic = 2 * 4 * trained  # a ring sends and receives the gradients twice, but for a share of 1 / processes
        sizes[name] = {
            "trained_parameters": trained,
            "trained_bytes": 16 * trained,
            "traffic_bytes_a_step": traffic,
            "nvlink_seconds": traffic / NVLINK,
            "network_seconds": traffic / NETWORK,
            "sentences_a_gpu_for_tenfold_compute": 10 * traffic / NETWORK * rate / measured["pieces_a_sentence"],
        }
    return {
        "languages": LANGUAGES,
        "tasks": TASKS,
        "text_bytes": TEXT,
        "backbone": BACKBONE,
        "backbone_bf16_bytes": 2 * count_parameters(config),
        "operations_a_piece": piece,
        "share_of_mlm_head": MASKED * 4 * hidden * vocabulary / piece,
        "pieces_a_second_a_gpu": rate,
        "cores_to_encode_for_a_gpu": rate * measured["bytes_a_piece"] / measured["encoded_bytes_a_second"],
        "core_hours_to_encode_once": TEXT / measured["encoded_bytes_a_second"] / 3600,
        "schedules": {
            name: {"pieces": pieces, "gpu_hours": pieces / rate / 3600, "dollars": pieces / rate / 3600 * DOLLARS}
            for name, pieces in schedules.items()
        },
        "sizes": sizes,
        "adapter_bytes_a_pair": 4 * layers * adapter_size(hidden_size=hidden, bottleneck=BOTTLENECK),
        "language_bytes": 4 * 64,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path)
    parser.add_argument("--sentences", type=int, default=1_000_000)
    arguments = parser.parse_args()
    measured = measure(arguments.text, arguments.sentences)
    report = {"machine": machine(), "measured": measured, "plan": plan(measured)}
    (RESULTS / "scaling.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()

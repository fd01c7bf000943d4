"""What a thousand languages, a hundred tasks and a terabyte of text would take: arithmetic from measured sizes and rates.

What was measured is in ``results/performance/text.json``; the rest is from the hardware's data sheets.
Writes ``results/scaling.json``. Usage: python -m benchmarks.scaling
"""

import json
from typing import Any

import torch

from benchmarks import RESULTS
from hyperx.adapter import adapter_size
from hyperx.methods import HyperXConfig, MatrixShape, build_method
from hyperx.shapes import count_parameters, known_config

LANGUAGES, TASKS, LABELS, TEXT = 1000, 100, 20, 10**12
BACKBONE = "FacebookAI/xlm-roberta-base"
SIZES = {"small": 32, "base": 192}  # d_p
BOTTLENECK = 256
# NVIDIA H100 SXM's data sheet: dense bf16, NVLink; a common cluster's network, a node; a usual price.
PEAK, SHARE, NVLINK, NETWORK, DOLLARS = 989e12, 0.45, 900e9 / 2, 400e9 / 8, 2.5
MASKED = 0.15


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
    measured = json.loads((RESULTS / "performance" / "text.json").read_text(encoding="utf-8"))
    text = json.dumps(plan(measured), indent=1)
    (RESULTS / "scaling.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

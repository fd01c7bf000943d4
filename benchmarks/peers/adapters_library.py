"""AdapterHub's `adapters`: training with one bottleneck adapter or MAD-X's stack, and tagging one pair at a time.

Its documentation pads to a fixed ``max_length`` and draws sentences at random, in float32.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import adapters
import torch
from adapters.composition import Stack
from torch import nn
from transformers import AutoModel

from benchmarks.peers import read_inputs, seconds, serve

BATCH = 16


def bottleneck(hidden: int, size: int) -> Any:
    """One adapter a layer after the feed-forward block, as Hyper-X's."""
    return adapters.BnConfig(
        mh_adapter=False,
        output_adapter=True,
        reduction_factor=hidden / size,
        non_linearity="relu",
        original_ln_before=False,
        original_ln_after=True,
        residual_before_ln=True,
    )


def training(encoder: Any, inputs: dict[str, Any], active: Any, trained: str) -> Callable[[], float]:
    """Return what trains on all sentences, padded to the length that the recipe allows, and says the seconds a real piece."""
    head = nn.Linear(encoder.config.hidden_size, inputs["labels"])
    encoder.train_adapter(trained)
    encoder.set_active_adapters(active)
    optimizer = torch.optim.AdamW([*(p for p in encoder.parameters() if p.requires_grad), *head.parameters()], lr=1e-4)
    length, rows = inputs["max_length"], inputs["training"]

    def step(batch: list[dict[str, Any]]) -> None:
        pieces = torch.full((len(batch), length), inputs["pad"])
        labels = torch.full((len(batch), length), -100)
        for number, row in enumerate(batch):
            pieces[number, : len(row["input_ids"])] = torch.tensor(row["input_ids"])
            labels[number, row["positions"]] = torch.tensor(row["labels"])
        hidden = encoder(input_ids=pieces, attention_mask=(pieces != inputs["pad"]).long()).last_hidden_state
        nn.functional.cross_entropy(head(hidden).flatten(0, 1), labels.flatten()).backward()
        nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    def run() -> float:
        encoder.train()
        encoder.train_adapter(trained)
        encoder.set_active_adapters(active)
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)).tolist()
        batches = [[rows[number] for number in order[start : start + BATCH]] for start in range(0, len(order), BATCH)]
        spent = seconds(lambda: list(map(step, batches)))
        return spent / sum(len(row["input_ids"]) for row in rows)

    return run


def tag_in_turn(encoder: Any, inputs: dict[str, Any]) -> float:
    """Tag sentences of different pairs: an adapter is set, and its sentence read."""
    encoder.eval()

    def run() -> None:
        with torch.inference_mode():
            for number, pieces in enumerate(inputs["mixed"]):
                encoder.set_active_adapters(f"pair{number}")
                encoder(input_ids=torch.tensor([pieces]))

    return seconds(run)


def main(folder: Path) -> None:
    inputs = read_inputs(folder)
    encoder = AutoModel.from_pretrained(folder / "encoder", add_pooling_layer=False)
    adapters.init(encoder)
    own = bottleneck(encoder.config.hidden_size, inputs["bottleneck"])
    operations: dict[str, Callable[[], float]] = {}
    if "training" in inputs:
        encoder.add_adapter("own", config=own)
        encoder.add_adapter("language", config="seq_bn_inv")
        encoder.add_adapter("task", config="seq_bn")
        operations["single"] = training(encoder, inputs, "own", "own")
        operations["madx"] = training(encoder, inputs, Stack("language", "task"), "task")
    if "mixed" in inputs:
        for number in range(len(inputs["mixed"])):
            encoder.add_adapter(f"pair{number}", config=own)
        operations["in turn"] = lambda: tag_in_turn(encoder, inputs)
    serve(operations)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Tagging: one pair and many pairs in a batch, against the plain backbone and other software; and what a pair's first use costs.

Usage: python -m benchmarks.tagging [--rounds N] [--quick]
"""

import tempfile
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import torch
from transformers.utils import logging

from benchmarks.peers import Peer, write_inputs
from benchmarks.rounds import Options, Row, alternate, options, ratios, save, timed
from benchmarks.setting import labelled, read, shaken
from hyperx.backbone import load_backbone
from hyperx.mixed_tagging import MixedTagger
from hyperx.pairs import Pair
from hyperx.precision import at_least_float32
from hyperx.run import build_model
from hyperx.tasks.base import pad

SENTENCES = 32


def main(given: Options) -> None:
    logging.set_verbosity_error()
    config = labelled(given)
    data = read(config)
    model = shaken(build_model(config, data))
    # A sentence of each pair, so that the batch is as uneven as such batches are.
    pairs: list[Pair] = list(islice(data.test, 4 if given.quick else SENTENCES))
    sentences = [data.test[pair][0] for pair in pairs]
    mixed = MixedTagger(model)
    waiting = [mixed.encode(pair, [sentence])[0] for pair, sentence in zip(pairs, sentences, strict=True)]
    rows = [row.example.input_ids for row in waiting]
    pieces = pad(rows, model.tokenizer.pad_token_id)
    mask = pad([[1] * len(row) for row in rows], 0)
    inputs = {"input_ids": pieces, "attention_mask": mask}
    one = mixed.written(pairs[0])
    with torch.inference_mode(), model.backbone.autocast():
        ready = model.adapters(pairs)

    def tag() -> torch.Tensor:
        with torch.inference_mode():
            return one.head(at_least_float32(model.backbone(one.adapters, **inputs))).log_softmax(-1)

    def inference(*arguments: object) -> None:
        with torch.inference_mode():
            model.encode(*arguments, **inputs)  # type: ignore[arg-type]

    def plain() -> None:
        with torch.inference_mode():
            model.backbone(None, **inputs)

    def mixed_ready() -> None:
        with torch.inference_mode():
            model.backbone(ready, **inputs)

    def mixed_batches() -> None:
        for numbers in mixed.batches(waiting):
            mixed.run([waiting[number] for number in numbers])

    def generate() -> None:
        MixedTagger(model).written(pairs[-1])

    times = 1 if given.quick else 5
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        load_backbone(config.backbone).encoder.save_pretrained(folder / "encoder")
        write_inputs(folder, mixed=rows, pad=model.tokenizer.pad_token_id, bottleneck=config.method.bottleneck)  # type: ignore[union-attr]
        adapters = stack.enter_context(Peer("adapters_library", folder))
        peft = stack.enter_context(Peer("peft_library", folder))
        figures = alternate(
            {
                "plain backbone": timed(plain, times),
                "one pair": timed(tag, times),
                "one pair, adapters written anew": timed(lambda: inference(pairs[:1]), times),
                "many pairs, adapters written anew": timed(lambda: inference(pairs), times),
                "many pairs": timed(mixed_ready, times),
                "many pairs, in batches of like lengths": timed(mixed_batches, times),
                "adapters, one pair at a time": adapters.measure("in turn"),
                "peft, a LoRA each": peft.measure("mixed"),
                "write a pair's adapters": timed(generate, times),
                "find a pair's adapters": timed(lambda: mixed.written(pairs[0]), 100),
            },
            given.rounds,
        )
    anew = "many pairs, adapters written anew"
    rows_of_table = [
        Row("tagging, one pair, over the plain backbone's forward", ratios(figures, "one pair", "plain backbone"), 1.1),
        Row(
            f"{len(pairs)} sentences of as many pairs over one pair's, adapters written anew in both",
            ratios(figures, anew, "one pair, adapters written anew"),
            1.3,
        ),
        Row("the same, adapters at hand in both", ratios(figures, "many pairs", "one pair"), 1.3),
        Row(
            "`adapters`, one pair at a time, over ours",
            ratios(figures, "adapters, one pair at a time", "many pairs, in batches of like lengths"),
            5,
            False,
        ),
        Row(
            "`peft`, a LoRA a sentence, over one batch of ours",
            ratios(figures, "peft, a LoRA each", anew),
            at_most=False,
        ),
        Row("first use of a pair", [1000 * value for value in figures["write a pair's adapters"]], 20, unit="ms"),
        Row("later use of a pair", [1000 * value for value in figures["find a pair's adapters"]], 0.1, unit="ms"),
    ]
    save("tagging", given, rows_of_table, figures, unit="seconds", pairs=len(pairs), pieces=int(mask.sum()))


if __name__ == "__main__":
    main(options(__doc__))

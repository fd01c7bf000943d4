"""One of the processes that tests/test_distributed.py starts: trains runs one after the other, or fails."""

import json
import os
import sys
from collections.abc import Sequence

import torch
from transformers import TrainerCallback

import hyperx.run
from hyperx.cli import main
from hyperx.collator import PairCollator
from hyperx.config import load_run_config
from hyperx.errors import HyperXError


class Interrupt(TrainerCallback):
    """Stops a run after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args, state, control, **_) -> None:
        if state.global_step == self.step:
            raise KeyboardInterrupt


def train(yaml: str, overrides: Sequence[str], *, stop: int | None = None, resume: bool = False) -> None:
    """Train in float32, whose rounding is small, until a step."""
    hyperx.run.best_dtype = lambda device: torch.float32
    callbacks = [] if stop is None else [Interrupt(stop)]
    try:
        hyperx.run.train(load_run_config(yaml, overrides), resume=resume, callbacks=callbacks)
    except KeyboardInterrupt:
        assert stop is not None


def fail(message: str) -> None:
    """Let the second process fail at the fourth batch."""
    collate = PairCollator.__call__

    def failing(self, keys):
        if keys[0].batch == 3 and os.environ["RANK"] == "1":
            raise HyperXError(message)
        return collate(self, keys)

    PairCollator.__call__ = failing


if __name__ == "__main__":
    if sys.argv[1] == "--fail":
        fail(sys.argv.pop(2))
        del sys.argv[1]
        main()
    for run in json.loads(sys.argv[1]):
        train(sys.argv[2], **run)

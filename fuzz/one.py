"""Fuzz one target until a finding or the last execution: ``python -m fuzz.one NAME [libFuzzer options]``."""

import importlib
import os
import sys
from pathlib import Path

import atheris
import torch

SEEDS = Path(__file__).parent / "seeds"


def main(name: str, *options: str) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"  # a backbone may be named that is on the Hub
    torch.set_num_threads(1)
    with atheris.instrument_imports(include=["hyperx"]):
        run = importlib.import_module(f"fuzz.{name}").run
        for seed in sorted((SEEDS / name).iterdir()):
            run(seed.read_bytes())  # which imports what is imported only then
    atheris.Setup([sys.argv[0], *options], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The fuzzed functions over a few seeds and what fuzzing has found, without the fuzzer."""

from importlib import import_module
from pathlib import Path

import pytest
from fuzz import TARGETS

from hostile import FRAGMENTS, bounded

SEEDS = Path(__file__).parents[1] / "fuzz" / "seeds"


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_and_findings(target: str) -> None:
    run = import_module(f"fuzz.{target}").run
    seeds = [path.read_bytes() for path in sorted((SEEDS / target).iterdir())]
    assert seeds
    cuts = [seed[:length] for seed in seeds for length in (0, 1, 2, len(seed) // 2)]
    for data in [*seeds, *cuts, *FRAGMENTS]:
        with bounded():
            run(data)

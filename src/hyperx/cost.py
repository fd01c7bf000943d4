"""What a run costs: parameters, examples, time and memory, in ``cost.json``."""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from hyperx.data.strict_json import parse
from hyperx.disk import write_whole
from hyperx.errors import HyperXError
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.sampler import PairBatchSampler

MAX_BYTES = 100_000


class Cost(BaseModel):
    """A run's cost.

    Attributes:
        trained_parameters: those that the optimizer moves.
        stored_parameters: those that the saved model holds beside the backbone.
        language_parameters: how many more they are for a matrix with one more language.
        examples: sentences seen in training, by task, repetitions counted.
        pieces: of these sentences, padding not counted; of streamed ones estimated.
        training_seconds: spent on training steps, by the clock, before and after a break.
        processor_seconds: of all threads together in these steps, which other work on the machine lengthens less.
        peak_memory_bytes: of the process up to the end of training, or of the GPU where there is one.
        device: the accelerator, or the processor's threads.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    trained_parameters: int
    stored_parameters: int
    language_parameters: int
    examples: dict[str, int]
    pieces: int
    training_seconds: float
    processor_seconds: float | None = None
    peak_memory_bytes: int
    device: str

    def save(self, path: Path) -> None:
        """Write ``cost.json``."""
        write_whole(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Cost":
        """Read ``cost.json``.

        Raises:
            HyperXError: it is missing or can't be understood.
        """
        try:
            if path.exists() and not (path.is_file() and path.stat().st_size <= MAX_BYTES):
                raise ValueError(f"it is no file, or larger than {MAX_BYTES:,} bytes")
            return cls.model_validate(parse(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:  # of which pydantic's is one
            raise HyperXError(f"{path} can't be read ({error}); train the run again") from error


class Stopwatch(TrainerCallback, ExportableState):
    """Adds up the seconds that steps take, by the clock and of the processor; a checkpoint keeps them."""

    def __init__(self) -> None:
        self.seconds = self.processor = 0.0
        self._started = (0.0, 0.0)

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self._started = time.perf_counter(), time.process_time()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        seconds, processor = self._started
        self.seconds += time.perf_counter() - seconds
        self.processor += time.process_time() - processor

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"seconds": self.seconds, "processor": self.processor}}


def measure(
    model: HyperX,
    sampler: PairBatchSampler,
    *,
    stopwatch: Stopwatch,
    device: str,
    streamed: Mapping[Pair, float] | None = None,
) -> Cost:
    """Gather the cost of a run that drew its batches from `sampler` and was timed by `stopwatch`.

    Args:
        streamed: the mean number of pieces in a streamed pair's sentence.
    """
    examples: Counter[str] = Counter()
    pieces = 0.0
    for batch in sampler:
        examples[batch[0].pair.task] += len(batch)
        pair = batch[0].pair
        if streamed and pair in streamed:
            pieces += len(batch) * streamed[pair]
        else:
            pieces += int(sampler.lengths[pair][[key.example for key in batch]].sum())
    return Cost(
        trained_parameters=sum(model.trained_parameters().values()),
        stored_parameters=sum(tensor.numel() for tensor in model.trained_state().values()),
        language_parameters=language_parameters(model),
        examples=dict(sorted(examples.items())),
        pieces=round(pieces),
        training_seconds=stopwatch.seconds,
        processor_seconds=stopwatch.processor,
        peak_memory_bytes=peak_memory(),
        device=device,
    )


def language_parameters(model: HyperX) -> int:
    """Return how many parameters one more language would add."""
    method = model.method
    with torch.device("meta"):
        larger = type(method)(method.config, replace(method.shape, num_languages=method.shape.num_languages + 1))
    return sum(p.numel() for p in larger.parameters()) - sum(p.numel() for p in method.parameters())


def peak_memory() -> int:
    """Return the most bytes that were in use at a time."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # bytes there, kibibytes elsewhere

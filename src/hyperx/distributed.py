"""Several processes that train one model, as ``torchrun`` and ``accelerate launch`` start them."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from hyperx.errors import HyperXError

TIMEOUT = timedelta(hours=2)  # to wait for another process, which may be encoding a corpus

T = TypeVar("T")
R = TypeVar("R")


def num_processes() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", 1))


def process_index() -> int:
    """Return this process's number among them."""
    return int(os.environ.get("RANK", 0)) if num_processes() > 1 else 0


def is_main() -> bool:
    """Return whether this is the process that writes, logs and speaks."""
    return process_index() == 0


def start() -> None:
    """Meet the other processes, if there are any."""
    if num_processes() > 1:
        import torch
        from accelerate import PartialState

        PartialState(cpu=not torch.cuda.is_available(), timeout=TIMEOUT)


def gather(value: T) -> list[T]:
    """Return every process's value, in their order; each has to call this."""
    if num_processes() == 1:
        return [value]
    from torch.distributed import all_gather_object

    values: list[T] = [value] * num_processes()
    all_gather_object(values, value)
    return values


def spread(work: Sequence[T], do: Callable[[T], R]) -> list[R]:
    """Do each piece of work in one of the processes, and return what all did, in the order of the work."""
    own = {number: do(work[number]) for number in range(process_index(), len(work), num_processes())}
    done = {number: result for results in gather(own) for number, result in results.items()}
    return [done[number] for number in range(len(work))]


@contextmanager
def one_first() -> Iterator[None]:
    """Let one process of each machine do what the others then find done."""
    if num_processes() == 1:
        yield
        return
    from accelerate import PartialState

    with PartialState().local_main_process_first():
        yield


def first_to_fail() -> bool:
    """Return whether no other process has failed before this one; what follows from a failure is not worth a message."""
    if num_processes() == 1:
        return True
    from torch.distributed import TCPStore

    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    try:
        store = TCPStore(
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            is_master=False,
            timeout=timedelta(seconds=10),
        )
        return store.add(f"hyperx/failures/{attempt}", 1) == 1
    except (KeyError, RuntimeError):  # a second message is better than none
        return True


@dataclass(frozen=True)
class Share:
    """A process's share of every step: some of the step's batches or, where processes are more, some rows of one.

    The share says who computes what, never what is computed: a step is the same whatever the number of processes.

    Attributes:
        num_batches: of a step, one pair's each.

    Raises:
        HyperXError: neither the batches nor the processes are a multiple of the other.
    """

    num_batches: int = 1
    process: int = 0
    num_processes: int = 1

    def __post_init__(self) -> None:
        if self.num_batches % self.num_processes and self.num_processes % self.num_batches:
            raise HyperXError(
                f"'training.pairs_per_step' is {self.num_batches}, and there are {self.num_processes} processes; "
                "one must be a multiple of the other"
            )

    @property
    def splits(self) -> int:
        """How many processes share a batch."""
        return max(1, self.num_processes // self.num_batches)

    @property
    def part(self) -> int:
        """Which of them this is."""
        return self.process % self.splits

    @property
    def batches(self) -> range:
        """This process's among the step's batches."""
        count = max(1, self.num_batches // self.num_processes)
        first = self.process // self.splits * count
        return range(first, first + count)

    def rows(self, count: int) -> range:
        """Return this process's among a batch's rows."""
        return range(self.part * count // self.splits, (self.part + 1) * count // self.splits)

"""Raw text that is streamed: shuffled in a bounded buffer, shared by processes, resumable, and never whole on disk."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperx.cache import PackedExamples, lengths, pack
from hyperx.errors import HyperXError, first_line
from hyperx.tasks import Example

READERS = 8  # at most; each reads a file at a time
GROUP = 256  # rows encoded together
SAMPLE = 1000  # rows that tell how often pieces occur

Encode = Callable[[Sequence[Mapping[str, Any]]], list[Example]]


class Position(NamedTuple):
    """Where a reader's block begins.

    Attributes:
        block: its number.
        state: the data set's, before a group of rows; None at its beginning.
        skip: how many of the group's examples are behind.
    """

    block: int = 0
    state: dict[str, Any] | None = None
    skip: int = 0


class Reader:
    """Gives batches' rows from some of a data set's files, which it reads block by block, over and over.

    A block is shuffled, and its examples of like length come together, as in `PairBatchSampler`.

    Args:
        open: opens the files as an `IterableDataset`.
        encode: makes examples of rows.
        num_rows: of each batch.
        num_batches: in a block.
        seed: of the order in a block; `number` tells readers apart that agree on the order of lengths.
    """

    def __init__(
        self,
        open: Callable[[], Any],
        encode: Encode,
        *,
        num_rows: int,
        num_batches: int,
        seed: Sequence[int],
        number: int,
    ) -> None:
        self.open = open
        self.encode = encode
        self.num_rows = num_rows
        self.num_batches = num_batches
        self.seed = seed
        self.number = number
        self.restore(Position())

    def restore(self, position: Position) -> None:
        """Go on from where a block begins."""
        self.position = position
        self._blocks = self._read(position)
        self._block: PackedExamples | None = None

    @property
    def used(self) -> bool:
        """Whether it has read anything."""
        return self._block is not None

    def batch(self, draw: int) -> list[Example]:
        """Return its rows of the pair's batch of that number; what is before the current block is read from the beginning."""
        block, number = divmod(draw, self.num_batches)
        if block < self.position.block:
            self.restore(Position())
        while self._block is None or self.position.block < block:
            self.position, examples = next(self._blocks)
            self._block = PackedExamples(pack(examples))
            self._order = self._shuffle(lengths(self._block))
        return [self._block[row] for row in self._order[number]]

    def _shuffle(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of each batch of the current block, ``(num_batches, num_rows)``."""
        shuffled = np.random.default_rng([*self.seed, self.position.block, self.number + 1]).permutation(len(lengths))
        ordered = shuffled[np.argsort(lengths[shuffled], kind="stable")].reshape(self.num_batches, self.num_rows)
        # All readers follow this order of lengths, so that a batch is of like length, too.
        return np.random.default_rng([*self.seed, self.position.block, 0]).permutation(ordered)

    def _read(self, start: Position) -> Iterator[tuple[Position, list[Example]]]:
        """Yield blocks and where they begin."""
        size = self.num_rows * self.num_batches
        block: list[Example] = []
        used = start.skip
        for state, examples in self._groups(start.state):
            while used < len(examples):
                taken = examples[used : used + size - len(block)]
                block += taken
                used += len(taken)
                if len(block) == size:
                    yield start, block
                    start, block = Position(start.block + 1, state, used), []
            used = 0

    def _groups(self, state: dict[str, Any] | None) -> Iterator[tuple[dict[str, Any] | None, list[Example]]]:
        """Yield groups of rows' examples, each with the data set's state before."""
        while True:
            dataset, found = self.open(), state is not None
            if state is not None:
                dataset.load_state_dict(state)
            rows = iter(dataset)
            while group := list(islice(rows, GROUP)):
                examples = self.encode(group)
                found = found or bool(examples)
                yield state, examples
                state = dataset.state_dict()
            if not found:
                raise HyperXError("its files hold no text, or those of one of its readers don't; leave empty files out")
            state = None


class StreamedExamples:
    """A streamed pair's examples, in batches without an end that are the same whatever the number of processes.

    The data set's files are dealt to up to `READERS` readers, each of which gives some rows of every batch. A process opens those
    readers alone whose rows are its own.

    Args:
        name: of the data set, for messages.
        dataset: a `datasets.IterableDataset`.
        encode: makes examples of rows.
        size: sentences that it counts as when pairs are drawn.
        batch_size: examples in a batch.
        buffer: examples that are shuffled together, at least a batch.
    """

    def __init__(
        self, name: str, dataset: Any, encode: Encode, *, size: int, batch_size: int, buffer: int, seed: Sequence[int]
    ) -> None:
        self.name = name
        self.dataset = dataset
        self.encode = encode
        self.size = size
        count = min(READERS, dataset.num_shards, batch_size)
        bounds = [number * batch_size // count for number in range(count + 1)]
        self.rows = [range(start, stop) for start, stop in pairwise(bounds)]
        self.readers = [
            Reader(
                lambda number=number: dataset.shard(count, number, contiguous=False),  # type: ignore[misc]
                encode,
                num_rows=len(rows),
                num_batches=max(1, buffer // batch_size),
                seed=seed,
                number=number,
            )
            for number, rows in enumerate(self.rows)
        ]

    def parts(self, draw: int, own: range) -> Iterator[tuple[int, list[Example], range]]:
        """Yield the parts of a batch that hold `own` rows: the part's number, its rows, and which of them are own.

        Raises:
            HyperXError: the stream broke off.
        """
        for number, (rows, reader) in enumerate(zip(self.rows, self.readers, strict=True)):
            start, stop = max(rows.start, own.start), min(rows.stop, own.stop)
            if start < stop:
                with self._clear_errors():
                    examples = reader.batch(draw)
                yield number, examples, range(start - rows.start, stop - rows.start)

    @cached_property
    def sample(self) -> list[Example]:
        """The examples of the first rows.

        Raises:
            HyperXError: the stream broke off.
        """
        with self._clear_errors():
            return self.encode(list(islice(self.dataset, SAMPLE)))

    def state(self) -> dict[str, Position]:
        """Return where the readers are that this process has used."""
        return {str(reader.number): reader.position for reader in self.readers if reader.used}

    def restore(self, state: Mapping[str, Sequence[Any]]) -> None:
        """Let readers go on from where they were; without it they would read from the beginning, to the same effect."""
        for reader in self.readers:
            if str(reader.number) in state:
                reader.restore(Position(*state[str(reader.number)]))

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except HyperXError as error:
            raise HyperXError(f"{self.name}: {error}") from error
        except Exception as error:  # whatever the file systems and formats behind `datasets` raise
            raise HyperXError(
                f"the stream of {self.name} broke off: {first_line(error)}; go on with --resume"
            ) from error

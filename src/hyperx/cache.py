"""Encoded raw text: flat arrays, in memory or mapped from files that are written once."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from hyperx.builtin import default_cache_dir, publish
from hyperx.data.textfile import TextFile
from hyperx.errors import HyperXError
from hyperx.tasks import Example, Task

VERSION = 3  # a new number where the encoding or the files change
CHUNK = 10_000  # sentences encoded at a time
ARRAYS = {"sentences": "<i8", "input_ids": "<i4", "ends": "<i8", "positions": "<i4", "position_ends": "<i8"}


class PackedExamples(Sequence[Example]):
    """Examples without labels, one after the other in flat arrays.

    Args:
        arrays: by the names of `ARRAYS`; `ends` says where each example's pieces end, `position_ends` its positions.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays["ends"])

    def __getitem__(self, number: Any) -> Any:
        number = range(len(self))[number]
        return Example(
            int(self.arrays["sentences"][number]),
            self._slice("input_ids", "ends", number),
            self._slice("positions", "position_ends", number),
            None,
        )

    def _slice(self, values: str, ends: str, number: int) -> list[int]:
        start = int(self.arrays[ends][number - 1]) if number else 0
        return self.arrays[values][start : int(self.arrays[ends][number])].tolist()


def lengths(examples: Sequence[Example]) -> NDArray[np.int64]:
    """Return each example's number of pieces."""
    if isinstance(examples, PackedExamples):
        return np.diff(examples.arrays["ends"], prepend=0)
    return np.array([len(example.input_ids) for example in examples], dtype=np.int64)


def piece_counts(examples: Sequence[Example], num_pieces: int) -> NDArray[np.int64]:
    """Return how often each of the vocabulary's pieces occurs, ``(num_pieces,)``."""
    if isinstance(examples, PackedExamples):
        return np.bincount(examples.arrays["input_ids"], minlength=num_pieces)
    return np.bincount([piece for example in examples for piece in example.input_ids], minlength=num_pieces)


def pack(examples: Sequence[Example], pieces: int = 0, positions: int = 0) -> dict[str, NDArray[Any]]:
    """Return the arrays of examples that follow so many `pieces` and `positions`."""
    values = {
        "sentences": [example.sentence for example in examples],
        "input_ids": [piece for example in examples for piece in example.input_ids],
        "ends": pieces + np.cumsum([len(example.input_ids) for example in examples]),
        "positions": [position for example in examples for position in example.positions],
        "position_ends": positions + np.cumsum([len(example.positions) for example in examples]),
    }
    return {name: np.asarray(values[name], dtype) for name, dtype in ARRAYS.items()}


def encode_text(
    text: TextFile, task: Task, tokenizer: PreTrainedTokenizerBase, *, max_length: int, folder: Path | None = None
) -> PackedExamples:
    """Encode a file of raw text, or map what an earlier call has encoded; memory is bounded.

    Args:
        folder: of the cache; ``$HYPERX_CACHE/encoded``, unless given.

    Raises:
        HyperXError: the text can't be read, or the cache not be written.
    """
    target = (folder or default_cache_dir() / "encoded") / _key(text, task, tokenizer, max_length)
    if not target.is_dir():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".encoding-", dir=target.parent) as temporary:
                unfinished = Path(temporary) / "arrays"
                unfinished.mkdir()
                _write(_encode(text, task, tokenizer, max_length), unfinished)
                if not (unfinished / "ends").stat().st_size:
                    raise HyperXError(
                        f"{text.path}: no sentence has a piece of the backbone's vocabulary; take another one"
                    )
                publish(unfinished, target)
        except OSError as error:
            raise HyperXError(
                f"{text.path} can't be encoded to the cache {target.parent}: {error.strerror or error}; "
                "set HYPERX_CACHE to a folder with room that you may write to"
            ) from error
    return PackedExamples({name: np.memmap(target / name, dtype, mode="r") for name, dtype in ARRAYS.items()})


def _key(text: TextFile, task: Task, tokenizer: PreTrainedTokenizerBase, max_length: int) -> str:
    """Return a name for all that the examples depend on."""
    parts = [VERSION, text.fingerprint(), _digest(tokenizer), max_length, task.name]
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=4)
def _digest(tokenizer: PreTrainedTokenizerBase) -> str:
    backend = tokenizer.backend_tokenizer.to_str()
    return hashlib.blake2b(f"{tokenizer.unk_token_id} {backend}".encode()).hexdigest()


def _encode(text: TextFile, task: Task, tokenizer: PreTrainedTokenizerBase, max_length: int) -> Iterator[list[Example]]:
    sentences = iter(text)
    start = 0
    while chunk := list(islice(sentences, CHUNK)):
        examples = task.encode(chunk, tokenizer, max_length=max_length)
        yield [example._replace(sentence=start + example.sentence) for example in examples]
        start += len(chunk)


def _write(chunks: Iterable[list[Example]], folder: Path) -> None:
    pieces = positions = 0
    files = {name: (folder / name).open("wb") for name in ARRAYS}
    try:
        for chunk in filter(None, chunks):
            arrays = pack(chunk, pieces, positions)
            pieces, positions = int(arrays["ends"][-1]), int(arrays["position_ends"][-1])
            for name, values in arrays.items():
                files[name].write(values.tobytes())
        for file in files.values():  # a folder that is there is whole, also after a power cut
            file.flush()
            os.fsync(file.fileno())
    finally:
        for file in files.values():
            file.close()

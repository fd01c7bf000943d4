"""Raw text that stays in its file."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from hyperx.data.lines import open_file
from hyperx.data.read import read_sentences
from hyperx.data.sentence import Sentence

FORMATS = ("text", "jsonl")  # those with a sentence a line


class TextFile(Sequence[Sentence]):
    """The sentences of a file of raw text, read when they are asked for.

    Args:
        format: one of `FORMATS`.
        limit: how many at most, the first.
    """

    def __init__(self, path: Path, format: str, limit: int | None = None) -> None:
        self.path = path
        self.format = format
        self.limit = limit

    def __iter__(self) -> Iterator[Sentence]:
        return islice(read_sentences(self.path, task="mlm", format=self.format), self.limit)

    def __len__(self) -> int:
        return self._length

    @cached_property
    def _length(self) -> int:
        with open_file(self.path) as file:
            lines = io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="\n")
            count = sum(1 for _ in islice((line for line in lines if line.strip()), self.limit))
        return count or sum(1 for _ in self)  # which says what is wrong with an empty file

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice) and index.start is None and index.step is None and (index.stop or 0) >= 0:
            limits = [limit for limit in (self.limit, index.stop) if limit is not None]
            return TextFile(self.path, self.format, min(limits, default=None))
        return list(self)[index]

    def fingerprint(self) -> tuple[str, str, int | None]:
        """Return what tells its sentences from all others', without reading them one by one."""
        with open_file(self.path) as file:
            digest = hashlib.file_digest(file, "blake2b")  # type: ignore[arg-type]
        return digest.hexdigest(), self.format, self.limit

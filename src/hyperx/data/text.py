"""Plain text, one sentence a line."""

from collections.abc import Iterator
from pathlib import Path

from hyperx.data.lines import read_lines
from hyperx.data.sentence import Sentence


def read_text(path: Path) -> Iterator[Sentence]:
    """Yield each line that is not blank, split at white space."""
    for number, line in read_lines(path):
        if words := line.split():
            yield Sentence(tuple(words), None, f"{path}:{number}")

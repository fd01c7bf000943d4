"""CoNLL-U, the format of Universal Dependencies: https://universaldependencies.org/format.html"""

from collections.abc import Iterator
from pathlib import Path

from hyperx.data.lines import read_lines
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError

FORM, UPOS_COLUMN, MISC = 1, 3, 9


def read_conllu(path: Path, *, task: str) -> Iterator[Sentence]:
    """Yield sentences of syntactic words; multiword tokens (``3-4``) and empty nodes (``5.1``) are no such words.

    Args:
        task: ``pos`` takes UPOS; ``ner`` the MISC attribute ``NER=B-PER``, a word without one is outside; ``mlm`` no tags.

    Raises:
        HyperXError: a line has not ten columns, or an id that can't be.
    """
    words: list[str] = []
    tags: list[str] = []
    start = 1
    for number, line in read_lines(path):
        if not line.strip():
            if words:
                yield _sentence(words, tags, path, start, task)
            words, tags, start = [], [], number + 1
        elif not line.startswith("#"):
            columns = line.split("\t")
            if len(columns) != 10:
                raise HyperXError(
                    f"{path}:{number}: {len(columns)} columns; CoNLL-U has 10, separated by tabs. "
                    "If the file has a word and a tag a line, give it another name than .conllu or the format 'columns'."
                )
            if "-" in columns[0] or "." in columns[0]:
                continue
            if columns[0] != str(len(words) + 1):
                raise HyperXError(f"{path}:{number}: the word's id is '{columns[0]}', expected {len(words) + 1}")
            words.append(columns[FORM])
            tags.append(columns[UPOS_COLUMN] if task == "pos" else _entity(columns[MISC]))
    if words:
        yield _sentence(words, tags, path, start, task)


def _sentence(words: list[str], tags: list[str], path: Path, start: int, task: str) -> Sentence:
    return Sentence(tuple(words), None if task == "mlm" else tuple(tags), f"{path}:{start}")


def _entity(misc: str) -> str:
    return next((item[4:] for item in misc.split("|") if item.startswith("NER=")), "O")

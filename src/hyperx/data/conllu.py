"""CoNLL-U, the format of Universal Dependencies: https://universaldependencies.org/format.html"""

from collections.abc import Iterator
from pathlib import Path

from hyperx.data.annotation import FORM, Annotation, Columns
from hyperx.data.lines import read_lines
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError


def read_conllu(path: Path, *, task: Annotation) -> Iterator[Sentence]:
    """Yield sentences of syntactic words; multiword tokens (``3-4``) and empty nodes (``5.1``) are no such words.

    Args:
        task: says what of a sentence's lines is its annotation.

    Raises:
        HyperXError: a line has not ten columns, or an id that can't be, or a sentence has no annotation.
    """
    words: list[Columns] = []
    comments: dict[str, str] = {}
    start = 1
    for number, line in read_lines(path):
        if not line.strip():
            if words:
                yield _sentence(words, comments, f"{path}:{start}", task)
            words, comments, start = [], {}, number + 1
        elif line.startswith("#"):
            key, _, value = line[1:].partition("=")
            comments[key.strip()] = value.strip()
        else:
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
            words.append(columns)
    if words:
        yield _sentence(words, comments, f"{path}:{start}", task)


def _sentence(words: list[Columns], comments: dict[str, str], source: str, task: Annotation) -> Sentence:
    tags = None if task.auxiliary else task.from_conllu(words, comments)
    if tags is None and not task.auxiliary:
        expected = (
            f"a line '# {task.name} = ...'" if task.per_sentence else f"{task.name.upper()}=... in every word's MISC"
        )
        raise HyperXError(f"{source}: the sentence has no {task.name}; expected {expected}")
    return Sentence(tuple(columns[FORM] for columns in words), tags, source)

"""What files hold, and what is wrong with them."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from hyperx.data.annotation import UPOS as UPOS_COLUMN
from hyperx.data.annotation import Annotation, annotation, misc
from hyperx.data.columns import PEEK, find_layout, split_columns
from hyperx.data.jsonl import WORDS, label_keys
from hyperx.data.labels import UPOS
from hyperx.data.lines import read_lines
from hyperx.data.read import detect_format, read_sentences
from hyperx.data.sentence import Sentence
from hyperx.data.strict_json import parse
from hyperx.errors import HyperXError


@dataclass
class FileReport:
    """What a file holds.

    Attributes:
        labels: how often each tag stands, or of spans how many there are of each type.
        notices: what was passed over, and why.
        error: why the file can't be used; None if it can.
    """

    path: Path
    task: str = ""
    format: str = ""
    sentences: int = 0
    words: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    notices: list[str] = field(default_factory=list)
    error: str | None = None


def check_file(
    path: Path,
    *,
    task: str | None = None,
    format: str = "auto",
    tag_column: int | None = None,
    label_map: Mapping[str, str] | None = None,
) -> FileReport:
    """Read a whole file and report what it holds; nothing wrong with it raises.

    Args:
        task: whose tags to look for; found, unless given.
    """
    report = FileReport(path, task or "", format)
    with collected_notices() as report.notices:
        try:
            _read(report, task, format, tag_column, label_map)
        except HyperXError as error:
            report.error = str(error)
    return report


def _read(
    report: FileReport, task: str | None, format: str, tag_column: int | None, label_map: Mapping[str, str] | None
) -> None:
    path = report.path
    report.format = detect_format(path, task=task or "ner") if format == "auto" else format
    report.task = task or find_task(path, report.format, tag_column, label_map or {})
    if format == "auto":
        report.format = detect_format(path, task=report.task)
    count(
        report,
        read_sentences(path, task=report.task, format=report.format, tag_column=tag_column, label_map=label_map),
    )
    if not report.sentences:
        raise HyperXError(f"{path} holds no sentences")
    if annotation(report.task).spans and not report.labels:
        raise nothing_to_learn(str(path), report.task)
    if task is None and report.task == "mlm":
        report.notices.append(f"no labels found: read as raw text{_passed_over(path, report.format)}")


def _passed_over(path: Path, format: str) -> str:
    """Say what JSON Lines hold beside words, as far as the first line tells."""
    if format != "jsonl":
        return ""
    first = parse(next(line for _, line in read_lines(path) if line.strip()))
    keys = [f"'{key}'" for key in first if key not in (*WORDS, "text")]
    hint = f", without {', '.join(keys[:5])}; if these are labels, say --task, which says what key it expects"
    return hint if keys else ""


@contextmanager
def collected_notices() -> Iterator[list[str]]:
    """Collect what readers say of what they pass over or mend, each once, instead of printing it.

    Of one collector within another the inner has it.
    """
    notices: list[str] = []
    logger = logging.getLogger("hyperx.data")
    handlers, propagate = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [_Collector(notices)], False
    try:
        yield notices
    finally:
        logger.handlers, logger.propagate = handlers, propagate


def count(report: FileReport, sentences: Iterable[Sentence]) -> None:
    """Add sentences to a report."""
    task = annotation(report.task)
    for sentence in sentences:
        report.sentences += 1
        report.words += len(sentence.words)
        report.labels.update(task.counted(sentence.tags or ()))


def count_repeated(sentences: Iterable[Sentence], known: Iterable[Sentence]) -> int:
    """Return how many of the sentences are among `known`, word for word."""
    words = {sentence.words for sentence in known}
    return sum(sentence.words in words for sentence in sentences)


def is_untagged(task: Annotation, sentences: Iterable[Sentence]) -> bool:
    """Return whether every word of a span task's sentences is outside of spans."""
    return task.spans and all(tag == "O" for sentence in sentences for tag in sentence.tags or ())


def nothing_to_learn(place: str, task: str) -> HyperXError:
    """Return the error of a training set without a span."""
    return HyperXError(
        f"{place}: every word is O, so there is nothing of {task} to learn; "
        f"expected tags such as B-PER, which CoNLL-U has in MISC as {task.upper()}=B-PER"
    )


def find_task(path: Path, format: str, tag_column: int | None, label_map: Mapping[str, str]) -> str:
    """Return the task whose tags a file holds, as far as its first lines tell; ``mlm`` where there are none.

    Raises:
        HyperXError: the file can't be read at all, or its tags are no task's.
    """
    if format == "text":
        return "mlm"
    if format == "conllu":
        return _conllu_task(path)
    if format == "jsonl":
        return _json_task(path)
    fitting = {}
    for name in ("pos", "ner"):
        fields = _tags(path, name, tag_column, label_map)
        fitting[name] = sum(map(annotation(name).is_tag, fields)) / max(1, len(fields))
        if fitting[name] > 0.9:
            return name
    widths = {len(line.split()) for _, line in islice(read_lines(path), 200) if line.strip()}
    if len(widths) > 1:
        return "mlm"
    if fields and not any(fitting.values()):
        raise _unknown_tags(path, list(dict.fromkeys(fields)))
    return max(("ner", "pos"), key=fitting.__getitem__)


def _conllu_task(path: Path) -> str:
    """Return ``ner`` where MISC has entities and no word a part of speech."""
    rows = [line.split("\t") for _, line in islice(read_lines(path), PEEK) if line.count("\t") == 9]
    untagged = all(row[UPOS_COLUMN] == "_" for row in rows)
    return "ner" if untagged and any(misc(row, "NER") for row in rows) else "pos"


def _json_task(path: Path) -> str:
    """Return the task of which the first object has tags."""
    first = next((line for _, line in read_lines(path) if line.strip()), "")
    try:
        value = parse(first)
    except ValueError:  # which the reader will say
        return "mlm"
    keys = set(value) if isinstance(value, dict) else set()
    return next((name for name in ("ner", "pos") if keys & ({*label_keys(annotation(name))} - {"tags"})), "mlm")


def _tags(path: Path, task: str, tag_column: int | None, label_map: Mapping[str, str]) -> list[str]:
    """Return what stands where a task's tags would, on the first lines; nothing where no column could have them."""
    own = annotation(task)
    try:
        layout = find_layout(path, task=own, tag_column=tag_column)
    except HyperXError:
        return []
    rows = (split_columns(line, layout.separator) for _, line in islice(read_lines(path), 200) if line.strip(" \t"))
    return [own.rename(row[layout.tag], label_map) for row in rows if len(row) == layout.width]


def _unknown_tags(path: Path, tags: list[str]) -> HyperXError:
    new = tags[0].upper() if tags[0].upper() in UPOS else "NOUN"
    return HyperXError(
        f"{path}: the tags {', '.join(tags[:3])}{' …' * (len(tags) > 3)} are neither universal tags nor entities; "
        f"say --task, and rename them with --label-map {tags[0]}={new}"
    )


class _Collector(logging.Handler):
    def __init__(self, notices: list[str]) -> None:
        super().__init__()
        self.notices = notices
        self.known: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if (notice := record.getMessage()) not in self.known:
            self.known.add(notice)
            self.notices.append(notice)

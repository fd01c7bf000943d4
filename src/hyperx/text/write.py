"""Writing tagged sentences, to a file or the terminal, as they come."""

from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from rich.console import Console

from hyperx.errors import HyperXError
from hyperx.text.formats import colored, column_names, rows, to_conllu, to_csv, to_iob2, to_json
from hyperx.text.sentence import TaggedSentence, TaggedText

if TYPE_CHECKING:
    from pandas import DataFrame

TEXT_FORMATS: dict[str, Callable[[TaggedSentence], str]] = {
    "conllu": to_conllu,
    "iob2": to_iob2,
    "jsonl": to_json,
    "csv": to_csv,
}
# Formats and what their files are called.
SUFFIXES = {**{name: f".{name}" for name in TEXT_FORMATS}, "parquet": ".parquet", "spacy": ".spacy"}
FORMATS = ("color", *SUFFIXES)


class Writer(Protocol):
    """Writes sentences; nothing is sure to be there before it is closed."""

    def write(self, sentences: Sequence[TaggedSentence]) -> None: ...

    def close(self) -> None: ...


class TextWriter:
    """Writes one of `TEXT_FORMATS`, or colours, to a file, or to a text stream, which stays open."""

    def __init__(self, target: Path | TextIO, format: str, tasks: Sequence[str]) -> None:
        self._owned = isinstance(target, Path)
        self._stream = target.open("w", encoding="utf-8", newline="\n") if isinstance(target, Path) else target
        self._format = format
        if format == "csv":
            self._stream.write(",".join(column_names(tasks)) + "\n")

    def write(self, sentences: Sequence[TaggedSentence]) -> None:
        if self._format == "color":
            console = Console(file=self._stream, highlight=False, soft_wrap=True)
            for sentence in sentences:
                console.print(colored(sentence))
        else:
            self._stream.writelines(map(TEXT_FORMATS[self._format], sentences))
        self._stream.flush()

    def close(self) -> None:
        if self._owned:
            self._stream.close()


class ParquetWriter:
    """Writes `rows` to a Parquet file, a group of rows a batch of sentences.

    Raises:
        HyperXError: ``pyarrow`` is not installed.
    """

    def __init__(self, path: Path, tasks: Sequence[str]) -> None:
        _require("pyarrow", "pandas")
        import pyarrow
        from pyarrow import parquet

        kinds = {"start": pyarrow.int64(), "end": pyarrow.int64()}
        scores = {f"{task}_score": pyarrow.float32() for task in tasks}
        names = column_names(tasks)
        self._schema = pyarrow.schema([(name, {**kinds, **scores}.get(name, pyarrow.string())) for name in names])
        self._table = pyarrow.Table
        self._writer = parquet.ParquetWriter(path, self._schema)

    def write(self, sentences: Sequence[TaggedSentence]) -> None:
        self._writer.write_table(self._table.from_pylist(_rows(sentences), schema=self._schema))

    def close(self) -> None:
        self._writer.close()


class SpacyWriter:
    """Writes a spaCy ``DocBin``, a document a sentence, which is held in memory until it is closed.

    Raises:
        HyperXError: spaCy is not installed.
    """

    def __init__(self, path: Path) -> None:
        _require("spacy", "spacy")
        from spacy.tokens import DocBin

        self._path, self._docs = path, DocBin(store_user_data=True)

    def write(self, sentences: Sequence[TaggedSentence]) -> None:
        for sentence in sentences:
            self._docs.add(to_doc(sentence))

    def close(self) -> None:
        self._docs.to_disk(self._path)


def to_doc(tagged: TaggedSentence) -> Any:
    """Return a sentence as a spaCy ``Doc`` with what the component ``hyperx`` sets."""
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

    from hyperx.text.spacy_doc import annotate

    text, offsets = tagged.sentence.text, tagged.offsets
    doc = Doc(
        Vocab(),
        words=list(tagged.words),
        spaces=[text[end : end + 1].isspace() for _, end in offsets],
        sent_starts=[number == 0 for number in range(len(offsets))],
    )
    annotate(doc, [(doc[:], tagged)], [task for task, layer in tagged.layers.items() if layer.spans is not None])
    return doc


def to_pandas(tagged: TaggedText | Iterable[TaggedText | TaggedSentence]) -> "DataFrame":
    """Return a table with a row a word: `sentence`'s number, where the word stands, its tags and scores.

    Raises:
        HyperXError: pandas is not installed.
    """
    _require("pandas", "pandas")
    import pandas

    sentences = chain.from_iterable([item] if isinstance(item, TaggedSentence) else item for item in tagged)
    table = [{"sentence": number, **row} for number, sentence in enumerate(sentences) for row in rows(sentence)]
    return pandas.DataFrame(table)


def open_writer(target: Path | TextIO, format: str, tasks: Sequence[str]) -> Writer:
    """Return a writer of a format to a path or an open text stream; the stream stays open.

    Raises:
        HyperXError: the format is unknown, no text, or needs a library that is not installed.
    """
    if format not in FORMATS:
        raise HyperXError(f"there is no output format '{format}'; choose {', '.join(FORMATS)}")
    if format in ("parquet", "spacy"):
        if not isinstance(target, Path):
            raise HyperXError(f"{format} is no text for a terminal or a pipe: give --output, a file or a folder")
        return ParquetWriter(target, tasks) if format == "parquet" else SpacyWriter(target)
    return TextWriter(target, format, tasks)


def _rows(sentences: Iterable[TaggedSentence]) -> list[dict[str, Any]]:
    return [row for sentence in sentences for row in rows(sentence)]


def _require(module: str, extra: str) -> None:
    if not find_spec(module):
        raise HyperXError(f"this needs {module}, which is not installed: pip install 'hyperx-nlp[{extra}]'")

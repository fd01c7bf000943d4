"""Data sets on the Hugging Face Hub, or in a folder laid out the same way."""

import os
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from hyperx.data.annotation import Annotation, annotation
from hyperx.data.jsonl import to_sentence
from hyperx.data.read import normalize_tags
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError, first_line

# The paper's languages by the names that the data sets give them.
WIKIANN = {
    "eng": "en", "ara": "ar", "bre": "br", "isl": "is", "kaz": "kk", "tam": "ta", "tgl": "tl", "tur": "tr", "yor": "yo",
    "zho": "zh", "fao": "fo", "gun": "gn", "hsb": "hsb", "mlt": "mt", "san": "sa", "uig": "ug", "yue": "zh-yue",
}  # fmt: skip
WIKIPEDIA = WIKIANN
WIKIPEDIA_DUMP = "20231101"
MAX_WIKIPEDIA = 100_000  # sentences a language
UPOS_COLUMNS = ("upos", "pos_tags", "pos")
SPLITS = {"train": "train", "dev": "validation", "test": "test"}
# A mark of a script that separates words needs white space after it ("3.5", "example.com") and no initial before it ("J. Smith").
_SENTENCE_END = re.compile(
    r"(?<=[.!?؟])(?<![\s.(][^\W\d]\.)(?<!^[^\W\d]\.)\s+(?=\S)"
    r"|(?<=[。！？।॥])\s*(?=[^\s。！？।॥”’」』）》])|(?<=[。！？][”’」』）》])\s*(?=\S)"
    r"|(?<=[.!?؟][\"”’»)])\s+(?=[^\W\d_a-z])"
)
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")


def load_hub(
    name: str,
    config: str | None,
    *,
    task: str | Annotation,
    splits: Mapping[str, str | None] = SPLITS,
    revision: str | None = None,
    files: str | list[str] | None = None,
    label_map: Mapping[str, str] | None = None,
) -> dict[str, list[Sentence]]:
    """Load a data set whose rows hold words and tags in columns named as in JSON Lines.

    Args:
        splits: the data set's names of train, dev and test.
        files: of a data set outside the Hub, whose format `name` is.

    Raises:
        HyperXError: `datasets` is not installed, the data set can't be had, or its columns are others.
    """
    result = {}
    task = annotation(task)
    for split, own in splits.items():
        if own is not None:
            read = partial(_sentences, name, config, own, task, revision, files)
            result[split] = list(normalize_tags(read, f"{name}/{config}/{own}", task=task, label_map=label_map))
    return result


def load_wikiann(language: str, label_map: Mapping[str, str]) -> dict[str, list[Sentence]]:
    """Load WikiANN with Rahimi's splits (Rahimi et al., ACL 2019).

    Raises:
        HyperXError: `datasets` is not installed, or the data set can't be had.
    """
    return load_hub("unimelb-nlp/wikiann", WIKIANN[language], task="ner", label_map=label_map)


def load_wikipedia(language: str) -> dict[str, list[Sentence]]:
    """Load the first 100,000 sentences of a Wikipedia.

    Raises:
        HyperXError: `datasets` is not installed, or the data set can't be had.
    """
    config = f"{WIKIPEDIA_DUMP}.{WIKIPEDIA[language]}"
    sentences: list[Sentence] = []
    for number, row in enumerate(_rows("wikimedia/wikipedia", config, "train"), 1):
        for line in str(row["text"]).splitlines():
            sentences += [
                Sentence(tuple(sentence.split()), None, f"wikipedia/{config}, article {number}")
                for sentence in _SENTENCE_END.split(line.strip())
                if not _is_scrap(sentence)
            ]
        if len(sentences) >= MAX_WIKIPEDIA:
            break
    return {"train": sentences[:MAX_WIKIPEDIA]}


def open_stream(
    name: str, config: str | None, split: str, *, revision: str | None = None, files: str | list[str] | None = None
) -> Any:
    """Open a data set as a `datasets.IterableDataset`; arguments as of `load_hub`.

    Raises:
        HyperXError: `datasets` is not installed, or the data set can't be had.
    """
    return _load(name, config, split, revision, files, streaming=True)


def row_sentences(row: Mapping[str, Any], source: str) -> Iterator[Sentence]:
    """Yield the sentences of a row of raw text: the words that it holds, or each line of its text that is not blank.

    Raises:
        HyperXError: it holds neither.
    """
    if isinstance(row.get("text"), str):
        lines = (line.split() for line in row["text"].splitlines())
        yield from (Sentence(tuple(words), None, source) for words in lines if words)
    else:
        yield to_sentence(dict(row), source, annotation("mlm"))


def _is_scrap(sentence: str) -> bool:
    """Return whether it is a heading or the like, of two words or of five ideographs, which no white space separates."""
    return len(sentence.split()) <= 2 and len(_IDEOGRAPH.findall(sentence)) <= 5


def _sentences(
    name: str, config: str | None, split: str, task: Annotation, revision: str | None, files: str | list[str] | None
) -> Iterator[Sentence]:
    rows = _load(name, config, split, revision, files)
    classes = {column: getattr(feature, "feature", feature) for column, feature in rows.features.items()}
    names = {column: feature.names for column, feature in classes.items() if hasattr(feature, "names")}
    for number, row in enumerate(rows, 1):
        for column in names:
            row[column] = _names(row[column], names[column])
        try:
            yield to_sentence(_syntactic(row), f"{name}/{config}/{split}, row {number}", task)
        except HyperXError as error:
            nameless = [column for column in names if _has_number(row[column])]
            hint = f"; {', '.join(nameless)} has classes without a name: if its labels are hidden, leave the split out, as null"
            raise HyperXError(f"{error}{hint if nameless else ''}") from error


def _names(value: Any, names: list[str]) -> Any:
    """Return the name of a class's number, or the names of a list's; a number that is no class's stays."""
    if isinstance(value, list):
        return [_names(item, names) for item in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value


def _has_number(value: Any) -> bool:
    return any(map(_has_number, value)) if isinstance(value, list) else isinstance(value, int)


def _syntactic(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out a treebank's multiword tokens, which stand before their words and have no part of speech."""
    upos: list[Any] = next((row[key] for key in UPOS_COLUMNS if isinstance(row.get(key), list)), [])
    if "_" not in upos:
        return row
    kept = [number for number, tag in enumerate(upos) if tag != "_"]
    return {
        column: [value[number] for number in kept] if isinstance(value, list) and len(value) == len(upos) else value
        for column, value in row.items()
    }


def _rows(name: str, config: str | None, split: str) -> Iterator[Any]:
    """Yield a data set's rows as they arrive."""
    try:
        yield from _load(name, config, split, streaming=True)
    except HyperXError:
        raise
    except Exception as error:  # whatever the file systems and formats behind `datasets` raise
        raise HyperXError(
            f"the data set '{name}' ({config}, {split}) broke off: {first_line(error)}; check the network, and start again"
        ) from error


def _load(
    name: str,
    config: str | None,
    split: str,
    revision: str | None = None,
    files: str | list[str] | None = None,
    *,
    streaming: bool = False,
) -> Any:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise HyperXError("data sets on the Hub need `pip install hyperx-nlp[hub]`") from error
    mirror = os.environ.get("HYPERX_HUB")  # a folder of data sets, for machines without the Hub
    location = os.path.join(mirror, name) if mirror and not files else name
    try:
        return load_dataset(
            location,
            config,
            data_files=files,
            split=split,
            revision=None if mirror else revision,
            streaming=streaming,
        )
    except (OSError, ValueError, RuntimeError, ImportError) as error:  # the last where a kind of place needs a package
        raise HyperXError(
            f"the data set '{name}' ({config}, {split}) can't be loaded from the Hub: {first_line(error)} "
            "Check the name and the network, or set $HYPERX_HUB to a folder that holds a copy."
        ) from error

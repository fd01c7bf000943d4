"""``hyperx tag``."""

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Annotated, TextIO

import conllu
import typer
from rich.console import Console
from rich.text import Text

from hyperx.data.annotation import Annotation
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError

BATCH = 256  # sentences that are read, tagged and written together
COLOURS = {"PER": "magenta", "ORG": "cyan", "LOC": "green"}
TAG_COLOURS = {"NOUN": "cyan", "PROPN": "magenta", "VERB": "green", "AUX": "green", "ADJ": "yellow", "ADV": "yellow"}


def tag(
    run: Annotated[str, typer.Argument(help="A run's or a saved model's folder, or a Hub id.")],
    file: Annotated[
        Path | None, typer.Argument(help="One tokenized sentence a line, or CoNLL-U; standard input unless given.")
    ] = None,
    task: Annotated[str, typer.Option("--task", "-t", help="The task, such as ner.")] = ...,  # type: ignore[assignment]
    language: Annotated[str, typer.Option("--language", "-l", help="The language, by any ISO 639 code.")] = ...,  # type: ignore[assignment]
    format: Annotated[
        str,
        typer.Option("--format", "-f", help="color, conllu, iob2 or jsonl; color on a terminal, else as the input."),
    ] = "auto",
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
) -> None:
    """Tag sentences in any cell of a run's matrix."""
    from hyperx.languages import normalize
    from hyperx.modeling import HyperX
    from hyperx.pairs import Pair
    from hyperx.tagging import Tagger

    writers = {"color": write_color, "conllu": write_conllu, "iob2": write_iob2, "jsonl": write_jsonl}
    if format != "auto" and format not in writers:
        raise HyperXError(f"there is no output format '{format}'; choose {', '.join(writers)}")
    tagger = Tagger(HyperX.from_pretrained(run), Pair(task, normalize(language)), batch_size=batch_size)
    with open_input(file) as stream:
        sentences = read_input(stream, str(file or "standard input"))
        first = next(sentences, None)
        if first is None:
            return
        if format == "auto":
            format = "color" if sys.stdout.isatty() else "conllu" if "upos" in first[0] else "iob2"
        for batch in batches(first, sentences):
            tags = tagger.tag([sentence_of(tokens) for tokens in batch])
            for tokens, row in zip(batch, tags, strict=True):
                writers[format](tokens, row, tagger.task)
            sys.stdout.flush()


def open_input(file: Path | None) -> TextIO:
    """Open a text file, or standard input."""
    if file is None:
        return open(sys.stdin.fileno(), encoding="utf-8", closefd=False)
    try:
        return file.open(encoding="utf-8")
    except OSError as error:
        raise HyperXError(f"{file} can't be read: {error.strerror}; give a file of sentences") from error


def read_input(stream: TextIO, name: str) -> Iterator[conllu.TokenList]:
    """Yield sentences of CoNLL-U, if the text looks like it, or of one tokenized sentence a line.

    Raises:
        HyperXError: the text is not UTF-8, or not valid CoNLL-U.
    """
    try:
        lines = iter(stream)
        head: list[str] = []
        for line in lines:
            head.append(line)
            if line.strip() and not line.startswith("#"):
                break
        text = chain(head, lines)
        if head and head[-1].count("\t") == 9:
            for is_sentence, block in groupby(text, key=lambda line: bool(line.strip())):
                if is_sentence:
                    yield conllu.parse("".join(block))[0]
        else:
            yield from (plain(line) for line in text if line.strip())
    except UnicodeDecodeError as error:
        raise HyperXError(f"{name} is not UTF-8 at byte {error.start}; convert it, with iconv for one") from error
    except (conllu.exceptions.ParseException, IndexError) as error:
        raise HyperXError(f"{name} is not valid CoNLL-U: {error}") from error


def plain(line: str) -> conllu.TokenList:
    """Make a sentence of white-space separated words."""
    return conllu.TokenList([conllu.Token(id=number, form=word) for number, word in enumerate(line.split(), 1)])


def batches(first: conllu.TokenList, rest: Iterable[conllu.TokenList]) -> Iterator[list[conllu.TokenList]]:
    """Yield sentences `BATCH` at a time."""
    sentences = chain([first], rest)
    while batch := list(islice(sentences, BATCH)):
        yield batch


def sentence_of(tokens: conllu.TokenList) -> Sentence:
    """Return the syntactic words."""
    return Sentence(tuple(token["form"] for token in words_of(tokens)))


def words_of(tokens: conllu.TokenList) -> list[conllu.Token]:
    """Return the tokens that bear tags: no multiword tokens, no empty nodes."""
    return [token for token in tokens if isinstance(token["id"], int)]


def write_color(tokens: conllu.TokenList, tags: list[str], task: Annotation) -> None:
    """Print the words with their tags in colour, or the sentence's label before them."""
    line = Text()
    if task.per_sentence:
        line.append(f"{tags[0]}\t", style="bold cyan").append(text_of(tokens))
    else:
        for token, label in zip(words_of(tokens), tags, strict=True):
            colour = COLOURS.get(label[2:]) or TAG_COLOURS.get(label)
            line.append(token["form"], style=f"bold {colour}" if colour else "")
            if label != "O":
                line.append(f"/{label}", style=f"dim {colour or ''}".strip())
            line.append(" ")
    Console(highlight=False, soft_wrap=True).print(line)


def write_conllu(tokens: conllu.TokenList, tags: list[str], task: Annotation) -> None:
    """Print CoNLL-U, with the tags in the task's column, in MISC as ``NER=B-PER``, or in a comment."""
    names = ("lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
    for token in tokens:
        for name in names:
            token.setdefault(name, None)
    rows = [line.split("\t") for line in conllu.TokenList(tokens).serialize().splitlines() if line]
    comments = {key: value or "" for key, value in tokens.metadata.items()}
    task.to_conllu([columns for columns in rows if columns[0].isdigit()], comments, tags)
    lines = [f"# {key} = {value}" if value else f"# {key}" for key, value in comments.items()]
    sys.stdout.write("\n".join([*lines, *("\t".join(columns) for columns in rows)]) + "\n\n")


def write_iob2(tokens: conllu.TokenList, tags: list[str], task: Annotation) -> None:
    """Print a word and its tag a line and an empty line after the sentence, or its text and its label."""
    if task.per_sentence:
        sys.stdout.write(f"{text_of(tokens)}\t{tags[0]}\n")
        return
    for token, label in zip(words_of(tokens), tags, strict=True):
        sys.stdout.write(f"{token['form']}\t{label}\n")
    sys.stdout.write("\n")


def write_jsonl(tokens: conllu.TokenList, tags: list[str], task: Annotation) -> None:
    """Print a line of JSON."""
    words = [token["form"] for token in words_of(tokens)]
    found = {task.name: tags[0]} if task.per_sentence else {f"{task.name}_tags": tags}
    sys.stdout.write(json.dumps({"tokens": words, **found}, ensure_ascii=False) + "\n")


def text_of(tokens: conllu.TokenList) -> str:
    """Return the words, separated by spaces."""
    return " ".join(token["form"] for token in words_of(tokens))

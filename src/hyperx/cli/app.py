"""The commands, gathered."""

import logging
import warnings

import typer
from transformers.utils import logging as transformers_logging

from hyperx.cli import (
    adapt,
    backbone,
    compare,
    data,
    evaluate,
    export,
    matrix,
    push,
    quickstart,
    report,
    serve,
    study,
    tag,
    train,
)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("quickstart")(quickstart.quickstart)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("matrix")(matrix.matrix)
app.command("compare")(compare.compare)
app.command("adapt")(adapt.adapt)
app.command("study")(study.study)
app.command("report")(report.report)
app.command("tag")(tag.tag)
app.command("serve")(serve.serve)
app.command("export")(export.export)
app.command("push")(push.push)
app.add_typer(data.app, name="data")
app.add_typer(backbone.app, name="backbone")


@app.callback()
def hyperx() -> None:
    """Train one small model on what is annotated, and get a tagger for every cell of the task-language matrix.

    Start with [bold]hyperx quickstart[/].
    """
    # What libraries report of their own doing is noise beside the command's own output.
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"torch|transformers|accelerate")

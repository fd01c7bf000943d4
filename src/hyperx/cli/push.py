"""``hyperx push``."""

from pathlib import Path
from typing import Annotated

import typer

from hyperx.cli.options import Model


def push(
    run: Model,
    repo: Annotated[str, typer.Argument(help="The repository on the Hub, such as me/my-taggers.")],
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
) -> None:
    """Upload a run's best model to the Hugging Face Hub, with a card of its scores, data and limits.

    The token is that of [bold]hf auth login[/], or $HF_TOKEN.
    """
    from hyperx.hub import card_of_run
    from hyperx.modeling import HyperX
    from hyperx.results import RESULTS_NAME

    model = HyperX.from_pretrained(run, device="cpu")
    # A grown model has results, too, but its own card alone says how it came to be.
    if all((Path(run) / name).is_file() for name in ("config.yaml", RESULTS_NAME)):
        model.card = card_of_run(Path(run), model)
    typer.echo(model.push_to_hub(repo, private=private))

"""``hyperx quickstart``."""

from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

WORDS = ["Amina", "alisafiri", "kutoka", "Mombasa", "hadi", "Nairobi", "."]


def quickstart(
    output: Annotated[Path, typer.Option(help="The run's folder.")] = Path("runs/quickstart"),
) -> None:
    """Train a small Hyper-X on the starter corpus in a few minutes, and tag a sentence in a cell without labels."""
    from hyperx.cli.train import run
    from hyperx.config import load_run_config
    from hyperx.modeling import HyperX
    from hyperx.text.formats import colored

    with as_file(files("hyperx") / "quickstart.yaml") as path:
        config = load_run_config(path).model_copy(update={"output": output})
    console = Console(stderr=True, highlight=False)
    run(config, console)
    tagged = HyperX.from_pretrained(output).tagger("ner", "swa")(WORDS)
    console.print("\nNobody gave this model Swahili entity labels; it tags them all the same:")
    Console(highlight=False, soft_wrap=True).print(colored(tagged))
    console.print(
        f"\nNext: [bold]hyperx tag {output} --task pos --language swa[/]; for data of your own, write a file like "
        f"{output / 'config.yaml'}, and [bold]hyperx train[/] it."
    )

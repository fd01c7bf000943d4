"""``hyperx quickstart``."""

from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

SENTENCE = "Amina alisafiri kutoka Mombasa hadi Nairobi ."


def quickstart(
    output: Annotated[Path, typer.Option(help="The run's folder.")] = Path("runs/quickstart"),
) -> None:
    """Train a small Hyper-X on the starter corpus in a few minutes, and tag a sentence in a cell without labels."""
    from hyperx.cli.tag import plain, write_color
    from hyperx.cli.train import run
    from hyperx.config import load_run_config
    from hyperx.modeling import HyperX

    with as_file(files("hyperx") / "quickstart.yaml") as path:
        config = load_run_config(path, [f"output={output}"])
    console = Console(stderr=True, highlight=False)
    run(config, console)
    words = SENTENCE.split()
    model = HyperX.from_pretrained(output)
    (tags,) = model.tag([words], task="ner", language="swa")
    console.print("\nNobody gave this model Swahili entity labels; it tags them all the same:")
    write_color(plain(SENTENCE), tags, model.tasks["ner"])
    console.print(
        f"\nNext: [bold]hyperx tag {output} --task pos --language swa[/], and docs/training.md for your own data."
    )

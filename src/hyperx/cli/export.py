"""``hyperx export``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hyperx.cli.options import Model
from hyperx.errors import HyperXError
from hyperx.terminal import plain

TARGETS = ("adapters", "transformers", "onnx", "spacy")


def export(
    run: Model,
    pairs: Annotated[
        list[str] | None,
        typer.Argument(help="The pair, such as ner/swa; for spacy, several of a language; for onnx, none for all."),
    ] = None,
    to: Annotated[str, typer.Option("--to", help=f"{', '.join(TARGETS)}.")] = ...,  # type: ignore[assignment]
    output: Annotated[Path, typer.Option("--output", "-o", help="The new folder.")] = ...,  # type: ignore[assignment]
    int8: Annotated[bool, typer.Option("--int8", help="For onnx: quantize to 8 bits, in a second graph.")] = False,
) -> None:
    """Write a pair's tagger for AdapterHub's library, transformers, ONNX or spaCy, with a README that shows its use."""
    from hyperx.pairs import Pair

    parsed = [Pair.parse(pair) for pair in pairs or ()]
    check(to, parsed, int8)
    import torch

    from hyperx.exporters import adapters, onnx, spacy, transformers
    from hyperx.modeling import HyperX

    model = HyperX.from_pretrained(run, dtype=torch.float32, device="cpu")
    if to == "adapters":
        adapters.export(model, parsed[0], output)
    elif to == "transformers":
        transformers.export(model, parsed[0], output)
    elif to == "onnx":
        onnx.export(model, parsed[0] if parsed else None, output, int8=int8)
    else:
        spacy.export(model, parsed, output)
    console = Console(highlight=False, soft_wrap=True)
    for path in sorted(path for path in output.rglob("*") if path.is_file()):
        console.print(f"{path.stat().st_size / 1e6:9.2f} MB  {plain(str(path.relative_to(output)))}")
    console.print(f"{plain(str(output / 'README.md'))} shows how to use it.")


def check(to: str, pairs: Sequence[object], int8: bool) -> None:
    """Check that a target can be written from what is given.

    Raises:
        HyperXError: there is no such target, or it takes other pairs or options.
    """
    if to not in TARGETS:
        raise HyperXError(f"there is no target '{to}'; choose {', '.join(TARGETS)}")
    if int8 and to != "onnx":
        raise HyperXError("--int8 is for --to onnx")
    if not pairs and to != "onnx":
        raise HyperXError(f"give a pair, such as ner/swa, to write with --to {to}")
    if len(pairs) > 1 and to != "spacy":
        raise HyperXError(f"--to {to} writes one pair; give one of {', '.join(map(str, pairs))}")

"""``hyperx export``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hyperx.errors import HyperXError

TARGETS = ("adapters", "transformers", "onnx")


def export(
    run: Annotated[str, typer.Argument(help="A run's or a saved model's folder, or a Hub id.")],
    pair: Annotated[
        str | None, typer.Argument(help="The pair, such as ner/swa; for onnx, every pair unless given.")
    ] = None,
    to: Annotated[str, typer.Option("--to", help=f"{', '.join(TARGETS)}.")] = ...,  # type: ignore[assignment]
    output: Annotated[Path, typer.Option("--output", "-o", help="The new folder.")] = ...,  # type: ignore[assignment]
    int8: Annotated[bool, typer.Option("--int8", help="For onnx: quantize to 8 bits, in a second graph.")] = False,
) -> None:
    """Write a pair's tagger for AdapterHub's library, plain transformers or ONNX, with a README that shows its use."""
    if to not in TARGETS:
        raise HyperXError(f"there is no target '{to}'; choose {', '.join(TARGETS)}")
    if int8 and to != "onnx":
        raise HyperXError("--int8 is for --to onnx")
    if pair is None and to != "onnx":
        raise HyperXError(f"give a pair, such as ner/swa: --to {to} writes one")
    from hyperx.exporters import adapters, onnx, transformers
    from hyperx.modeling import HyperX
    from hyperx.pairs import Pair

    parsed = None if pair is None else Pair.parse(pair)
    model = HyperX.from_pretrained(run)
    if to == "onnx":
        onnx.export(model, parsed, output, int8=int8)
    elif parsed is not None:
        (adapters if to == "adapters" else transformers).export(model, parsed, output)
    console = Console(highlight=False, soft_wrap=True)
    for path in sorted(path for path in output.rglob("*") if path.is_file()):
        console.print(f"{path.stat().st_size / 1e6:9.2f} MB  {path.relative_to(output)}")
    console.print(f"{output / 'README.md'} shows how to use it.")

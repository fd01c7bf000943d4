"""Arguments and options that several commands have."""

from typing import Annotated

import typer

HUB_ID = "or a Hub id: owner/name or owner/name@revision."
Model = Annotated[str, typer.Argument(help=f"A run's or a saved model's folder, {HUB_ID}")]
TagColumn = Annotated[int | None, typer.Option(help="The tag's column, from 1; found unless given.")]
LabelMap = Annotated[list[str] | None, typer.Option(help="A label to rename, such as DATE=O.")]

"""Print docs/reference/cli.md, from the help of the commands."""

import re

import typer
from typer.cli import get_docs_for_click

from hyperx.cli.app import COMMANDS, app, load_command

group = typer.main.get_command(app)
group.commands |= {name: load_command(name) for name in COMMANDS}
for name, command in group.commands.items():
    command.name = name
text = get_docs_for_click(obj=group, ctx=typer.Context(group), name="hyperx", title="Command line")
print(re.sub(r"\[bold\](.*?)\[/\]", r"`\1`", text), end="")

"""What the command line imports before it is asked for anything."""

import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from hyperx.cli.app import COMMANDS, app

SLOW = ("accelerate", "matplotlib", "numpy", "scipy", "spacy", "torch", "transformers")


@pytest.mark.parametrize(
    "code", ["import hyperx", "from hyperx.cli.app import app; app(['--help'], standalone_mode=False)"]
)
def test_neither_the_package_nor_the_help_imports_what_is_slow(code: str) -> None:
    script = f"import sys\n{code}\nprint('slow:', *(name for name in {SLOW} if name in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "slow:"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_with_the_first_line_of_its_own_help(name: str) -> None:
    module = import_module(f"hyperx.cli.{name}")
    own = module.app.info.help if hasattr(module, "app") else getattr(module, name).__doc__
    assert own.splitlines()[0] == COMMANDS[name]


def test_the_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"hyperx {version('hyperx-nlp')}\n"


def test_a_command_that_is_not_there_is_named_with_one_like_it() -> None:
    result = CliRunner().invoke(app, ["tga"])
    assert result.exit_code == 2
    assert "tag" in result.stderr


@pytest.mark.parametrize(("given", "kept"), [({}, "64"), ({"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "7"}, "7")])
def test_commands_let_onednn_keep_few_kernels_unless_told(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], kept: str
) -> None:
    name = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
    inherited = {key: value for key, value in os.environ.items() if key != name}
    monkeypatch.setattr(os, "environ", inherited | given)
    CliRunner().invoke(app, ["tag", "--help"])
    assert os.environ[name] == kept

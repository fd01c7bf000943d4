"""The image and the Space: what their recipes name is in the checkout, and versions are those that the tests run with."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from hyperx.cli.app import load_command

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RECIPE = (ROOT / "deploy" / "Dockerfile").read_text()
SPACE = ROOT / "deploy" / "space"


def recipe(instruction: str) -> list[str]:
    return re.findall(rf"^{instruction} (.+)$", RECIPE, re.MULTILINE)


def default(argument: str) -> str:
    return next(text for text in recipe("ARG") if text.startswith(f"{argument}=")).partition("=")[2]


def test_the_image_is_made_of_files_that_are_sent() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = {source for line in recipe("COPY") if "--from" not in line for source in line.split()[:-1]}
    assert sources == sent
    assert all((ROOT / source).exists() for source in sources)


@pytest.mark.parametrize("more", [[], ["--playground", "--api-key-file", "/keys"]])
def test_the_images_command_line_is_understood(more: list[str]) -> None:
    _hyperx, name, *arguments = json.loads(recipe("ENTRYPOINT")[0]) + json.loads(recipe("CMD")[0]) + more
    assert name == "serve"
    parsed = load_command(name).make_context(name, arguments).params
    assert (parsed["run"], parsed["host"], parsed["port"]) == ("/model", "0.0.0.0", int(recipe("EXPOSE")[0]))
    assert f"127.0.0.1:{parsed['port']}/ready" in RECIPE


def test_the_image_has_the_versions_of_the_tests() -> None:
    assert f"TORCH ?= {default('TORCH')}\n" in (ROOT / "Makefile").read_text()
    assert set(default("EXTRAS").split(",")) <= set(PROJECT["optional-dependencies"])


def test_the_space_asks_for_what_the_package_needs() -> None:
    settings = yaml.safe_load((SPACE / "README.md").read_text().split("---\n")[1])
    assert (SPACE / settings["app_file"]).is_file()
    assert f"gradio=={settings['sdk_version']}" in (ROOT / "requirements" / "ci.txt").read_text().splitlines()
    assert settings["python_version"] in SpecifierSet(PROJECT["requires-python"])
    wanted = Requirement((SPACE / "requirements.txt").read_text().splitlines()[-1])
    assert wanted.name == PROJECT["name"]
    assert wanted.extras <= set(PROJECT["optional-dependencies"])

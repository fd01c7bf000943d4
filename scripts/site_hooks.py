"""Hooks of MkDocs: the site holds `results/`, which the pages link to, under the address that the code forge gives it."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(((?:\.\./)+)results/")
EXTERNAL = re.compile(r"<(?:script|img|iframe)[^>]+src=\"?(?:https?:)?//|<link[^>]+stylesheet[^>]+href=\"?(?:https?:)?//")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what `results/` has to read and look at."""
    for path in sorted((ROOT / "results").rglob("*")):
        if path.suffix in {".md", ".png", ".svg", ".json"}:
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """`results/` lies beside `docs/`, and in the site within it: one step up less."""
    if page.file.src_uri.startswith("results/"):
        return markdown
    return LINK.sub(lambda match: f"]({match[1].removeprefix('../')}results/", markdown)


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Hold every page to what it promises: nothing is loaded from elsewhere."""
    if found := EXTERNAL.search(output):
        raise ValueError(f"{page.file.src_uri} loads from elsewhere: {found[0]}")
    return output

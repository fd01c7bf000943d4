"""Hooks of MkDocs: pages link as the code forge wants it, to `results/` beside them and to notebooks; the site has both."""

import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbconvert import MarkdownExporter

ROOT = Path(__file__).parents[1]
RESULTS = re.compile(r"\]\(((?:\.\./)+)results/")
NOTEBOOK = re.compile(r"(\]\([^)#]+)\.ipynb\)")
EXTERNAL = re.compile(
    r"<(?:script|img|iframe)[^>]+src=\"?(?:https?:)?//|<link[^>]+stylesheet[^>]+href=\"?(?:https?:)?//"
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what `results/` has to read and look at, and a page for each notebook, with the outputs that it was saved with."""
    for path in sorted((ROOT / "results").rglob("*")):
        if path.suffix in {".md", ".png", ".svg", ".json"}:
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        text, resources = MarkdownExporter().from_filename(notebook.abs_src_path)
        page = PurePosixPath(notebook.src_uri).with_suffix(".md")
        files.append(File.generated(config, str(page), content=text))
        for name, content in resources["outputs"].items():
            files.append(File.generated(config, str(page.parent / name), content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """`results/` lies beside `docs/`, and in the site within it: one step up less. Notebooks are pages."""
    if page.file.src_uri.startswith("results/"):
        return markdown
    markdown = RESULTS.sub(lambda match: f"]({match[1].removeprefix('../')}results/", markdown)
    return NOTEBOOK.sub(r"\1.md)", markdown)


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Hold every page to what it promises: nothing is loaded from elsewhere."""
    if found := EXTERNAL.search(output):
        raise ValueError(f"{page.file.src_uri} loads from elsewhere: {found[0]}")
    return output

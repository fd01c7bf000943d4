"""Markdown, and the page that is made of it."""

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from hyperx.comparison import Difference

NOTHING = "–"


def text(value: str) -> str:
    """Escape what would be markup."""
    return re.sub(r"([\\`*_\[\]<>|&#~])", r"\\\1", value).replace("\n", " ")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return a table whose first `left` columns are words and whose others are figures."""
    rules = ["---"] * left + ["---:"] * (len(header) - left)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rules, *rows))


def picture(path: Path, description: str) -> str:
    """Return a picture that lies in a folder beside the report."""
    return f"![{text(description)}]({path.parent.name}/{path.name})"


def score(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f}"


def best(values: Sequence[float | None], eligible: Sequence[bool] | None = None) -> list[str]:
    """Return scores, those bold that are shown as the highest of several; only of the `eligible`, where these are given."""
    rivals = [may and value is not None for value, may in zip(values, eligible or [True] * len(values), strict=True)]
    shown = [score(value) for value in values]
    top = max((value for value, rival in zip(values, rivals, strict=True) if rival and value is not None), default=None)
    if sum(rivals) < 2:
        return shown
    return [f"**{cell}**" if rival and cell == score(top) else cell for cell, rival in zip(shown, rivals, strict=True)]


def points(difference: Difference | None) -> str:
    """Return a difference, bold where its interval leaves out zero, with the interval."""
    if difference is None:
        return NOTHING
    value = f"{difference.points:+.1f}"
    value = f"**{value}**" if difference.significant else value
    return f"{value} ({difference.low:+.1f} to {difference.high:+.1f})"


def number(value: float) -> str:
    """Return a count in three digits: ``24.0 k``, ``1.26 M``."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f}"


def duration(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light; }
body { font: 15px/1.55 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 2rem auto; max-width: 64rem;
       padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; } h2 { margin-top: 2.4rem; border-bottom: 1px solid #ccc; padding-bottom: .2rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid #888; font-weight: 600; }
tbody tr:hover { background: #f4f6f8; }
img { max-width: 100%; height: auto; }
code { font-size: .9em; background: #f2f2f2; padding: .05rem .25rem; border-radius: .2rem; overflow-wrap: anywhere; }
@media print {
  body { font-size: 10pt; margin: 0; max-width: none; padding: 0; } table { font-size: 8pt; } .wide { overflow: visible; }
  th, td { padding: .1rem .3rem; } tr, img { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
</style></head><body>
$body
</body></html>
""")


def page(markdown: str, folder: Path, *, title: str) -> str:
    """Return a page that needs nothing else; PNG pictures are relative to `folder`, and markup in the text is none."""
    from html import escape

    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    for token in tokens:
        for child in token.children or []:
            if child.type == "image":
                data = base64.b64encode((folder / str(child.attrs["src"])).read_bytes()).decode()
                child.attrs["src"] = f"data:image/png;base64,{data}"
    parser.add_render_rule("table_open", _wide)
    parser.add_render_rule("table_close", _wide)
    return _PAGE.substitute(title=escape(title), body=parser.renderer.render(tokens, parser.options, {}))


def _wide(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    """Let a wide table scroll by itself."""
    return '<div class="wide"><table>\n' if tokens[index].nesting > 0 else "</table></div>\n"

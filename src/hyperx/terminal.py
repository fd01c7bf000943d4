"""Words on a terminal: text that came from outside, numbers with their nouns."""

import re

from rich.markup import escape

# All but the tab and the line's end: they move the cursor, set the title, write to the clipboard.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """Return what `rich` prints as it stands, with `�` for control characters."""
    return escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))


def numbered(number: int, noun: str) -> str:
    """Return a number and what it counts, ``1 word`` or ``1,000 words``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"

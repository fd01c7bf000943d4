"""JSON from anyone: what a parser would pass over in silence is an error."""

import json
from typing import Any


def parse(text: str) -> Any:
    """Parse JSON.

    Raises:
        ValueError: it is no JSON, nested too deeply, holds a number of thousands of digits, a key twice, or a lone
            surrogate, which is no character and can't be written again.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("an escape such as \\ud800 is half a character") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:40]!r} stands twice")
    return values

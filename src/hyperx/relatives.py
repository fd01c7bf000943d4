"""Which known languages a new one is related to, by the typology and geography in URIEL+ (Khan et al., COLING 2025)."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from hyperx.errors import HyperXError
from hyperx.languages import name as language_name

KINDS = ("genetic", "geographic", "syntactic")
TEMPERATURE = 0.1


def relatives(language: str, known: Sequence[str]) -> dict[str, float]:
    """Return the weights by which known languages make up a new one's embedding, the nearest first.

    Raises:
        HyperXError: URIEL+ is not installed, or knows the language or all the others not.
    """
    return weights(distances(language, known))


def weights(distances: Mapping[str, float]) -> dict[str, float]:
    """Return ``w ∝ exp(-d / T)`` with T = 0.1, which sum to one, the largest first."""
    powers = {language: math.exp(-distance / TEMPERATURE) for language, distance in distances.items()}
    total = sum(powers.values())
    return {key: powers[key] / total for key in sorted(powers, key=lambda key: -powers[key])}


def distances(language: str, known: Sequence[str]) -> dict[str, float]:
    """Return a language's distances from others that URIEL+ knows.

    A distance, 0 to 1, is the mean of the genetic, the geographic and the syntactic one: angles between vectors over what
    is recorded of both languages, in units of a right angle. A kind with nothing in common is left out.

    Raises:
        HyperXError: URIEL+ is not installed, or knows the language or all the others not.
    """
    database = _database()
    with _quiet():
        listed = set(database.langs[0])
        found = {other: _distance(database, language, other) for other in known if {language, other} <= listed}
    result = {other: distance for other, distance in found.items() if distance is not None}
    if not result:
        raise HyperXError(
            f"URIEL+ relates {language_name(language)} ({language}) to none of {', '.join(known)}; give labelled "
            "sentences or raw text of it, and let its embedding start at the mean of the known languages"
        )
    return result


def _distance(database: Any, language: str, other: str) -> float | None:
    found = []
    for kind in KINDS:
        try:
            found.append(float(database.new_distance(kind, language, other)))
        except ValueError:  # nothing of this kind is recorded of both
            continue
    return sum(found) / len(found) if found else None


@cache
def _database() -> Any:
    try:
        with _quiet():
            from urielplus import urielplus

            return urielplus.URIELPlus()
    except ImportError as error:
        raise HyperXError("relating languages needs URIEL+: pip install hyperx-nlp[uriel]") from error
    except OSError as error:  # it unpacks its files where it is installed
        raise HyperXError(f"URIEL+ can't open its database ({error}); install it where you may write") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from setting up logging for the whole program and reporting its own doing there."""
    root = logging.getLogger()
    handlers, level, disabled = root.handlers[:], root.level, root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers
        root.setLevel(level)

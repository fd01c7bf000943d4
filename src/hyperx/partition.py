"""Partitions: which cells a run may train on, so that over all runs each cell is hidden, and scored zero-shot, exactly once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from random import Random

from hyperx.errors import HyperXError
from hyperx.pairs import Pair


@dataclass(frozen=True)
class Partition:
    """The cells that one run trains, and those that it does not see."""

    trained: tuple[Pair, ...]
    hidden: tuple[Pair, ...]

    def swapped(self, swaps: Iterable[tuple[str, str]]) -> "Partition":
        """Return the partition in which pairs of languages have changed places, one pair after the other.

        Raises:
            HyperXError: two languages do not have labels of the same tasks.
        """
        part = self
        for first, second in swaps:
            places = {first: second, second: first}
            moved = Partition(_moved(part.trained, places), _moved(part.hidden, places))
            if {*moved.trained, *moved.hidden} != {*part.trained, *part.hidden}:
                raise HyperXError(
                    f"{first} and {second} can't change places: they do not have labels of the same tasks"
                )
            part = moved
        return part


def _moved(cells: Iterable[Pair], places: Mapping[str, str]) -> tuple[Pair, ...]:
    return tuple(sorted((Pair(cell.task, places.get(cell.language, cell.language)) for cell in cells), key=str))


def make_partitions(
    cells: Iterable[Pair], *, count: int = 2, families: Mapping[str, str] | None = None, seed: int = 0
) -> list[Partition]:
    """Partition labelled cells.

    A language's tasks are hidden in different partitions as long as there are enough, and relatives differ in what is hidden
    where: in a family, languages take turns.

    Args:
        cells: those that have labels, but for what is trained everywhere, English for one.
        families: each language's; a language without one is its own.
        seed: of the order in which languages of a family take their turns.

    Raises:
        HyperXError: there are fewer than two partitions.
    """
    if count < 2:
        raise HyperXError(f"cells can't be hidden in {count} partition; expected 2 or more")
    cells = sorted(set(cells), key=str)
    hidden: list[list[Pair]] = [[] for _ in range(count)]
    for language, turn in _turns({cell.language for cell in cells}, families or {}, seed).items():
        for number, cell in enumerate(cell for cell in cells if cell.language == language):
            hidden[(turn + number) % count].append(cell)
    return [
        Partition(tuple(cell for cell in cells if cell not in set(part)), tuple(sorted(part, key=str)))
        for part in hidden
    ]


def _turns(languages: Collection[str], families: Mapping[str, str], seed: int) -> dict[str, int]:
    """Number the languages family by family, each family's in an order by the seed."""
    by_family: dict[str, list[str]] = {}
    for language in sorted(languages):
        by_family.setdefault(families.get(language, language), []).append(language)
    random = Random(seed)
    order = []
    for family in sorted(by_family, key=lambda family: (-len(by_family[family]), family)):
        order += random.sample(by_family[family], len(by_family[family]))
    return {language: turn for turn, language in enumerate(order)}


def describe(partitions: Mapping[str, Partition], families: Mapping[str, str] | None = None) -> str:
    """Say in a table which task of which language is hidden in which partition, family by family."""
    families = families or {}
    languages = {cell.language for part in partitions.values() for cell in (*part.trained, *part.hidden)}
    lines = []
    for language in sorted(languages, key=lambda language: (families.get(language, language), language)):
        hidden = [
            ", ".join(sorted(cell.task for cell in part.hidden if cell.language == language)) or "-"
            for part in partitions.values()
        ]
        lines.append((families.get(language, ""), language, *hidden))
    header = ("family", "language", *partitions)
    widths = [max(len(row[column]) for row in (header, *lines)) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *lines)
    )

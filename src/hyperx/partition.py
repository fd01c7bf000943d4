"""Partitions: which cells a run may train on, so that over all runs each cell is hidden, and scored zero-shot, exactly once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from hyperx.errors import HyperXError
from hyperx.pairs import Pair


@dataclass(frozen=True)
class Partition:
    """The cells that one run trains, and those that it does not see."""

    trained: tuple[Pair, ...]
    hidden: tuple[Pair, ...]


def make_partitions(
    cells: Iterable[Pair],
    *,
    count: int = 2,
    always: Collection[str] = (),
    families: Mapping[str, str] | None = None,
    swaps: Sequence[tuple[str, str]] = (),
    seed: int = 0,
) -> list[Partition]:
    """Partition labelled cells.

    A language's tasks are hidden in different partitions as long as there are enough, and relatives differ in what is hidden
    where: in a family, languages take turns.

    Args:
        cells: those that have labels.
        always: languages that are trained everywhere and never hidden, English for one.
        families: each language's; a language without one is its own.
        swaps: pairs of languages that change places.
        seed: of the order in which languages of a family take their turns.

    Raises:
        HyperXError: there are fewer than two partitions, or a language to swap is not among the cells.
    """
    if count < 2:
        raise HyperXError(f"cells can't be hidden in {count} partition; expected 2 or more")
    cells = sorted(set(cells), key=str)
    turns = _turns({cell.language for cell in cells} - set(always), families or {}, seed)
    for first, second in swaps:
        missing = {first, second} - set(turns)
        if missing:
            raise HyperXError(
                f"{', '.join(sorted(missing))} can't be swapped: no cell of that language is hidden anywhere"
            )
        turns[first], turns[second] = turns[second], turns[first]
    hidden: list[list[Pair]] = [[] for _ in range(count)]
    for language, turn in turns.items():
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


def describe(partitions: Sequence[Partition], families: Mapping[str, str] | None = None) -> str:
    """Say in a table which task of which language is hidden where, family by family."""
    families = families or {}
    languages = {cell.language for part in partitions for cell in (*part.trained, *part.hidden)}
    lines = []
    for language in sorted(languages, key=lambda language: (families.get(language, language), language)):
        hidden = [
            ", ".join(sorted(cell.task for cell in part.hidden if cell.language == language)) or "-"
            for part in partitions
        ]
        lines.append((families.get(language, ""), language, *hidden))
    header = ("family", "language", *(f"hidden in {number}" for number in range(1, len(partitions) + 1)))
    widths = [max(len(row[column]) for row in (header, *lines)) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *lines)
    )

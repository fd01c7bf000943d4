"""Partitions: each cell is hidden exactly once, whatever has labels."""

from collections import Counter
from random import Random

import pytest

from hyperx.errors import HyperXError
from hyperx.pairs import Pair
from hyperx.partition import Partition, describe, make_partitions

FAMILIES = {"kin": "Bantu", "lug": "Bantu", "swa": "Bantu", "zul": "Bantu", "fon": "Gbe", "ewe": "Gbe"}
FULL = [Pair(task, language) for task in ("ner", "pos") for language in ("hau", *FAMILIES)]


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_each_cell_is_hidden_exactly_once_and_trained_else(count: int, seed: int) -> None:
    random = Random(seed)
    cells = [
        Pair(task, f"l{number:02}") for task in ("dep", "ner", "pos") for number in range(17) if random.random() < 0.6
    ]
    partitions = make_partitions(cells, count=count, seed=seed)
    assert len(partitions) == count
    hidden = Counter(cell for part in partitions for cell in part.hidden)
    assert hidden == Counter(cells)
    for part in partitions:
        assert set(part.trained) | set(part.hidden) == set(cells)
        assert not set(part.trained) & set(part.hidden)


def test_a_languages_tasks_are_hidden_in_different_partitions() -> None:
    for part in make_partitions(FULL):
        assert all(number == 1 for number in Counter(cell.language for cell in part.hidden).values())


@pytest.mark.parametrize("seed", range(5))
def test_relatives_are_spread_over_the_tasks(seed: int) -> None:
    for part in make_partitions(FULL, families=FAMILIES, seed=seed):
        hidden = {cell.language: cell.task for cell in part.hidden}
        assert Counter(hidden[language] for language in ("kin", "lug", "swa", "zul")) == {"ner": 2, "pos": 2}
        assert hidden["fon"] != hidden["ewe"]


def test_the_seed_decides_and_nothing_else() -> None:
    first = make_partitions(FULL, families=FAMILIES, seed=1)
    assert first == make_partitions(reversed(FULL), families=dict(reversed(FAMILIES.items())), seed=1)
    assert any(first != make_partitions(FULL, families=FAMILIES, seed=seed) for seed in range(2, 9))


def test_swapped_languages_change_places() -> None:
    plain = make_partitions(FULL, families=FAMILIES)
    hidden = {cell.language: cell.task for cell in plain[0].hidden}
    other = next(language for language in ("kin", "lug", "swa", "zul") if hidden[language] != hidden["fon"])
    swapped = plain[0].swapped([("fon", other)])
    after = {cell.language: cell.task for cell in swapped.hidden}
    assert after["fon"] == hidden[other]
    assert after[other] == hidden["fon"]
    assert {k: v for k, v in after.items() if k not in ("fon", other)} == {
        k: v for k, v in hidden.items() if k not in ("fon", other)
    }
    assert {*swapped.trained, *swapped.hidden} == set(FULL)
    for cells in (swapped.trained, swapped.hidden):
        assert list(cells) == sorted(cells, key=str)


def test_pairs_of_languages_change_places_one_after_the_other() -> None:
    part = Partition((Pair("pos", "a"), Pair("pos", "b")), (Pair("pos", "c"),))
    assert part.swapped([]) == part
    assert part.swapped([("a", "c")]) == Partition((Pair("pos", "b"), Pair("pos", "c")), (Pair("pos", "a"),))
    assert part.swapped([("a", "c"), ("a", "b")]) == Partition(
        (Pair("pos", "a"), Pair("pos", "c")), (Pair("pos", "b"),)
    )


def test_what_can_not_be_done_is_a_clear_error() -> None:
    with pytest.raises(HyperXError, match="2 or more"):
        make_partitions(FULL, count=1)
    with pytest.raises(HyperXError, match="eng and fon can't change places"):
        make_partitions(FULL)[0].swapped([("eng", "fon")])


def test_the_description_names_every_language_and_what_is_hidden() -> None:
    partitions = make_partitions(FULL, families=FAMILIES)
    lines = describe({"mixed-1": partitions[0], "mixed-2": partitions[1]}, FAMILIES).splitlines()
    assert len(lines) == 1 + 7
    rows = {line.split()[-3]: line.split()[-2:] for line in lines[1:]}
    for number, part in enumerate(partitions):
        for cell in part.hidden:
            assert rows[cell.language][number] == cell.task


def test_partitions_by_hand() -> None:
    cells = [Pair("pos", "b"), Pair("ner", "b"), Pair("pos", "a"), Pair("pos", "a")]
    first, second = make_partitions(cells, families={"a": "x", "b": "x"})
    turns = Random(0).sample(["a", "b"], 2)
    hidden = [[], []]
    for turn, language in enumerate(turns):
        for number, task in enumerate(["pos"] if language == "a" else ["ner", "pos"]):
            hidden[(turn + number) % 2].append(Pair(task, language))
    assert [list(first.hidden), list(second.hidden)] == [sorted(own, key=str) for own in hidden]
    for part in (first, second):
        everything = sorted(set(cells), key=str)
        assert list(part.trained) == [cell for cell in everything if cell not in part.hidden]


def test_a_languages_tasks_are_hidden_one_after_another_in_the_order_of_their_names() -> None:
    cells = [Pair(task, "swa") for task in ("pos", "pos-fine", "ner")]  # "-" comes before "/"
    parts = make_partitions(cells, count=3)
    assert [str(part.hidden[0]) for part in parts] == ["ner/swa", "pos-fine/swa", "pos/swa"]
    assert [str(cell) for cell in make_partitions(cells, count=2)[1].trained] == ["ner/swa", "pos/swa"]
    both = make_partitions([*cells, Pair("pos", "yor"), Pair("pos-fine", "yor")], count=2)
    mixed = make_partitions([Pair("pos", "a"), Pair("pos", "b"), Pair("pos-fine", "c"), Pair("pos-fine", "d")])
    for part in (*both, *mixed, *(part.swapped([("a", "b")]) for part in mixed)):
        assert list(part.hidden) == sorted(part.hidden, key=str)
        assert list(part.trained) == sorted(part.trained, key=str)
    assert {len(part.hidden) for part in both} == {2, 3}


def test_larger_families_take_their_turns_first_then_by_name() -> None:
    families = {"a": "small", "b": "large", "c": "large", "d": "alike"}
    cells = [Pair("pos", language) for language in "abcde"]
    parts = make_partitions(cells, count=5, families=families)
    large = Random(0)
    order = large.sample(["b", "c"], 2)
    assert [part.hidden[0].language for part in parts] == [*order, "d", "e", "a"]


def test_messages_say_what_and_why() -> None:
    with pytest.raises(HyperXError) as error:
        make_partitions(FULL, count=1)
    assert str(error.value) == "cells can't be hidden in 1 partition; expected 2 or more"
    with pytest.raises(HyperXError) as error:
        Partition((Pair("pos", "a"), Pair("ner", "b")), (Pair("pos", "b"),)).swapped([("b", "a")])
    assert str(error.value) == "b and a can't change places: they do not have labels of the same tasks"


def test_the_description_is_a_table() -> None:
    cells = [Pair("ner", "eng"), Pair("ner", "swa"), Pair("pos", "swa"), Pair("ner", "zul"), Pair("pos", "fon")]
    parts = [Partition(tuple(cells[:1]), tuple(cells[1:])), Partition(tuple(cells), ())]
    assert describe({"mixed-1": parts[0], "mixed-2": parts[1]}, {"swa": "Bantu", "zul": "Bantu", "fon": "Gbe"}) == (
        "family  language  mixed-1   mixed-2\n"
        "Bantu   swa       ner, pos  -\n"
        "Bantu   zul       ner       -\n"
        "Gbe     fon       pos       -\n"
        "        eng       -         -"
    )
    assert describe({"mixed-2": parts[1]}).splitlines()[:2] == ["family  language  mixed-2", "        eng       -"]

import pytest
from tokenizers.normalizers import Precompiled

from hyperx.charsmap import compile_charsmap, compositions


def test_compiled_replacements_are_applied() -> None:
    normalizer = Precompiled(compile_charsmap({"ﬁ": "fi", "\x01": "", "A": "a", "é": "é", "全": "全"}))
    assert normalizer.normalize_str("ﬁA\x01B全é") == "fiaB全é"


def test_every_key_of_a_large_map_is_found_and_nothing_else() -> None:
    replacements = {chr(point): f"<{point}>" for point in range(0x4E00, 0x6E00, 3)}
    normalizer = Precompiled(compile_charsmap(replacements))
    for point in range(0x4E00, 0x6E00):
        assert normalizer.normalize_str(chr(point)) == replacements.get(chr(point), chr(point))


@pytest.mark.parametrize(
    ("pair", "composed"),
    [("e\u0301", "é"), ("e\u0341", "é"), ("o\u0323", "ọ"), ("\u0438\u0306", "й"), ("ɔ\u0300", None)],
)
def test_compositions(pair: str, composed: str | None) -> None:
    assert compositions({}).get(pair) == composed


def test_compositions_leave_out_what_is_never_looked_up() -> None:
    found = compositions({"e": "E"})
    assert "e\u0301" not in found  # "e" is replaced first
    assert "ü\u0304" not in found  # "ü" is itself composed
    assert "か\u3099" not in found  # six bytes

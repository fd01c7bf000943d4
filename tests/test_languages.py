import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hyperx.errors import HyperXError
from hyperx.languages import name, normalize, seen_by

MASAKHANER = """
bam bbj ewe fon hau ibo kin lug luo mos nya pcm sna swa tsn twi wol xho yor zul
""".split()  # noqa: SIM905

# The subsets of WikiANN, all of them Wikipedia editions.
WIKIANN = """
ace af als am an ang ar arc arz as ast ay az ba bar bat-smg be be-x-old bg bh bn bo br bs ca cbk-zam cdo ce ceb ckb co
crh cs csb cv cy da de diq dv el eml en eo es et eu ext fa fi fiu-vro fo fr frr fur fy ga gan gd gl gn gu hak he hi hr
hsb hu hy ia id ig ilo io is it ja jbo jv ka kk km kn ko ksh ku ky la lb li lij lmo ln lt lv map-bms mg mhr mi min mk ml
mn mr ms mt mwl my mzn nap nds ne nl nn no nov oc or os pa pdc pl pms pnb ps pt qu rm ro ru rw sa sah scn sco sd sh si
simple sk sl so sq sr su sv sw szl ta te tg th tk tl tr tt ug uk ur uz vec vep vi vls vo wa war wuu xmf yi yo zea zh
zh-classical zh-min-nan zh-yue
""".split()  # noqa: SIM905


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("sw", "swa"),
        ("swa", "swa"),
        ("swh", "swa"),
        ("pcm", "pcm"),
        ("SWA ", "swa"),
        ("hsb", "hsb"),
        ("bbj", "bbj"),
        ("tw", "twi"),
        ("ger", "deu"),
        ("iw", "heb"),
        ("tl", "tgl"),
        ("fil", "tgl"),
        ("arb", "ara"),
        ("arz", "arz"),
        ("pt-BR", "por"),
        ("sr_Latn", "srp"),
        ("als", "gsw"),
        ("als_Latn", "sqi"),
        ("kmr_Latn", "kur"),
        ("gaz_Latn", "orm"),
    ],
)
def test_normalize(written: str, canonical: str) -> None:
    assert normalize(written) == canonical


@given(st.from_regex(r"[a-z]{2,3}([-_](Latn|Arab|Hans|BR))?", fullmatch=True))
@example("als_Latn")
def test_a_canonical_code_stays_as_it_is(written: str) -> None:
    try:
        canonical = normalize(written)
    except HyperXError:
        assume(False)
    assert normalize(canonical) == canonical


def test_chinese_keeps_cantonese_apart() -> None:
    assert {normalize(code) for code in ("zh", "zho", "cmn", "zh-Hans", "zh_Hant")} == {"zho"}
    assert {normalize(code) for code in ("yue", "zh-yue", "zh_yue")} == {"yue"}
    assert normalize("zh-classical") == "lzh"


def test_mbya_guarani_is_not_guarani() -> None:
    assert normalize("gn") == normalize("grn") == "grn"
    assert normalize("gun") == "gun"


def test_norwegian_without_further_word_is_bokmaal() -> None:
    assert {normalize(code) for code in ("no", "nor", "nb", "nob")} == {"nob"}
    assert normalize("nn") == "nno"


def test_serbo_croatian_stays_four_languages() -> None:
    assert [normalize(code) for code in ("sr", "hr", "bs", "sh")] == ["srp", "hrv", "bos", "hbs"]


@pytest.mark.parametrize("code", WIKIANN + MASAKHANER)
def test_canonical_codes_are_iso_639_3_and_stay_as_they_are(code: str) -> None:
    canonical = normalize(code)
    assert len(canonical) == 3
    assert normalize(canonical) == canonical


def test_masakhaner_codes_are_canonical() -> None:
    assert [normalize(code) for code in MASAKHANER] == MASAKHANER


@pytest.mark.parametrize("garbage", ["", "xxx", "und", "mul", "../etc", "swa\0", "a" * 10_000, "日本", "[red]"])
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(HyperXError, match="Unknown language") as error:
        normalize(garbage)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(("typo", "nearest"), [("Swahilli", "'swa' (Swahili)"), ("english", "'eng' (English)")])
def test_the_nearest_known_language_is_suggested(typo: str, nearest: str) -> None:
    with pytest.raises(HyperXError) as error:
        normalize(typo)
    assert f"did you mean {nearest}?" in str(error.value)


@pytest.mark.parametrize(
    ("code", "english"),
    [
        ("sw", "Swahili"),
        ("bbj", "Ghomala'"),
        ("pcm", "Nigerian Pidgin"),
        ("hsb", "Upper Sorbian"),
        ("gun", "Mbyá Guaraní"),
        ("sh", "Serbo-Croatian"),
        ("tl", "Tagalog"),
        ("yue", "Cantonese"),
        ("qaa", "qaa"),  # reserved for private use: valid, without a name
    ],
)
def test_name(code: str, english: str) -> None:
    assert name(code) == english


@pytest.mark.parametrize("code", MASAKHANER)
def test_masakhaner_languages_have_names(code: str) -> None:
    assert name(code) != code


@pytest.mark.parametrize(
    ("backbone", "seen"),
    [
        ("xlm-roberta-base", {"hau", "swa", "xho"}),
        ("FacebookAI/xlm-roberta-large", {"hau", "swa", "xho"}),
        ("builtin:multilingual-e5-small", {"hau", "swa", "xho"}),
        ("microsoft/mdeberta-v3-base", {"hau", "swa", "xho"}),
        ("bert-base-multilingual-cased", {"swa", "yor"}),
        ("google-bert/bert-base-multilingual-cased", {"swa", "yor"}),
        ("distilbert-base-multilingual-cased", {"swa", "yor"}),
    ],
)
def test_masakhaner_languages_seen(backbone: str, seen: set[str]) -> None:
    languages = seen_by(backbone)
    assert languages is not None
    assert languages & set(MASAKHANER) == seen


def test_the_papers_languages_seen_by_mbert() -> None:
    seen = seen_by("bert-base-multilingual-cased")
    assert seen is not None
    assert all(normalize(code) in seen for code in ("en", "ar", "br", "is", "kk", "ta", "tl", "tr", "yo", "zh"))
    assert not any(normalize(code) in seen for code in ("fo", "gun", "hsb", "mt", "sa", "ug", "yue"))


def test_how_many_languages_were_seen() -> None:
    """XLM-R's 100 count five romanizations, Zawgyi and two scripts of Chinese; mBERT's 104 two scripts of Chinese."""
    sizes = {
        "xlm-roberta-base": 100 - 5 - 1 - 1,
        "bert-base-multilingual-cased": 104 - 1,
        "bert-base-multilingual-uncased": 102 - 1,
    }
    assert {backbone: len(seen_by(backbone) or ()) for backbone in sizes} == sizes


def test_thai_and_mongolian_came_with_mberts_cased_model() -> None:
    cased, uncased = seen_by("bert-base-multilingual-cased"), seen_by("bert-base-multilingual-uncased")
    assert cased is not None
    assert uncased is not None
    assert cased - uncased == {"tha", "mon"}


@pytest.mark.parametrize("backbone", ["bert-base-uncased", "someone/xlm-roberta-base", "", "no such folder"])
def test_other_backbones_are_not_guessed_at(backbone: str) -> None:
    assert seen_by(backbone) is None

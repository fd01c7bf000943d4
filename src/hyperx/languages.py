"""Languages: one code each, their English names, and which of them a backbone has read.

The canonical code is ISO 639-3, lower-case. Publishers write others (ISO 639-1, Wikipedia's editions, WikiANN's
folder names); `normalize` is the only place that knows them.
"""

import difflib
from functools import lru_cache
from pathlib import Path

import langcodes

from hyperx.errors import HyperXError

# What publishers write that is no language tag, or that the registry would turn into another language.
_WRITTEN = {
    "als": "gsw",  # Alemannic, as Wikipedia and WikiANN have it; ISO 639-3 means Tosk Albanian, which FLORES has as als_Latn
    "bat-smg": "sgs",
    "be-x-old": "bel",
    "cbk-zam": "cbk",
    "eml": "egl",
    "fiu-vro": "vro",
    "hbs": "hbs",
    "map-bms": "jav",
    "roa-rup": "rup",
    "roa-tara": "nap",
    "sh": "hbs",
    "simple": "eng",
    "zh-classical": "lzh",
    "zh-min-nan": "nan",
    "zh-yue": "yue",
}

# Standard varieties that publishers name by the code of their group, and the reverse for Norwegian: all that is
# published as `no` is Bokmål.
_SAME = {
    "als": "sqi",
    "arb": "ara",
    "azj": "aze",
    "bih": "bho",
    "cmn": "zho",
    "ekk": "est",
    "fil": "tgl",
    "gaz": "orm",
    "khk": "mon",
    "kmr": "kur",
    "lvs": "lav",
    "nor": "nob",
    "npi": "nep",
    "ory": "ori",
    "pes": "fas",
    "plt": "mlg",
    "swh": "swa",
    "uzn": "uzb",
    "ydd": "yid",
    "zsm": "msa",
}

_NAMES = {"bbj": "Ghomala'", "hbs": "Serbo-Croatian", "tgl": "Tagalog"}
MAX_CODE = 40
_NO_LANGUAGE = {"mis", "mul", "und", "zxx"}

# CC100, as the XLM-R paper lists it: its 100 count romanized Bengali, Hindi, Tamil, Telugu and Urdu, Burmese in Zawgyi,
# and Chinese in each of its two scripts, which leaves 93 languages.
_CC100 = """
af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha he hi hr hu hy id is it ja jv
ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my ne nl no om or pa pl ps pt ro ru sa sd si sk sl so sq sr su sv sw
ta te th tl tr ug uk ur uz vi xh yi zh
"""

# The largest Wikipedias of 2018: 104 in mBERT's list, with Chinese in each of its two scripts.
_WIKIPEDIA = """
af an ar ast az azb ba bar be bg bn bpy br bs ca ce ceb cs cv cy da de el en es et eu fa fi fr fy ga gl gu he hi hr ht
hu hy id io is it ja jv ka kk kn ko ky la lb lmo lt lv mg min mk ml mn mr ms my nds ne new nl nn no oc pa pl pms pnb pt
ro ru scn sco sh sk sl sq sr su sv sw ta te tg th tl tr tt uk ur uz vi vo war yo zh
"""

# Multilingual MiniLM, and with it multilingual E5 (small), is distilled from XLM-R and has its vocabulary.
_SEEN = {
    "builtin:multilingual-e5-small": _CC100,
    "FacebookAI/xlm-roberta-base": _CC100,
    "FacebookAI/xlm-roberta-large": _CC100,
    "intfloat/multilingual-e5-small": _CC100,
    "intfloat/multilingual-e5-base": _CC100,
    "intfloat/multilingual-e5-large": _CC100,
    "microsoft/Multilingual-MiniLM-L12-H384": _CC100,
    "microsoft/mdeberta-v3-base": _CC100,
    "distilbert/distilbert-base-multilingual-cased": _WIKIPEDIA,
    "google-bert/bert-base-multilingual-cased": _WIKIPEDIA,
    "google-bert/bert-base-multilingual-uncased": _WIKIPEDIA.replace(" mn ", " ").replace(" th ", " "),
}


def normalize(code: str) -> str:
    """The canonical ISO 639-3 code of a language as a publisher writes it.

    Raises:
        HyperXError: `code` names no known language; the message gives the nearest known one.
    """
    written = code.strip().lower().replace("_", "-")
    # No tag is longer, and what was looked up is remembered.
    canonical = None if len(written) > MAX_CODE else _WRITTEN.get(written) or _registered(written)
    if canonical is None:
        raise HyperXError(f"Unknown language {code[:40]!r}: expected an ISO 639-1 or 639-3 code{_suggestion(written)}")
    return _SAME.get(canonical, canonical)


def name(code: str) -> str:
    """The English name of a language without what stands in brackets, or its code where it has none.

    Raises:
        HyperXError: `code` names no known language.
    """
    canonical = normalize(code)
    if canonical in _NAMES:
        return _NAMES[canonical]
    english = langcodes.get(canonical).language_name()
    return canonical if english.startswith("Unknown language") else english.split(" (")[0]


def seen_by(backbone: str) -> frozenset[str] | None:
    """Canonical codes of the languages in a backbone's pre-training, or None where that is not known.

    Args:
        backbone: a Hub id, with or without its owner, a `builtin:` name, or a folder named like one of these.
    """
    folder = Path(backbone)
    listed = _seen_by_name().get(folder.resolve().name if folder.is_dir() else backbone)
    return None if listed is None else frozenset(map(normalize, listed.split()))


def _seen_by_name() -> dict[str, str]:
    """Languages by full name and by name without owner, as the Hub's older ids and folders are."""
    return _SEEN | {full.removeprefix("builtin:").rpartition("/")[2]: listed for full, listed in _SEEN.items()}


@lru_cache(4096)
def _registered(written: str) -> str | None:
    """ISO 639-3 of a BCP 47 tag, script and region dropped; None where the registry does not know it."""
    try:
        tag = langcodes.get(written, normalize=len(written) != 2)
        known = tag.is_valid() and tag.language is not None and tag.language not in _NO_LANGUAGE
        return tag.to_alpha3() if known else None
    except (langcodes.LanguageTagError, LookupError):
        return None


def _suggestion(written: str) -> str:
    codes = sorted(set(map(normalize, f"{_CC100} {_WIKIPEDIA}".split())) | set(_NAMES))
    spellings = {code: code for code in codes} | {name(code).lower(): code for code in codes}
    nearest = difflib.get_close_matches(written[:40], spellings, n=1)
    return f"; did you mean {spellings[nearest[0]]!r} ({name(spellings[nearest[0]])})?" if nearest else ""

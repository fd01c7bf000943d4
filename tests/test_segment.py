"""Raw text to words: whatever the text, every word stands where it is said to stand."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hyperx.errors import HyperXError
from hyperx.text.segment import Segmenter, spacy_code

pytest.importorskip("spacy")

TREEBANKS = {
    "ug": "UD_Uyghur-UDT",
    "zh": "UD_Chinese-GSD",
    "yue": "UD_Cantonese-HK",
    "kk": "UD_Kazakh-KTB",
    "ta": "UD_Tamil-TTB",
    "sa": "UD_Sanskrit-UFAL",
    "yo": "UD_Yoruba-YTB",
    "mt": "UD_Maltese-MUDT",
}
FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
ALPHABET = "aZ1éا؟مשक्ष।我。กำ한" + "\u0301\u200d\u200f\u00a0\u3000\u2028\x85\x1c\t\r\n .,!?'’\"«»-@/" + "👩🏽🇰🇪"


def check(text: str, sentences: list[tuple[tuple[int, int], ...]]) -> None:
    words = [word for sentence in sentences for word in sentence]
    assert all(sentences)
    assert all(start < end for start, end in words)
    assert all(before[1] <= after[0] for before, after in pairwise(words))
    covered = "".join(text[start:end] for start, end in words)
    assert "".join(covered.split()) == "".join(text.split())
    assert all(text[start:end] == text[start:end].strip() for start, end in words)


@pytest.mark.parametrize("language", ["swa", "eng", "ara", "tam", "kor", "zho"])
@settings(max_examples=40, deadline=None)
@given(text=st.text(st.sampled_from(ALPHABET), max_size=40) | st.text(max_size=30))
@example(text=f"Cafe\u0301 {FAMILY}! \u0301x\r\n\r\n  ")
@example(text="!\u0301")
def test_no_character_is_lost_or_moved(language: str, text: str) -> None:
    check(text, Segmenter(language).split(text))


@pytest.mark.parametrize(("code", "folder"), TREEBANKS.items())
def test_real_text_of_many_scripts(code: str, folder: str, data: Path) -> None:
    path = next((data / "ud" / folder).glob("*-test.conllu"))
    lines = [line[9:] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# text = ")]
    text = "\n".join(lines[:60])
    sentences = Segmenter(code).split(text)
    check(text, sentences)
    assert len(sentences) >= 60  # a sentence never goes on across a line
    ends = {sentence[-1][1] for sentence in sentences}
    assert all(text[end : end + 1] != "\n" or end in ends for _, end in (word for s in sentences for word in s))


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("swa", "Amina alisafiri, je? Ng'ombe 3.5!", [["Amina", "alisafiri", ",", "je", "?"], ["Ng'ombe", "3.5", "!"]]),
        ("hin", "यह है। वह है।", [["यह", "है", "।"], ["वह", "है", "।"]]),
        ("san", "रामः गच्छति॥ सीता अपि॥", [["रामः", "गच्छति", "॥"], ["सीता", "अपि", "॥"]]),
        ("hye", "Ես գնացի։ Դու եկար։", [["Ես", "գնացի", "։"], ["Դու", "եկար", "։"]]),
        ("tig", "ሰላም ለዓለም። እንዴት ነህ፧", [["ሰላም", "ለዓለም", "።"], ["እንዴት", "ነህ", "፧"]]),
        ("ara", "مرحبا. كيف حالك؟", [["مرحبا", "."], ["كيف", "حالك", "؟"]]),
        ("ell", "Τι κάνεις; Καλά.", [["Τι", "κάνεις", ";"], ["Καλά", "."]]),
        ("zho", "他在北京工作。很好！", [["他", "在", "北京", "工作", "。"], ["很", "好", "！"]]),
        ("kor", "안녕하세요. 나는 학생입니다.", [["안녕하세요", "."], ["나는", "학생입니다", "."]]),
        ("eng", f"Cafe\u0301 {FAMILY}\U0001f1f0\U0001f1ea", [["Cafe\u0301", FAMILY, "\U0001f1f0\U0001f1ea"]]),
        ("eng", " \n\u2028\t", []),
    ],
)
def test_words_and_sentences(language: str, text: str, words: list[list[str]]) -> None:
    assert [[text[start:end] for start, end in sentence] for sentence in Segmenter(language).split(text)] == words


@pytest.mark.parametrize(
    ("language", "code"),
    [("swa", "xx"), ("tgl", "tl"), ("nob", "nb"), ("uig", "xx"), ("yue", "zh"), ("srp", "sr"), ("gun", "xx")],
)
def test_the_nearest_pipeline_serves_a_language(language: str, code: str) -> None:
    assert spacy_code(language) == code


@pytest.mark.parametrize("language", ["mya", "khm", "lao", "bod"])
def test_languages_that_nothing_splits_are_refused(language: str) -> None:
    with pytest.raises(HyperXError, match="one tokenized sentence a line"):
        Segmenter(language)


@pytest.mark.parametrize(
    ("language", "missing", "extra"),
    [("zho", "jieba", "zh"), ("jpn", "sudachipy", "ja"), ("tha", "pythainlp", "th"), ("swa", "spacy", "spacy")],
)
def test_what_is_not_installed_is_named(
    language: str, missing: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hyperx.text import segment

    real = segment.find_spec
    segment._pipeline.cache_clear()
    monkeypatch.setattr(segment, "find_spec", lambda name: None if name == missing else real(name))
    with pytest.raises(HyperXError, match=rf"hyperx-nlp\[{extra}\]"):
        Segmenter(language)


@pytest.mark.parametrize("writable", [True, False])
def test_nothing_is_said_of_dictionaries_and_what_is_kept_is_the_users_own(writable: bool, tmp_path: Path) -> None:
    pytest.importorskip("jieba")
    cache = tmp_path / "cache"
    if not writable:
        cache.touch()
    code = "from hyperx.text.segment import Segmenter; print(Segmenter('zho').split('我住在北京。'))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HYPERX_CACHE": str(cache)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("[((0, 1), (1, 2), (2, 3), (3, 5), (5, 6))]\n", "")
    assert (cache / "jieba" / "jieba.cache").is_file() == writable


@pytest.mark.parametrize("sign", ["'s", ".", "(", "\U0001f600", "e\u0301", "a-"])
def test_what_has_no_white_space_is_cut_and_nothing_lost(sign: str) -> None:
    text = f"One. {sign * 1000} Two. Three"
    sentences = Segmenter("eng").split(text)
    check(text, sentences)
    assert [text[start:end] for start, end in sentences[-1]] == ["Three"]
    long = max(end - start for sentence in sentences for start, end in sentence)
    assert long <= 502  # a cluster's marks stay with it


@pytest.mark.parametrize("language", ["eng", "swa", "zho"])
def test_words_are_forgotten_once_they_are_split(language: str) -> None:
    if language == "zho":
        pytest.importorskip("jieba")
    segmenter = Segmenter(language)
    segmenter.split("Amina ran home.")
    known = set(segmenter._nlp.vocab.strings)
    words = [f"zq{number}x" for number in range(200)]
    assert [len(sentence) for sentence in segmenter.split(" ".join(words))] == [200]
    assert set(segmenter._nlp.vocab.strings) == known

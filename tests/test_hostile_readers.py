"""Whatever the bytes, a reader yields sentences or raises the one error that a user can cause."""

import contextlib
import io
from codecs import BOM_UTF8
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conftest import Stream
from hostile import FRAGMENTS, HOSTILE, bounded
from hyperx.data.check import check_file
from hyperx.data.lines import MAX_LINE, decode_lines
from hyperx.data.read import FORMATS, detect_format, read_sentences
from hyperx.data.strict_json import parse
from hyperx.errors import HyperXError
from hyperx.languages import normalize
from hyperx.text.formats import to_conllu, to_iob2, to_json
from hyperx.text.read import INPUTS, Source, read_text_sentences
from hyperx.text.segment import Segmenter
from hyperx.text.sentence import TaggedSentence

TASKS = ("pos", "ner", "mlm", "parse", "feats", "spans", "classification")
quick = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@quick
@given(HOSTILE, st.sampled_from(("auto", *FORMATS)), st.sampled_from(TASKS))
@example(b"".join(FRAGMENTS), "auto", "ner")
@example(b"ab" + b"-a" * 40 + b" O\n", "columns", "ner")
def test_readers_of_labelled_data(tmp_path: Path, content: bytes, format: str, task: str) -> None:
    path = tmp_path / "any"
    path.write_bytes(content)
    with bounded():
        try:
            sentences = list(read_sentences(path, task=task, format=format))
        except HyperXError as error:
            assert str(path) in str(error)  # noqa: PT017
            return
    for sentence in sentences:
        assert sentence.words
        assert all(word.strip() for word in sentence.words)
        assert task == "classification" or sentence.tags is None or len(sentence.tags) == len(sentence.words)
        " ".join([*sentence.words, *(sentence.tags or ())]).encode()  # can be written again


@pytest.mark.parametrize("task", TASKS)
def test_every_fragment_alone(tmp_path: Path, task: str) -> None:
    path = tmp_path / "any"
    for fragment in FRAGMENTS:
        path.write_bytes(fragment)
        for format in FORMATS:
            with bounded():
                try:
                    list(read_sentences(path, task=task, format=format))
                except HyperXError as error:
                    assert str(path) in str(error)  # noqa: PT017


@quick
@example(FRAGMENTS[0] + b"\0", "text")  # an error after a sentence
@given(HOSTILE, st.sampled_from(("auto", *FORMATS)))
def test_a_check_of_any_file_raises_nothing(tmp_path: Path, content: bytes, format: str) -> None:
    path = tmp_path / "any"
    path.write_bytes(content)
    with bounded():
        report = check_file(path, format=format)
    assert report.error or report.sentences


@quick
@given(HOSTILE, st.sampled_from(("auto", *INPUTS)))
@example(FRAGMENTS[0] + FRAGMENTS[0].replace(b"1\t", b"2\t", 1), "conllu")
def test_readers_of_text(content: bytes, format: str) -> None:
    with bounded():
        try:
            sentences = list(read_text_sentences(io.BytesIO(content), Source("any", "eng"), format=format)[1])
        except HyperXError as error:
            assert "any:" in str(error)  # noqa: PT017
            return
        for sentence in sentences:
            tagged = TaggedSentence(sentence, {})
            (to_conllu(tagged) + to_iob2(tagged) + to_json(tagged)).encode()


@quick
@given(st.text(max_size=50).filter(lambda text: "\0" not in text))
def test_text_keeps_all_its_characters(text: str) -> None:
    """Nothing but white space is lost on the way to words, bidirectional controls and marks included."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return
    sentences = read_text_sentences(io.BytesIO(encoded), Source("any", "eng"), format="words")[1]
    kept = "".join(word for sentence in sentences for word in sentence.words)
    assert kept == "".join(text.removeprefix("\ufeff").split())


@quick
@given(st.text(max_size=100))
def test_any_language_code(code: str) -> None:
    with contextlib.suppress(HyperXError):
        assert normalize(code).isascii()


@quick
@example(BOM_UTF8)
@given(st.binary(max_size=60) | HOSTILE.map(lambda content: content[:2000]))
def test_a_file_is_decoded_as_it_is(content: bytes) -> None:
    try:
        lines = [line for _, line in decode_lines(io.BytesIO(content), "any")]
    except HyperXError:
        return
    expected = content.decode("utf-8-sig").split("\n")
    alone = lines == [""] and content == BOM_UTF8  # a line, though there is nothing in it
    assert alone or lines == [line.rstrip("\r") for line in (expected if expected[-1] else expected[:-1])]


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', '{"a": "\\uD800"}', "[" * 100_000, "9" * 5000, '{"x": {"\\udfff": 1}}']
)
def test_json_that_would_be_read_as_something_else(text: str) -> None:
    with bounded(), pytest.raises(ValueError, match=r"twice|half|deep|digits"):
        parse(text)


def test_an_escaped_pair_is_one_character() -> None:
    assert parse('"\\ud83d\\ude00 \\\\ud800"') == "\U0001f600 \\ud800"


class Endless(io.RawIOBase):
    """A line without an end."""

    taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        buffer[:] = b"x" * len(buffer)
        self.taken += len(buffer)
        return len(buffer)


@pytest.mark.parametrize("format", INPUTS)
def test_an_endless_line_is_not_read_to_its_end(format: str) -> None:
    file = Endless()
    with pytest.raises(HyperXError, match="longer than 1,000,000 bytes"):
        list(read_text_sentences(io.BufferedReader(file), Source("any", "eng"), format=format)[1])  # type: ignore[type-var]
    assert file.taken < 2 * MAX_LINE


@pytest.mark.parametrize("format", ["words", "columns", "jsonl"])
def test_a_stream_is_read_as_it_is_asked_for(format: str) -> None:
    line = {"words": b"a b\n", "columns": b"a O\n\n", "jsonl": b'{"text": "a b"}\n'}[format]
    file = Stream(line * 500_000)
    _, sentences = read_text_sentences(file, Source("any", "eng"), format=format)
    assert len(list(islice(sentences, 3))) == 3
    assert file.tell() < 10 * len(line)


@pytest.mark.parametrize("text", ["(" * 100_000, "a" + "\u0301" * 100_000, "\u202e" * 100_000, "a." * 50_000])
def test_a_long_word_is_split_or_refused_in_bounded_time(text: str) -> None:
    with bounded():
        try:
            assert Segmenter("eng").split(text)
        except HyperXError as error:
            assert "can't split" in str(error)  # noqa: PT017


def test_a_file_of_slips_is_checked_in_bounded_time(tmp_path: Path) -> None:
    path = tmp_path / "slips.iob2"
    path.write_bytes(b"a O\nb I-PER\n\nc B-PER\nc B-PER\n\n" * 8000)
    with bounded():
        report = check_file(path, task="ner")
    assert report.sentences == 16_000
    assert len(report.notices) == 8000


def test_the_format_of_an_empty_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.touch()
    with pytest.raises(HyperXError, match="is empty"):
        detect_format(path, task="ner")

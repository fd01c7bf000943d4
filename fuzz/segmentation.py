"""Raw text to words: they are in order, and hold every character that is not white space."""

from itertools import pairwise

from hyperx.errors import HyperXError
from hyperx.text.segment import Segmenter

LANGUAGES = ("eng", "tur", "arb", "hin", "zho", "kor", "ell", "yor")


def run(data: bytes) -> None:
    """Split the text after the first byte, which chooses a language."""
    if not data:
        return
    text = data[1:].decode(errors="replace")
    try:
        sentences = Segmenter(LANGUAGES[data[0] % len(LANGUAGES)]).split(text)
    except HyperXError:
        return
    offsets = [word for sentence in sentences for word in sentence]
    assert all(sentences)
    assert all(start < end for start, end in offsets)
    assert all(end <= start for (_, end), (start, _) in pairwise(offsets))
    words = [text[start:end] for start, end in offsets]
    assert not any(word != word.strip() for word in words)
    assert "".join("".join(words).split()) == "".join(text.split())

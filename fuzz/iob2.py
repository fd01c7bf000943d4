"""IOB2: sentences with entities that were read from anything, written, read again, are the same."""

import re

from fuzz.scratch import write
from hyperx.data.check import collected_notices
from hyperx.data.read import FORMATS, read_sentences
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.tasks import build_task
from hyperx.text.formats import to_iob2
from hyperx.text.sentence import Layer, TaggedSentence, from_words

NER = build_task("ner")
WIKIANN = re.compile("[a-z]{2,3}([-_][a-z]+)*:")


def run(data: bytes) -> None:
    """Read the bytes after the first, which chooses a format."""
    if not data:
        return
    path = write("any", data[1:])
    with collected_notices():
        try:
            sentences = list(read_sentences(path, task=NER, format=("auto", *FORMATS)[data[0] % (1 + len(FORMATS))]))
            texts = "".join(to_iob2(tagged(sentence)) for sentence in sentences)
        except HyperXError:
            return
        # What no file of columns can hold: that word, a byte order mark as the first character, and words that are
        # written as WikiANN's are, with a language before them.
        words = [word for sentence in sentences for word in sentence.words]
        if texts.startswith("\ufeff") or any(word == "-DOCSTART-" or WIKIANN.match(word) for word in words):
            return
        again = list(read_sentences(write("any.iob2", texts.encode()), task=NER)) if sentences else []
    assert [(own.words, own.tags) for own in again] == [(own.words, own.tags) for own in sentences]


def tagged(sentence: Sentence) -> TaggedSentence:
    """Return a sentence with its gold tags."""
    tags = sentence.tags or ()
    return TaggedSentence(from_words(sentence.words, "eng"), {"ner": Layer(tags, (1.0,) * len(tags), None, NER)})

"""Every reader of text to be tagged, and every writer of what it read."""

import csv
import io
import json

from hyperx.errors import HyperXError
from hyperx.text.formats import colored, to_conllu, to_csv, to_iob2, to_json
from hyperx.text.read import INPUTS, Source, read_text_sentences
from hyperx.text.sentence import TaggedSentence, TextSentence


def run(data: bytes) -> None:
    """Read the bytes after the first, which chooses a format."""
    format = ("auto", *INPUTS)[data[0] % (1 + len(INPUTS))] if data else "auto"
    try:
        sentences = list(read(data[1:], format))
    except HyperXError as error:
        assert "any:" in str(error) or str(error).startswith("any has no words"), error
        return
    for sentence in sentences:
        tagged = TaggedSentence(sentence, {})
        (to_iob2(tagged) + colored(tagged).plain).encode()
        assert tuple(json.loads(to_json(tagged))["tokens"]) == sentence.words
        assert tuple(row[2] for row in csv.reader(io.StringIO(to_csv(tagged), newline=""))) == sentence.words
        if sentence.words:
            (again,) = read(to_conllu(tagged).encode(), "conllu")
            assert again.words == sentence.words


def read(content: bytes, format: str) -> list[TextSentence]:
    """Return the sentences of a file's content."""
    return list(read_text_sentences(io.BytesIO(content), Source("any", "eng"), format=format)[1])

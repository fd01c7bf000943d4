"""The CoNLL-U writer: what was read comes back to the byte, and tags that are added are read again."""

from fuzz.scratch import write
from fuzz.text import read
from hyperx.data.labels import UPOS
from hyperx.data.read import read_sentences
from hyperx.errors import HyperXError
from hyperx.tasks import build_task
from hyperx.text.formats import to_conllu
from hyperx.text.sentence import Layer, TaggedSentence, TextSentence

TASKS = {name: build_task(name) for name in ("pos", "ner", "feats", "parse", "classification")}


def run(data: bytes) -> None:
    """Read the bytes and write them, without tags and with some."""
    try:
        sentences = read(data, "conllu")
    except HyperXError:
        return
    plain = "".join(to_conllu(TaggedSentence(sentence, {})) for sentence in sentences)
    assert plain.split("\n") == [line for sentence in sentences for line in [*(sentence.lines or ()), ""]] + [""]
    if not sentences or not all(sentence.words for sentence in sentences):
        return
    layers = [gold(sentence) for sentence in sentences]
    tagged = "".join(to_conllu(TaggedSentence(*pair)) for pair in zip(sentences, layers, strict=True))
    path = write("conllu", tagged.encode())
    for name in TASKS:
        again = list(read_sentences(path, task=name, format="conllu"))
        assert [sentence.words for sentence in again] == [sentence.words for sentence in sentences]
        assert [sentence.tags for sentence in again] == [own[name].tags for own in layers], name


def gold(sentence: TextSentence) -> dict[str, Layer]:
    """Return tags that follow from the words."""
    length = len(sentence.words)
    tags = {
        "pos": [UPOS[len(word) % len(UPOS)] for word in sentence.words],
        "ner": ["B-PER", *["I-PER"] * (length - 1)],
        "feats": ["Case=Nom|Number=Sing", *["_"] * (length - 1)],
        "parse": ["0:root", *["1:dep"] * (length - 1)],
        "classification": ["news"],
    }
    return {name: Layer(tuple(own), (1.0,) * len(own), None, TASKS[name]) for name, own in tags.items()}

"""Every reader of labelled data: sentences that can be written again, or an error that names the file."""

from fuzz.scratch import write
from hyperx.data.check import collected_notices
from hyperx.data.read import FORMATS, read_sentences
from hyperx.errors import HyperXError

TASKS = ("pos", "ner", "mlm", "parse", "feats", "spans", "classification")


def run(data: bytes) -> None:
    """Read the bytes after the first two, which choose a format and a task."""
    if len(data) < 2:
        return
    format, task = ("auto", *FORMATS)[data[0] % (1 + len(FORMATS))], TASKS[data[1] % len(TASKS)]
    path = write("labelled", data[2:])
    with collected_notices():
        try:
            sentences = list(read_sentences(path, task=task, format=format))
        except HyperXError as error:
            assert str(path) in str(error), error
            return
    for sentence in sentences:
        assert sentence.words
        assert all(word.strip() for word in sentence.words)
        assert task == "classification" or sentence.tags is None or len(sentence.tags) == len(sentence.words)
        " ".join([*sentence.words, *(sentence.tags or ())]).encode()

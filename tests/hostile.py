"""Bytes that no reader should trust, for property tests."""

import contextlib
import time
from collections.abc import Iterator

from hypothesis import strategies as st

# What each format is made of, and what its readers are likeliest to trip over.
FRAGMENTS = [
    *(f"{number}\tword\tlemma\tNOUN\t_\tCase=Nom\t0\troot\t_\tNER=B-PER\n".encode() for number in (1, 2)),
    b"1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n",
    b"2.1\tya\t_\t_\t_\t_\t_\t_\t_\t_\n",
    b"1\tx\tx\tX\t_\t=\t" + b"9" * 5000 + b"\t:\t_\t_\n",
    "1\tx\tx\tX\t_\ta=b|a=c\t²\t٣:x\t_\tNER=\n".encode(),
    b"# text = a\n",
    b"# language = swa\n",
    b"# language = \n",
    b"#=\n",
    b"-DOCSTART- O\n",
    b"Amina B-PER\nran O\n",
    b"Amina\tI-PER\nran\tE-PER\n",
    b"sw:Amina B-PER\n",
    b"ab" + b"-a" * 40 + b" O\n",
    b"tokens\ttext\tlabel\n",
    b"a text\ta label\n",
    b'{"tokens": ["a", "b"], "ner_tags": ["O", "B-PER"], "language": "swa"}\n',
    b'{"text": "a b.", "language": "eng", "pos_tags": ["X", "X"], "label": "x"}\n',
    b'{"tokens": ["\\ud800"], "tags": ["O"], "language": "eng"}\n',
    b'{"tokens": ["a"], "tags": ["O"], "tags": ["B-PER"], "tokens": []}\n',
    b'{"tokens": [], "text": "", "tags": [], "language": [1]}\n',
    b'{"head": ["1"], "deprel": ["x"], "tokens": ["a"], "n": ' + b"9" * 5000 + b"}\n",
    b'{"a":' * 500 + b"1" + b"}" * 500 + b"\n",
    b"[" * 20_000 + b"\n",
    b"(" * 3000 + b"\n",
    "e\u0301".encode() + "\u0301".encode() * 300 + b" O\n",
    "\u202eabc\u2066\u200f O\n".encode(),
    b"\xed\xa0\x80 O\n",
    b"\xf0\x9f\x98",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\0",
    "\u2028\u0085\u00a0\x1c\u3000\t".encode(),
    b"\t",
    b" ",
    b"\r\n",
    b"\n",
    b"\r",
    b"\n\n",
]
HOSTILE = st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=8), max_size=12).map(b"".join)


@contextlib.contextmanager
def bounded(seconds: float = 20.0) -> Iterator[None]:
    """Check that what is done inside ends within so much processor time, many times what it should take."""
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds

"""Raw text: encoding a million sentences to the cache, and having them again from it.

The first time is the processor's time on one core. Usage: python -m benchmarks.text [--rounds N] [--quick]
"""

import os
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from benchmarks.rounds import Options, Row, options, save, timed
from hyperx.backbone import load_tokenizer
from hyperx.cache import encode_text, lengths, piece_counts
from hyperx.data.read import read_sentences
from hyperx.data.textfile import TextFile
from hyperx.pairs import Pair
from hyperx.sampler import PairBatchSampler
from hyperx.tasks import build_task

TEXT = Path("../shared/data/mafand")
SENTENCES = 1_000_000


def lines() -> Iterator[str]:
    """Yield lines of all languages in turn, over and over."""
    files = [cycle(path.read_text(encoding="utf-8").splitlines()) for path in sorted(TEXT.glob("*.txt"))]
    while True:
        yield from map(next, files)


def read(path: Path, tokenizer: PreTrainedTokenizerBase, cache: Path) -> Any:
    """Do what a run does with raw text up to its first batch, and return the examples."""
    text = TextFile(path, "text")
    assert len(text)
    examples = encode_text(text, build_task("mlm"), tokenizer, max_length=256, folder=cache)
    piece_counts(examples, len(tokenizer))
    sampler = PairBatchSampler({Pair("mlm", "eng"): lengths(examples)}, batch_size=16, num_batches=3000)
    next(iter(sampler))
    return examples


def held(path: Path, tokenizer: PreTrainedTokenizerBase, count: int) -> float:
    """Return the bytes that a sentence and its example take where they are in memory, as labelled ones are."""
    tracemalloc.start()
    sentences = list(islice(read_sentences(path, task="mlm"), count))
    examples = list(build_task("mlm").encode(sentences, tokenizer, max_length=256))
    size = tracemalloc.get_traced_memory()[0] / len(examples)
    tracemalloc.stop()
    return size


def main(given: Options) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    tokenizer = load_tokenizer("builtin:multilingual-e5-small")  # XLM-R's vocabulary
    count = 1000 if given.quick else SENTENCES
    with tempfile.TemporaryDirectory() as temporary:
        path, cache = Path(temporary, "raw.txt"), Path(temporary, "cache")
        path.write_text("\n".join(islice(lines(), count)) + "\n", encoding="utf-8")
        start = time.process_time()
        pieces = int(lengths(read(path, tokenizer, cache)).sum())
        first = time.process_time() - start
        again = timed(lambda: read(path, tokenizer, cache))
        figures = {"first": [first], "second": [again() for _ in range(given.rounds)]}
        size = path.stat().st_size
        details = {
            "sentences": count,
            "bytes_a_piece": size / pieces,
            "pieces_a_sentence": pieces / count,
            "encoded_bytes_a_second": size / first,
            "held_bytes_a_sentence": held(path, tokenizer, min(count, 10_000)),
        }
    rows = [
        Row("reading and encoding a million sentences, second time", figures["second"], 1, unit="s"),
        Row("the first time", figures["first"], unit="s"),
    ]
    save("text", given, rows, figures, unit="seconds", **details)


if __name__ == "__main__":
    main(options(__doc__))

"""Tagging a corpus from file to file, against `transformers`' pipeline with the same encoder.

Usage: python -m benchmarks.corpus [--rounds N] [--quick]
"""

import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from itertools import islice
from pathlib import Path

from transformers import AutoModelForTokenClassification
from transformers.utils import logging

from benchmarks.peers import Peer
from benchmarks.rounds import Options, Row, alternate, options, ratios, save, timed
from benchmarks.setting import labelled, read, saved_model
from hyperx.backbone import load_backbone
from hyperx.cli.tag import WINDOW
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.text.read import Source, read_text_sentences
from hyperx.text.stream import tag_stream
from hyperx.text.write import open_writer

PAIR = Pair("ner", "swa")


def tag_file(model: HyperX, source: Path, target: Path) -> None:
    """Tag as ``hyperx tag`` does once the model is loaded."""
    tagger = cache(lambda language: model.tagger(PAIR.task, language))
    with source.open("rb") as stream:
        _, sentences = read_text_sentences(stream, Source(str(source), PAIR.language))
        writer = open_writer(target, "iob2", [PAIR.task])
        for batch in tag_stream(sentences, tagger, window=WINDOW):
            writer.write(batch)
        writer.close()


def main(given: Options) -> None:
    logging.set_verbosity_error()
    config = labelled(given)
    sentences = read(config).test[PAIR]
    chosen = list(islice(sentences, 8 if given.quick else 1000))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source = folder / "text.txt"
        source.write_text("".join(" ".join(sentence.words) + "\n" for sentence in chosen), encoding="utf-8")
        model = HyperX.from_pretrained(saved_model(given, folder / "model"))
        load_backbone(config.backbone).encoder.save_pretrained(folder / "encoder")
        classifier = AutoModelForTokenClassification.from_pretrained(
            folder / "encoder", num_labels=len(model.tasks[PAIR.task].labels)
        )
        classifier.save_pretrained(folder / "classifier")
        model.tokenizer.save_pretrained(folder / "classifier")
        peer = stack.enter_context(Peer("pipeline", folder, Path(sys.executable)))
        figures = alternate(
            {
                "hyperx": timed(lambda: tag_file(model, source, folder / "ours.iob2")),
                "pipeline": peer.measure("unbatched"),
                "pipeline, batches of 8": peer.measure("batches of 8"),
            },
            given.rounds,
        )
    rows = [
        Row("a corpus from file to file, rate over the pipeline's", ratios(figures, "pipeline", "hyperx"), 4, False),
        Row("the same, the pipeline in batches of 8", ratios(figures, "pipeline, batches of 8", "hyperx"), 4, False),
        Row("sentences tagged", [len(chosen) / value for value in figures["hyperx"]], at_most=False, unit="a second"),
    ]
    save("corpus", given, rows, figures, unit="seconds", sentences=len(chosen))


if __name__ == "__main__":
    main(options(__doc__))

"""The command line from a cold start: seconds and peak memory of whole processes.

Usage: python -m benchmarks.startup [--rounds N] [--quick]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.rounds import Options, Row, alternate, options, ratios, save
from benchmarks.setting import labelled, read, saved_model
from hyperx.modeling import HyperX
from hyperx.trim import trim_model

LANGUAGES = ("hau", "swa", "yor")


# A process's peak counts that of the one which started it, so a small one does.
STARTER = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class Process:
    """Runs a command to its end; a call gives its seconds, `peaks` has its peak memory in bytes."""

    def __init__(self, *arguments: str) -> None:
        self.command = [sys.executable, "-c", STARTER, sys.executable, *arguments]
        self.peaks: list[float] = []

    def __call__(self) -> float:
        printed = subprocess.run(self.command, stdout=subprocess.PIPE, text=True, check=True).stdout
        spent, kilobytes = map(float, printed.split())
        self.peaks.append(kilobytes * 1024)
        return spent


def main(given: Options) -> None:
    data = read(labelled(given))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tests = [sentences for pair, sentences in data.test.items() if pair.language in LANGUAGES]
        words = [sentence.words for sentences in tests for sentence in sentences]
        lines = [" ".join(row) + "\n" for row in words[: 8 if given.quick else 500]]
        (folder / "one.txt").write_text(lines[0], encoding="utf-8")
        (folder / "many.txt").write_text("".join(lines), encoding="utf-8")
        whole, trimmed = saved_model(given, folder / "whole"), folder / "trimmed"
        pieces = trim_model(whole, trimmed, words[:100] if given.quick else words)

        def tag(model: Path, text: str) -> Process:
            return Process("-m", "hyperx", "tag", str(model), str(folder / text), "-t", "ner", "-l", "swa")

        processes = {
            "help": Process("-m", "hyperx", "--help"),
            "imports": Process("-c", "import hyperx.modeling"),
            "tag one": tag(whole, "one.txt"),
            "tag one, trimmed": tag(trimmed, "one.txt"),
            "tag": tag(whole, "many.txt"),
            "tag, trimmed": tag(trimmed, "many.txt"),
        }
        figures = alternate(processes, given.rounds)
        model = HyperX.from_pretrained(whole)
        weights = 4 * sum(parameter.numel() for parameter in model.parameters())
    for name, process in processes.items():
        figures[f"{name}, peak bytes"] = process.peaks[1:]
    own = [a - b for a, b in zip(figures["tag, peak bytes"], figures["imports, peak bytes"], strict=True)]
    own_trimmed = [
        a - b for a, b in zip(figures["tag, trimmed, peak bytes"], figures["imports, peak bytes"], strict=True)
    ]
    rows = [
        Row("`hyperx --help`", figures["help"], 0.3, unit="s"),
        Row("`hyperx tag` on one sentence", figures["tag one"], 2.5, unit="s"),
        Row("the same with a trimmed vocabulary", figures["tag one, trimmed"], 2.5, unit="s"),
        Row(
            "peak memory of tagging over the weights in float32",
            [x / weights for x in figures["tag, peak bytes"]],
            1.3,
        ),
        Row(
            "the same above what the imports take",
            [x / weights for x in own],
            1.3,
        ),
        Row(
            "peak memory with a trimmed vocabulary over the full model's",
            ratios(figures, "tag, trimmed, peak bytes", "tag, peak bytes"),
            0.4,
        ),
        Row(
            "this, too, above what the imports take",
            [a / b for a, b in zip(own_trimmed, own, strict=True)],
            0.4,
            note=f"{len(pieces):,} pieces for {', '.join(LANGUAGES)}",
        ),
    ]
    save("startup", given, rows, figures, unit="seconds and bytes", weights_bytes=weights)


if __name__ == "__main__":
    main(options(__doc__))

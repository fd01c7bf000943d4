"""`transformers`' token-classification pipeline, from a file of sentences to a file of tags, as its documentation shows."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import pipeline

from benchmarks.peers import seconds, serve


def main(folder: Path) -> None:
    tagger: Any = pipeline("token-classification", model=str(folder / "classifier"))

    def tag(batch_size: int) -> None:
        def lines() -> Iterator[str]:
            with (folder / "text.txt").open(encoding="utf-8") as stream:
                yield from map(str.strip, stream)

        with (folder / "tagged.txt").open("w", encoding="utf-8") as output:
            for found in tagger(lines(), batch_size=batch_size):
                output.writelines(f"{piece['word']} {piece['entity']}\n" for piece in found)
                output.write("\n")

    serve({"unbatched": lambda: seconds(lambda: tag(1)), "batches of 8": lambda: seconds(lambda: tag(8))})


if __name__ == "__main__":
    main(Path(sys.argv[1]))

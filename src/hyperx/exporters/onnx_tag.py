"""Tag tokenized sentences with an exported graph: python tag.py TASK LANGUAGE < SENTENCES

It needs onnxruntime, numpy and tokenizers alone. Exported folders hold a copy, so it imports nothing of hyperx.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

Scores = NDArray[np.float32]


class Chunk(NamedTuple):
    """A sentence, or a part of one that is too long; `positions` are its words' first pieces."""

    sentence: int
    pieces: list[int]
    positions: list[int]


class Tagger:
    """Tags sentences of any pair that the graph serves.

    Args:
        folder: the exported one.
        graph: the file's name in it.
    """

    def __init__(self, folder: Path, graph: str = "model.onnx") -> None:
        self.about = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))
        self.tasks: dict[str, list[str]] = self.about["tasks"]
        self.languages: list[str] = self.about["languages"]
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.session = onnxruntime.InferenceSession(folder / graph, providers=onnxruntime.get_available_providers())
        self.inputs = {value.name for value in self.session.get_inputs()}

    def tag(
        self, sentences: Sequence[Sequence[str]], pairs: Sequence[tuple[str, str]], batch_size: int = 32
    ) -> list[list[str]]:
        """Return a tag a word of each sentence; `pairs` has each sentence's task and language."""
        numbers = np.array([self._number(*pair) for pair in pairs], dtype=np.int64).reshape(-1, 2)
        chunks = list(self._encode(sentences))
        order = sorted(range(len(chunks)), key=lambda number: -len(chunks[number].pieces))
        rows: dict[int, Scores] = {}
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            logits = self._run([chunks[n].pieces for n in batch], numbers[[chunks[n].sentence for n in batch]])
            rows |= {n: scores[chunks[n].positions] for n, scores in zip(batch, logits, strict=True)}
        # The parts of a long sentence are decoded together: an entity may go on across a cut.
        parts: list[list[Scores]] = [[] for _ in sentences]
        for number, chunk in enumerate(chunks):
            parts[chunk.sentence].append(rows[number])
        return [self._decode(task, np.concatenate(scores)) for (task, _), scores in zip(pairs, parts, strict=True)]

    def _number(self, task: str, language: str) -> tuple[int, int]:
        if task not in self.tasks or language not in self.languages:
            raise ValueError(
                f"no {task}/{language} here; tasks are {', '.join(self.tasks)}, languages {', '.join(self.languages)}"
            )
        return list(self.tasks).index(task), self.languages.index(language)

    def _encode(self, sentences: Sequence[Sequence[str]]) -> Iterator[Chunk]:
        """Cut sentences to pieces, and long ones at word boundaries; every word keeps at least one piece."""
        prefix, suffix = self.about["prefix"], self.about["suffix"]
        room = self.about["max_length"] - len(prefix) - len(suffix)
        encodings = self.tokenizer.encode_batch(list(sentences), is_pretokenized=True, add_special_tokens=False)
        for number, (words, encoding) in enumerate(zip(sentences, encodings, strict=True)):
            pieces: list[list[int]] = [[] for _ in words]
            for piece, word in zip(encoding.ids, encoding.word_ids, strict=True):
                if word is not None:
                    pieces[word].append(piece)
            body = list(prefix)
            positions: list[int] = []
            for word_pieces in pieces:
                word_pieces = (word_pieces or [self.about["unknown"]])[:room]
                if len(body) - len(prefix) + len(word_pieces) > room:
                    yield Chunk(number, body + suffix, positions)
                    body, positions = list(prefix), []
                positions.append(len(body))
                body += word_pieces
            yield Chunk(number, body + suffix, positions)

    def _run(self, pieces: Sequence[list[int]], numbers: NDArray[np.int64]) -> Scores:
        """Return logits ``(batch, length, labels)``; `numbers` are the rows' tasks and languages, ``(batch, 2)``."""
        length = max(map(len, pieces))
        input_ids = np.array([row + [self.about["pad"]] * (length - len(row)) for row in pieces], dtype=np.int64)
        attention_mask = np.array([[1] * len(row) + [0] * (length - len(row)) for row in pieces], dtype=np.int64)
        values = {"input_ids": input_ids, "attention_mask": attention_mask}
        values |= {"task": numbers[:, 0], "language": numbers[:, 1]}
        return self.session.run(None, {name: value for name, value in values.items() if name in self.inputs})[0]

    def _decode(self, task: str, scores: Scores) -> list[str]:
        """Return each word's best tag or, of entities, the best sequence that IOB2 allows (Viterbi)."""
        labels = self.tasks[task]
        if not len(scores):
            return []
        scores = scores[:, : len(labels)]
        if not any(label.startswith("I-") for label in labels):
            return [labels[number] for number in scores.argmax(-1)]
        inside = np.array([label.startswith("I-") for label in labels])
        kinds = np.array([label[2:] for label in labels])
        forbidden = inside & (kinds[:, None] != kinds)  # (previous, next)
        best, back = np.where(inside, -np.inf, scores[0]), []
        for row in scores[1:]:
            paths = np.where(forbidden, -np.inf, best[:, None])
            back.append(paths.argmax(0))
            best = paths.max(0) + row
        path = [int(best.argmax())]
        for previous in reversed(back):
            path.append(int(previous[path[-1]]))
        return [labels[number] for number in reversed(path)]


def main(arguments: Sequence[Any]) -> None:
    """Tag standard input, a sentence a line, and print a word and its tag a line."""
    task, language, *graph = arguments
    sentences = [line.split() for line in sys.stdin if line.strip()]
    tagger = Tagger(Path(__file__).parent, *graph)
    for words, tags in zip(sentences, tagger.tag(sentences, [(task, language)] * len(sentences)), strict=True):
        print("".join(f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True)))


if __name__ == "__main__":
    main(sys.argv[1:])

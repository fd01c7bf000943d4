"""Make data of a span task and a sentence classification task from a treebank: `derive_tasks.py TREEBANK FOLDER`.

Base noun phrases (NP) are derived from dependencies, not annotated: a noun, proper noun or pronoun with the determiners,
numerals, adjectives and compounds that depend on it, as far as they stand next to it without a gap and do not reach across
it; the file is CoNLL-U with ``CHUNK=B-NP`` in MISC. Genres are English-EWT's own, the first part of a sentence's ``sent_id``
(weblog, newsgroup, email, reviews, answers); the file is JSON Lines, shuffled, as a run selects on the first dev sentences and
a treebank's stand genre by genre.
"""

import json
import sys
from pathlib import Path
from random import Random

import conllu

HEADS = {"NOUN", "PROPN", "PRON"}
INSIDE = {"det", "amod", "nummod", "compound", "flat", "nmod:poss", "goeswith"}


def chunks(words: list[conllu.Token]) -> list[str]:
    """Return each word's tag."""
    tags = ["O"] * len(words)
    for head in words:
        within_other = head["deprel"] in INSIDE and words[head["head"] - 1]["upos"] in HEADS
        if head["upos"] not in HEADS or within_other:
            continue
        members = {head["id"]}
        while grown := {word["id"] for word in words if word["head"] in members and word["deprel"] in INSIDE} - members:
            members |= grown
        first = last = head["id"]
        while first - 1 in members:
            first -= 1
        while last + 1 in members:
            last += 1
        for number in range(first, last + 1):
            tags[number - 1] = "B-NP" if number == first else "I-NP"
    return tags


def main(treebank: Path, folder: Path) -> None:
    """Write ``chunk-SPLIT.conllu`` and ``genre-SPLIT.jsonl``."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(treebank.glob("*.conllu")):
        split = path.stem.rsplit("-", 1)[1]
        spans, genres = [], []
        for sentence in conllu.parse(path.read_text(encoding="utf-8")):
            words = [token for token in sentence if isinstance(token["id"], int)]
            genre = sentence.metadata["sent_id"].partition("-")[0]
            genres.append(json.dumps({"tokens": [word["form"] for word in words], "genre": genre}, ensure_ascii=False))
            for word, tag in zip(words, chunks(words), strict=True):
                word["misc"] = {**(word["misc"] or {}), **({} if tag == "O" else {"CHUNK": tag})} or None
            spans.append(sentence.serialize())
        Random(0).shuffle(genres)
        (folder / f"chunk-{split}.conllu").write_text("".join(spans), encoding="utf-8")
        (folder / f"genre-{split}.jsonl").write_text("\n".join(genres) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

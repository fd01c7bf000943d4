"""Raw text against treebanks: how many words and sentences of UD's ``# text`` are found as the treebank has them.

A treebank's words are here its surface tokens: a multiword token is one. Ten sentences in turn make a paragraph.
Usage: python -m benchmarks.tokenization [UD]; writes ``results/tokenization.json``.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import conllu

from benchmarks import RESULTS
from hyperx.languages import normalize
from hyperx.text.segment import Segmenter, spacy_code

Spans = list[tuple[int, int]]
PARAGRAPH = 10
UNSPACED = {"zho", "yue"}


def surface(tokens: conllu.TokenList) -> list[str]:
    """Return the tokens as they stand in the text."""
    forms, covered = [], 0
    for token in tokens:
        if isinstance(token["id"], tuple):
            if token["id"][1] == "-":
                forms.append(token["form"])
                covered = token["id"][2]
        elif token["id"] > covered:
            forms.append(token["form"])
    return forms


def paragraphs(path: Path, joint: str) -> Iterator[tuple[str, Spans, Spans]]:
    """Yield texts with the offsets of their words and sentences; a sentence whose words aren't its text's raises."""
    text, words, sentences = "", Spans(), Spans()
    for number, tokens in enumerate(conllu.parse_incr(path.open(encoding="utf-8"))):
        if number % PARAGRAPH == 0 and text:
            yield text, words, sentences
            text, words, sentences = "", Spans(), Spans()
        start = len(text) + (len(joint) if text else 0)
        text += (joint if text else "") + tokens.metadata["text"]
        end = start
        for form in surface(tokens):
            place = text.index(form, end)
            end = place + len(form)
            words.append((place, end))
        sentences.append((words[-len(surface(tokens))][0], end))
    yield text, words, sentences


def f1(right: int, found: int, gold: int) -> float:
    return round(200 * right / (found + gold), 1)


def score(path: Path, language: str) -> dict[str, Any]:
    segmenter = Segmenter(language)
    counts = [0] * 6
    for text, words, sentences in paragraphs(path, "" if language in UNSPACED else " "):
        found = segmenter.split(text)
        own_words = {word for sentence in found for word in sentence}
        own_sentences = {(sentence[0][0], sentence[-1][1]) for sentence in found}
        for place, (own, gold) in enumerate(((own_words, words), (own_sentences, sentences))):
            for shift, value in enumerate((len(own & set(gold)), len(own), len(gold))):
                counts[3 * place + shift] += value
    return {
        "pipeline": spacy_code(language),
        "words": counts[2],
        "word_f1": f1(*counts[:3]),
        "sentences": counts[5],
        "sentence_f1": f1(*counts[3:]),
    }


def main(folder: str = "../shared/data/ud") -> None:
    report = {}
    for path in sorted(Path(folder).glob("*/*-test.conllu")):
        language = normalize(path.name.split("_")[0])
        try:
            report[path.parent.name] = {"language": language, **score(path, language)}
        except ValueError as error:
            report[path.parent.name] = {"language": language, "skipped": f"words that are not in the text: {error}"}
        print(path.parent.name, report[path.parent.name], flush=True)
    (RESULTS / "tokenization.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Tagged sentences in a spaCy document: in its own attributes where it has one for a task, else in extensions."""

from collections.abc import Iterator, Sequence

import numpy as np
from spacy.tokens import Doc, Span, Token

from hyperx.tasks.parse import split_arc
from hyperx.text.sentence import Layer, TaggedSentence

for owner in (Token, Span):
    if not owner.has_extension("scores"):
        owner.set_extension("scores", getter=lambda part: part.doc.user_data.get(_scores_key(part), {}))
if not Token.has_extension("tags"):
    Token.set_extension("tags", getter=lambda token: token.doc.user_data.get(_tags_key(token), {}))


def words_of(part: Span) -> list[Token]:
    """Return the tokens that are not white space."""
    return [token for token in part if not token.is_space]


def annotate(doc: Doc, sentences: Sequence[tuple[Span, TaggedSentence]], span_tasks: Sequence[str]) -> None:
    """Set what the sentences of a document were tagged with.

    Tags of pos are in ``token.pos_``, of feats in ``token.morph``, of parse in ``token.head`` and ``token.dep_``, of ner in
    ``doc.ents``, of other tasks with spans in ``doc.spans[task]`` and of other tasks in ``token._.tags[task]``; labels of a
    whole sentence are in ``doc.cats``. ``token._.scores[task]`` and ``span._.scores[task]`` are how likely they are right.

    Args:
        sentences: with their places in the document.
        span_tasks: the tasks with spans, which may be of no sentence.
    """
    for part, tagged in sentences:
        for task, layer in tagged.layers.items():
            if layer.label is None:
                _set_tags(words_of(part), task, layer)
            else:
                doc.cats[layer.label] = max(doc.cats.get(layer.label, 0.0), layer.scores[0])
    for task in span_tasks:
        spans = [span for part, tagged in sentences for span in _spans(part, task, tagged[task])]
        if task == "ner":
            doc.set_ents(spans, default="outside")
        else:
            doc.spans[task] = spans
    if parsed := [(part, tagged["parse"]) for part, tagged in sentences if "parse" in tagged.layers]:
        _set_trees(doc, parsed)


def _set_tags(words: Sequence[Token], task: str, layer: Layer) -> None:
    for word, tag, score in zip(words, layer.tags, layer.scores, strict=True):
        if task == "pos":
            word.pos_ = tag
        elif task == "feats":
            word.set_morph(tag)  # type: ignore[attr-defined]
        elif task != "parse" and layer.spans is None:
            word.doc.user_data.setdefault(_tags_key(word), {})[task] = tag
        word.doc.user_data.setdefault(_scores_key(word), {})[task] = score


def _spans(part: Span, task: str, layer: Layer) -> Iterator[Span]:
    words = words_of(part)
    for found in layer.spans or ():
        span = Span(part.doc, words[found.first].i, words[found.last - 1].i + 1, label=found.label)
        part.doc.user_data.setdefault(_scores_key(span), {})[task] = found.score
        yield span


def _set_trees(doc: Doc, parsed: Sequence[tuple[Span, Layer]]) -> None:
    """Set heads and relations; white space depends on what is before it, or on its sentence's first word.

    The heads are set together: one after another they may be a cycle with those that were there.
    """
    heads = np.zeros(len(doc), dtype=np.int64)  # counted from the token; a root is its own
    for part, layer in parsed:
        words = words_of(part)
        for word, tag in zip(words, layer.tags, strict=True):
            head, word.dep_ = split_arc(tag)
            heads[word.i] = words[head - 1].i - word.i if head else 0
        for space in (token for token in part if token.is_space):
            heads[space.i], space.dep_ = max(words[0].i - space.i, -1), "dep"
    doc.from_array(["HEAD"], heads[:, None].astype(np.uint64))  # type: ignore[arg-type]


def _scores_key(part: Token | Span) -> str:
    """Where a document keeps the scores of a token or a span."""
    return f"hyperx:{part.i}" if isinstance(part, Token) else f"hyperx:{part.start}:{part.end}"


def _tags_key(token: Token) -> str:
    return f"hyperx:tags:{token.i}"

"""The spaCy component ``hyperx``: ``nlp.add_pipe("hyperx", config={"model": "runs/x", "language": "swa"})``."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span, Token

from hyperx.errors import HyperXError
from hyperx.text.sentence import Layer, TextSentence
from hyperx.text.tagger import TextTagger
from hyperx.text.write import set_spans

FILE = "hyperx.json"

for owner in (Token, Span):
    if not owner.has_extension("scores"):
        owner.set_extension("scores", getter=lambda part: part.doc.user_data.get(_key(part), {}))


class HyperXComponent:
    """Tags documents: pos in ``token.pos_``, ner in ``doc.ents``, spans of other tasks in ``doc.spans[task]``.

    ``token._.scores["pos"]`` and ``ent._.scores["ner"]`` are how likely a tag or an entity is right, from 0 to 1. Sentences
    are those of the document, where an earlier component has set them; else the whole document is one.

    Args:
        model: the folder of a run or a saved model, or a Hub id; loaded when the first document comes.
        language: by any ISO 639 code.
        tasks: to tag for.
        batch_size: sentences that the backbone reads at once.
    """

    def __init__(self, model: str, language: str, tasks: Sequence[str], batch_size: int) -> None:
        self.model, self.language, self.tasks, self.batch_size = model, language, list(tasks), batch_size

    @cached_property
    def tagger(self) -> TextTagger:
        from hyperx.modeling import HyperX

        return HyperX.from_pretrained(self.model).tagger(self.tasks, self.language, batch_size=self.batch_size)

    def __call__(self, doc: Doc) -> Doc:
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Tag a stream of documents, `batch_size` of them together."""
        docs = iter(stream)
        while batch := list(islice(docs, batch_size)):
            self._tag(batch)
            yield from batch

    def _tag(self, docs: Sequence[Doc]) -> None:
        tokens = [(doc, words) for doc in docs for words in _sentences(doc)]
        sentences = [
            TextSentence(doc.text, tuple((word.idx, word.idx + len(word)) for word in words), self.tagger.language)
            for doc, words in tokens
        ]
        spans: dict[tuple[int, str], list[Span]] = {(id(doc), task): [] for doc in docs for task in self.tasks}
        for (doc, words), tagged in zip(tokens, self.tagger.tag(sentences), strict=True):
            for task, layer in tagged.layers.items():
                _set_tags(words, task, layer)
                spans[id(doc), task] += _spans(doc, words, task, layer)
        for doc in docs:
            for task in self.tagger.span_tasks:
                set_spans(doc, task, spans[id(doc), task])

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Note where the model is; the model itself is not copied."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        noted = {"model": self.model, "language": self.language, "tasks": self.tasks}
        (folder / FILE).write_text(json.dumps(noted) + "\n", encoding="utf-8")

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "HyperXComponent":
        """Take over what `to_disk` noted.

        Raises:
            HyperXError: there is no such note.
        """
        try:
            noted = json.loads((Path(path) / FILE).read_text(encoding="utf-8"))
            self.model, self.language, self.tasks = noted["model"], noted["language"], noted["tasks"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HyperXError(
                f"{path} holds no {FILE} of a hyperx component ({error}); save the pipeline again"
            ) from error
        self.__dict__.pop("tagger", None)
        return self


@Language.factory(
    "hyperx", default_config={"tasks": ["pos", "ner"], "batch_size": 32}, assigns=["token.pos", "doc.ents"]
)
def make_component(
    nlp: Language, name: str, model: str, language: str, tasks: list[str], batch_size: int
) -> HyperXComponent:
    """Make the component of a pipeline."""
    return HyperXComponent(model, language, tasks, batch_size)


def _sentences(doc: Doc) -> Iterator[list[Token]]:
    """Yield the tokens of each sentence that are not white space."""
    for part in doc.sents if doc.has_annotation("SENT_START") else [doc[:]]:
        if words := [token for token in part if not token.is_space]:
            yield words


def _set_tags(words: Sequence[Token], task: str, layer: Layer) -> None:
    if layer.label is not None:
        cats = words[0].doc.cats
        cats[layer.label] = max(cats.get(layer.label, 0.0), layer.scores[0])
        return
    for word, tag, score in zip(words, layer.tags, layer.scores, strict=True):
        if task == "pos":
            word.pos_ = tag
        elif task == "feats":
            word.set_morph(tag)  # type: ignore[attr-defined]
        word.doc.user_data.setdefault(_key(word), {})[task] = score


def _spans(doc: Doc, words: Sequence[Token], task: str, layer: Layer) -> list[Span]:
    spans = []
    for found in layer.spans or ():
        span = Span(doc, words[found.first].i, words[found.last - 1].i + 1, label=found.label)
        doc.user_data.setdefault(_key(span), {})[task] = found.score
        spans.append(span)
    return spans


def _key(part: Token | Span) -> str:
    """Where a document keeps the scores of a token or a span."""
    return f"hyperx:{part.i}" if isinstance(part, Token) else f"hyperx:{part.start}:{part.end}"

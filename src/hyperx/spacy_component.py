"""The spaCy component ``hyperx``: ``nlp.add_pipe("hyperx", config={"model": "runs/x", "language": "swa"})``."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span

from hyperx.errors import HyperXError
from hyperx.text.sentence import TextSentence
from hyperx.text.spacy_doc import annotate, words_of
from hyperx.text.tagger import TextTagger

FILE = "hyperx.json"


class HyperXComponent:
    """Tags documents, as `annotate` says: pos in ``token.pos_``, ner in ``doc.ents``, and so on.

    ``token._.scores["pos"]`` and ``ent._.scores["ner"]`` are how likely a tag or an entity is right, from 0 to 1. Sentences
    are those of the document, where an earlier component has set them; else the whole document is one.

    Args:
        model: the folder of a run or a saved model, or a Hub id, with or without ``@revision``; loaded when the first
            document comes.
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
        parts = [list(_sentences(doc)) for doc in docs]
        tagged = iter(self.tagger.tag([self._sentence(part) for own in parts for part in own]))
        for doc, own in zip(docs, parts, strict=True):
            annotate(doc, list(zip(own, islice(tagged, len(own)), strict=True)), self.tagger.span_tasks)

    def _sentence(self, part: Span) -> TextSentence:
        offsets = tuple((word.idx, word.idx + len(word)) for word in words_of(part))
        return TextSentence(part.doc.text, offsets, self.tagger.language)

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


def _sentences(doc: Doc) -> Iterator[Span]:
    """Yield the sentences that hold words."""
    for part in doc.sents if doc.has_annotation("SENT_START") else [doc[:]]:
        if words_of(part):
            yield part

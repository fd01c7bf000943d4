"""Sentences of a text before and after tagging: words with their places, tags with how sure they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hyperx.data.annotation import Annotation
from hyperx.errors import HyperXError
from hyperx.text.segment import Offsets


@dataclass(frozen=True, slots=True)
class TextSentence:
    """A sentence to be tagged.

    Attributes:
        text: the text that it stands in.
        offsets: each word's place there: ``text[start:end]`` is the word.
        language: ISO 639-3.
        raw: the words were found in raw text; else the text is the given words, joined by spaces.
        source: where it was read, ``path:line``, for messages.
        lines: of the CoNLL-U that it was read from.
        fields: what else was said of it, in a line of JSON, a table or comments of columns.
    """

    text: str
    offsets: Offsets
    language: str
    raw: bool = False
    source: str = ""
    lines: tuple[str, ...] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.text[start:end] for start, end in self.offsets)

    @property
    def start(self) -> int:
        """Where the sentence begins in the text."""
        return self.offsets[0][0] if self.offsets else 0

    @property
    def end(self) -> int:
        """Where the sentence ends in the text."""
        return self.offsets[-1][1] if self.offsets else 0


def from_words(words: Sequence[str], language: str, **known: Any) -> TextSentence:
    """Make a sentence of words; its text is the words joined by spaces.

    Raises:
        HyperXError: a word is no string, empty, or holds a tab or the end of a line.
    """
    offsets, start = [], 0
    for number, word in enumerate(words, 1):
        if not isinstance(word, str):
            raise HyperXError(f"word {number} is no string but {type(word).__name__}")
        if not word.strip() or any(mark in word for mark in "\t\r\n"):
            where = f"{known['source']}: " if known.get("source") else ""
            wrong = "holds a tab or the end of a line" if word.strip() else "is empty"
            raise HyperXError(f"{where}word {number} {wrong}; expected words of at least one letter or sign")
        offsets.append((start, start + len(word)))
        start += len(word) + 1
    return TextSentence(" ".join(words), tuple(offsets), language, **known)


class Span(NamedTuple):
    """An entity, or another run of words with one label.

    Attributes:
        text: as it stands in the sentence's text, from `start` to `end`.
        first, last: its first word's number in the sentence, from 0, and the one after its last word's.
        score: how likely the span is right, from 0 to 1: the least of its words' scores.
    """

    text: str
    label: str
    start: int
    end: int
    first: int
    last: int
    score: float


class Layer(NamedTuple):
    """One task's tags of a sentence.

    Attributes:
        tags: a tag a word, or one alone of a task that labels the sentence.
        scores: how likely each is right, from 0 to 1.
        spans: of tags in IOB2; None for a task whose tags are not.
        task: what the tags mean in files.
    """

    tags: tuple[str, ...]
    scores: tuple[float, ...]
    spans: tuple[Span, ...] | None
    task: Annotation

    @property
    def label(self) -> str | None:
        """The sentence's label; None of a task that tags words."""
        return self.tags[0] if self.task.per_sentence else None

    def at(self, word: int) -> tuple[str, float]:
        """Return a word's tag and its score, those of the sentence where it alone has one."""
        number = 0 if self.task.per_sentence else word
        return self.tags[number], self.scores[number]


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence with its tags.

    Attributes:
        sentence: what was tagged.
        layers: each task's tags.
    """

    sentence: TextSentence
    layers: Mapping[str, Layer]

    @property
    def text(self) -> str:
        return self.sentence.text[self.sentence.start : self.sentence.end]

    @property
    def words(self) -> tuple[str, ...]:
        return self.sentence.words

    @property
    def offsets(self) -> Offsets:
        return self.sentence.offsets

    @property
    def tags(self) -> tuple[str, ...]:
        """A tag a word, of the only task; of several, ask for ``sentence["ner"].tags``."""
        return self._only.tags

    @property
    def scores(self) -> tuple[float, ...]:
        """How likely each tag of the only task is right."""
        return self._only.scores

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans of all tasks that have any."""
        return tuple(span for layer in self.layers.values() for span in layer.spans or ())

    @property
    def _only(self) -> Layer:
        if len(self.layers) != 1:
            names = ", ".join(self.layers)
            raise HyperXError(
                f'this sentence has tags of {names}: say whose, as in sentence["{next(iter(self.layers))}"]'
            )
        return next(iter(self.layers.values()))

    def __getitem__(self, task: str) -> Layer:
        """Return a task's tags.

        Raises:
            HyperXError: the sentence was not tagged for the task.
        """
        if task not in self.layers:
            raise HyperXError(f"this sentence has no {task} tags; it has {', '.join(self.layers)}")
        return self.layers[task]

    def __len__(self) -> int:
        return len(self.offsets)

    def __str__(self) -> str:
        labels = [f"[{layer.label}]" for layer in self.layers.values() if layer.label is not None]
        tags = [layer.tags for layer in self.layers.values() if layer.label is None]
        words = [
            "/".join([word, *(own[number] for own in tags if own[number] != "O")])
            for number, word in enumerate(self.words)
        ]
        return " ".join([*labels, *words])

    def __repr__(self) -> str:
        return f"<TaggedSentence {self}>"


@dataclass(frozen=True, slots=True)
class TaggedText:
    """A text with its sentences; all offsets count the characters of `text`."""

    text: str
    sentences: tuple[TaggedSentence, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(word for sentence in self.sentences for word in sentence.words)

    @property
    def spans(self) -> tuple[Span, ...]:
        return tuple(span for sentence in self.sentences for span in sentence.spans)

    def __iter__(self) -> Iterator[TaggedSentence]:
        return iter(self.sentences)

    def __len__(self) -> int:
        return len(self.sentences)

    def __getitem__(self, number: int) -> TaggedSentence:
        return self.sentences[number]

    def __str__(self) -> str:
        return "\n".join(map(str, self.sentences))

    def __repr__(self) -> str:
        return f"<TaggedText of {len(self)} sentences: {self.text[:40]!r}>"

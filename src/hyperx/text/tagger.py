"""Tagging text: raw or in words, one at a time or a stream, with one task or several."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, overload

from torch import Tensor

from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.languages import normalize
from hyperx.metrics import spans
from hyperx.pairs import Pair
from hyperx.tagging import Tagger
from hyperx.tasks import Task
from hyperx.text.segment import Offsets, Segmenter
from hyperx.text.sentence import Layer, Span, TaggedSentence, TaggedText, TextSentence, from_words

if TYPE_CHECKING:
    from hyperx.modeling import HyperX

WINDOW = 8  # batches of sentences that are sorted by length and tagged together


class TextTagger:
    """Tags text of one language with one task or several.

    Args:
        tasks: a task's name or several.
        language: by any ISO 639 code.
        batch_size: sentences that the backbone reads at once.

    Raises:
        HyperXError: a pair is outside the model's matrix, or a task tags nothing.
    """

    def __init__(self, model: "HyperX", tasks: str | Sequence[str], language: str, *, batch_size: int = 32) -> None:
        self.language = normalize(language)
        names = [tasks] if isinstance(tasks, str) else list(dict.fromkeys(tasks))
        self.taggers = {name: Tagger(model, Pair(name, self.language), batch_size=batch_size) for name in names}
        self.span_tasks = [name for name, tagger in self.taggers.items() if tagger.task.spans]
        self.temperatures = model.model_config.temperatures
        self.window = WINDOW * batch_size

    @overload
    def __call__(self, given: str) -> TaggedText: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, given: Sequence[str]) -> TaggedSentence: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, given: Sequence[Sequence[str]]) -> list[TaggedSentence]: ...
    @overload
    def __call__(self, given: Iterator[str] | Iterator[Sequence[str]]) -> Iterator[TaggedText | TaggedSentence]: ...

    def __call__(self, given):  # type: ignore[no-untyped-def]
        """Tag raw text (a string), a sentence (a list of words), sentences (a list of such lists), or an iterator of them.

        A string gives a `TaggedText`, a sentence a `TaggedSentence`, sentences a list, and an iterator what `pipe` yields.

        Raises:
            HyperXError: raw text can't be split, a word is empty, or it is none of these.
        """
        if isinstance(given, Iterator):
            return self.pipe(given)
        if isinstance(given, str) or not isinstance(given, Iterable) or all(isinstance(word, str) for word in given):
            return next(self.pipe([given]))
        return list(self.pipe(given))

    def pipe(self, stream: Iterable[str | Sequence[str]]) -> Iterator[TaggedText | TaggedSentence]:
        """Tag texts (strings) and sentences (lists of words) of any number, a few batches of them in memory at a time."""
        items = iter(stream)
        while window := list(self._read(items)):
            sentences = [sentence for _, sentences in window for sentence in sentences]
            tagged = iter(self.tag(sentences))
            for given, own in window:
                rows = tuple(islice(tagged, len(own)))
                yield TaggedText(given, rows) if isinstance(given, str) else rows[0]

    def _read(self, items: Iterator[str | Sequence[str]]) -> Iterator[tuple[str | Sequence[str], list[TextSentence]]]:
        """Yield as many items, split into sentences, as fill a window."""
        count = 0
        for given in items:
            if isinstance(given, str):
                sentences = [TextSentence(given, words, self.language, raw=True) for words in self.split(given)]
            elif isinstance(given, Iterable):
                sentences = [from_words(given, self.language)]
            else:
                raise HyperXError(f"expected text (a string) or a list of words, found {type(given).__name__}")
            yield given, sentences
            count += max(len(sentences), 1)
            if count >= self.window:
                return

    def split(self, text: str) -> list[Offsets]:
        """Return the words of each sentence of raw text, as `Segmenter.split` does."""
        return Segmenter(self.language).split(text)

    def tag(self, sentences: Sequence[TextSentence]) -> list[TaggedSentence]:
        """Tag sentences that are split already."""
        plain = [Sentence(sentence.words) for sentence in sentences]
        layers: list[dict[str, Layer]] = [{} for _ in sentences]
        for name, tagger in self.taggers.items():
            temperature = self.temperatures.get(name, 1.0)
            for number, scores in enumerate(tagger.scores(plain)):
                tags = tagger.task.decode(scores)
                layers[number][name] = layer(tagger.task, tags, scores, sentences[number], temperature)
        return [TaggedSentence(sentence, own) for sentence, own in zip(sentences, layers, strict=True)]


def layer(task: Task, tags: Sequence[str], scores: Tensor, sentence: TextSentence, temperature: float) -> Layer:
    """Return a sentence's tags of a task with how sure they are by what it scores.

    Args:
        temperature: what the task's logits are divided by before they are read as probabilities.
    """
    confidences = task.confidences(scores, tags, temperature)
    found = None
    if task.spans:
        found = tuple(
            _span(sentence, label, first, last, min(confidences[first:last])) for label, first, last in spans(tags)
        )
    return Layer(tuple(tags), tuple(confidences), found, task)


def _span(sentence: TextSentence, label: str, first: int, last: int, score: float) -> Span:
    start, end = sentence.offsets[first][0], sentence.offsets[last - 1][1]
    return Span(sentence.text[start:end], label, start, end, first, last, score)

"""Tagging a stream of sentences of any length and any number of languages."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from hyperx.errors import HyperXError
from hyperx.text.sentence import TaggedSentence, TextSentence

if TYPE_CHECKING:
    from hyperx.text.tagger import TextTagger


def tag_stream(
    sentences: Iterable[TextSentence], tagger: Callable[[str], "TextTagger"], *, window: int
) -> Iterator[list[TaggedSentence]]:
    """Yield tagged sentences in their order, `window` at a time, which is what is held in memory.

    Args:
        tagger: gives a language's tagger; called for each window, so it had better remember.

    Raises:
        HyperXError: a sentence's language is none of the model's; the message names its line.
    """
    stream = iter(sentences)
    while batch := list(islice(stream, window)):
        languages: dict[str, list[int]] = {}
        for number, sentence in enumerate(batch):
            languages.setdefault(sentence.language, []).append(number)
        tagged: dict[int, TaggedSentence] = {}
        for language, numbers in languages.items():
            try:
                own = tagger(language)
            except HyperXError as error:
                raise HyperXError(f"{batch[numbers[0]].source}: {error}") from error
            tagged.update(zip(numbers, own.tag([batch[number] for number in numbers]), strict=True))
        yield [tagged[number] for number in range(len(batch))]

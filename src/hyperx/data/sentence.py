"""What every reader yields."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as its publisher split it into words.

    Attributes:
        words: the syntactic words; the white-space separated tokens of raw text.
        tags: the gold annotation, one tag a word or, of a task that labels sentences, one alone; None where the source has
            none (raw text, text to be tagged).
        source: where the sentence was read, ``path:line``, for messages.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...] | None = None
    source: str = ""

"""Words to pieces: what the backbone reads, and where each word's first piece is."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase


class Chunk(NamedTuple):
    """A sentence, or a part of one that is too long for the model.

    Attributes:
        sentence: the sentence's number in what was encoded.
        start: the number of the chunk's first word in the sentence.
        input_ids: pieces, with the special tokens at both ends.
        positions: where in `input_ids` each word's first piece is.
    """

    sentence: int
    start: int
    input_ids: list[int]
    positions: list[int]


def encode(
    sentences: Sequence[Sequence[str]],
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    cut_words: bool = False,
) -> Iterator[Chunk]:
    """Encode sentences of words, each as one chunk or, if it is too long, as several, cut at word boundaries.

    Every word is in exactly one chunk and has a piece there; a word of more than `max_length` pieces loses the last of them.

    Args:
        max_length: pieces in a chunk at most, special tokens counted.
        cut_words: a word of more goes on in the next chunk, as another word; for text that no white space separates, of tasks
            that label no words.
    """
    if not sentences:
        return
    encodings = tokenizer(
        [list(words) for words in sentences],
        is_split_into_words=True,
        add_special_tokens=False,
        return_attention_mask=False,
        verbose=False,
    )
    prefix, suffix = special_tokens(tokenizer)
    room = max_length - len(prefix) - len(suffix)
    for number, words in enumerate(sentences):
        pieces = _pieces(encodings["input_ids"][number], encodings.word_ids(number), len(words), tokenizer.unk_token_id)
        if cut_words:
            pieces = [word[start : start + room] for word in pieces for start in range(0, len(word), room)]
        yield from _chunks(number, pieces, room, prefix, suffix)


def _pieces(input_ids: list[int], word_ids: list[int | None], num_words: int, unknown: int) -> list[list[int]]:
    pieces: list[list[int]] = [[] for _ in range(num_words)]
    for piece, word in zip(input_ids, word_ids, strict=True):
        if word is not None:
            pieces[word].append(piece)
    # A word of nothing that the vocabulary knows (a zero-width space, say) still needs a piece to be tagged at.
    return [word or [unknown] for word in pieces]


def _chunks(sentence: int, pieces: list[list[int]], room: int, prefix: list[int], suffix: list[int]) -> Iterator[Chunk]:
    start, body = 0, list(prefix)
    positions: list[int] = []
    for number, word in enumerate(pieces):
        word = word[:room]
        if len(body) - len(prefix) + len(word) > room:
            yield Chunk(sentence, start, body + suffix, positions)
            start, body, positions = number, list(prefix), []
        positions.append(len(body))
        body += word
    yield Chunk(sentence, start, body + suffix, positions)


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Return the special tokens that the tokenizer sets before and after a sentence."""
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole = tokenizer("a")["input_ids"]
    start = next(i for i in range(len(whole)) if whole[i : i + len(plain)] == plain)
    return whole[:start], whole[start + len(plain) :]

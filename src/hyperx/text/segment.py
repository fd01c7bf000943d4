"""Raw text to sentences of words, through spaCy's tokenizers and its rule-based sentencizer (the extra ``spacy``).

spaCy has a tokenizer for some seventy languages; text of another language that separates words by white space goes through
its multi-language one, ``xx``.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any, cast
from warnings import catch_warnings, simplefilter

import langcodes

from hyperx.errors import HyperXError
from hyperx.languages import name as language_name

if TYPE_CHECKING:
    from spacy.language import Language

Offsets = tuple[tuple[int, int], ...]

_CHINESE = {"Hans", "Hant", "Hani"}
# Languages whose words are not separated by white space, and for whose words spaCy needs another library.
_EXTRAS = {"zh": ("zh", "jieba"), "ja": ("ja", "sudachipy"), "th": ("th", "pythainlp"), "vi": ("vi", "pyvi")}
_UNSEPARATED = {"Jpan", "Khmr", "Lana", "Laoo", "Mymr", "Tale", "Thai", "Tibt"}
_RULES = {"nlp": {"tokenizer": {"@tokenizers": "spacy.Tokenizer.v1"}}}
_CONFIGS = {
    "ko": _RULES,  # words at white space, as Korean treebanks have them, not the morphemes of mecab
    "zh": {"nlp": {"tokenizer": {"segmenter": "jieba"}}},
}
_QUESTION_MARKS = {"el": [";", "\u037e"]}  # what spaCy's list of sentence ends, `punct_chars`, lacks

_LINE = re.compile(r"[^\r\n]+")
_RUN = re.compile(r"\S{500}")  # spaCy's rules take affixes off one by one, in quadratic time: what is longer is cut
_ZONE = Lock()


class Segmenter:
    """Splits raw text of a language into sentences and words.

    A sentence ends at its final punctuation or with its line, so a line is a paragraph. A grapheme cluster (a letter with
    its marks, an emoji joined of several) is never split. What spaCy's rules split is cut every 500 characters that hold no
    white space.

    Raises:
        HyperXError: spaCy, or what it needs for the language, is not installed, or nothing splits the language into words.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._nlp = _pipeline(language)
        self._by_rules = _by_rules(self._nlp)

    def split(self, text: str) -> list[Offsets]:
        """Return each sentence's words as their first character's number in `text` and the one after their last.

        Whatever the text, the words are in order, don't overlap, and hold every character that is not white space.

        Raises:
            HyperXError: the language's tokenizer can't take the text.
        """
        # A memory zone forgets the text's words, which spaCy else keeps for good; it serves one thread at a time.
        with _ZONE, self._nlp.memory_zone():
            return [sentence for line in _LINE.finditer(text) for sentence in self._line(line.group(), line.start())]

    def _line(self, line: str, start: int) -> list[Offsets]:
        within = _within_graphemes(line)
        sentences: list[list[tuple[int, int]]] = []
        begins = True
        for starts, begin, end in self._tokens(line):
            begins = begins or starts
            begin, end = _stripped(line, begin, end)
            if begin >= end:  # white space
                continue
            last = sentences[-1][-1] if sentences else None
            if last and begin in within and last[1] == start + begin:
                sentences[-1][-1] = (last[0], start + end)
            elif begins:
                sentences.append([(start + begin, start + end)])
            else:
                sentences[-1].append((start + begin, start + end))
            begins = False
        return [tuple(words) for words in sentences]

    def _tokens(self, line: str) -> Iterator[tuple[bool, int, int]]:
        """Yield whether a sentence starts with a token, and the token's offsets."""
        cuts = [found.end() for found in _RUN.finditer(line)] if self._by_rules else []
        for start, stop in pairwise([0, *cuts, len(line)]):
            part = line[start:stop]
            try:
                doc = self._nlp(part)
            except Exception as error:  # of whatever library the tokenizer calls
                raise HyperXError(self._refusal(line, f"{type(error).__name__}: {error}")) from error
            if doc.text != part:
                raise HyperXError(self._refusal(line, "it changes the text"))
            for token in doc:
                begin = start + token.idx
                yield bool(token.is_sent_start) and not (start and begin == start), begin, begin + len(token)

    def _refusal(self, line: str, reason: str) -> str:
        return (
            f"the tokenizer of {language_name(self.language)} can't split {line[:40]!r} ({reason}); "
            "give the text as words, one tokenized sentence a line"
        )


def _stripped(line: str, begin: int, end: int) -> tuple[int, int]:
    """Return a token's offsets without the white space at its ends."""
    token = line[begin:end]
    return begin + len(token) - len(token.lstrip()), end - len(token) + len(token.rstrip())


def _within_graphemes(line: str) -> set[int]:
    """Return the offsets at which no word may begin."""
    import regex

    if line.isascii():
        return set()
    return {offset for cluster in regex.finditer(r"\X", line) for offset in range(cluster.start() + 1, cluster.end())}


@cache
def _pipeline(language: str) -> "Language":
    """Return spaCy's blank pipeline of a language with a sentencizer.

    Raises:
        HyperXError: something is not installed, or nothing splits the language into words.
    """
    if not find_spec("spacy"):
        raise HyperXError(
            "raw text is split into words by spaCy, which is not installed: pip install 'hyperx-nlp[spacy]', "
            "or give words, one tokenized sentence a line"
        )
    import spacy
    from spacy.pipeline import Sentencizer

    code = spacy_code(language)
    extra, module = _EXTRAS.get(code, ("spacy", "spacy"))
    if not find_spec(module):
        raise HyperXError(
            f"words of {language_name(language)} are found by {module}, which is not installed: "
            f"pip install 'hyperx-nlp[{extra}]', or give words, one tokenized sentence a line"
        )
    try:
        with catch_warnings():
            simplefilter("ignore", UserWarning)  # jieba's, of a package that it can do without
            imported = import_module(module)
        if module == "jieba":
            _keep_dictionary(imported.dt)
        nlp = spacy.blank(code, config=_CONFIGS.get(code, {}))
    except ImportError as error:
        raise HyperXError(f"spaCy can't split {language_name(language)}: {error}") from error
    nlp.max_length = 1 << 40  # spaCy's limit is its parser's, and lines are bounded where they are read
    ends: Sequence[str] = [*Sentencizer.default_punct_chars, *_QUESTION_MARKS.get(code, [])]
    nlp.add_pipe("sentencizer", config={"punct_chars": ends})
    if _by_rules(nlp):
        # Many a language's rules leave marks of its script, as Armenian's, to the word, and so no sentence would end there.
        marks = [re.escape(mark) for mark in ends if not mark.isascii()]
        suffixes = spacy.util.compile_suffix_regex([*(nlp.Defaults.suffixes or ()), *marks])
        cast(Any, nlp.tokenizer).suffix_search = suffixes.search
    return nlp


def _by_rules(nlp: "Language") -> bool:
    """Return whether spaCy's own rules find a pipeline's words, and no other library."""
    return type(nlp.tokenizer).__module__ == "spacy.tokenizer"


def _keep_dictionary(tokenizer: Any) -> None:
    """Have jieba keep its parsed dictionary, which it unmarshals, among the user's own files, not in a folder of all users'.

    Where they can't be written, it parses it anew in every process.
    """
    from hyperx.builtin import default_cache_dir

    folder = default_cache_dir() / "jieba"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    tokenizer.tmp_dir = str(folder)
    logging.getLogger("jieba").setLevel(logging.CRITICAL)  # it tells of the dictionary, and of not keeping it


def spacy_code(language: str) -> str:
    """Return the code of spaCy's pipeline for a language, or ``xx`` for its multi-language one.

    Raises:
        HyperXError: the language's words are not separated by white space, and nothing finds them.
    """
    tag = langcodes.get(language)
    code = {"fil": "tl"}.get(str(tag.language), str(tag.language))
    if code in _EXTRAS:
        return code
    script = tag.maximize().script
    if script in _CHINESE:
        return "zh"
    if script in _UNSEPARATED:
        raise HyperXError(
            f"nothing here splits {language_name(language)} into words, which it does not separate by white space; "
            "give words, one tokenized sentence a line"
        )
    return code if find_spec(f"spacy.lang.{code}") else "xx"

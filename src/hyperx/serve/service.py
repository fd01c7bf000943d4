"""What the server does, without HTTP: loads a model and tags requests, each step in a thread of its own."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.languages import normalize
from hyperx.mixed_tagging import MixedTagger, Row
from hyperx.modeling import HyperX, model_folder, read_config
from hyperx.pairs import Pair
from hyperx.serve.batcher import Batcher
from hyperx.serve.limits import Limits, Refusal
from hyperx.serve.matrix import matrix_of
from hyperx.serve.metrics import Metrics
from hyperx.serve.schema import TextInput, TokensInput
from hyperx.text.segment import Segmenter
from hyperx.text.sentence import Layer, TaggedSentence, TextSentence, from_words
from hyperx.text.tagger import layer

Input = TextInput | TokensInput
logger = logging.getLogger(__name__)

RETRY = {"Retry-After": "1"}
# Every code of two or three letters, the only ones that requests may hold, is remembered with what was wrong with it.
_CODES = 26**2 + 26**3


class Prepared(NamedTuple):
    """An input's sentences, and the numbers of each one's rows by task."""

    sentences: list[TextSentence]
    rows: list[dict[str, list[int]]]


class Service:
    """A model behind a queue.

    Args:
        name: of the model: a run's or a model's folder, or a Hub id.
        wait: seconds that a row waits for others at most, before its batch is tagged.
        tagger: what the model's tagger is made by.

    Attributes:
        error: why the model couldn't be loaded.

    Raises:
        HyperXError: there is no such model.
    """

    def __init__(
        self,
        name: str | Path,
        *,
        limits: Limits | None = None,
        wait: float = 0.003,
        tagger: Callable[[HyperX], MixedTagger] = MixedTagger,
    ) -> None:
        self.folder = model_folder(name, None)
        self.config = read_config(self.folder)
        self.matrix = matrix_of(self.config)
        self.limits = limits or Limits()
        self.metrics = Metrics()
        self.error: HyperXError | None = None
        self._wait = wait
        self._make_tagger = tagger
        self._tagger: MixedTagger | None = None
        self._batcher: Batcher | None = None
        self._stopping = False
        self._requests = 0
        # Tokenizers are not made for several threads.
        self._text_thread = ThreadPoolExecutor(1, thread_name_prefix="hyperx-text")

    @property
    def state(self) -> str:
        """``loading``, ``ready`` or ``stopping``."""
        if self._stopping:
            return "stopping"
        return "loading" if self._batcher is None else "ready"

    def load(self) -> None:
        """Load the model; what is wrong with it is left in `error`."""
        try:
            self._tagger = self._make_tagger(HyperX.from_pretrained(self.folder))
            self._batcher = Batcher(self._tagger, self.metrics, wait=self._wait)
        except HyperXError as error:
            self.error = error
        except Exception as error:  # memory that ran out, say; a server that never loads must not stay
            logger.exception("the model couldn't be loaded")
            self.error = HyperXError(f"{self.folder} couldn't be loaded: {type(error).__name__}: {error}")

    def stop(self) -> None:
        """Say that no more requests should be sent; those that come are still answered."""
        self._stopping = True

    def close(self) -> None:
        """Answer what is queued, and end the threads."""
        self.stop()
        if self._batcher:
            self._batcher.close()
        self._text_thread.shutdown()

    async def tag(self, inputs: Sequence[Input], *, words_of: str | None = None) -> list[list[TaggedSentence]]:
        """Return each input's tagged sentences.

        Args:
            words_of: the language as whose raw text is split, all inputs' alike; each one's own, unless given.

        Raises:
            Refusal: the request is beyond a limit, outside the matrix, or can't be split into words.
        """
        self._check(inputs)
        if self._tagger is None or self._batcher is None:
            raise Refusal(503, "not_ready", "The model is being loaded; try again in some seconds.", RETRY)
        if self._requests >= self.limits.requests:
            raise Refusal(429, "queue_full", f"{self._requests} requests are waiting; try again later.", RETRY)
        self._requests += 1
        self.metrics.requests_in_work.set(self._requests)
        try:
            async with asyncio.timeout(self.limits.seconds):
                run = partial(asyncio.get_running_loop().run_in_executor, self._text_thread)
                rows: list[Row] = []
                # Input by input, so that requests take turns, and one that took too long ends.
                prepared = [await run(self._prepare, number, one, words_of, rows) for number, one in enumerate(inputs)]
                scores = await asyncio.wrap_future(self._batcher.submit(rows))
                return [await run(self._finish, own, scores) for own in prepared]
        except TimeoutError as error:
            seconds = f"{self.limits.seconds:g} seconds"
            raise Refusal(503, "timeout", f"It took longer than {seconds}; send less at once.", RETRY) from error
        except HyperXError as error:
            raise Refusal(422, "invalid_input", str(error)) from error
        finally:
            self._requests -= 1
            self.metrics.requests_in_work.set(self._requests)

    def _check(self, inputs: Sequence[Input]) -> None:
        limits = self.limits
        if len(inputs) > limits.inputs:
            raise Refusal(422, "too_many_inputs", f"{len(inputs)} inputs; a request may have {limits.inputs}.")
        for number, one in enumerate(inputs):
            if one.characters > limits.characters:
                detail = f"inputs.{number} has {one.characters:,} characters; {limits.characters:,} are allowed."
                raise Refusal(413, "too_long", detail)

    def _prepare(self, number: int, one: Input, words_of: str | None, rows: list[Row]) -> Prepared:
        """Split and encode an input, and add to the request's rows."""
        assert self._tagger is not None
        try:
            pairs = self._pairs(one)
        except HyperXError as error:
            raise Refusal(404, "unknown_pair", f"inputs.{number}: {error}") from error
        try:
            sentences = _sentences(one, pairs[0].language, words_of)
        except HyperXError as error:
            raise HyperXError(f"inputs.{number}: {error}") from error
        own: list[dict[str, list[int]]] = [{pair.task: [] for pair in pairs} for _ in sentences]
        plain = [Sentence(sentence.words) for sentence in sentences]
        for pair in pairs:
            for row in self._tagger.encode(pair, plain):
                own[row.example.sentence][pair.task].append(len(rows))
                rows.append(row)
        return Prepared(sentences, own)

    def _pairs(self, one: Input) -> list[Pair]:
        assert self._tagger is not None
        language = _language(one.language.lower())
        if isinstance(language, HyperXError):
            raise language
        pairs = [Pair(self._tagger.model.tagging_task(task).name, language) for task in dict.fromkeys(one.tasks)]
        if language not in self.config.languages:
            raise HyperXError(
                f"this model was not trained with the language '{one.language}'; it knows {', '.join(self.config.languages)}"
            )
        return pairs

    def _finish(self, prepared: Prepared, scores: Sequence[Tensor]) -> list[TaggedSentence]:
        """Decode what was scored of an input."""
        return [
            TaggedSentence(sentence, {task: self._layer(task, sentence, rows[task], scores) for task in rows})
            for sentence, rows in zip(*prepared, strict=True)
        ]

    def _layer(self, name: str, sentence: TextSentence, rows: Sequence[int], scores: Sequence[Tensor]) -> Layer:
        assert self._tagger is not None
        task = self._tagger.model.tasks[name]
        joined = task.join([scores[number] for number in rows])
        self.metrics.words.labels(name).inc(len(sentence.offsets))
        return layer(task, task.decode(joined), joined, sentence, self.config.temperatures.get(name, 1.0))


@lru_cache(maxsize=_CODES)
def _language(code: str) -> str | HyperXError:
    """Return a code's language, or what is wrong with it."""
    try:
        return normalize(code)
    except HyperXError as error:
        return error


def _sentences(one: Input, language: str, words_of: str | None) -> list[TextSentence]:
    if isinstance(one, TokensInput):
        return [from_words(one.tokens, language)]
    return [
        TextSentence(one.text, words, language, raw=True) for words in Segmenter(words_of or language).split(one.text)
    ]

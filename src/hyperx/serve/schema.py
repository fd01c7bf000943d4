"""Bodies of requests and responses."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, FailFast, Field, Tag, model_validator

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _whole(text: str) -> str:
    if _SURROGATE.search(text):
        raise ValueError("it has half of a surrogate pair, which is no character")
    return text


Text = Annotated[str, AfterValidator(_whole)]
# As `hyperx.text.sentence.from_words` has it.
Word = Annotated[str, Field(min_length=1, pattern=r"^[^\t\r\n]*[^\s][^\t\r\n]*$"), AfterValidator(_whole)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _few_keys(cls, given: Any) -> Any:
        """Refuse very many keys before each becomes a mistake of its own."""
        if isinstance(given, dict) and len(given) > 2 * len(cls.model_fields):
            raise ValueError(f"it has {len(given):,} keys, and can have {', '.join(cls.model_fields)}")
        return given


class _Input(_Strict):
    # Two or three letters are all of ISO 639: what remembers codes that were asked for stays small.
    language: str = Field(pattern="^[A-Za-z]{2,3}$", description="An ISO 639-1 or 639-3 code.")
    tasks: Annotated[list[Annotated[str, Field(max_length=64)]], FailFast()] = Field(min_length=1, max_length=64)


class TextInput(_Input):
    """Raw text, and the cells in which to tag it."""

    text: Text = Field(description="It is split into sentences and words.")

    @property
    def characters(self) -> int:
        return len(self.text)


class TokensInput(_Input):
    """The words of one sentence, and the cells in which to tag them."""

    tokens: Annotated[list[Word], FailFast()]

    @property
    def characters(self) -> int:
        return sum(map(len, self.tokens))


def _kind(given: Any) -> str:
    return "tokens" if isinstance(given, TokensInput) or (isinstance(given, dict) and "tokens" in given) else "text"


Input = Annotated[Annotated[TextInput, Tag("text")] | Annotated[TokensInput, Tag("tokens")], Discriminator(_kind)]


class TagRequest(_Strict):
    """What `POST /tag` takes."""

    inputs: Annotated[list[Input], FailFast()] = Field(min_length=1)


class Sentence(BaseModel):
    """A tagged sentence, as a line of ``hyperx tag --format jsonl``: beside these, `ner_tags`, `ner_scores` and `ner_spans` of
    a task `ner`, or of a task that labels sentences its label and `genre_score`."""

    model_config = ConfigDict(extra="allow")
    language: str
    text: str
    tokens: list[str]
    offsets: list[tuple[int, int]] = Field(
        description="Each token's first character in `text`, and the one after its last."
    )
    start: int | None = Field(None, description="Where in the raw text the sentence begins.")


class Output(BaseModel):
    """An input's sentences."""

    sentences: list[Sentence]


class TagResponse(BaseModel):
    """What `POST /tag` returns, in the order of the inputs."""

    outputs: list[Output]


class Problem(BaseModel):
    """Why a request was refused."""

    reason: str = Field(description="A word that programs can tell it by.")
    detail: str = Field(description="What was wrong, for people.")


class Cell(BaseModel):
    """A cell of the matrix.

    Attributes:
        kind: labels of the pair were trained on; or not; or of its language raw text alone.
        score: in percent; None where nothing is known.
        low, high: a 95 % interval.
        measured: on a test set; else expected, as `told_by` other zero-shot cells scored.
    """

    pair: str
    task: str
    language: str
    kind: Literal["trained", "zero-shot", "text-only"]
    score: float | None
    low: float
    high: float
    measured: bool
    told_by: int


class TaskInfo(BaseModel):
    """A task of the matrix."""

    name: str
    metric: str
    labels: list[str]


class LanguageInfo(BaseModel):
    """A language of the matrix; `seen` by the backbone's pre-training, None where that is not known."""

    code: str
    name: str
    seen: bool | None


class Matrix(BaseModel):
    """The task-language matrix."""

    tasks: list[TaskInfo]
    languages: list[LanguageInfo]
    cells: list[Cell]

    def cell(self, pair: str) -> Cell | None:
        """Return a pair's cell, or None outside the matrix."""
        return next((cell for cell in self.cells if cell.pair == pair), None)


class Pairs(BaseModel):
    """The pairs that can be asked for, and which of them were trained."""

    trained: list[str]
    zero_shot: list[str]


TAG_EXAMPLES: dict[str, Any] = {
    "text": {
        "summary": "Raw text, two tasks",
        "value": {
            "inputs": [
                {"text": "Amina alisafiri kutoka Mombasa hadi Nairobi.", "language": "swa", "tasks": ["pos", "ner"]}
            ]
        },
    },
    "mixed": {
        "summary": "Sentences of different tasks and languages",
        "value": {
            "inputs": [
                {"tokens": ["Amina", "alisafiri", "jana", "."], "language": "sw", "tasks": ["pos"]},
                {"text": "Анна живёт в Москве.", "language": "ru", "tasks": ["ner"]},
                {"text": "سارا در تهران زندگی می‌کند.", "language": "fa", "tasks": ["pos", "ner"]},
            ]
        },
    },
}

"""Pairs: a task in a language, written ``ner/swa``."""

from dataclasses import dataclass

from hyperx.errors import HyperXError
from hyperx.languages import normalize


@dataclass(frozen=True, order=True, slots=True)
class Pair:
    """A task in a language: a cell of the matrix."""

    task: str
    language: str

    def __str__(self) -> str:
        return f"{self.task}/{self.language}"

    @classmethod
    def parse(cls, text: str) -> "Pair":
        """Read ``task/language``.

        Raises:
            HyperXError: there is no slash, or the language is unknown.
        """
        task, slash, language = text.partition("/")
        if not slash or not task:
            raise HyperXError(f"'{text}' is not a pair; expected a task and a language, such as ner/swa")
        return cls(task, normalize(language))

"""How files hold a task's gold annotation, and how CoNLL-U shows it."""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import ClassVar

# CoNLL-U's columns: https://universaldependencies.org/format.html
FORM, UPOS, FEATS, HEAD, DEPREL, MISC = 1, 3, 5, 6, 7, 9
Columns = list[str]  # a word's ten


class Annotation:
    """One tag a word, unless a task says otherwise; readers and writers ask here and know no task.

    Attributes:
        name: the task's, ``ner`` of ``ner/swa``.
        auxiliary: there is none: the task is trained on raw text to help others, and has no cell in the matrix.
        per_sentence: a sentence has one label, instead of one a word.
        spans: the tags are entities' in a scheme such as IOB1 or IOBES; readers turn them into IOB2.
        json_keys: where else than under the task's name JSON has the tags; ``a:b`` joins two lists with a colon.
    """

    name: str
    auxiliary: ClassVar[bool] = False
    per_sentence: ClassVar[bool] = False
    spans: ClassVar[bool] = False
    json_keys: ClassVar[tuple[str, ...]] = ("tags",)

    def is_tag(self, text: str) -> bool:
        """Return whether a file's column could hold `text` as this task's tag."""
        return bool(text.strip())

    def problem(self, tag: str, num_words: int) -> str | None:
        """Return what is wrong with a gold tag in a sentence of so many words and what to do, or None."""
        return None

    def sentence_problem(self, tags: Sequence[str]) -> tuple[int, str] | None:
        """Return what is wrong with gold tags that are right one by one, and the number of a word that shows it, or None."""
        return None

    def rename(self, tag: str, label_map: Mapping[str, str]) -> str:
        """Return the tag as a user's `label_map` has it."""
        return label_map.get(tag, tag)

    def counted(self, tags: Sequence[str]) -> Iterable[str]:
        """Return what a report on a file counts of a sentence's tags."""
        return tags

    def from_conllu(self, words: Sequence[Columns], comments: Mapping[str, str]) -> tuple[str, ...] | None:
        """Return a sentence's tags, here those in MISC as ``NAME=tag``; None where it has none.

        Args:
            words: each syntactic word's ten columns.
            comments: ``# key = value``.
        """
        tags = [misc(columns, self.name.upper()) for columns in words]
        return None if None in tags else tuple(tag for tag in tags if tag is not None)

    def to_conllu(self, words: Sequence[Columns], comments: MutableMapping[str, str], tags: Sequence[str]) -> None:
        """Set a sentence's tags where `from_conllu` finds them, in `words` or `comments`."""
        for columns, tag in zip(words, tags, strict=True):
            set_misc(columns, self.name.upper(), tag)


def misc(columns: Columns, key: str) -> str | None:
    """Return the value of ``KEY=value`` in a word's MISC."""
    return next((item[len(key) + 1 :] for item in columns[MISC].split("|") if item.startswith(f"{key}=")), None)


def set_misc(columns: Columns, key: str, value: str | None) -> None:
    """Set ``KEY=value`` in a word's MISC, or remove it."""
    kept = [item for item in columns[MISC].split("|") if item != "_" and not item.startswith(f"{key}=")]
    columns[MISC] = "|".join([*kept, *([] if value is None else [f"{key}={value}"])]) or "_"


def annotation(task: "str | Annotation") -> Annotation:
    """Return a task by its name, as far as files are concerned.

    Raises:
        HyperXError: there is no such task.
    """
    if not isinstance(task, str):
        return task
    from hyperx.tasks import build_task  # tasks stand on the data, and are looked up only when a name is given

    return build_task(task)

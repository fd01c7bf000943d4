"""Named entity recognition in IOB2."""

from collections.abc import Sequence
from typing import ClassVar

from hyperx.tasks.spans import Spans


class NamedEntities(Spans):
    """Entity spans, usually of persons, organizations and locations."""

    name = "ner"
    default_labels: ClassVar[Sequence[str]] = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")

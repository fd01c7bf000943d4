"""Part-of-speech tagging with the 17 universal tags."""

from typing import ClassVar

from hyperx.data.labels import UPOS
from hyperx.metrics import ACCURACY, Metric
from hyperx.tasks.tagging import TaggingTask


class PartOfSpeech(TaggingTask):
    """UPOS tags, scored by accuracy."""

    name: ClassVar[str] = "pos"
    metric: ClassVar[Metric] = ACCURACY
    default_labels: ClassVar[list[str]] = list(UPOS)

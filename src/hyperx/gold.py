"""Gold sentences that a saved model is scored on, and the data that it was trained on, where that is at hand."""

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from hyperx.config import RUN_CONFIG_NAME, load_run_config
from hyperx.data.check import collected_notices
from hyperx.data.sentence import Sentence
from hyperx.dataset import RunData, gold_notices, load_data
from hyperx.errors import HyperXError
from hyperx.modeling import ModelConfig
from hyperx.pairs import Pair
from hyperx.run import majority_tags
from hyperx.tasks import is_auxiliary

Sentences = Mapping[Pair, Sequence[Sentence]]
logger = logging.getLogger(__name__)


def origin_of(run: str) -> str:
    """Return what a run or a model is called: its folder's name, or its Hub id."""
    return Path(run).resolve().name if Path(run).is_dir() else run


def check_tests(tests: Sentences, *, tasks: Collection[str], languages: Collection[str]) -> None:
    """Check that cells can be scored, before work that would be lost.

    Raises:
        HyperXError: a cell is outside the matrix, has no sentences or some without tags, or its task tags nothing.
    """
    for pair, rows in tests.items():
        if not rows:
            raise HyperXError(f"there are no sentences of {pair} to score; give some, or leave it out")
        if is_auxiliary(pair.task):
            raise HyperXError(f"{pair} can't be scored: the task '{pair.task}' tags nothing; leave it out")
        if not all(sentence.tags for sentence in rows):
            raise HyperXError(f"there are sentences of {pair} without tags, which can't be scored; leave them out")
        if pair.task not in tasks or pair.language not in languages:
            raise HyperXError(
                f"{pair} can't be scored: the model has the tasks {', '.join(sorted(tasks))} and the languages "
                f"{', '.join(sorted(languages))}; add it by hyperx adapt, or leave it out"
            )


def notices(config: ModelConfig, data: Sentences, tests: Sentences) -> list[str]:
    """Say what of gold sentences a user should know: that some are trained on, or can't be found by the model."""
    return gold_notices(RunData(dict(data), test=dict(tests), kinds=config.kinds), config.tasks)


def own_data(run: Path, *, download: bool) -> RunData:
    """Return a run's data, of which its training told what there is to tell; none where it is not at hand.

    Args:
        download: what is not on disk, too; a stranger's folder may name any place.
    """
    if not (run / RUN_CONFIG_NAME).is_file():
        return RunData()
    try:
        with collected_notices():
            return load_data(load_run_config(run / RUN_CONFIG_NAME), remote="needed" if download else "left out")
    except HyperXError as error:
        logger.warning("the data of %s is not at hand: %s", run, error)
        return RunData()


def majority_at_hand(own: RunData, data: Sentences, cells: Sentences) -> dict[str, str]:
    """Return each task's most frequent tag in what a model was trained on, of a task without any in the cells to score."""
    labelled = [pair for pair in {**own.train, **data} if not is_auxiliary(pair.task)]
    trained = {pair: [*own.train.get(pair, ()), *data.get(pair, ())] for pair in labelled}
    return majority_tags(RunData(dict(cells))) | majority_tags(RunData(dict(trained)))

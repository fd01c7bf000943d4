"""Growing a run's or a saved model: its scores before and after, and the new model's folder."""

import logging
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from hyperx.adapt import Adaptation, Sentences, Share, adapt, run_data
from hyperx.config import RUN_CONFIG_NAME, TrainingConfig, load_run_config
from hyperx.dataset import RunData, load_data
from hyperx.disk import write_whole, writing
from hyperx.errors import HyperXError
from hyperx.evaluation import evaluate, merge
from hyperx.languages import name as language_name
from hyperx.model_card import model_card
from hyperx.modeling import CARD_NAME, HyperX
from hyperx.pairs import Pair
from hyperx.results import Results
from hyperx.run import majority_tags, note_scores, write_json
from hyperx.tasks import is_auxiliary

UNFINISHED = "model.partial"
logger = logging.getLogger(__name__)


def adapt_run(
    run: str,
    output: Path,
    data: Sentences,
    *,
    tests: Sentences,
    training: TrainingConfig,
    train: Share = "embeddings",
    seed: int = 1,
    progress: Callable[[str], None] = lambda doing: None,
    **how: Any,
) -> tuple[Adaptation, Results, Results]:
    """Grow a run's or a saved model by `adapt`, score it, and write its folder.

    The folder holds ``model/``, ``adaptation.json`` (what was done), ``results.json`` and ``results-before.json``. Cells
    that stayed as they were keep their rows of the run's own ``results.json``.

    Args:
        run: a run's or a model's folder, or a Hub id, with or without ``@revision``.
        tests: gold sentences of cells. The run's own test sets join them for the cells that training may change.
        how: what `adapt` takes besides.

    Returns:
        What `adapt` returns, and the scores before, of the cells that there were, and after.

    Raises:
        HyperXError: the model can't be loaded, grown or scored, or the folder holds one already or can't be written.
    """
    if (output / "model").exists():
        raise HyperXError(f"{output} holds a model already; give another folder")
    progress("Loading the model")
    old = HyperX.from_pretrained(run)
    config = old.model_config
    check_tests(
        tests,
        tasks={*old.tasks, *(pair.task for pair in data)},
        languages={*config.languages, *how.get("languages", ()), *(pair.language for pair in data)},
    )
    with writing(output):
        output.mkdir(parents=True, exist_ok=True)
    languages = set(config.languages) if train == "all" else {pair.language for pair in data} & set(config.languages)
    own = own_data(Path(run)) if languages or tests else RunData()
    cells = {**{pair: rows for pair, rows in own.test.items() if pair.language in languages}, **tests}
    majority = majority_at_hand(own, data, cells)

    def score(model: HyperX, cells: Mapping[Pair, Any], name: str) -> Results:
        return evaluate(model, cells, run=name, seed=seed, majority=majority, progress=progress)

    known = {
        pair: rows for pair, rows in cells.items() if pair.task in config.tasks and pair.language in config.languages
    }
    origin = origin_of(run)
    before = score(old, known, origin)
    result = adapt(old, data, train=train, training=training, seed=seed, **how)
    with writing(output):
        shutil.rmtree(output / UNFINISHED, ignore_errors=True)
        result.model.save_pretrained(output / UNFINISHED)
        (output / UNFINISHED).rename(output / "model")
    after = score(result.model, cells, output.resolve().name)
    whole = after
    if train == "embeddings" and (Path(run) / "results.json").is_file():
        kept = Results.load(Path(run))
        kept.rows = [row for row in kept.rows if row.language not in result.moved]
        whole = merge(kept, after)
    with writing(output):
        _save(output, result, before, whole, history=_history(origin, result, data, train, training))
    return result, before, after


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
        if not all(sentence.tags for sentence in rows) and not is_auxiliary(pair.task):
            raise HyperXError(f"there are sentences of {pair} without tags, which can't be scored; leave them out")
        if is_auxiliary(pair.task):
            raise HyperXError(f"{pair} can't be scored: the task '{pair.task}' tags nothing; leave it out")
        if pair.task not in tasks or pair.language not in languages:
            raise HyperXError(
                f"{pair} can't be scored: the model has the tasks {', '.join(sorted(tasks))} and the languages "
                f"{', '.join(sorted(languages))}; add it by hyperx adapt, or leave it out"
            )


def own_data(run: Path) -> RunData:
    """Return a run's data; none where it is not at hand."""
    try:
        return load_data(load_run_config(run / RUN_CONFIG_NAME)) if (run / RUN_CONFIG_NAME).is_file() else RunData()
    except HyperXError as error:
        logger.warning("the data of %s is not at hand: %s", run, error)
        return RunData()


def majority_at_hand(own: RunData, data: Sentences, cells: Sentences) -> dict[str, str]:
    """Return each task's most frequent tag in what a model was trained on, of a task without any in the cells to score."""
    labelled = [pair for pair in {**own.train, **data} if not is_auxiliary(pair.task)]
    trained = {pair: [*own.train.get(pair, ()), *data.get(pair, ())] for pair in labelled}
    return majority_tags(run_data(cells)) | majority_tags(run_data(trained))


def _history(origin: str, result: Adaptation, data: Sentences, train: Share, training: TrainingConfig) -> str:
    """Say what was done, in sentences."""
    parts = [f"Grown from `{origin}`."]
    if data:
        given = ", ".join(f"{len(rows):,} sentences of {pair}" for pair, rows in data.items())
        what = "everything that its method trains" if train == "all" else "new embeddings and heads alone"
        parts.append(f"Trained on {given}: {training.steps:,} steps, {what}.")
    for language, weights in result.relatives.items():
        nearest = ", ".join(f"{language_name(other)} {weight:.0%}" for other, weight in list(weights.items())[:3])
        parts.append(f"The embedding of {language_name(language)} started at its relatives' ({nearest}).")
    return " ".join(parts)


def _save(output: Path, result: Adaptation, before: Results, after: Results, *, history: str) -> None:
    note_scores(result.model, after, output / "model")
    card = model_card(result.model.model_config, name=output.name, results=after, history=history)
    write_whole(output / "model" / CARD_NAME, card)
    write_json(output / "adaptation.json", {"history": history, "moved": result.moved, "relatives": result.relatives})
    if before.rows:
        before.save(output / "results-before.json")
    after.save(output / "results.json")

"""Growing a run's or a saved model: its scores before and after, and the new model's folder."""

import logging
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from hyperx.adapt import Adaptation, Sentences, Share, adapt
from hyperx.config import TrainingConfig, load_run_config
from hyperx.data.sentence import Sentence
from hyperx.dataset import RunData, load_data
from hyperx.disk import writing
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
    _check(
        tests,
        tasks={*old.tasks, *(pair.task for pair in data)},
        languages={*config.languages, *how.get("languages", ()), *(pair.language for pair in data)},
    )
    with writing(output):
        output.mkdir(parents=True, exist_ok=True)
    languages = set(config.languages) if train == "all" else {pair.language for pair in data} & set(config.languages)
    cells = {**(_own_tests(Path(run), languages) if languages else {}), **tests}
    majority = majority_tags(_as_run({**cells, **data}))

    def score(model: HyperX, cells: Mapping[Pair, Any], name: str) -> Results:
        return evaluate(model, cells, run=name, seed=seed, majority=majority, progress=progress)

    known = {
        pair: rows for pair, rows in cells.items() if pair.task in config.tasks and pair.language in config.languages
    }
    origin = Path(run).resolve().name if Path(run).is_dir() else run
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


def _check(tests: Sentences, *, tasks: Collection[str], languages: Collection[str]) -> None:
    """Check that cells can be scored, before training that would be lost."""
    for pair, rows in tests.items():
        if not rows:
            raise HyperXError(f"there are no sentences of {pair} to score; give some, or leave it out")
        if is_auxiliary(pair.task):
            raise HyperXError(f"{pair} can't be scored: the task '{pair.task}' tags nothing; leave it out")
        if pair.task not in tasks or pair.language not in languages:
            raise HyperXError(
                f"{pair} can't be scored: the grown model has the tasks {', '.join(sorted(tasks))} and the languages "
                f"{', '.join(sorted(languages))}; add it by sentences to train on or as a new language, or leave it out"
            )


def _own_tests(run: Path, languages: set[str]) -> dict[Pair, list[Sentence]]:
    """Return the test sets of a run's cells in these languages; none where they are not at hand."""
    if not (run / "config.yaml").is_file():
        return {}
    try:
        own = load_data(load_run_config(run / "config.yaml")).test
    except HyperXError as error:
        logger.warning("the test sets of %s are not at hand: %s", run, error)
        return {}
    return {pair: list(rows) for pair, rows in own.items() if pair.language in languages}


def _as_run(sentences: Sentences) -> RunData:
    return RunData({pair: list(rows) for pair, rows in sentences.items()})


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
    (output / "model" / CARD_NAME).write_text(card, encoding="utf-8")
    write_json(output / "adaptation.json", {"history": history, "moved": result.moved, "relatives": result.relatives})
    if before.rows:
        before.save(output / "results-before.json")
    after.save(output / "results.json")

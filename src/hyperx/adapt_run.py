"""Growing a run's or a saved model: its scores before and after, and the new model's folder."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hyperx.adapt import Adaptation, Share, adapt, normalized
from hyperx.config import TrainingConfig
from hyperx.dataset import RunData
from hyperx.disk import write_whole, writing
from hyperx.errors import HyperXError
from hyperx.evaluation import evaluate, merge
from hyperx.gold import Sentences, check_tests, majority_at_hand, origin_of, own_data
from hyperx.languages import name as language_name
from hyperx.languages import normalize
from hyperx.model_card import model_card
from hyperx.modeling import CARD_NAME, HyperX
from hyperx.pairs import Pair
from hyperx.results import RESULTS_NAME, Results
from hyperx.resuming import has_begun
from hyperx.run import note_scores, write_json

UNFINISHED = "model.partial"


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
        HyperXError: the model can't be loaded, grown or scored, or the folder holds one, a run or results already or can't be
            written.
    """
    if (output / "model").exists() or has_begun(output):
        raise HyperXError(f"{output} holds a model, a run or results already; give another folder")
    data, tests = normalized(data), normalized(tests)
    how["languages"] = [normalize(language) for language in how.get("languages", ())]
    progress("Loading the model")
    old = HyperX.from_pretrained(run)
    config = old.model_config
    check_tests(
        tests,
        tasks={*old.tasks, *(pair.task for pair in data)},
        languages={*config.languages, *how["languages"], *(pair.language for pair in data)},
    )
    with writing(output):
        output.mkdir(parents=True, exist_ok=True)
    languages = set(config.languages) if train == "all" else {pair.language for pair in data} & set(config.languages)
    own = own_data(Path(run), download=True) if languages or tests else RunData()
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
    if train == "embeddings" and (Path(run) / RESULTS_NAME).is_file():
        kept = Results.load(Path(run))
        kept.rows = [row for row in kept.rows if row.language not in result.moved]
        whole = merge(kept, after)
    with writing(output):
        _save(output, result, before, whole, history=_history(origin, result, data, train, training))
    return result, before, after


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
    after.save(output / RESULTS_NAME)

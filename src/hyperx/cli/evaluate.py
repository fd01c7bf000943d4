"""``hyperx evaluate``."""

import logging
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hyperx.errors import HyperXError

logger = logging.getLogger(__name__)


def evaluate(
    run: Annotated[Path, typer.Argument(help="The run's folder.")],
    split: Annotated[str, typer.Option(help="test, or dev for choosing between runs.")] = "test",
) -> None:
    """Score a run's matrix again, on its test or dev sets."""
    from hyperx.calibration import fit_temperatures
    from hyperx.config import load_run_config
    from hyperx.dataset import load_data
    from hyperx.evaluation import evaluate as score
    from hyperx.matrix import print_matrix
    from hyperx.modeling import HyperX, model_folder
    from hyperx.results import Results
    from hyperx.run import majority_tags, note_scores

    if split not in ("test", "dev"):
        raise HyperXError(f"there is no split '{split}' to score; choose test or dev")
    config = load_run_config(run / "config.yaml")
    data = load_data(config)
    model = HyperX.from_pretrained(run)
    sentences = data.test if split == "test" else data.dev
    if outside := [str(pair) for pair in sentences if pair.language not in model.model_config.languages]:
        logger.warning("the model has no language of these cells, which are left out: %s", ", ".join(outside))
    sentences = {pair: rows for pair, rows in sentences.items() if str(pair) not in outside}
    step = None
    with suppress(HyperXError):  # there are none, or they are what is to be mended
        step = Results.load(run, counts=False).step
    with Console(stderr=True, highlight=False).status("") as status:
        results = score(
            model,
            sentences,
            run=config.name,
            seed=config.seed,
            split=split,
            majority=majority_tags(data),
            step=step,
            progress=status.update,
        )
    results.save(run / ("results.json" if split == "test" else f"results-{split}.json"))
    if split == "test":
        dev = {pair: rows for pair, rows in data.dev.items() if pair in data.train}
        model.model_config.temperatures = fit_temperatures(model, dev)
        note_scores(model, results, model_folder(run, None))
    print_matrix(results, Console(highlight=False))

"""``hyperx evaluate``."""

import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from hyperx.cli.options import LabelMap, TagColumn
from hyperx.errors import HyperXError

if TYPE_CHECKING:
    from hyperx.results import Results

logger = logging.getLogger(__name__)


def evaluate(
    run: Annotated[
        str,
        typer.Argument(
            help="The run's folder; with --test a saved model's, too, or a Hub id: owner/name or owner/name@revision."
        ),
    ],
    split: Annotated[str, typer.Option(help="test, or dev for choosing between runs.")] = "test",
    test: Annotated[
        list[str] | None, typer.Option(help="Gold sentences to score instead of the run's own: ner/yor=FILE.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="With --test: a folder to write results.json to.")] = None,
    format: Annotated[str, typer.Option(help="Of the files of --test; found unless given.")] = "auto",
    tag_column: TagColumn = None,
    label_map: LabelMap = None,
) -> None:
    """Score a run's matrix again, on its test or dev sets, or any model's cells on gold sentences of your own.

    Example: hyperx evaluate runs/yoruba --test pos/yor=gold.conllu --test ner/yor=gold.txt
    """
    from hyperx.cli.data import renamed
    from hyperx.matrix import print_matrix

    if split not in ("test", "dev"):
        raise HyperXError(f"there is no split '{split}' to score; choose test or dev")
    if test and split == "dev":
        raise HyperXError("--split dev scores the run's own sentences, and --test others; give one of them")
    if not test and (output or tag_column or label_map or format != "auto"):
        raise HyperXError("--output, --format, --tag-column and --label-map are of what --test names; give it, too")
    how = {"format": format, "tag_column": tag_column, "label_map": renamed(label_map or [])}
    results = _score_files(run, test, how, output) if test else _score_run(Path(run), split)
    print_matrix(results, Console(highlight=False))


def _score_files(run: str, files: list[str], how: dict[str, Any], output: Path | None) -> "Results":
    """Score a model's cells on gold sentences, and write the results where there is an `output`."""
    from hyperx.cli.adapt import read
    from hyperx.cli.data import show_notices
    from hyperx.data.check import collected_notices
    from hyperx.disk import writing
    from hyperx.evaluation import evaluate as score
    from hyperx.gold import check_tests, majority_at_hand, origin_of, own_data
    from hyperx.gold import notices as told
    from hyperx.modeling import HyperX, model_folder, read_config
    from hyperx.results import RESULTS_NAME

    if output and (output / RESULTS_NAME).exists():
        raise HyperXError(f"{output} holds results already; give another folder")
    folder = model_folder(run, None)
    config = read_config(folder)
    console = Console(stderr=True, highlight=False)
    with console.status("Reading the data") as status, collected_notices() as notices:
        tests = read(files, how, config.kinds)
        check_tests(tests, tasks=config.tasks, languages=config.languages)
        majority = majority_at_hand(own_data(Path(run), download=False), {}, tests)
        status.update("Loading the model")
        results = score(
            HyperX.from_pretrained(folder), tests, run=origin_of(run), seed=1, majority=majority, progress=status.update
        )
    show_notices(notices + told(config, {}, tests), console)
    if output:
        with writing(output):
            output.mkdir(parents=True, exist_ok=True)
            results.save(output / RESULTS_NAME)
    return results


def _score_run(run: Path, split: str) -> "Results":
    """Score a run's matrix on its own data, and write all that tells of it anew."""
    from hyperx.calibration import fit_temperatures
    from hyperx.config import RUN_CONFIG_NAME, load_run_config
    from hyperx.dataset import load_data
    from hyperx.disk import writing
    from hyperx.evaluation import evaluate as score
    from hyperx.modeling import HyperX, model_folder
    from hyperx.results import Results
    from hyperx.run import majority_tags, note_scores, save_reports

    if not (run / RUN_CONFIG_NAME).is_file():
        raise HyperXError(
            f"{run} is no run's folder, whose {RUN_CONFIG_NAME} says what to score it on; give gold sentences by --test"
        )
    config = load_run_config(run / RUN_CONFIG_NAME)
    data = load_data(config)
    sentences = data.test if split == "test" else data.dev
    if not sentences:
        raise HyperXError(f"no pair of this run has a {split} set; add {split}: to its data entries")
    model = HyperX.from_pretrained(run)
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
    with writing(run):
        if split == "dev":
            results.save(run / "results-dev.json")
        else:
            dev = {pair: rows for pair, rows in data.dev.items() if pair in data.train}
            model.model_config.temperatures = fit_temperatures(model, dev)
            note_scores(model, results, model_folder(run, None))
            save_reports(run, config, results)
    return results

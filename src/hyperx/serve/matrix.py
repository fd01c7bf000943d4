"""What a model's configuration tells of its matrix."""

from hyperx.expectation import expect
from hyperx.languages import name as language_name
from hyperx.languages import seen_by
from hyperx.modeling import ModelConfig
from hyperx.pairs import Pair
from hyperx.serve.schema import Cell, LanguageInfo, Matrix, TaskInfo
from hyperx.tasks import is_auxiliary, task_class


def matrix_of(config: ModelConfig) -> Matrix:
    """Return the matrix with what its cells scored or can be expected to score; languages by English name."""
    seen = seen_by(config.backbone)
    tasks = [task for task in config.tasks if not is_auxiliary(task)]
    languages = sorted(config.languages, key=language_name)
    return Matrix(
        tasks=[
            TaskInfo(name=task, metric=task_class(task, config.kinds).metric.name, labels=config.tasks[task])
            for task in tasks
        ],
        languages=[
            LanguageInfo(code=code, name=language_name(code), seen=None if seen is None else code in seen)
            for code in languages
        ],
        cells=[_cell(config, Pair(task, language), seen) for task in tasks for language in languages],
    )


def _cell(config: ModelConfig, pair: Pair, seen: frozenset[str] | None) -> Cell:
    labelled = {known.language for known in map(Pair.parse, config.trained) if not is_auxiliary(known.task)}
    text_only = {known.language for known in map(Pair.parse, config.trained)} - labelled
    kind = "trained" if str(pair) in config.trained else "text-only" if pair.language in text_only else "zero-shot"
    expected = expect(pair, config.scores, trained=config.trained, seen=seen)
    return Cell(
        pair=str(pair),
        task=pair.task,
        language=pair.language,
        kind=kind,
        score=expected.score,
        low=expected.low,
        high=expected.high,
        measured=expected.measured,
        told_by=expected.cells,
    )

"""A benchmark: languages, data, partitions, methods and scales of a study, in one YAML file."""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from hyperx.config import (
    AnyEntry,
    CorpusEntry,
    Entry,
    FilesEntry,
    Strict,
    TrainingConfig,
    read_yaml,
    resolve,
    validated,
)
from hyperx.errors import HyperXError
from hyperx.languages import normalize, seen_by
from hyperx.methods import MethodConfig
from hyperx.pairs import Pair
from hyperx.partition import Partition, make_partitions

SHIPPED = Path(str(files("hyperx.study"))) / "benchmarks"
TASKS = ("pos", "ner")
LANGUAGE_ADAPTERS = "language-adapters"
OTHER_HYPERX = ("base", "small", "paper")  # of another size or recipe: one seed
MIXED_ONLY = (*OTHER_HYPERX, "psf")  # methods that the single-source settings leave out
WITH_RAW_TEXT = ("hyperx", "single")  # kinds of methods that can learn from raw text beside the labels
Choice = dict[str, list[str]]


class FewShotTraining(Strict):
    """How a method trains on a few sentences.

    Attributes:
        raw_text: Hyper-X starts from the English model that learnt from raw text of all languages, too.
    """

    steps: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    raw_text: bool = False


class FewShot(Strict):
    """The study of few labelled sentences.

    Attributes:
        languages: to learn each task in.
        sizes: numbers of sentences.
        draws: of the sentences, the same for every method.
        methods: those compared, by their names in the benchmark.
    """

    languages: list[str] = Field(min_length=1)
    sizes: list[int] = Field(min_length=1)
    draws: int = Field(3, ge=1)
    methods: dict[str, FewShotTraining]

    @field_validator("languages")
    @classmethod
    def _canonical(cls, value: list[str]) -> list[str]:
        return [normalize(language) for language in value]


class Scale(Strict):
    """How long the runs of a study are.

    Attributes:
        training: of every run.
        methods: what a method's training has otherwise, by its name in the benchmark, or that of `LANGUAGE_ADAPTERS`.
        language_steps: MAD-X's steps for each language's adapter.
        seeds: of each method in the mixed setting but `OTHER_HYPERX`; everything else has one.
        raw_text: methods that learn from raw text beside the labels; all that can, unless given.
        few_shot: the study of that name, which there is not unless given.
    """

    training: TrainingConfig
    methods: dict[str, dict[str, Any]] = Field(default_factory=dict)
    language_steps: int = Field(ge=1)
    seeds: int = Field(2, ge=1)
    raw_text: list[str] | None = None
    few_shot: FewShot | None = None

    @field_validator("methods")
    @classmethod
    def _known(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for training in value.values():
            TrainingConfig.model_validate(training)
        return value

    def training_of(self, system: str) -> TrainingConfig:
        """Return a method's training."""
        return TrainingConfig.model_validate(self.training.model_dump() | self.methods.get(system, {}))


class MethodEntry(Strict):
    """A method of a benchmark."""

    method: MethodConfig = Field(discriminator="name")


class Benchmark(Strict):
    """A matrix with gold test sets, and the methods to be compared on it.

    Attributes:
        source: the language that is trained in all tasks everywhere, English.
        data: as in a run's configuration.
        families: each other language's relatives, itself among them.
        partitions: of the mixed setting, which languages have which task's labels besides the source; made from the
            families unless given.
        swaps: pairs of languages that change places in the study of sources.
        methods: by the name that reports show.
        scales: by name.
        remarks: paragraphs of Markdown that a reader of the report should know.
    """

    name: str = Field(pattern=r"^[\w.-]+$")
    backbone: str
    source: str
    data: list[AnyEntry] = Field(min_length=1)
    families: dict[str, list[str]]
    partitions: list[Choice] = Field(default_factory=list)
    swaps: list[tuple[str, str]] = Field(default_factory=list)
    methods: dict[str, MethodEntry]
    scales: dict[str, Scale]
    remarks: list[str] = Field(default_factory=list)

    @field_validator("families", "partitions", "swaps", "source")
    @classmethod
    def _canonical(cls, value: Any) -> Any:
        if isinstance(value, str):
            return normalize(value)
        if isinstance(value, dict):
            return {key: cls._canonical(part) for key, part in value.items()}
        return type(value)(cls._canonical(part) for part in value)

    @field_validator("methods")
    @classmethod
    def _with_hyperx(cls, value: dict[str, MethodEntry]) -> dict[str, MethodEntry]:
        if "hyperx" not in value:
            raise ValueError(f"hyperx, which the studies are about, is not among {', '.join(value)}")
        if other := [name for name in OTHER_HYPERX if name in value and value[name].method.name != "hyperx"]:
            raise ValueError(f"{', '.join(other)}: a name of Hyper-X in another size or recipe; choose another")
        return value

    @model_validator(mode="after")
    def _partition(self) -> Self:
        if not self.partitions:
            self.partitions = [
                _languages(part.trained) for part in make_partitions(self.cells, families=self.family_of)
            ]
        return self

    @property
    def cells(self) -> list[Pair]:
        """All but the source's."""
        return sorted((Pair(task, language) for task in TASKS for language in self.languages), key=str)

    @property
    def family_of(self) -> dict[str, str]:
        """Each language's family."""
        return {language: family for family, members in self.families.items() for language in members}

    @property
    def languages(self) -> list[str]:
        """All but the source."""
        return sorted(language for members in self.families.values() for language in members)

    @property
    def unseen(self) -> list[str]:
        """Languages that the backbone's pre-training did not hold."""
        return [language for language in self.languages if language not in (seen_by(self.backbone) or ())]

    def partition(self, number: int, *, swapped: bool = False) -> Partition:
        """Return a partition of the cells, before or after languages change places."""
        chosen = self.partitions[number - 1]
        trained = [cell for cell in self.cells if cell.language in chosen[cell.task]]
        part = Partition(tuple(trained), tuple(cell for cell in self.cells if cell not in trained))
        return part.swapped(self.swaps if swapped else ())

    def mixed(self, number: int, *, swapped: bool = False) -> Choice:
        """Return the languages that a partition trains, by task, the source first."""
        trained = _languages(self.partition(number, swapped=swapped).trained)
        return {task: [self.source, *languages] for task, languages in trained.items()}


def _languages(cells: Iterable[Pair]) -> Choice:
    """Return cells' languages by task, in order."""
    return {task: sorted(cell.language for cell in cells if cell.task == task) for task in TASKS}


def load_benchmark(name: str, data: Path | None = None) -> Benchmark:
    """Load one that is shipped, by its name, or a YAML file.

    Args:
        data: the folder that its data's paths are relative to; the file's own unless given.

    Raises:
        HyperXError: there is none, or it is wrong; the message says where.
    """
    path = SHIPPED / f"{name}.yaml" if name in shipped() else Path(name)
    if not path.is_file():
        raise HyperXError(f"there is no benchmark '{name}'; give a YAML file, or one of {', '.join(shipped())}")
    benchmark = validated(path, read_yaml(path), Benchmark)
    _check(benchmark, path)
    folder = (data or path.parent).resolve()
    if data is None and path.parent == SHIPPED and any(_on_disk(entry) for entry in benchmark.data):
        corpora = ", ".join(entry.corpus for entry in benchmark.data if isinstance(entry, CorpusEntry) and entry.root)
        raise HyperXError(
            f"the benchmark '{name}' needs --data, the folder that its corpora lie in: {corpora}; "
            "hyperx data list says what they are"
        )
    return benchmark.model_copy(update={"data": [resolve(entry, folder) for entry in benchmark.data]})


def shipped() -> Sequence[str]:
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def _on_disk(entry: Entry) -> bool:
    return isinstance(entry, FilesEntry) or (isinstance(entry, CorpusEntry) and entry.root is not None)


def _check(benchmark: Benchmark, path: Path) -> None:
    """Raise unless partitions, swaps and few-shot studies are among the families' languages and the methods."""
    few_shot = {f"scales.{name}.few_shot": scale.few_shot for name, scale in benchmark.scales.items() if scale.few_shot}
    known = set(benchmark.languages)
    named = {
        "partitions": {lang for part in benchmark.partitions for languages in part.values() for lang in languages},
        "swaps": {language for pair in benchmark.swaps for language in pair},
        **{f"{key}.languages": set(study.languages) for key, study in few_shot.items()},
    }
    for key, languages in named.items():
        if languages - known:
            raise HyperXError(f"{path}: '{key}' names {', '.join(sorted(languages - known))}, which no family holds")
    for key, study in few_shot.items():
        if unknown := set(study.methods) - (set(benchmark.methods) - set(MIXED_ONLY)):
            raise HyperXError(
                f"{path}: '{key}.methods' names {', '.join(sorted(unknown))}, which no run on English trains"
            )
        if misplaced := [name for name, own in study.methods.items() if own.raw_text and name != "hyperx"]:
            raise HyperXError(f"{path}: '{key}.methods.{misplaced[0]}' has 'raw_text', which is for hyperx")
    for name, scale in benchmark.scales.items():
        if unknown := set(scale.methods) - set(benchmark.methods) - {LANGUAGE_ADAPTERS}:
            raise HyperXError(f"{path}: 'scales.{name}.methods' names {', '.join(sorted(unknown))}, which is no method")
        readers = {name for name, entry in benchmark.methods.items() if entry.method.name in WITH_RAW_TEXT}
        if unknown := set(scale.raw_text or ()) - readers:
            raise HyperXError(
                f"{path}: 'scales.{name}.raw_text' names {', '.join(sorted(unknown))}, which is none of {', '.join(readers)}"
            )
    for part in benchmark.partitions:
        if set(part) != set(TASKS):
            raise HyperXError(f"{path}: a partition has the tasks {', '.join(part)}; expected {' and '.join(TASKS)}")
    moved = [language for pair in benchmark.swaps for language in pair]
    if twice := sorted({language for language in moved if moved.count(language) > 1}):
        raise HyperXError(f"{path}: 'swaps' names {', '.join(twice)} twice; a language can change places once")
    for pair in benchmark.swaps:
        if any(len(set(pair) & set(languages)) == 2 for part in benchmark.partitions for languages in part.values()):
            raise HyperXError(
                f"{path}: 'swaps' names {' and '.join(pair)}, which have labels of the same task, so that nothing would change"
            )

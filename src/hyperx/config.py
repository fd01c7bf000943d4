"""A run's configuration: one YAML file, checked before anything is loaded."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from hyperx.disk import write_whole
from hyperx.errors import HyperXError
from hyperx.languages import normalize
from hyperx.methods import METHODS, HyperXConfig, MethodConfig
from hyperx.strict_yaml import parse

RUN_CONFIG_NAME = "config.yaml"  # in a run's folder
MAX_BYTES = 300_000
AnyModel = TypeVar("AnyModel", bound=BaseModel)


class Strict(BaseModel):
    """Refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class CorpusEntry(Strict):
    """Data from a corpus of the catalog.

    Attributes:
        corpus: its name in the catalog.
        languages: those to take; all that it has, unless given.
        root: the folder it lies in, relative to the YAML file; a packaged or Hub corpus has none.
        label_map: entity types or tags to rename, ``DATE: O``.
        max_sentences: of the training split, to take at most.
        draw: seed of the random order in which they are taken; that of the data unless given.
    """

    corpus: str
    languages: list[str] | None = None
    root: Path | None = None
    label_map: dict[str, str] = {}
    max_sentences: int | None = Field(None, ge=1)
    draw: int | None = Field(None, ge=0, le=2**31)


class FilesEntry(Strict):
    """Data from a user's own files, relative to the YAML file.

    Attributes:
        task, language: the pair that they hold.
        train, dev, test: files; each may be missing.
        format, tag_column, label_map: as `read_sentences` takes them.
        max_sentences, draw: as for a corpus.
    """

    task: str
    language: str
    train: Path | None = None
    dev: Path | None = None
    test: Path | None = None
    format: str = "auto"
    tag_column: int | None = None
    label_map: dict[str, str] = {}
    max_sentences: int | None = Field(None, ge=1)
    draw: int | None = Field(None, ge=0, le=2**31)


class HubEntry(Strict):
    """Data from a data set on the Hugging Face Hub, with columns such as ``tokens`` and ``ner_tags``.

    Attributes:
        hub: the data set's id.
        config, revision: of the data set.
        task, language: the pair that it holds.
        train, dev, test: its splits' names; null for one that it has not.
        label_map, max_sentences, draw: as for files.
        files: addresses of a data set outside the Hub, such as ``s3://bucket/*.parquet``; `hub` names their format then.
        streaming: read raw text while training, and never all of it; needs `sentences`.
        sentences: how many to count a streamed training set as when pairs are drawn.
        buffer: sentences of a stream that are shuffled together.
    """

    hub: str
    config: str | None = None
    revision: str | None = None
    task: str
    language: str
    train: str | None = "train"
    dev: str | None = "validation"
    test: str | None = "test"
    label_map: dict[str, str] = {}
    max_sentences: int | None = Field(None, ge=1)
    draw: int | None = Field(None, ge=0, le=2**31)
    files: str | list[str] | None = None
    streaming: bool = False
    sentences: int | None = Field(None, ge=1)
    buffer: int = Field(10_000, ge=1, le=10_000_000)

    @model_validator(mode="after")
    def _sized(self) -> "HubEntry":
        if self.streaming and (self.sentences is None or self.train is None):
            raise ValueError("a streamed data set needs 'train' and, for drawing pairs, its number of 'sentences'")
        if self.streaming and (self.max_sentences is not None or self.draw is not None):
            raise ValueError("a streamed data set is read over and over; leave 'max_sentences' and 'draw' out")
        return self


Entry = CorpusEntry | FilesEntry | HubEntry


def _kind(value: Any) -> str:
    """Return which entry is meant, so that only what is wrong with that one is said."""
    if isinstance(value, BaseModel):
        return type(value).__name__
    keys = value if isinstance(value, dict) else ()
    return "CorpusEntry" if "corpus" in keys else "HubEntry" if "hub" in keys else "FilesEntry"


AnyEntry = Annotated[
    Annotated[CorpusEntry, Tag("CorpusEntry")]
    | Annotated[FilesEntry, Tag("FilesEntry")]
    | Annotated[HubEntry, Tag("HubEntry")],
    Discriminator(_kind),
]


def _listed(value: Any) -> Any:
    """Take one language for a list of it."""
    return [value] if isinstance(value, str) and value != "all" else value


Languages = Annotated[list[str] | Literal["all"], BeforeValidator(_listed)]


class TrainingConfig(Strict):
    """How a run trains.

    Attributes:
        steps: optimizer steps.
        batch_size: sentences a step, of one pair and of all processes together.
        pairs_per_step: pairs that share a step and its sentences.
        max_length: pieces in a sentence; longer ones are split.
        learning_rate: the method's own, unless given.
        warmup_ratio: share of the steps with a rising learning rate; the method's own, unless given.
        temperature: ``T`` of ``p ∝ n^(1/T)``.
        auxiliary_share: of the steps that auxiliary tasks get together, raw text's; by the temperature, unless given.
        max_grad_norm: gradients are clipped to it.
        eval_steps: the dev sets are scored this often.
        dev_sentences: of each dev set, to score at most; with 0 none is scored, and the last step is taken.
        report_to: ``none``, ``tensorboard`` or another integration of ``transformers``.
    """

    steps: int = Field(3000, ge=1)
    batch_size: int = Field(16, ge=1, le=65536)
    pairs_per_step: int = Field(1, ge=1)
    max_length: int = Field(256, ge=8, le=8192)
    learning_rate: float | None = Field(None, gt=0)
    warmup_ratio: float | None = Field(None, ge=0, lt=1)
    temperature: float = Field(5.0, gt=0)
    auxiliary_share: float | None = Field(None, ge=0, le=1)
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    eval_steps: int = Field(500, ge=1)
    dev_sentences: int = Field(100, ge=0)
    report_to: str = "none"

    @model_validator(mode="after")
    def _divisible(self) -> "TrainingConfig":
        if self.batch_size % self.pairs_per_step:
            raise ValueError(f"batch_size {self.batch_size} is no multiple of pairs_per_step {self.pairs_per_step}")
        return self


class RunConfig(Strict):
    """A run.

    Attributes:
        name: of the run and, unless `output` is given, of its folder under ``runs/``.
        output: the run's folder.
        backbone, revision: a built-in backbone, a folder or a Hub id.
        start: a run's or a model's folder, or a Hub id, with or without ``@revision``, whose trained weights are taken over.
        method: what supplies adapter weights.
        tasks: tasks of one's own, each of a kind such as ``spans`` or ``classification``.
        data: where the pairs' sentences are.
        train: the trained pairs, by task a list of languages; ``all`` takes every language that has data.
        evaluate: the cells to score, likewise; unless given, all that have a test set.
    """

    name: str = Field(pattern=r"^\.*[\w-][\w.-]*$")
    output: Path | None = None
    seed: int = Field(1, ge=0, le=2**31)
    backbone: str = "builtin:multilingual-e5-small"
    revision: str | None = None
    start: str | None = None
    method: MethodConfig = Field(HyperXConfig(), discriminator="name")
    tasks: dict[str, str] = {}
    data: list[AnyEntry] = Field(min_length=1)
    train: dict[str, Languages]
    evaluate: dict[str, Languages] | None = None
    training: TrainingConfig = TrainingConfig()

    @field_validator("method", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """Take a name alone for the method with its defaults."""
        value = {"name": value} if isinstance(value, str) else value
        if isinstance(value, dict) and value.get("name") not in list(METHODS):
            raise ValueError(f"expected one of the names {', '.join(METHODS)}, found {value.get('name', 'none')}")
        return value

    @field_validator("train", "evaluate", mode="before")
    @classmethod
    def _by_task(cls, value: Any) -> Any:
        if value is not None and not isinstance(value, dict):
            raise ValueError("expected languages by task, as in {pos: all}")
        return value

    @field_validator("train", "evaluate")
    @classmethod
    def _canonical(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is None:
            return None
        return {
            task: languages if languages == "all" else [normalize(language) for language in languages]
            for task, languages in value.items()
        }

    @property
    def folder(self) -> Path:
        return self.output or Path("runs") / self.name


def load_run_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a run's YAML file; ``overrides`` are ``key.key=value``, the value in YAML.

    Raises:
        HyperXError: the file or an override can't be read, or a key or value is wrong; the message names it.
    """
    path = Path(path)
    values = read_yaml(path)
    for override in overrides:
        _override(values, override)
    config = validated(path, values, RunConfig)
    update: dict[str, Any] = {"data": [resolve(entry, path.parent.resolve()) for entry in config.data]}
    update["backbone"] = whole_name(config.backbone)  # the run's model has it wherever it is loaded from
    return config.model_copy(update=update)


def whole_name(name: str) -> str:
    """Return a folder's path in full, however it is written, and any other name as it is."""
    return str(Path(name).resolve()) if Path(name).is_dir() else name


def save_run_config(config: RunConfig, path: Path) -> None:
    """Write the resolved configuration as YAML."""
    values = config.model_dump(mode="json", exclude_none=True)
    for entry, written in zip(config.data, values["data"], strict=True):
        if isinstance(entry, HubEntry):  # a split that there is not, of which the default is another
            written |= {split: None for split in ("train", "dev", "test") if getattr(entry, split) is None}
    write_whole(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of keys and values.

    Raises:
        HyperXError: it can't be read, or is none.
    """
    if path.is_dir():
        raise HyperXError(f"{path} is a folder; give the run's YAML file, in a run's folder {path / RUN_CONFIG_NAME}")
    try:
        if path.exists() and not (path.is_file() and path.stat().st_size <= MAX_BYTES):
            raise HyperXError(f"{path} is no file, or larger than {MAX_BYTES:,} bytes: that is no run configuration")
        values = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HyperXError(f"the configuration {path} can't be read: {error.strerror or error}") from error
    except ValueError as error:
        line, _, problem = str(error).removeprefix("line ").partition(": ")
        where = f"{path}:{line}: {problem}" if line.isdecimal() else f"{path}: {error}"
        raise HyperXError(where) from error
    if not isinstance(values, dict):
        raise HyperXError(f"{path}: expected keys and values such as 'name: my-run', found {type(values).__name__}")
    return values


def _override(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise HyperXError(f"'{override}' is not an override; expected key=value, such as training.steps=1000")
    try:
        value = parse(text)
    except ValueError as error:
        raise HyperXError(f"'{override}': the value is not valid YAML") from error
    *path, last = key.split(".")
    for part in path:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise HyperXError(f"'{override}': '{part}' holds no keys that could be set from the command line")
    values[last] = value


def validated(path: Path, values: dict[str, Any], model: type[AnyModel]) -> AnyModel:
    """Return the `model` that a file's values make.

    Raises:
        HyperXError: they make none; the message names the file and the key.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise HyperXError(_explain(path, error, model)) from error
    except HyperXError as error:
        raise HyperXError(f"{path}: {error}") from error


def _explain(path: Path, error: ValidationError, model: type[BaseModel]) -> str:
    """Say what is wrong in a file that holds a `model`, with the nearest known key for an unknown one, or all."""
    lines = []
    for problem in error.errors():
        first, *rest = map(str, problem["loc"])
        if rest and rest[-1].startswith("literal["):
            continue  # what is no list of languages is told once
        location = [first, *(part for part in rest if part not in _NOT_KEYS)]
        where = ".".join(location)
        if problem["type"] == "extra_forbidden":
            known = _known_keys(location[0], model)
            near = difflib.get_close_matches(location[-1], known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(dict.fromkeys(known))}"
            lines.append(f"unknown key '{where}' ({hint})")
        elif problem["type"] == "missing":
            lines.append(f"'{where}' is missing")
        elif problem["input"] is False and problem["type"] in ("string_type", "list_type"):
            lines.append(f"'{where}': YAML reads no as false; write \"no\" in quotes, or nob if that is Norwegian")
        else:
            lines.append(f"'{where}': {problem['msg'].removeprefix('Value error, ')}")
    return f"{path}: " + "; ".join(dict.fromkeys(lines))


_NOT_KEYS = {*(model.__name__ for model in get_args(Entry)), *METHODS, "list[str]"}


def _known_keys(section: str, model: type[BaseModel]) -> list[str]:
    sections: dict[str, Sequence[type[BaseModel]]] = {
        "training": [TrainingConfig],
        "method": get_args(MethodConfig),
        "data": get_args(Entry),
    }
    return [key for part in sections.get(section, [model]) for key in part.model_fields]


def resolve(entry: Entry, folder: Path) -> Entry:
    """Make an entry's paths, which are relative to `folder`, relative to the working directory."""
    if isinstance(entry, HubEntry):
        return entry
    paths = ("root",) if isinstance(entry, CorpusEntry) else ("train", "dev", "test")
    return entry.model_copy(update={key: folder / value for key in paths if (value := getattr(entry, key))})

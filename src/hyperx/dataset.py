"""A run's data: which sentences each pair trains on, selects on and is scored on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hyperx.config import CorpusEntry, Entry, HubEntry, RunConfig
from hyperx.data.catalog import languages, load_files, load_splits, tasks
from hyperx.data.hub import load_hub
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.languages import normalize
from hyperx.pairs import Pair
from hyperx.tasks import TASKS

Splits = Mapping[str, Sequence[Sentence]]


@dataclass
class RunData:
    """The sentences of a run, by pair.

    Attributes:
        train: of the trained pairs, auxiliary tasks' among them.
        dev: of the trained pairs and the cells to score, where there is a dev set.
        test: of the cells to score.
        streams: where the sentences of trained pairs are that are read while training.
        notices: what a user should know about how the data was used.
    """

    train: dict[Pair, Sequence[Sentence]] = field(default_factory=dict)
    dev: dict[Pair, Sequence[Sentence]] = field(default_factory=dict)
    test: dict[Pair, Sequence[Sentence]] = field(default_factory=dict)
    streams: dict[Pair, HubEntry] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    @property
    def trained(self) -> list[Pair]:
        """The trained pairs."""
        return [*self.train, *self.streams]

    @property
    def tasks(self) -> list[str]:
        """The tasks at hand, in the order of `TASKS`."""
        at_hand = {pair.task for pair in (*self.trained, *self.test)}
        return [task for task in TASKS if task in at_hand]

    @property
    def languages(self) -> list[str]:
        """The languages at hand, sorted."""
        return sorted({pair.language for pair in (*self.trained, *self.test)})


def available_pairs(config: RunConfig) -> dict[Pair, Entry]:
    """Return each pair that a run's data entries offer, and the entry that does.

    Raises:
        HyperXError: a corpus or a task is unknown, or two entries offer the same pair.
    """
    pairs: dict[Pair, Entry] = {}
    for entry in config.data:
        for pair in _offered(entry):
            if pair in pairs:
                raise HyperXError(f"two entries of 'data' hold {pair}; keep one, or join their files")
            pairs[pair] = entry
    return pairs


def trained_pairs(config: RunConfig, available: Iterable[Pair]) -> list[Pair]:
    """Return the pairs that the configuration trains.

    Raises:
        HyperXError: a pair to train has no data, or none is to be trained.
    """
    return _select("train", config.train, list(available))


def evaluated_pairs(config: RunConfig, available: Iterable[Pair]) -> list[Pair]:
    """Return the cells to score: those that the configuration names, else all of the tasks that it trains.

    Raises:
        HyperXError: a cell to score has no data, or its task is trained in no language.
    """
    cells = [pair for pair in available if not TASKS[pair.task].auxiliary and pair.task in config.train]
    return cells if config.evaluate is None else _select("evaluate", config.evaluate, cells)


def load_data(config: RunConfig) -> RunData:
    """Read all that a run trains on and is scored on.

    A trained pair without a training file is trained on its test file, and then not scored, as in the paper.

    Raises:
        HyperXError: data is missing or malformed.
    """
    available = available_pairs(config)
    trained = set(trained_pairs(config, available))
    scored = set(evaluated_pairs(config, available))
    data = RunData()
    for pair, entry in available.items():
        if isinstance(entry, HubEntry) and entry.streaming:
            if not TASKS[pair.task].auxiliary:
                raise HyperXError(f"{pair} can't be streamed, raw text alone can; leave 'streaming' out of its entry")
            if pair in trained:
                data.streams[pair] = entry
        elif pair in trained | scored:
            _add(data, pair, read_splits(entry, pair), trained=pair in trained, scored=pair in scored)
    if not data.trained:
        raise HyperXError("there is nothing to train on: 'train' names no pair that has sentences")
    return data


def read_splits(entry: Entry, pair: Pair) -> Splits:
    """Read a pair's train, dev and test sentences.

    Raises:
        HyperXError: a file is missing or malformed.
    """
    splits: Splits
    if isinstance(entry, CorpusEntry):
        splits = load_splits(entry.corpus, pair.task, pair.language, root=entry.root, label_map=entry.label_map)
    elif isinstance(entry, HubEntry):
        splits = load_hub(
            entry.hub,
            entry.config,
            task=pair.task,
            splits={"train": entry.train, "dev": entry.dev, "test": entry.test},
            revision=entry.revision,
            files=entry.files,
            label_map=entry.label_map,
        )
    else:
        files = {"train": entry.train, "dev": entry.dev, "test": entry.test}
        splits = load_files(
            pair.task,
            {split: path for split, path in files.items() if path is not None},
            format=entry.format,
            tag_column=entry.tag_column,
            label_map=entry.label_map,
        )
    limits = {"train": entry.max_sentences}
    return {split: sentences[: limits.get(split)] for split, sentences in splits.items()}


def _add(data: RunData, pair: Pair, splits: Splits, *, trained: bool, scored: bool) -> None:
    train, dev, test = (splits.get(split, []) for split in ("train", "dev", "test"))
    if trained and not train:
        if not test:
            raise HyperXError(f"{pair} is to be trained, but its data has neither a training nor a test set")
        data.notices.append(f"{pair} has no training set: it is trained on its test set, and not scored")
        train, test = test, []
    if trained:
        data.train[pair] = train
    if dev and not TASKS[pair.task].auxiliary:
        data.dev[pair] = dev
    if scored and test:
        data.test[pair] = test


def _offered(entry: Entry) -> list[Pair]:
    if not isinstance(entry, CorpusEntry):
        if entry.task not in TASKS:
            raise HyperXError(f"unknown task '{entry.task}' in 'data'; known are {', '.join(TASKS)}")
        return [Pair(entry.task, normalize(entry.language))]
    pairs = []
    for task in tasks(entry.corpus):
        at_hand = languages(entry.corpus, task, entry.root)
        wanted = at_hand if entry.languages is None else [normalize(language) for language in entry.languages]
        missing = [language for language in wanted if language not in at_hand]
        if missing:
            raise HyperXError(
                f"the corpus '{entry.corpus}' has no {task} data for {', '.join(missing)}; it has {', '.join(at_hand)}"
            )
        pairs += [Pair(task, language) for language in wanted]
    return pairs


def _select(key: str, choice: Mapping[str, list[str] | Literal["all"]], available: list[Pair]) -> list[Pair]:
    chosen = []
    for task, wanted in choice.items():
        if task not in TASKS:
            raise HyperXError(f"unknown task '{task}' under '{key}'; known are {', '.join(TASKS)}")
        at_hand = [pair for pair in available if pair.task == task]
        pairs = at_hand if wanted == "all" else [Pair(task, language) for language in wanted]
        missing = [str(pair) for pair in pairs if pair not in at_hand]
        if missing:
            raise HyperXError(f"'{key}' names {', '.join(missing)}, but no entry of 'data' holds it")
        chosen += pairs
    return chosen

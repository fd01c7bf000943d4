"""A run's data: which sentences each pair trains on, selects on and is scored on."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from hyperx.config import CorpusEntry, Entry, HubEntry, RunConfig
from hyperx.data.catalog import find, languages, load_files, load_splits, tasks
from hyperx.data.check import count_repeated, is_untagged, nothing_to_learn
from hyperx.data.hub import load_hub
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.languages import normalize
from hyperx.pairs import Pair
from hyperx.tasks import TASKS, build_task, is_auxiliary, task_class

Splits = Mapping[str, Sequence[Sentence]]


@dataclass
class RunData:
    """The sentences of a run, by pair.

    Attributes:
        train: of the trained pairs, auxiliary tasks' among them.
        dev: of the trained pairs and the cells to score, where there is a dev set.
        test: of the cells to score.
        streams: where the sentences of trained pairs are that are read while training.
        absent: why the data of trained pairs and cells to score is not at hand yet, where a plan goes on without.
        notices: what a user should know about how the data was used.
        kinds: of the run's own tasks.
    """

    train: dict[Pair, Sequence[Sentence]] = field(default_factory=dict)
    dev: dict[Pair, Sequence[Sentence]] = field(default_factory=dict)
    test: dict[Pair, Sequence[Sentence]] = field(default_factory=dict)
    streams: dict[Pair, HubEntry] = field(default_factory=dict)
    absent: dict[Pair, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)

    @property
    def trained(self) -> list[Pair]:
        """The trained pairs."""
        return [*self.train, *self.streams]

    @property
    def tasks(self) -> list[str]:
        """The tasks at hand, in the order of `TASKS`, then the run's own."""
        at_hand = {pair.task for pair in (*self.trained, *self.test)}
        return [task for task in (*TASKS, *self.kinds) if task in at_hand]

    def gold(self, task: str) -> Iterator[str]:
        """Yield a task's tags in the training data."""
        for pair, sentences in self.train.items():
            if pair.task == task and not is_auxiliary(task):
                for sentence in sentences:
                    yield from sentence.tags or ()

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
        for pair in _offered(entry, config.tasks):
            if pair in pairs:
                raise HyperXError(f"two entries of 'data' hold {pair}; keep one, or join their files")
            pairs[pair] = entry
    return pairs


def trained_pairs(config: RunConfig, available: Iterable[Pair]) -> list[Pair]:
    """Return the pairs that the configuration trains.

    Raises:
        HyperXError: a pair to train has no data, or no pair of a task is named.
    """
    if empty := [task for task, languages in config.train.items() if not languages and not is_auxiliary(task)]:
        raise HyperXError(f"'train' names no language of {', '.join(empty)}; name some, say 'all', or leave it out")
    return _select("train", config.train, list(available), config.tasks)


def evaluated_pairs(config: RunConfig, available: Iterable[Pair]) -> list[Pair]:
    """Return the cells to score: those that the configuration names, else all of the tasks that it trains.

    Raises:
        HyperXError: a cell to score has no data, or its task is trained in no language.
    """

    def fits(pair: Pair) -> bool:
        return pair.task in config.train and not is_auxiliary(pair.task)

    if config.evaluate is None:
        return list(filter(fits, available))
    chosen = _select("evaluate", config.evaluate, list(available), config.tasks)
    for pair in chosen:
        if not fits(pair) and config.evaluate[pair.task] != "all":
            why = f"{pair.task} tags nothing" if is_auxiliary(pair.task) else f"no pair of {pair.task} is trained"
            raise HyperXError(f"'evaluate' names {pair}, but {why}; leave it out, or name other pairs under 'train'")
    return list(filter(fits, chosen))


def load_data(config: RunConfig, *, remote: Literal["needed", "optional", "left out"] = "needed") -> RunData:
    """Read all that a run trains on and is scored on.

    A trained pair without a training file is trained on its test file, and then not scored, as in the paper.

    Args:
        remote: whether a download that fails is an error, or is noted as `absent`, as all that is not on disk may be.

    Raises:
        HyperXError: data is missing or malformed.
    """
    available = available_pairs(config)
    trained = set(trained_pairs(config, available))
    scored = set(evaluated_pairs(config, available))
    data = RunData(kinds=config.tasks)
    on_test: set[Pair] = set()
    for pair, entry in available.items():
        if isinstance(entry, HubEntry) and entry.streaming:
            if not is_auxiliary(pair.task):
                raise HyperXError(f"{pair} can't be streamed, raw text alone can; leave 'streaming' out of its entry")
            if pair in trained:
                data.streams[pair] = entry
        elif pair in trained | scored:
            if remote == "left out" and _is_remote(entry):
                data.absent[pair] = "it is not on disk"
                continue
            try:
                splits = read_splits(entry, pair, config.tasks)
            except HyperXError as error:
                if not (remote == "optional" and _is_remote(entry)):
                    raise
                data.absent[pair] = str(error)
                continue
            if pair in trained:
                split, sentences = training_set(splits, entry, pair, config.tasks)
                splits = {**splits, split: [], "train": sentences}
                if split == "test":
                    data.notices.append(f"{pair} has no training set: it is trained on its test set, and not scored")
                    on_test.add(pair)
            _add(data, pair, splits, trained=pair in trained, scored=pair in scored)
    if not data.trained and not trained & data.absent.keys():
        raise HyperXError("there is nothing to train on: 'train' names no pair that has sentences")
    told = on_test if config.evaluate is not None else trained
    if unscored := sorted(map(str, scored - data.test.keys() - data.absent.keys() - told)):
        data.notices.append(f"no test set, so not scored: {', '.join(unscored)}")
    data.notices += _notices(data, config)
    return data


def _notices(data: RunData, config: RunConfig) -> list[str]:
    """Say what of a run's sentences a user should know before training."""
    return [*_without_dev(data), *gold_notices(data), *_untrained(data, config)]


def gold_notices(data: RunData, labels: Mapping[str, Collection[str]] | None = None) -> list[str]:
    """Say what of the sentences that are scored a user should know.

    Args:
        labels: by task, what a model has learnt to find beside what the training sets hold.
    """
    return [*_repeated(data), *_without_spans(data), *_unknown_labels(data, labels or {})]


def _repeated(data: RunData) -> Iterator[str]:
    """Say how many sentences of dev and test sets stand in the training set of their pair, or of another task."""
    for split, sets in (("dev", data.dev), ("test", data.test)):
        counts = {pair: count_repeated(rows, data.train[pair]) for pair, rows in sets.items() if pair in data.train}
        found = [f"{pair} {count:,} of {len(sets[pair]):,}" for pair, count in counts.items() if count]
        if found:
            yield f"sentences of the {split} set that stand in the training set, too: {', '.join(found)}"
    found = []
    for pair, rows in data.test.items():
        for other in (other for other in data.train if other.language == pair.language and other.task != pair.task):
            count = 0 if is_auxiliary(other.task) else count_repeated(rows, data.train[other])
            found += [f"{pair} {count:,} of {len(rows):,} in {other}"] if count else []
    if found:
        yield f"sentences of the test set that stand in another task's training set: {', '.join(found)}"


def _without_dev(data: RunData) -> Iterator[str]:
    """Name the trained pairs that can't tell a good checkpoint from a bad one."""
    labelled = [pair for pair in data.train if not is_auxiliary(pair.task)]
    pairs = [str(pair) for pair in labelled if pair not in data.dev]
    if pairs and len(pairs) == len(labelled) and not data.absent:
        yield "no trained pair has a dev set: the last checkpoint is kept"
    elif pairs:
        yield f"these pairs have no dev set, so they do not help choose the checkpoint: {', '.join(pairs)}"


def _without_spans(data: RunData) -> Iterator[str]:
    """Name the dev and test sets of spans that have none."""
    for split, sets in (("dev", data.dev), ("test", data.test)):
        pairs = [str(pair) for pair, rows in sets.items() if is_untagged(build_task(pair.task, kinds=data.kinds), rows)]
        if pairs:
            yield f"every word of the {split} set is O, so that its score tells nothing: {', '.join(pairs)}"


def _unknown_labels(data: RunData, labels: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Say which labels of a test set are not among `labels`, and in no training set of its task."""
    found = []
    unsure = {pair.task for pair in data.absent}
    for task in dict.fromkeys(pair.task for pair in data.test if pair.task not in unsure):
        own = build_task(task, kinds=data.kinds)
        learnt = list(labels.get(task, ()))
        known = {*own.counted(list(data.gold(task))), *(own.counted(learnt) if own.spans else learnt)}
        for pair, sentences in data.test.items():
            if pair.task == task:
                counts = Counter(label for sentence in sentences for label in own.counted(sentence.tags or ()))
                unknown = [f"{label} {count:,} times" for label, count in counts.items() if label not in known]
                found += [f"{pair} {', '.join(unknown[:5])}{', …' * (len(unknown) > 5)}"] if unknown else []
    if found:
        yield f"labels of a test set that no training set has, so that none is found: {'; '.join(found)}"


def _untrained(data: RunData, config: RunConfig) -> Iterator[str]:
    """Name the languages whose embeddings stay random."""
    known = {pair.language for pair in (*data.trained, *data.absent)}
    untrained = sorted({pair.language for pair in data.test} - known)
    if untrained and config.method.name == "hyperx" and config.start is None:
        one = len(untrained) == 1
        yield (
            f"{', '.join(untrained)} {'has' if one else 'have'} no training data at all, so "
            f"{'its embedding is' if one else 'their embeddings are'} random; "
            f"give raw text (mlm), or leave {'its' if one else 'their'} cells out with 'evaluate'"
        )


def read_splits(entry: Entry, pair: Pair, kinds: Mapping[str, str]) -> Splits:
    """Read a pair's train, dev and test sentences; `kinds` are those of the run's own tasks.

    Raises:
        HyperXError: a file is missing or malformed.
    """
    if isinstance(entry, CorpusEntry):
        return load_splits(entry.corpus, pair.task, pair.language, root=entry.root, label_map=entry.label_map)
    if isinstance(entry, HubEntry):
        return load_hub(
            entry.hub,
            entry.config,
            task=build_task(pair.task, kinds=kinds),
            splits={"train": entry.train, "dev": entry.dev, "test": entry.test},
            revision=entry.revision,
            files=entry.files,
            label_map=entry.label_map,
        )
    files = {"train": entry.train, "dev": entry.dev, "test": entry.test}
    return load_files(
        build_task(pair.task, kinds=kinds),
        {split: path for split, path in files.items() if path is not None},
        format=entry.format,
        tag_column=entry.tag_column,
        label_map=entry.label_map,
    )


def training_set(splits: Splits, entry: Entry, pair: Pair, kinds: Mapping[str, str]) -> tuple[str, Sequence[Sentence]]:
    """Choose the split that a pair is trained on, the test set where it has no training set, and take from it.

    Raises:
        HyperXError: it has neither, or that of a task of spans has none.
    """
    for split in ("train", "test"):
        if taken := take(entry, splits.get(split, ())):
            if is_untagged(build_task(pair.task, kinds=kinds), splits[split]):  # of what is taken few may have a span
                place = re.split(r":\d+$|, row \d+$", taken[0].source)[0]
                raise nothing_to_learn(place, pair.task)
            return split, taken
    raise HyperXError(f"{pair} is to be trained, but its data has neither a training nor a test set")


def take(entry: Entry, sentences: Sequence[Sentence]) -> Sequence[Sentence]:
    """Return those of a training set that an entry takes; of one draw, the fewer are among the more."""
    if entry.draw is None:
        return sentences[: entry.max_sentences]
    order = np.random.default_rng(entry.draw).permutation(len(sentences)).tolist()
    sentences = list(sentences)
    return [sentences[number] for number in order[: entry.max_sentences]]


def _add(data: RunData, pair: Pair, splits: Splits, *, trained: bool, scored: bool) -> None:
    train, dev, test = (splits.get(split, []) for split in ("train", "dev", "test"))
    if trained:
        data.train[pair] = train
    if dev and not is_auxiliary(pair.task):
        data.dev[pair] = dev
    if scored and test:
        data.test[pair] = test


def _is_remote(entry: Entry) -> bool:
    """Return whether an entry's data is downloaded when it is read."""
    return isinstance(entry, HubEntry) or (isinstance(entry, CorpusEntry) and find(entry.corpus).remote)


def _offered(entry: Entry, kinds: Mapping[str, str]) -> list[Pair]:
    if not isinstance(entry, CorpusEntry):
        task_class(entry.task, kinds)
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


def _select(
    key: str, choice: Mapping[str, list[str] | Literal["all"]], available: list[Pair], kinds: Mapping[str, str]
) -> list[Pair]:
    chosen = []
    for task, wanted in choice.items():
        task_class(task, kinds)
        at_hand = [pair for pair in available if pair.task == task]
        pairs = at_hand if wanted == "all" else [Pair(task, language) for language in wanted]
        missing = [str(pair) for pair in pairs if pair not in at_hand]
        if missing:
            raise HyperXError(f"'{key}' names {', '.join(missing)}, but no entry of 'data' holds it")
        chosen += pairs
    return chosen

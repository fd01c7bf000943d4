"""Growing a trained Hyper-X model: a pair from a few labelled sentences, a language, a task."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import TrainerCallback, set_seed

from hyperx.config import TrainingConfig
from hyperx.data.check import is_untagged, nothing_to_learn
from hyperx.data.sentence import Sentence
from hyperx.dataset import RunData
from hyperx.errors import HyperXError
from hyperx.languages import normalize
from hyperx.methods import HyperXMethod
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.relatives import relatives
from hyperx.run import encode_all, restrict_vocabulary
from hyperx.start import regrow, trained_languages
from hyperx.tasks import Example, build_task, is_auxiliary, task_class
from hyperx.trainer import HyperXTrainer

Sentences = Mapping[Pair, Sequence[Sentence]]
Share = Literal["embeddings", "all"]
STEPS = 100
LEARNING_RATES: dict[Share, float] = {"embeddings": 1e-2, "all": 3e-4}


@dataclass
class Adaptation:
    """A grown model, and what of it is not as it was.

    Attributes:
        moved: languages known before whose embeddings were trained; none with `train="all"`, which changes every cell.
        relatives: of each new language that started at an interpolation, the known ones' weights.
    """

    model: HyperX
    moved: list[str] = field(default_factory=list)
    relatives: dict[str, dict[str, float]] = field(default_factory=dict)


def adapt(
    old: HyperX,
    data: Sentences,
    *,
    languages: Iterable[str] = (),
    interpolate: bool = False,
    train: Share = "embeddings",
    training: TrainingConfig | None = None,
    seed: int = 1,
    callbacks: Sequence[TrainerCallback] = (),
) -> Adaptation:
    """Grow a model by new pairs, languages and tasks.

    By default a known task trains the embedding of the language alone, and a new task its own embedding and head, besides
    those of new languages. Then every cell of a language whose embedding was not trained stays as it was, bit for bit.

    Args:
        old: a Hyper-X model, whose backbone the new one shares; of no more use after `train="all"`.
        data: labelled sentences by pair, raw ones as ``mlm/yor``; the language by any ISO 639 code.
        languages: new ones of which there need be no data, likewise.
        interpolate: new languages with data start from their relatives, too, not from the mean of all.
        train: ``embeddings``, or ``all`` that a run would train.
        training: how; the last step is taken. `STEPS` at one of `LEARNING_RATES` unless given.

    Raises:
        HyperXError: the method is another, there is nothing to do, a task or a language is unknown, sentences can't be
            trained on, or relatives can't be found.
    """
    if not isinstance(old.method, HyperXMethod):
        raise HyperXError(
            f"the model's method is '{old.model_config.method.name}', and only 'hyperx' has embeddings to grow by; "
            "train a run whose configuration says 'start' instead"
        )
    data, languages = normalized(data), [normalize(language) for language in languages]
    new = sorted({pair.language for pair in data}.union(languages) - set(old.model_config.languages))
    _check(old, data, new, languages)
    model = _grown(old, data, new)
    result = Adaptation(model)
    given = {pair.language for pair in data}
    if data and train == "all":  # what the old model scored is not the new one's
        model.model_config.scores, model.model_config.temperatures = {}, {}
    for language in (language for language in new if interpolate or language not in given):
        result.relatives[language] = relatives(language, trained_languages(old.model_config))
        _interpolate(model, language, result.relatives[language])
    if data:
        examples = encode_all(model, RunData(dict(data)), lambda doing: None)
        restrict_vocabulary(model, examples)
        hooks = []
        if train == "embeddings":
            known = {pair.language for pair in data if pair.task in old.tasks} - set(new)
            result.moved = sorted(known)
            scores = model.model_config.scores
            model.model_config.scores = {
                pair: score for pair, score in scores.items() if Pair.parse(pair).language not in known
            }
            hooks = _freeze(model, [*new, *result.moved], sorted({pair.task for pair in data} - set(old.tasks)))
        _train(model, examples, training or TrainingConfig(steps=STEPS), train, seed, callbacks)
        for hook in hooks:
            hook.remove()
    model.eval()
    return result


def normalized(data: Sentences) -> Sentences:
    """Return sentences by pairs whose languages are ISO 639-3 codes.

    Raises:
        HyperXError: a language is unknown, or a pair is given by two codes of it.
    """
    normalized: dict[Pair, Sequence[Sentence]] = {}
    for pair, sentences in data.items():
        known = Pair(pair.task, normalize(pair.language))
        if known in normalized:
            raise HyperXError(f"{known} is given twice, by two codes of its language; join the sentences")
        normalized[known] = sentences
    return normalized


def _check(old: HyperX, data: Sentences, new: Sequence[str], languages: Sequence[str]) -> None:
    for pair, sentences in data.items():
        task_class(pair.task, old.model_config.kinds)
        if not is_auxiliary(pair.task) and any(not (sentence.words and sentence.tags) for sentence in sentences):
            raise HyperXError(f"there are sentences of {pair} without words or without tags; leave them out")
        if sentences and is_untagged(build_task(pair.task, kinds=old.model_config.kinds), sentences):
            raise nothing_to_learn(str(pair), pair.task)
    if empty := [str(pair) for pair, sentences in data.items() if not sentences]:
        raise HyperXError(f"there are no sentences of {', '.join(empty)}; give some, or leave it out")
    given = {pair.language for pair in data}
    if known := sorted(set(languages) - given - set(new)):
        raise HyperXError(f"the model knows {', '.join(known)} already; give sentences to train on")
    if not data and not new:
        raise HyperXError("there is nothing to do: give sentences of a pair, or a new language")


def _grown(old: HyperX, data: Sentences, new: Sequence[str]) -> HyperX:
    config = old.model_config
    added = sorted({pair.task for pair in data} - set(old.tasks))
    labels = {task: build_task(task, kinds=config.kinds).find_labels(RunData(dict(data)).gold(task)) for task in added}
    seen = [str(pair) for pair in data if str(pair) not in config.trained]
    return regrow(
        old,
        config.model_copy(
            update={
                "tasks": config.tasks | labels,
                "languages": [*config.languages, *new],
                "trained": [*config.trained, *seen],
            }
        ),
    )


@torch.no_grad()
def _interpolate(model: HyperX, language: str, weights: Mapping[str, float]) -> None:
    """Set a language's embedding to ``Σ w_k e_k``."""
    embeddings = _hypernetwork(model).language_embeddings.weight
    numbers = {name: number for number, name in enumerate(model.model_config.languages)}
    known = torch.stack([embeddings[numbers[name]] for name in weights])
    embeddings[numbers[language]] = torch.tensor(list(weights.values())).to(known) @ known


def _freeze(model: HyperX, languages: Sequence[str], tasks: Sequence[str]) -> list[Any]:
    """Leave these languages' and tasks' embeddings and the tasks' heads to be trained, and nothing else."""
    model.requires_grad_(False)
    hypernetwork = _hypernetwork(model)
    hooks = [
        _train_rows(table, [names.index(name) for name in chosen])
        for table, names, chosen in (
            (hypernetwork.language_embeddings, model.model_config.languages, languages),
            (hypernetwork.task_embeddings, list(model.tasks), tasks),
        )
        if chosen
    ]
    for task in tasks:
        model.heads[task].requires_grad_(True)
    return hooks


def _train_rows(table: nn.Embedding, rows: Sequence[int]) -> Any:
    table.weight.requires_grad_(True)
    mask = torch.zeros(table.num_embeddings, 1)
    mask[rows] = 1

    def keep(gradient: Tensor) -> Tensor:
        # AdamW without decay leaves alone, to the bit, what never had a gradient.
        return gradient * mask.to(gradient)

    return table.weight.register_hook(keep)


def _hypernetwork(model: HyperX) -> Any:
    return model.method.hypernetwork


def _train(
    model: HyperX,
    examples: Mapping[Pair, Sequence[Example]],
    training: TrainingConfig,
    train: Share,
    seed: int,
    callbacks: Sequence[TrainerCallback],
) -> None:
    set_seed(seed)
    rate = training.learning_rate or LEARNING_RATES[train]
    if train == "embeddings":
        # Embeddings and tag heads learn alike; the head of masked language modelling holds a large matrix.
        model.method.learning_rates = {"heads.mlm.*": model.method.learning_rate / 10}
    with TemporaryDirectory() as folder:
        HyperXTrainer(
            model,
            examples=examples,
            dev={},
            config=training.model_copy(update={"learning_rate": rate, "weight_decay": 0.0}),
            folder=Path(folder),
            seed=seed,
            callbacks=callbacks,
            checkpoints=False,
        ).train()

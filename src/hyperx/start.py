"""Starting from a trained model: a new matrix takes over its weights by the names of languages, tasks and labels."""

from typing import Any

import torch
from torch import Tensor

from hyperx.config import RunConfig, whole_name
from hyperx.errors import HyperXError
from hyperx.methods import MethodConfig
from hyperx.modeling import HyperX, ModelConfig
from hyperx.pairs import Pair
from hyperx.tasks import is_auxiliary

Part = tuple[str, str]  # a tensor's name in the state, and the language, task or label that it, or its row, belongs to


def start_from(name: str, config: ModelConfig) -> HyperX:
    """Load a trained model, and return one for the matrix of `config` that goes on from its weights.

    Args:
        name: a run's or a model's folder, or a Hub id, with or without ``@revision``.

    Raises:
        HyperXError: it can't be loaded, or is of another backbone or method.
    """
    old = HyperX.from_pretrained(name)
    check_start(name, old.model_config, config)
    return regrow(old, config)


def check_start(name: str, old: ModelConfig, config: ModelConfig | RunConfig) -> None:
    """Check that a run can go on from the weights of the model called `name`.

    Raises:
        HyperXError: that is of another backbone or method.
    """
    for what, theirs, ours in (
        ("backbone", whole_name(old.backbone), whole_name(config.backbone)),
        ("revision of the backbone", old.revision, config.revision),
        ("method", _sizes(old.method), _sizes(config.method)),
    ):
        if theirs != ours:
            raise HyperXError(
                f"the run is to start from {name}, but its {what} is {ours}, that model's {theirs}; make them the same"
            )


def regrow(old: HyperX, config: ModelConfig) -> HyperX:
    """Return a model for the matrix of `config` with the weights, the backbone and the tokenizer of `old`.

    What belongs to a language, a task or a label that `old` does not know is new: an embedding starts at the mean of the
    trained ones, all else as in a fresh model. Labels and trained pairs that `old` has beyond those of `config` are added.

    Raises:
        HyperXError: a task's labels have changed, and the method can't take over a part of a head.
    """
    model = HyperX(_joined(old.model_config, config), old.backbone, old.tokenizer).to(old.device)
    if "mlm" in old.heads and "mlm" in model.heads:
        candidates: Any = old.heads["mlm"].candidates
        model.heads["mlm"].restrict(candidates, torch.ones(len(candidates)))  # type: ignore[operator]
    known = parts(old)
    trained = {*trained_languages(old.model_config), *old.model_config.tasks}
    rows: dict[str, list[Tensor]] = {}
    for (name, owner), tensor in known.items():
        if owner in trained:
            rows.setdefault(name, []).append(tensor)
    for (name, owner), tensor in parts(model).items():
        if (name, owner) in known:
            _copy(known[name, owner], tensor, name)
        elif name in rows and name.startswith("method.") and "*" not in name:
            _copy(torch.stack(rows[name]).mean(0), tensor, name)
    return model


def trained_languages(config: ModelConfig) -> list[str]:
    """Return the languages that training has seen; all, where a model does not say what was trained."""
    seen = {Pair.parse(text).language for text in config.trained}
    return [language for language in config.languages if language in seen or not seen]


def parts(model: HyperX) -> dict[Part, Tensor]:
    """Return what is trained beside the backbone, cut into what belongs to a language, task or label, as views.

    What all share belongs to ``""``; a part of a numbered module has ``*`` for the number.
    """
    config = model.model_config
    owners = {"language": config.languages, "task": list(config.tasks)}
    numbered = {f"method.{prefix}.": owners[kind] for prefix, kind in model.method.numbered.items()}
    numbered |= {f"heads.{task}.output.": labels for task, labels in config.tasks.items() if labels}
    cut: dict[Part, Tensor] = {}
    for name, tensor in model.trained_state().items():
        prefix = next((prefix for prefix in numbered if name.startswith(prefix)), None)
        if name.startswith("backbone."):
            continue
        if prefix is None:
            cut[name, ""] = tensor
            continue
        number, _, rest = name.removeprefix(prefix).partition(".")
        if number.isdigit() and prefix.startswith("method."):
            cut[f"{prefix}*.{rest}", numbered[prefix][int(number)]] = tensor
        elif len(tensor) == len(numbered[prefix]):
            cut |= {(name, owner): row for owner, row in zip(numbered[prefix], tensor, strict=True)}
        else:  # of a head that is not linear
            cut[name, ""] = tensor
    return cut


def _copy(source: Tensor, target: Tensor, name: str) -> None:
    if source.shape != target.shape:
        raise HyperXError(
            f"{name} can't be taken over: it has the shape {tuple(source.shape)}, here {tuple(target.shape)}; "
            "a task's labels must be those of the model to start from"
        )
    target.copy_(source)


def _joined(old: ModelConfig, new: ModelConfig) -> ModelConfig:
    """Return `new` with the labels that its tasks have in `old`, first, and what `old` has seen of its languages."""
    tasks = {task: list(dict.fromkeys([*old.tasks.get(task, []), *labels])) for task, labels in new.tasks.items()}
    seen = [text for text in old.trained if Pair.parse(text).language in new.languages]
    kept = [text for text in seen if (task := Pair.parse(text).task) in tasks or is_auxiliary(task)]
    return new.model_copy(update={"tasks": tasks, "trained": list(dict.fromkeys([*kept, *new.trained]))})


def _sizes(method: MethodConfig) -> str:
    """Describe a method as in YAML, without where its language adapters came from."""
    values = method.model_dump(exclude={"language_adapters"})
    return f"{{{', '.join(f'{key}: {value}' for key, value in values.items())}}}"

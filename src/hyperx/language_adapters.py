"""MAD-X's two runs: one trains language adapters by masked language modelling, others take them over, frozen."""

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from hyperx.errors import HyperXError
from hyperx.methods import MADXConfig, MADXMethod, MethodConfig
from hyperx.modeling import WEIGHTS_NAME, HyperX, model_folder, read_config
from hyperx.pairs import Pair
from hyperx.untrusted import read_tensors


def check_two_runs(method: MethodConfig, trained: Iterable[Pair]) -> None:
    """Keep MAD-X's two runs apart.

    Raises:
        HyperXError: a run that trains language adapters has labels, or one that is given them trains by MLM.
    """
    if not isinstance(method, MADXConfig):
        return
    tasks = {pair.task for pair in trained}
    if method.language_adapters is None and tasks != {"mlm"}:
        raise HyperXError(
            "MAD-X is trained in two runs: one whose 'train' has mlm alone makes the language adapters, and one with "
            "'language_adapters' naming that run's folder makes the task adapters"
        )
    if method.language_adapters is not None and "mlm" in tasks:
        raise HyperXError("the language adapters are given: leave mlm out under 'train', or 'language_adapters'")


def take_language_adapters(model: HyperX) -> None:
    """Take over the language adapters that a MAD-X model's configuration names; leave other models as they are.

    Raises:
        HyperXError: the folder has none, or not of every language, or of another size.
    """
    method = model.method
    if not isinstance(method, MADXMethod) or method.config.language_adapters is None:
        return
    folder, languages = method.config.language_adapters, model.model_config.languages
    adapters = read_language_adapters(folder)
    missing = [language for language in languages if language not in adapters]
    if missing:
        raise HyperXError(
            f"{folder} has no language adapters for {', '.join(missing)}; it has {', '.join(adapters)}. "
            "Train them there by MLM, or leave these languages out."
        )
    for language, module in zip(languages, method.languages, strict=True):
        try:
            module.load_state_dict(adapters[language])
        except RuntimeError as error:
            raise HyperXError(
                f"the language adapters in {folder} don't fit this run's method or backbone: "
                f"{str(error).splitlines()[-1].strip()}"
            ) from error


def read_language_adapters(folder: Path) -> dict[str, dict[str, Tensor]]:
    """Read the language adapters of a run or a saved model, by language.

    Raises:
        HyperXError: it holds none.
    """
    folder = model_folder(folder, None)
    config = read_config(folder)
    if config.method.name != "madx":
        raise HyperXError(
            f"{folder} holds a model of the method '{config.method.name}', which has no language adapters"
        )
    state = read_tensors(folder, WEIGHTS_NAME)
    return {
        language: {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
        for number, language in enumerate(config.languages)
        if (prefix := f"method.languages.{number}.")
    }

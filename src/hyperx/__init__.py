"""Hyper-X: one hypernetwork that writes the adapters of a frozen multilingual transformer for any (task, language) pair."""

from typing import TYPE_CHECKING, Any

from hyperx.errors import HyperXError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from hyperx.modeling import HyperX

__all__ = ["HyperX", "HyperXError", "load"]


def load(name: "str | Path", *, revision: str | None = None, device: "str | torch.device | None" = None) -> "HyperX":
    """Load a saved model from a folder or from the Hub; the same as `HyperX.from_pretrained`.

    Args:
        name: the folder, or the Hub's ``owner/name`` or ``owner/name@revision``.
        revision: a branch, tag or commit on the Hub, the newest of the main branch unless given.
        device: where it computes; on the GPU where there is one, unless given.
    """
    from hyperx.modeling import HyperX

    return HyperX.from_pretrained(name, revision=revision, device=device)


def __getattr__(name: str) -> Any:
    # PyTorch and transformers take seconds to import; `import hyperx` shall not.
    if name == "HyperX":
        from hyperx.modeling import HyperX

        return HyperX
    raise AttributeError(f"module 'hyperx' has no attribute '{name}'")

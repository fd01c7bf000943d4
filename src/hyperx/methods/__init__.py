"""What supplies adapter weights for a pair. A method is the only part in which Hyper-X and its baselines differ."""

from hyperx.methods.base import MatrixShape, Method
from hyperx.methods.finetune import FinetuneConfig, FinetuneMethod
from hyperx.methods.hyperx import HyperXConfig, HyperXMethod
from hyperx.methods.madx import MADXConfig, MADXMethod
from hyperx.methods.psf import PSFConfig, PSFMethod
from hyperx.methods.single import SingleConfig, SingleMethod

__all__ = [
    "METHODS",
    "FinetuneConfig",
    "HyperXConfig",
    "HyperXMethod",
    "MADXConfig",
    "MADXMethod",
    "MatrixShape",
    "Method",
    "PSFConfig",
    "SingleConfig",
    "SingleMethod",
    "build_method",
]

MethodConfig = HyperXConfig | SingleConfig | MADXConfig | FinetuneConfig | PSFConfig
METHODS: dict[str, type[Method]] = {
    "hyperx": HyperXMethod,
    "single": SingleMethod,
    "madx": MADXMethod,
    "finetune": FinetuneMethod,
    "psf": PSFMethod,
}


def build_method(config: MethodConfig, shape: MatrixShape) -> Method:
    """Build the method that `config.name` names, with fresh weights."""
    return METHODS[config.name](config, shape)

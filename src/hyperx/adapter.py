"""The bottleneck adapter: what one adapter site computes, whoever supplies its weights."""

from typing import NamedTuple

import torch
from torch import Tensor


class AdapterWeights(NamedTuple):
    """Weights of one adapter site, for one pair or, with a leading dimension of the batch size, for each row.

    Shapes:
        down: ``([batch,] bottleneck, hidden)``, ``D`` of eq. 1.
        up: ``([batch,] hidden, bottleneck)``, ``U``.
        down_bias: ``([batch,] bottleneck)``, ``d``.
        up_bias: ``([batch,] hidden)``, ``u``.
        gain, offset: ``([batch,] hidden)``, a LayerNorm's inside the adapter, before ``D``; None for an adapter without one.
    """

    down: Tensor
    up: Tensor
    down_bias: Tensor
    up_bias: Tensor
    gain: Tensor | None = None
    offset: Tensor | None = None


def adapter_size(*, hidden_size: int, bottleneck: int, layer_norm: bool = False) -> int:
    """Return how many numbers one site's flat adapter weights hold: 2hb + b + h, and 2h more with a LayerNorm."""
    return 2 * hidden_size * bottleneck + bottleneck + hidden_size + (2 * hidden_size if layer_norm else 0)


def unflatten(flat: Tensor, *, hidden_size: int, bottleneck: int, layer_norm: bool = False) -> AdapterWeights:
    """Cut flat weights in the order (D, U, d, u[, gain, offset]) into views.

    Shapes:
        flat: ``(..., adapter_size)``
    """
    product = hidden_size * bottleneck
    sizes = [product, product, bottleneck, hidden_size] + [hidden_size] * (2 if layer_norm else 0)
    down, up, *vectors = flat.split(sizes, dim=-1)
    return AdapterWeights(
        down.unflatten(-1, (bottleneck, hidden_size)), up.unflatten(-1, (hidden_size, bottleneck)), *vectors
    )


def adapt(z: Tensor, weights: AdapterWeights) -> Tensor:
    """Apply an adapter: ``A(z) = U ReLU(D z + d) + u + z`` (Üstün et al. 2022, eq. 1).

    Shapes:
        z: ``(batch, length, hidden)``, as is the result.
    """
    down, up, down_bias, up_bias, gain, offset = weights
    x = z
    if gain is not None and offset is not None:
        x = torch.nn.functional.layer_norm(x, x.shape[-1:]) * gain.unsqueeze(-2) + offset.unsqueeze(-2)
    # unsqueeze(-2) broadcasts a row's bias over its tokens, and is harmless where one pair serves the batch.
    x = torch.relu(x @ down.mT + down_bias.unsqueeze(-2))
    return x @ up.mT + up_bias.unsqueeze(-2) + z

"""Adapters: what an adapter site computes, whoever supplies its weights."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class AdapterWeights(NamedTuple):
    """Weights of one adapter site, for one pair or, with a leading dimension, for each of several.

    Of `groups` weights each serves as many of the batch's rows, one after another; each its own row where they are as many.

    Shapes:
        down: ``([groups,] bottleneck, hidden)``, ``D`` of eq. 1.
        up: ``([groups,] hidden, bottleneck)``, ``U``.
        down_bias: ``([groups,] bottleneck)``, ``d``.
        up_bias: ``([groups,] hidden)``, ``u``.
        gain, offset: ``([groups,] hidden)``, a LayerNorm's inside the adapter, before ``D``; None for an adapter without one.
    """

    down: Tensor
    up: Tensor
    down_bias: Tensor
    up_bias: Tensor
    gain: Tensor | None = None
    offset: Tensor | None = None


class Stack(NamedTuple):
    """Adapters of one site that are applied in turn and read the layer's LayerNorm of block and residual, as MAD-X's do."""

    adapters: tuple[AdapterWeights, ...]


class CouplingWeights(NamedTuple):
    """Weights of an invertible adapter: two bottlenecks, each over one half of the hidden states."""

    first: AdapterWeights
    second: AdapterWeights


class Adapters(NamedTuple):
    """What serves a pair, or with leading dimensions several.

    Attributes:
        layers: each site's; None for a layer without an adapter.
        coupling: the invertible adapter at the embeddings.
    """

    layers: Sequence[AdapterWeights | Stack | None]
    coupling: CouplingWeights | None = None


def transform(function: Callable[..., Tensor], *weights: Any) -> Any:
    """Apply a function to the tensors at each place of structures of weights that are alike."""
    first = weights[0]
    if isinstance(first, Tensor):
        return function(*weights)
    if isinstance(first, list | tuple):
        parts = [transform(function, *own) for own in zip(*weights, strict=True)]
        return first._make(parts) if hasattr(first, "_make") else type(first)(parts)
    return first


def pick(weights: Any, rows: Any) -> Any:
    """Index every tensor of a structure of weights by its leading dimension."""
    return transform(lambda tensor: tensor[rows], weights)


def stack(weights: Sequence[Any]) -> Any:
    """Stack structures of weights along a new leading dimension."""
    return transform(lambda *tensors: torch.stack(tensors), *weights)


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
    grouped = _grouped(z, weights)
    return (bottleneck(grouped, weights) + grouped).view(z.shape)


def _grouped(z: Tensor, weights: AdapterWeights) -> Tensor:
    """Put the tokens of the rows that share weights together: ``(groups, tokens, hidden)``; for one pair as they are."""
    # Not len(weights.down): an exported graph would take that many rows and no other.
    return z if weights.down.ndim == 2 else z.reshape(weights.down.shape[0], -1, z.shape[-1])


def bottleneck(x: Tensor, weights: AdapterWeights) -> Tensor:
    """Return ``U ReLU(D x + d) + u``, of the LayerNorm of x where the adapter has one.

    Shapes:
        x: ``(..., hidden)``, or ``(groups, tokens, hidden)`` for the weights of several; as is the result.
    """
    if weights.gain is not None and weights.offset is not None:
        normed = functional.layer_norm(x, x.shape[-1:])
        x = normed * weights.gain.unsqueeze(-2) + weights.offset.unsqueeze(-2)
    inner = _affine(x, weights.down, weights.down_bias).relu_()
    return _affine(inner, weights.up, weights.up_bias)


def _affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Multiply all tokens by one matrix, or each group's by its own, with the bias in the same pass."""
    if weight.ndim == 2:
        return functional.linear(x, weight, bias)
    return torch.baddbmm(bias.unsqueeze(1), x, weight.mT)


def adapt_in_turn(z: Tensor, stack: Stack, *, residual: Tensor, norm: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply stacked adapters, each ``z ← U ReLU(D LN(z + x) + d) + u + z`` (Pfeiffer et al., EMNLP 2020, eq. 1 and 2).

    Args:
        residual: ``x``, what the layer adds to the feed-forward block's output.
        norm: ``LN``, the layer's own, which it applies to the sum.

    Shapes:
        z, residual: ``(batch, length, hidden)``, as is the result.
    """
    shape, first = z.shape, stack.adapters[0]
    z, residual = _grouped(z, first), _grouped(residual, first)
    for weights in stack.adapters:
        z = bottleneck(norm(z + residual), weights) + z
    return z.view(shape)


def couple(embedded: Tensor, weights: CouplingWeights) -> Tensor:
    """Apply an invertible adapter: ``o1 = F(e2) + e1``, ``o2 = G(o1) + e2`` (Pfeiffer et al., EMNLP 2020, eq. 4 and 5).

    Shapes:
        embedded: ``(batch, length, hidden)``, as is the result.
    """
    first, second = _grouped(embedded, weights.first).chunk(2, dim=-1)
    first = first + bottleneck(second, weights.first)
    return torch.cat([first, second + bottleneck(first, weights.second)], dim=-1).view(embedded.shape)


def uncouple(coupled: Tensor, weights: CouplingWeights) -> Tensor:
    """Invert `couple`.

    Shapes:
        coupled: ``(..., hidden)``, as is the result.
    """
    first, second = coupled.chunk(2, dim=-1)
    second = second - bottleneck(first, weights.second)
    return torch.cat([first - bottleneck(second, weights.first), second], dim=-1)

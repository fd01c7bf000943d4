"""The limit: a training step's matrix products and nothing else, at the rate that this machine reaches on their shapes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Product = Callable[[], object]


def step_products(
    config: Any, *, tokens: int, sentences: int, bottleneck: int, labels: int, dtype: torch.dtype
) -> list[Product]:
    """Return the products of a step on real pieces alone: forward, backward through activations, adapters' and heads' gradients.

    Args:
        config: the encoder's.
        tokens: real pieces in the batch.
    """
    hidden, inner, heads = config.hidden_size, config.intermediate_size, config.num_attention_heads
    length, size = max(tokens // sentences, 1), hidden // heads
    products: list[Product] = []
    for _ in range(config.num_hidden_layers):
        for rows, columns in [(hidden, hidden)] * 4 + [(hidden, inner), (inner, hidden)]:
            products += _through(tokens, rows, columns, dtype)
        for rows, columns in [(hidden, bottleneck), (bottleneck, hidden)]:
            products += [*_through(tokens, rows, columns, dtype), _product(rows, tokens, columns, dtype)]
        # Scores and weighted values: each product has one backward a factor.
        products += 3 * [_batched(sentences * heads, length, size, length, dtype)]
        products += 3 * [_batched(sentences * heads, length, length, size, dtype)]
    return [*products, *_through(tokens, hidden, labels, dtype), _product(hidden, tokens, labels, dtype)]


def _through(tokens: int, rows: int, columns: int, dtype: torch.dtype) -> list[Product]:
    """A matrix applied to all pieces, and its transpose to their gradients."""
    return [_product(tokens, rows, columns, dtype), _product(tokens, columns, rows, dtype)]


def _product(rows: int, inner: int, columns: int, dtype: torch.dtype) -> Product:
    left, right = _random(rows, inner, dtype=dtype), _random(inner, columns, dtype=dtype)
    result = torch.empty(rows, columns, dtype=dtype)
    return lambda: torch.mm(left, right, out=result)


def _batched(batch: int, rows: int, inner: int, columns: int, dtype: torch.dtype) -> Product:
    left, right = _random(batch, rows, inner, dtype=dtype), _random(batch, inner, columns, dtype=dtype)
    result = torch.empty(batch, rows, columns, dtype=dtype)
    return lambda: torch.bmm(left, right, out=result)


def _random(*shape: int, dtype: torch.dtype) -> Tensor:
    return torch.randn(shape).to(dtype)

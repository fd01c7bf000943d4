"""The encoder's attention: PyTorch's, but on a CPU, where for sentences plain matrix products are faster."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

NAME = "hyperx"


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **other: Any,
) -> tuple[Tensor, None]:
    """Attend, as ``transformers`` asks its attention functions to.

    Shapes:
        query, key, value: ``(batch, heads, length, size)``
        attention_mask: boolean, ``(batch, 1, 1 or length, length)``; None where nothing is padded.
        result: ``(batch, length, heads, size)``
    """
    if query.device.type != "cpu":
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **other
        )
    batch, heads, _, size = query.shape
    scaling = size**-0.5 if scaling is None else scaling
    query, key, value = ((query * scaling).flatten(0, 1), key.flatten(0, 1), value.flatten(0, 1))
    scores = torch.bmm(query, key.mT)
    if attention_mask is not None:
        # Not infinity: padding that sees padding alone, in a window, would become NaN.
        bias = torch.zeros(attention_mask.shape, dtype=scores.dtype)
        bias.masked_fill_(~attention_mask, torch.finfo(scores.dtype).min)
        scores = (scores.unflatten(0, (batch, heads)) + bias).flatten(0, 1)
    chances = nn.functional.dropout(scores.softmax(-1), dropout, training=module.training)
    return torch.bmm(chances, value).unflatten(0, (batch, heads)).transpose(1, 2), None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)


def use(encoder: PreTrainedModel) -> None:
    """Let an encoder attend so, if it lets its attention be chosen."""
    if encoder.config._attn_implementation == "sdpa":
        encoder.set_attn_implementation(NAME)

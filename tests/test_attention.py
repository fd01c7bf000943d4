"""Attention in training: plain products, equal to PyTorch's."""

import pytest
import torch
from torch import nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from conftest import ENCODERS
from hyperx.attention import attend
from hyperx.backbone import Backbone


@pytest.mark.parametrize("masked", [False, True])
def test_it_equals_pytorchs(masked: bool) -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 3, 5, 4, requires_grad=True) for _ in range(3))
    mask = torch.ones(2, 1, 1, 5, dtype=torch.bool) if masked else None
    if mask is not None:
        mask[0, ..., 3:] = False
    module = nn.Module().eval()
    module.is_causal = False  # type: ignore[assignment]
    ours, _ = attend(module, query, key, value, mask, scaling=0.3)
    theirs, _ = sdpa_attention_forward(module, query, key, value, mask, scaling=0.3)
    torch.testing.assert_close(ours, theirs)
    weight = torch.randn_like(ours)
    gradients = [torch.autograd.grad((out * weight).sum(), [query, key, value]) for out in (ours, theirs)]
    torch.testing.assert_close(*gradients)


def test_padding_that_sees_padding_alone_stays_finite() -> None:
    query, key, value = (torch.randn(1, 1, 3, 4, requires_grad=True) for _ in range(3))
    mask = torch.ones(1, 1, 3, 3, dtype=torch.bool)
    mask[..., 2, :] = False
    attended, _ = attend(nn.Module().eval(), query, key, value, mask)
    assert attended.isfinite().all()


def test_dropout_is_on_in_training_alone() -> None:
    query, key, value = (torch.randn(1, 1, 6, 4, requires_grad=True) for _ in range(3))
    module = nn.Module()
    plain, _ = attend(module.eval(), query, key, value, None, dropout=0.5)
    dropped, _ = attend(module.train(), query, key, value, None, dropout=0.5)
    assert not torch.equal(plain, dropped)


@pytest.mark.parametrize("name", ENCODERS)
def test_frozen_matrices_are_kept_in_the_dtype(name: str) -> None:
    torch.manual_seed(0)
    backbone = Backbone(ENCODERS[name]()).eval()
    input_ids = torch.randint(1, 300, (2, 7))
    inputs = {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}
    exact = backbone(**inputs)
    for parameter in backbone.layer_norms().values():
        parameter.requires_grad_(True)
    backbone.compute_in(torch.bfloat16)
    assert {p.dtype for p in backbone.parameters() if p.requires_grad} == {torch.float32}
    frozen = [m.weight for m in backbone.modules() if isinstance(m, torch.nn.Linear)]
    assert {weight.dtype for weight in frozen} == {torch.bfloat16}
    assert backbone.word_embeddings().weight.dtype == torch.float32  # as its file, which may stay mapped
    torch.testing.assert_close(backbone(**inputs).float(), exact, atol=0.1, rtol=0.1)

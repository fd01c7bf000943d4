import pytest
import torch

from hyperx.adapter import (
    Adapters,
    AdapterWeights,
    CouplingWeights,
    Stack,
    adapt,
    adapt_in_turn,
    adapter_size,
    couple,
    pick,
    stack,
    transform,
    uncouple,
    unflatten,
)


def random_weights(
    *, hidden: int = 6, bottleneck: int = 3, layer_norm: bool = False
) -> tuple[torch.Tensor, AdapterWeights]:
    flat = torch.randn(adapter_size(hidden_size=hidden, bottleneck=bottleneck, layer_norm=layer_norm))
    return flat, unflatten(flat, hidden_size=hidden, bottleneck=bottleneck, layer_norm=layer_norm)


def test_equation_1_against_a_plain_reference() -> None:
    torch.manual_seed(0)
    flat, weights = random_weights()
    numbers = flat.tolist()
    down = [numbers[6 * i : 6 * i + 6] for i in range(3)]
    up = [numbers[18 + 3 * i : 18 + 3 * i + 3] for i in range(6)]
    d, u = numbers[36:39], numbers[39:45]
    z = torch.randn(2, 5, 6)
    result = adapt(z, weights)
    for row in range(2):
        for token in range(5):
            x = z[row, token].tolist()
            inner = [max(0.0, sum(w * v for w, v in zip(down[i], x, strict=True)) + d[i]) for i in range(3)]
            expected = [sum(up[j][i] * inner[i] for i in range(3)) + u[j] + x[j] for j in range(6)]
            torch.testing.assert_close(result[row, token], torch.tensor(expected), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("layer_norm", [False, True])
def test_a_stack_reads_the_norm_of_block_and_residual(layer_norm: bool) -> None:
    torch.manual_seed(1)
    stack = Stack(tuple(random_weights(layer_norm=layer_norm)[1] for _ in range(2)))
    norm = torch.nn.LayerNorm(6)
    torch.nn.init.normal_(norm.weight)
    z, residual = torch.randn(2, 5, 6), torch.randn(2, 5, 6)
    expected = z
    for weights in stack.adapters:
        x = norm(expected + residual)
        if layer_norm:
            x = torch.nn.functional.layer_norm(x, (6,), weights.gain, weights.offset)
        inner = torch.relu(torch.einsum("ijh,bh->ijb", x, weights.down) + weights.down_bias)
        expected = torch.einsum("ijb,hb->ijh", inner, weights.up) + weights.up_bias + expected
    torch.testing.assert_close(adapt_in_turn(z, stack, residual=residual, norm=norm), expected, atol=1e-5, rtol=1e-5)


def test_layer_norm_inside_the_adapter() -> None:
    torch.manual_seed(0)
    _, weights = random_weights(layer_norm=True)
    z = torch.randn(2, 5, 6)
    normed = (z - z.mean(-1, keepdim=True)) / torch.sqrt(z.var(-1, keepdim=True, unbiased=False) + 1e-5)
    normed = normed * weights.gain + weights.offset
    expected = torch.relu(normed @ weights.down.T + weights.down_bias) @ weights.up.T + weights.up_bias + z
    torch.testing.assert_close(adapt(z, weights), expected)


def test_rows_of_different_pairs_equal_one_pair_at_a_time() -> None:
    torch.manual_seed(0)
    first, second = random_weights()[1], random_weights()[1]
    z = torch.randn(2, 5, 6)
    both = AdapterWeights(*(None if a is None else torch.stack([a, b]) for a, b in zip(first, second, strict=True)))
    expected = torch.cat([adapt(z[:1], first), adapt(z[1:], second)])
    torch.testing.assert_close(adapt(z, both), expected)
    torch.testing.assert_close(adapt(z.repeat_interleave(3, 0), both), expected.repeat_interleave(3, 0))


@pytest.mark.parametrize("rows", [False, True])
def test_gradients_are_those_of_equation_1(rows: bool) -> None:
    torch.manual_seed(0)
    _, weights = random_weights()
    lead = (2,) if rows else ()
    leaves = [part.expand(*lead, *part.shape).clone().requires_grad_() for part in weights if part is not None]
    z = torch.randn(2, 5, 6, requires_grad=True)
    down, up, d, u = leaves
    plain = torch.relu(z @ down.mT + d.unsqueeze(-2)) @ up.mT + u.unsqueeze(-2) + z
    expected = torch.autograd.grad(plain.square().sum(), [z, *leaves])
    found = torch.autograd.grad(adapt(z, AdapterWeights(*leaves)).square().sum(), [z, *leaves])
    torch.testing.assert_close(found, expected)


def test_zero_weights_are_the_identity_bit_for_bit() -> None:
    z = torch.randn(2, 5, 6)
    zeros = unflatten(torch.zeros(adapter_size(hidden_size=6, bottleneck=3)), hidden_size=6, bottleneck=3)
    assert torch.equal(adapt(z, zeros), z)


def test_adapter_size_is_2hb_b_h() -> None:
    assert adapter_size(hidden_size=768, bottleneck=256) == 2 * 768 * 256 + 256 + 768
    assert adapter_size(hidden_size=768, bottleneck=256, layer_norm=True) == 2 * 768 * 256 + 256 + 3 * 768


def test_flat_weights_are_cut_in_order() -> None:
    flat = torch.arange(2 * 3 * 2 + 3 + 2 + 2 * 2.0)
    weights = unflatten(flat, hidden_size=2, bottleneck=3, layer_norm=True)
    assert [part.tolist() for part in weights if part is not None] == [
        [[0, 1], [2, 3], [4, 5]],
        [[6, 7, 8], [9, 10, 11]],
        [12, 13, 14],
        [15, 16],
        [17, 18],
        [19, 20],
    ]
    several = unflatten(torch.stack([flat, flat + 100])[..., :17], hidden_size=2, bottleneck=3)
    assert (several.up[1].tolist(), several.gain, several.offset) == ([[106, 107, 108], [109, 110, 111]], None, None)
    with pytest.raises(RuntimeError):
        unflatten(flat, hidden_size=2, bottleneck=3)


def test_structures_of_weights_are_stacked_and_picked_part_by_part() -> None:
    torch.manual_seed(0)
    first, second = (Adapters([random_weights()[1], None, Stack((random_weights()[1],))]) for _ in range(2))
    both = stack([first, second])
    assert isinstance(both, Adapters)
    assert both.layers[1] is None
    assert torch.equal(both.layers[0].down, torch.stack([first.layers[0].down, second.layers[0].down]))
    assert torch.equal(pick(both, 1).layers[2].adapters[0].up, second.layers[2].adapters[0].up)
    swapped = pick(both, torch.tensor([1, 0]))
    assert torch.equal(swapped.layers[0].up_bias, both.layers[0].up_bias.flip(0))
    assert both.coupling is None
    with pytest.raises(ValueError, match="shorter"):
        transform(torch.add, (torch.ones(1), torch.ones(1)), (torch.ones(1),))
    assert transform(torch.neg, [torch.ones(1)]) == [torch.tensor([-1.0])]


def norm(x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.layer_norm(x, x.shape[-1:])


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("height", [1, 2])
def test_adapters_in_turn_against_a_plain_reference(rows: bool, height: int) -> None:
    torch.manual_seed(0)
    layers = [(random_weights()[1], random_weights()[1]) for _ in range(height)]
    z, residual = torch.randn(2, 5, 6), torch.randn(2, 5, 6)
    expected = []
    for row in range(2):
        own, x = z[row], residual[row]
        for pair in layers:
            down, up, d, u = pair[row * rows][:4]
            own = torch.relu(norm(own + x) @ down.T + d) @ up.T + u + own
        expected.append(own)
    weights = Stack(tuple(stack(pair) if rows else pair[0] for pair in layers))
    found = adapt_in_turn(z, weights, residual=residual, norm=norm)
    torch.testing.assert_close(found, torch.stack(expected))


@pytest.mark.parametrize("rows", [False, True])
def test_coupling_against_a_plain_reference_and_back(rows: bool) -> None:
    torch.manual_seed(0)
    pairs = [CouplingWeights(random_weights()[1], random_weights()[1]) for _ in range(2)]
    embedded = torch.randn(2, 5, 12)

    def plain(x: torch.Tensor, weights: AdapterWeights) -> torch.Tensor:
        return torch.relu(x @ weights.down.T + weights.down_bias) @ weights.up.T + weights.up_bias

    expected = []
    for row in range(2):
        first, second = pairs[row * rows]
        e1, e2 = embedded[row, :, :6], embedded[row, :, 6:]
        o1 = plain(e2, first) + e1
        expected.append(torch.cat([o1, plain(o1, second) + e2], -1))
    coupled = couple(embedded, stack(pairs) if rows else pairs[0])
    torch.testing.assert_close(coupled, torch.stack(expected))
    if not rows:
        torch.testing.assert_close(uncouple(coupled, pairs[0]), embedded)

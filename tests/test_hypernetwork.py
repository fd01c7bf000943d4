import pytest
import torch

from hyperx.methods import HyperXConfig, HyperXMethod, MatrixShape

MBERT = MatrixShape(num_tasks=3, num_languages=16, num_layers=12, hidden_size=768)


@pytest.mark.parametrize(("projection_size", "millions"), [(192, 76.1), (32, 13.0)])
def test_parameter_counts_of_base_and_small_on_mbert(projection_size: int, millions: float) -> None:
    config = HyperXConfig(recipe="paper", bottleneck=256, projection_size=projection_size)
    with torch.device("meta"):
        method = HyperXMethod(config, MBERT)
    output = 2 * 768 * 256 + 256 + 768
    linear = 192 * 192 + 192 + 192 * projection_size + projection_size + (projection_size + 1) * output
    count = sum(parameter.numel() for parameter in method.parameters())
    assert count == linear + 64 * (3 + 16 + 12)
    assert round(count / 1e6, 1) == millions


def small(recipe: str) -> HyperXMethod:
    torch.manual_seed(0)
    config = HyperXConfig(recipe=recipe, bottleneck=4, projection_size=6, embedding_size=5)
    return HyperXMethod(config, MatrixShape(num_tasks=2, num_languages=3, num_layers=2, hidden_size=8))


def test_equations_2_to_5_against_a_plain_reference() -> None:
    method = small("paper")
    network = method.hypernetwork
    weights = method(torch.tensor([1]), torch.tensor([2]))
    for layer in range(2):
        s_h = torch.cat(
            [network.language_embeddings.weight[2], network.task_embeddings.weight[1], network.layer_embeddings.weight[layer]]
        )
        hidden = torch.relu(network.projector.hidden.weight @ s_h + network.projector.hidden.bias)
        s_p = network.projector.output.weight @ hidden + network.projector.output.bias
        flat = network.generator.weight @ s_p + network.generator.bias
        torch.testing.assert_close(weights[layer].down[0], flat[:32].view(4, 8))
        torch.testing.assert_close(weights[layer].up[0], flat[32:64].view(8, 4))
        torch.testing.assert_close(weights[layer].down_bias[0], flat[64:68])
        torch.testing.assert_close(weights[layer].up_bias[0], flat[68:])


def test_two_pairs_get_different_adapters() -> None:
    first, second, third = (w.down for w in [small("paper")(torch.tensor(t), torch.tensor(l))[0] for t, l in (([0], [0]), ([0], [1]), ([1], [0]))])
    assert not torch.equal(first, second)
    assert not torch.equal(first, third)


def test_the_default_starts_from_the_plain_backbone() -> None:
    for weights in small("default")(torch.tensor([0]), torch.tensor([0])):
        assert not weights.up.any()
        assert not weights.up_bias.any()
        assert weights.down.any()

import pytest
import torch

from hyperx.hypernetwork import Hypernetwork
from hyperx.methods import HyperXConfig, HyperXMethod, MatrixShape

MBERT = MatrixShape(num_labels=(17, 7, 0), num_languages=16, num_layers=12, hidden_size=768)


@pytest.mark.parametrize(("projection_size", "millions"), [(192, 76.1), (32, 13.0)])
def test_parameter_counts_of_base_and_small_on_mbert(projection_size: int, millions: float) -> None:
    config = HyperXConfig(recipe="paper", bottleneck=256, projection_size=projection_size)
    with torch.device("meta"):
        network = HyperXMethod(config, MBERT).hypernetwork
    generator = sum(parameter.numel() for parameter in network.generator.parameters())
    assert generator == (projection_size + 1) * (2 * 768 * 256 + 256 + 768)
    assert round(generator / 1e6, 1) == millions
    # Beside the generator: W1 and W2 of the projector, and the embeddings.
    rest = 192 * 192 + 192 * projection_size + 64 * (3 + 16 + 12)
    assert sum(parameter.numel() for parameter in network.parameters()) == generator + rest


def small(recipe: str) -> HyperXMethod:
    torch.manual_seed(0)
    config = HyperXConfig(recipe=recipe, bottleneck=4, projection_size=6, embedding_size=5)
    return HyperXMethod(config, MatrixShape(num_labels=(17, 7), num_languages=3, num_layers=2, hidden_size=8))


def test_equations_2_to_5_against_a_plain_reference() -> None:
    method = small("paper")
    network = method.hypernetwork
    weights = method(torch.tensor([1]), torch.tensor([2])).layers
    for layer in range(2):
        s_h = torch.cat(
            [
                network.language_embeddings.weight[2],
                network.task_embeddings.weight[1],
                network.layer_embeddings.weight[layer],
            ]
        )
        s_p = network.projector.output.weight @ torch.relu(network.projector.hidden.weight @ s_h)
        flat = network.generator.weight @ s_p + network.generator.bias
        torch.testing.assert_close(weights[layer].down[0], flat[:32].view(4, 8))
        torch.testing.assert_close(weights[layer].up[0], flat[32:64].view(8, 4))
        torch.testing.assert_close(weights[layer].down_bias[0], flat[64:68])
        torch.testing.assert_close(weights[layer].up_bias[0], flat[68:])


def test_two_pairs_get_different_adapters() -> None:
    method = small("paper")
    # (task, language): the same pair twice, another language, another task
    sites = method(torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 0])).layers
    for weights in sites:
        torch.testing.assert_close(weights.down[0], weights.down[1])
        assert not torch.allclose(weights.down[0], weights.down[2])
        assert not torch.allclose(weights.down[0], weights.down[3])


def test_the_default_starts_from_the_plain_backbone() -> None:
    for (weights,) in (site.adapters for site in small("default")(torch.tensor([0]), torch.tensor([0])).layers):
        assert not weights.up.any()
        assert not weights.up_bias.any()
        assert weights.down.any()


def network(**sizes: int) -> Hypernetwork:
    torch.manual_seed(0)
    return Hypernetwork(num_tasks=2, num_languages=3, num_layers=4, output_size=7, projection_size=6, **sizes)


def test_the_base_is_added_to_each_pairs_weights() -> None:
    plain = network(embedding_size=5)
    tasks, languages, base = torch.tensor([1, 0, 1]), torch.tensor([2, 2, 0]), torch.randn(4, 7)
    without, added = plain(tasks, languages), plain(tasks, languages, base)
    assert [own.shape for own in added] == [(3, 7)] * 4
    for layer in range(4):
        torch.testing.assert_close(added[layer], without[layer] + base[layer])
        s_p = plain.project(tasks, languages)[:, layer]
        torch.testing.assert_close(without[layer], s_p @ plain.generator.weight.T + plain.generator.bias)
        for own in (slice(0, 1), slice(1, 2), slice(0, 2)):  # one pair alone takes another way
            torch.testing.assert_close(plain(tasks[own], languages[own], base)[layer], added[layer][own])


def test_embeddings_have_64_numbers_unless_said_otherwise() -> None:
    assert {name: tuple(own.shape) for name, own in network().named_parameters()} == {
        "task_embeddings.weight": (2, 64),
        "language_embeddings.weight": (3, 64),
        "layer_embeddings.weight": (4, 64),
        "projector.hidden.weight": (192, 192),
        "projector.output.weight": (6, 192),
        "generator.weight": (7, 6),
        "generator.bias": (7,),
    }

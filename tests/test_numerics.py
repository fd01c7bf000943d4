"""Gradients against finite differences in float64, and how far precision and threads may take results apart."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.func import functional_call
from transformers import BertConfig, BertModel

from conftest import TAGS, WORDS, shake
from hyperx.adapter import AdapterWeights, CouplingWeights, Stack, adapt, adapt_in_turn, adapter_size, couple, unflatten
from hyperx.backbone import Backbone
from hyperx.data.sentence import Sentence
from hyperx.hypernetwork import Hypernetwork
from hyperx.methods import FinetuneConfig, HyperXConfig, MADXConfig, PSFConfig, SingleConfig
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.tagging import Tagger

METHODS = {
    "hyperx": HyperXConfig(bottleneck=4, projection_size=6, embedding_size=5),
    "hyperx-paper": HyperXConfig(bottleneck=4, projection_size=6, embedding_size=5, recipe="paper", layer_norm=True),
    "single": SingleConfig(bottleneck=4),
    "madx": MADXConfig(language_bottleneck=4, task_bottleneck=4),
    "finetune": FinetuneConfig(),
    "psf": PSFConfig(latent_size=4, rank=2, num_layers=3, kl_weight=0.1),
}
PAIRS = [Pair("pos", "eng"), Pair("ner", "swa"), Pair("mlm", "yor")]
HIDDEN, BOTTLENECK = 8, 3


@pytest.mark.parametrize("base", [False, True])
@pytest.mark.parametrize("pairs", [1, 2])
def test_gradients_of_the_hypernetwork(base: bool, pairs: int) -> None:
    torch.manual_seed(0)
    network = Hypernetwork(
        num_tasks=2, num_languages=3, num_layers=2, output_size=7, projection_size=3, embedding_size=2
    ).double()
    names, values = zip(*network.named_parameters(), strict=True)
    tasks, languages = torch.tensor([0, 1])[:pairs], torch.tensor([2, 0])[:pairs]

    def flat(*given: Tensor) -> tuple[Tensor, ...]:
        *parameters, own = given
        return tuple(functional_call(network, dict(zip(names, parameters, strict=True)), (tasks, languages, own)))

    own = torch.randn(2, 7, dtype=torch.double, requires_grad=True) if base else None
    assert gradcheck(flat, (*values, own))


def weights(
    size: int, *, rows: int | None, layer_norm: bool = False
) -> tuple[Tensor, Callable[[Tensor], AdapterWeights]]:
    """Return random flat weights of an adapter, of one pair or of each of some rows, and what makes weights of them."""
    shape = {"hidden_size": size, "bottleneck": BOTTLENECK, "layer_norm": layer_norm}
    flat = torch.randn(*([rows] if rows else []), adapter_size(**shape), dtype=torch.double, requires_grad=True)
    return flat, lambda given: unflatten(given, **shape)


def hidden() -> Tensor:
    return torch.randn(2, 3, HIDDEN, dtype=torch.double, requires_grad=True)


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("rows", [None, 1, 2])
def test_gradients_of_an_adapter(rows: int | None, layer_norm: bool) -> None:
    torch.manual_seed(0)
    flat, make = weights(HIDDEN, rows=rows, layer_norm=layer_norm)
    assert gradcheck(lambda z, given: adapt(z, make(given)), (hidden(), flat))


@pytest.mark.parametrize("rows", [None, 2])
def test_gradients_of_a_stack(rows: int | None) -> None:
    torch.manual_seed(0)
    (first, make), (second, _) = weights(HIDDEN, rows=rows), weights(HIDDEN, rows=rows)
    norm = torch.nn.LayerNorm(HIDDEN).double()

    def stacked(z: Tensor, residual: Tensor, *flat: Tensor) -> Tensor:
        return adapt_in_turn(z, Stack(tuple(map(make, flat))), residual=residual, norm=norm)

    assert gradcheck(stacked, (hidden(), hidden(), first, second))


@pytest.mark.parametrize("rows", [None, 2])
def test_gradients_of_a_coupling(rows: int | None) -> None:
    torch.manual_seed(0)
    (first, make), (second, _) = weights(HIDDEN // 2, rows=rows), weights(HIDDEN // 2, rows=rows)
    assert gradcheck(lambda z, *flat: couple(z, CouplingWeights(*map(make, flat))), (hidden(), first, second))


def batch(model: HyperX, pair: Pair) -> dict[str, Tensor]:
    """Return a batch of a pair's task."""
    task = model.tasks[pair.task]
    tags = {"pos": TAGS, "ner": ["B-PER" if word in ("Amina", "Paris") else "O" for word in WORDS]}.get(pair.task, TAGS)
    sentences = [Sentence(tuple(WORDS[i : i + 4 + i % 3]), tuple(tags[i : i + 4 + i % 3])) for i in range(6)]
    examples = list(task.encode(sentences, model.tokenizer, max_length=24))
    return task.collate(examples, model.tokenizer, torch.Generator().manual_seed(1))._asdict()


@pytest.fixture
def double() -> Iterator[None]:
    """Let what is drawn at random be in float64, too."""
    torch.set_default_dtype(torch.double)
    yield
    torch.set_default_dtype(torch.float)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("pair", PAIRS, ids=str)
@pytest.mark.parametrize("name", METHODS)
def test_gradients_of_a_methods_loss(name: str, pair: Pair, make_model: Callable[..., HyperX]) -> None:
    model = shake(make_model(method=METHODS[name])).double().train()
    inputs = batch(model, pair)
    used = [key for key, parameter in model.named_parameters() if parameter.requires_grad]

    def loss(*parameters: Tensor) -> Tensor:
        torch.manual_seed(0)  # the same masks and samples each time
        return functional_call(model, dict(zip(used, parameters, strict=True)), (pair,), inputs)["loss"]

    values = [model.get_parameter(key).detach().requires_grad_() for key in used]
    assert loss(*values).dtype == torch.double
    touched = [g is not None for g in torch.autograd.grad(loss(*values), values, allow_unused=True)]
    assert any(touched)
    used = [key for key, own in zip(used, touched, strict=True) if own]
    values = [value for value, own in zip(values, touched, strict=True) if own]
    # Along random directions, for there are thousands of parameters.
    assert gradcheck(loss, values, fast_mode=True, check_undefined_grad=False)


@pytest.fixture
def wide(make_model: Callable[..., HyperX]) -> Iterator[HyperX]:
    """A model wide enough for several threads, with weights as large as training makes them."""
    torch.manual_seed(0)
    small = make_model()
    shape = BertConfig(
        vocab_size=300, hidden_size=128, num_attention_heads=4, num_hidden_layers=2, intermediate_size=512
    )
    config = small.model_config.model_copy(update={"method": HyperXConfig(bottleneck=64, projection_size=16)})
    threads = torch.get_num_threads()
    model = HyperX(config, Backbone(BertModel(shape, add_pooling_layer=False)), small.tokenizer)
    with torch.no_grad():
        for part, size in ((model.method, 0.02), (model.heads, 0.1)):
            for parameter in part.parameters():
                parameter.add_(size * torch.randn_like(parameter))
    yield model.eval()
    torch.set_num_threads(threads)


def losses(model: HyperX, steps: int) -> list[float]:
    """Train a model a little, and return the losses."""
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    values = []
    for step in range(steps):
        pair = PAIRS[step % 3]
        loss = model(pair, **batch(model, pair))["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        values.append(loss.item())
    return values


def test_threads_change_losses_by_no_more_than_rounding(wide: HyperX) -> None:
    start = {name: tensor.clone() for name, tensor in wide.trained_state().items()}
    found = []
    for threads in (1, 2):
        wide.load_trained_state(start)
        torch.set_num_threads(threads)
        found.append(losses(wide, 4))
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert found[0][3] < found[0][0]


def test_bfloat16_stays_near_float32(wide: HyperX) -> None:
    pair = Pair("pos", "eng")
    sentences = [Sentence(tuple(WORDS[i : i + n])) for n in (3, 7) for i in range(8)]
    parameters = [parameter for parameter in wide.parameters() if parameter.requires_grad]
    probabilities, gradients = [], []
    for dtype in (torch.float32, torch.bfloat16):
        wide.backbone.compute_in(dtype)
        probabilities.append(torch.cat(Tagger(wide, pair).scores(sentences)).exp())
        with wide.backbone.autocast():  # as the trainer does
            loss = wide(pair, **batch(wide, pair))["loss"]
        assert loss.dtype == torch.float32
        own = torch.autograd.grad(loss, parameters, allow_unused=True)
        assert all(part.dtype == torch.float32 for part in own if part is not None)
        gradients.append(torch.cat([part.flatten() for part in own if part is not None]))
    assert 0 < (probabilities[0] - probabilities[1]).abs().max() < 0.02
    assert torch.cosine_similarity(*gradients, dim=0) > 0.999

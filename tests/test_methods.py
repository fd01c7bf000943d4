"""Every method: it learns, it is saved whole, and its formulas hold."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.distributions import LowRankMultivariateNormal, MultivariateNormal, Normal, kl_divergence
from torch.nn.functional import softplus

from conftest import ENCODERS, WORDS, shake
from hyperx.adapter import (
    AdapterWeights,
    CouplingWeights,
    Stack,
    adapt_in_turn,
    adapter_size,
    couple,
    uncouple,
    unflatten,
)
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.language_adapters import read_language_adapters, take_language_adapters
from hyperx.methods import FinetuneConfig, HyperXConfig, MADXConfig, MatrixShape, PSFConfig, SingleConfig
from hyperx.methods.psf import LowRankGaussian, PSFMethod
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.scoring import score_pair
from hyperx.trainer import parameter_groups

METHODS = {
    "hyperx": HyperXConfig(bottleneck=8, projection_size=6, embedding_size=5),
    "hyperx-paper": HyperXConfig(bottleneck=8, projection_size=6, embedding_size=5, recipe="paper"),
    "single": SingleConfig(bottleneck=8),
    "finetune": FinetuneConfig(),
    "finetune-frozen-embeddings": FinetuneConfig(freeze_embeddings=True),
    "madx": MADXConfig(language_bottleneck=6, task_bottleneck=8),
    "psf": PSFConfig(latent_size=6, rank=2, num_layers=3),
}
INPUTS = {"input_ids": torch.arange(5, 23).reshape(2, 9), "attention_mask": torch.ones(2, 9, dtype=torch.long)}
TAGS = ["DET", "NOUN", "VERB", "DET", "ADJ", "NOUN", "ADP", "PROPN", "CCONJ", "PROPN", "PROPN", "VERB", "NOUN", "PUNCT"]


@pytest.mark.parametrize("name", METHODS)
def test_it_overfits_twenty_sentences(name: str, make_model) -> None:
    model = make_model(method=METHODS[name]).train()
    sentences = [Sentence(tuple(WORDS[i : i + n]), tuple(TAGS[i : i + n])) for n in (3, 5) for i in range(10)]
    pair, task = Pair("pos", "swa"), model.tasks["pos"]
    examples = list(task.encode(sentences, model.tokenizer, max_length=24))
    batch = task.collate(examples, model.tokenizer, torch.Generator())
    rate = 0.03 if "paper" in name else 0.01
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0)
    for _ in range(250):
        model(pair, **batch._asdict())["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
    assert score_pair(model, pair, sentences).score > 95


@pytest.mark.parametrize("name", METHODS)
def test_what_is_trained_is_saved_and_loaded(name: str, make_model, tmp_path: Path) -> None:
    model = make_model(method=METHODS[name]).eval()
    model.backbone.encoder.save_pretrained(tmp_path / "encoder")
    model.tokenizer.save_pretrained(tmp_path / "encoder")
    model.model_config.backbone = str(tmp_path / "encoder")
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(tmp_path / "model")
    loaded = HyperX.from_pretrained(tmp_path / "model", dtype=torch.float32)
    with torch.inference_mode():
        for before, after in zip(logits(model), logits(loaded), strict=True):
            assert torch.equal(before, after)


def logits(model: HyperX) -> list[torch.Tensor]:
    pairs = [Pair("pos", "eng"), Pair("ner", "swa"), Pair("ner", "yor")]
    return [model.head(pair)[0](model.encode([pair], **INPUTS)) for pair in pairs]


def test_fine_tuning_trains_the_whole_backbone_or_all_but_the_word_embeddings(make_model) -> None:
    whole, part = (make_model(method=FinetuneConfig(freeze_embeddings=freeze)) for freeze in (False, True))
    everything = sum(parameter.numel() for parameter in whole.backbone.parameters())
    assert whole.trained_parameters()["backbone"] == everything
    embeddings = part.backbone.word_embeddings()
    assert part.trained_parameters()["backbone"] == everything - embeddings.weight.numel()
    assert not embeddings.weight.requires_grad


def test_dropout_is_on_where_the_encoder_is_trained(make_model) -> None:
    assert make_model(method=FinetuneConfig()).train().backbone.encoder.training
    assert not make_model(method=SingleConfig()).train().backbone.encoder.training


def test_masked_language_modelling_trains_tied_embeddings(make_model) -> None:
    model = make_model(method=FinetuneConfig()).train()
    model.heads["mlm"].restrict(torch.arange(5, 90), torch.ones(85))
    model(Pair("mlm", "yor"), **INPUTS, labels=INPUTS["input_ids"])["loss"].backward()
    unseen = [piece for piece in range(5, 90) if piece not in INPUTS["input_ids"]]
    # Pieces that were not read have a gradient from the softmax alone.
    assert model.backbone.word_embeddings().weight.grad[unseen].any(-1).all()


def test_rates_of_fine_tuning(make_model) -> None:
    model = make_model(method=FinetuneConfig())
    groups = parameter_groups(model, model.method.learning_rate)
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    assert rates[id(model.backbone.word_embeddings().weight)] == pytest.approx(1e-5)
    assert rates[id(model.heads["pos"].output.weight)] == pytest.approx(1e-2)


@pytest.fixture
def posteriors() -> LowRankGaussian:
    torch.manual_seed(0)
    result = LowRankGaussian(3, 7, 2)
    with torch.no_grad():
        for parameter in result.parameters():
            parameter.normal_()
    return result


def test_the_posteriors_divergence_is_the_closed_form(posteriors: LowRankGaussian) -> None:
    for number in torch.arange(3):
        mean, factor, scale = (getattr(posteriors, name)[number] for name in ("mean", "factor", "scale"))
        posterior = LowRankMultivariateNormal(mean, factor, softplus(scale).square())
        plain = MultivariateNormal(mean, posterior.covariance_matrix)
        prior = MultivariateNormal(torch.zeros(7), torch.eye(7))
        torch.testing.assert_close(posteriors.divergence(number), kl_divergence(plain, prior))


def test_samples_are_linear_in_the_noise_with_the_posteriors_covariance(posteriors: LowRankGaussian) -> None:
    number = torch.tensor(1)
    # With each unit of noise in turn, the samples less the mean are the columns of a root of the covariance.
    noise, factor_noise = torch.eye(9)[:, :7], torch.eye(9)[:, 7:]
    root = posteriors.sample(number, noise, factor_noise) - posteriors.mean[number]
    scale, factor = softplus(posteriors.scale[number]), posteriors.factor[number]
    torch.testing.assert_close(root.mT @ root, scale.square().diag() + factor @ factor.mT)


def test_a_generated_heads_penalty_is_the_divergence_of_all_three_parts() -> None:
    torch.manual_seed(0)
    shape = MatrixShape(num_labels=(4, 0), num_languages=2, num_layers=1, hidden_size=5)
    method = PSFMethod(PSFConfig(latent_size=6, rank=2, num_layers=2, kl_weight=0.5), shape).eval()
    task, language = torch.tensor(0), torch.tensor(1)
    head, penalty = method.head(task, language, torch.nn.Identity())
    a, b = method.languages.mean[1], method.tasks.mean[0]
    features = method.generator(torch.cat([a, b, a - b, a * b]))
    weights = Normal(method.means["0"](features), softplus(method.scales["0"](features)))
    own = kl_divergence(weights, Normal(torch.zeros(20), torch.ones(20))).sum()
    expected = own + method.languages.divergence(language) + method.tasks.divergence(task)
    torch.testing.assert_close(penalty, 0.5 * expected)
    hidden = torch.randn(3, 5)
    by_hand = hidden @ weights.mean.view(4, 5).mT + method.biases["0"](features)
    torch.testing.assert_close(head(hidden), by_hand)


def test_a_task_without_labels_keeps_its_own_head() -> None:
    shape = MatrixShape(num_labels=(4, 0), num_languages=2, num_layers=1, hidden_size=5)
    own = torch.nn.Identity()
    method = PSFMethod(PSFConfig(latent_size=6, rank=2, num_layers=2), shape)
    assert method.head(torch.tensor(1), torch.tensor(0), own) == (own, None)


def test_training_samples_and_tagging_does_not() -> None:
    torch.manual_seed(0)
    shape = MatrixShape(num_labels=(4,), num_languages=2, num_layers=1, hidden_size=5)
    method = PSFMethod(PSFConfig(latent_size=6, rank=2, num_layers=2), shape)
    hidden, pair = torch.randn(3, 5), (torch.tensor(0), torch.tensor(0))

    def twice(training: bool) -> list[torch.Tensor]:
        method.train(training)
        return [method.head(*pair, torch.nn.Identity())[0](hidden) for _ in range(2)]

    assert not torch.allclose(*twice(True))
    assert torch.equal(*twice(False))


def random_adapter(hidden: int = 8, bottleneck: int = 3) -> AdapterWeights:
    flat = torch.randn(adapter_size(hidden_size=hidden, bottleneck=bottleneck))
    return unflatten(flat, hidden_size=hidden, bottleneck=bottleneck)


def test_an_invertible_adapter_is_inverted() -> None:
    torch.manual_seed(0)
    weights = CouplingWeights(random_adapter(4, 2), random_adapter(4, 2))
    embedded = torch.randn(2, 5, 8)
    coupled = couple(embedded, weights)
    assert not torch.allclose(coupled, embedded)
    torch.testing.assert_close(uncouple(coupled, weights), embedded)
    first, second = embedded[..., :4], embedded[..., 4:]
    changed = first + torch.relu(second @ weights.first.down.T + weights.first.down_bias) @ weights.first.up.T
    torch.testing.assert_close(coupled[..., :4], changed + weights.first.up_bias)


@pytest.fixture
def language_run(make_model, tmp_path: Path) -> Path:
    """A saved model with language adapters."""
    model = shake(make_model(method=MADXConfig(language_bottleneck=6, task_bottleneck=4)))
    model.save_pretrained(tmp_path / "language-run")
    return tmp_path / "language-run"


def test_a_task_whose_head_is_not_linear_has_an_adapter_and_keeps_its_head(make_model) -> None:
    model = make_model(method=MADXConfig(language_bottleneck=6, task_bottleneck=4))
    config = model.model_config.model_copy(update={"tasks": {"parse": ["root"], "mlm": []}})
    model = HyperX(config, model.backbone, model.tokenizer)
    assert list(model.method.tasks) == ["0"]
    assert len(model.adapters([Pair("parse", "eng")]).layers[0].adapters) == 2
    assert model.head(Pair("parse", "eng"))[0] is model.heads["parse"]


def test_language_adapters_are_taken_over_frozen(language_run: Path, make_model) -> None:
    config = MADXConfig(language_bottleneck=6, task_bottleneck=4, language_adapters=language_run)
    model = make_model(method=config)
    model.model_config.languages = ["yor", "eng", "swa"]
    take_language_adapters(model)
    adapters = read_language_adapters(language_run)
    assert torch.equal(model.method.languages[0].layers, adapters["yor"]["layers"])
    assert torch.equal(model.method.languages[0].coupling, adapters["yor"]["coupling"])
    model.train()
    model(Pair("pos", "eng"), **INPUTS, labels=INPUTS["input_ids"] % 7)["loss"].backward()
    assert all(parameter.grad is None for parameter in model.method.languages.parameters())
    assert model.method.tasks["0"].grad.any()
    assert model.method.tasks["1"].grad is None
    assert model.trained_parameters()["backbone"] == 0
    model.model_config.languages = ["hau", "eng", "swa"]
    with pytest.raises(HyperXError, match="no language adapters for hau"):
        take_language_adapters(model)
    smaller = MADXConfig(language_bottleneck=5, task_bottleneck=4, language_adapters=language_run)
    with pytest.raises(HyperXError, match=r"don't fit.*size mismatch"):
        take_language_adapters(make_model(method=smaller))


def test_masked_language_modelling_trains_one_languages_adapters(make_model) -> None:
    model = shake(make_model(method=MADXConfig(language_bottleneck=6, task_bottleneck=4))).train()
    model(Pair("mlm", "yor"), **INPUTS, labels=INPUTS["input_ids"])["loss"].backward()
    grads = {name: parameter.grad is not None for name, parameter in model.method.named_parameters()}
    assert {name for name, reached in grads.items() if reached} == {"languages.2.layers", "languages.2.coupling"}


def test_the_embeddings_softmax_is_over_inverted_states(make_model) -> None:
    model = shake(make_model(method=MADXConfig(language_bottleneck=6, task_bottleneck=4)))
    pair, own = Pair("mlm", "swa"), model.heads["mlm"]
    hidden = torch.randn(3, 16)
    transformed = own.norm(torch.nn.functional.gelu(own.dense(hidden)))
    coupling = model.adapters([pair]).coupling
    inverse = uncouple(transformed, coupling)
    torch.testing.assert_close(couple(inverse, coupling), transformed)
    expected = inverse @ model.backbone.word_embeddings().weight.T + own.bias
    torch.testing.assert_close(model.head(pair)[0](hidden), expected)


@pytest.mark.parametrize("architecture", ENCODERS)
def test_stacks_of_a_mixed_batch_equal_one_pair_at_a_time(architecture: str, make_model) -> None:
    model = shake(make_model(architecture, MADXConfig(language_bottleneck=6, task_bottleneck=4)))
    pairs = [Pair("pos", "eng"), Pair("ner", "swa")]
    with torch.inference_mode():
        mixed = model.encode(pairs, **INPUTS)
        for row, pair in enumerate(pairs):
            alone = model.encode([pair], **{name: tensor[row : row + 1] for name, tensor in INPUTS.items()})
            torch.testing.assert_close(mixed[row : row + 1], alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(mixed[0], mixed[1])


@pytest.mark.parametrize("architecture", ENCODERS)
def test_the_default_recipe_reads_what_the_layer_would_give(architecture: str, make_model, monkeypatch) -> None:
    model = make_model(architecture, HyperXConfig(bottleneck=4)).eval()  # fresh adapters change nothing
    read, modern = [], architecture == "modernbert"

    def note(z: Tensor, stack: Stack, *, residual: Tensor, norm: Callable[[Tensor], Tensor]) -> Tensor:
        read.append(z + residual if modern else norm(z + residual))  # ModernBERT's layers add without a LayerNorm after
        return adapt_in_turn(z, stack, residual=residual, norm=norm)

    monkeypatch.setattr("hyperx.backbone.adapt_in_turn", note)
    model.encode([Pair("pos", "eng")], **INPUTS)
    plain = model.backbone.encoder(**INPUTS, output_hidden_states=True).hidden_states[1:]
    for layer, given in enumerate(plain[:-1] if modern else plain):  # its last is normed once more
        torch.testing.assert_close(read[layer], given, atol=1e-6, rtol=1e-5)


def test_the_papers_recipe_reads_the_block_alone() -> None:
    assert HyperXConfig().norm_first
    assert not HyperXConfig(recipe="paper").norm_first
    assert HyperXConfig(recipe="paper", norm_first=True).norm_first


@pytest.mark.parametrize(
    "method", [MADXConfig(skip_last_layer=True, task_bottleneck=4), HyperXConfig(bottleneck=4, skip_last_layer=True)]
)
def test_no_adapter_in_the_last_layer(method: object, make_model) -> None:
    model = shake(make_model(method=method))
    layers = model.adapters([Pair("pos", "eng")]).layers
    assert layers[-1] is None
    assert None not in layers[:-1]
    assert len(layers) == 3
    model.encode([Pair("pos", "eng")], **INPUTS)

"""Every method: it learns, it is saved whole, and its formulas hold."""

from pathlib import Path

import pytest
import torch
from torch.distributions import LowRankMultivariateNormal, MultivariateNormal, Normal, kl_divergence
from torch.nn.functional import softplus

from conftest import WORDS
from hyperx.data.sentence import Sentence
from hyperx.methods import FinetuneConfig, HyperXConfig, MatrixShape, PSFConfig, SingleConfig
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
    loaded = HyperX.from_pretrained(tmp_path / "model")
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

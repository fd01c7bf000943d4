"""Parameter space factorization: tag heads generated from latent task and language vectors (Ponti et al., TACL 2021)."""

import math
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn.functional import linear, softplus

from hyperx.adapter import Adapters
from hyperx.backbone import Backbone
from hyperx.methods.base import MatrixShape, Method
from hyperx.methods.single import BIAFFINE_LEARNING_RATE
from hyperx.precision import at_least_float32

HEAD_STD = 0.02  # of a generated head's weights, at the start


class PSFConfig(BaseModel):
    """The YAML's ``method:`` for parameter space factorization.

    Attributes:
        latent_size: of a task's or language's vector.
        rank: of the low-rank part of the posteriors' covariances.
        num_layers: of the generator.
        num_samples: of the latent vectors and weights a step.
        kl_weight: of the divergence beside the mean loss of a word; the number of training words makes it the negative ELBO
            a word.
        freeze_embeddings: leave the word embeddings as they are.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["psf"] = "psf"
    latent_size: int = Field(100, ge=1, le=4096)
    rank: int = Field(10, ge=1, le=1024)
    num_layers: int = Field(6, ge=2, le=64)
    num_samples: int = Field(3, ge=1, le=100)
    kl_weight: float = Field(1e-6, ge=0)
    freeze_embeddings: bool = False


class LowRankGaussian(nn.Module):
    """Posteriors N(μ, diag(δ²) + B Bᵀ) of a number of vectors, under the prior N(0, I).

    Args:
        count: of vectors.
        size: of a vector.
        rank: columns of ``B``.
    """

    def __init__(self, count: int, size: int, rank: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(0.1 * torch.randn(count, size))
        self.scale = nn.Parameter(torch.full((count, size), -2.0))  # δ is its softplus
        self.factor = nn.Parameter(0.01 * torch.randn(count, size, rank))

    def sample(self, number: Tensor, noise: Tensor, factor_noise: Tensor) -> Tensor:
        """Return ``μ + δ ε + B ζ``, a sample where ε and ζ are standard normal.

        Shapes:
            number: ``()``, the vector's; noise: ``(samples, size)``; factor_noise: ``(samples, rank)``.
            result: ``(samples, size)``
        """
        return self.mean[number] + softplus(self.scale[number]) * noise + factor_noise @ self.factor[number].mT

    def divergence(self, number: Tensor) -> Tensor:
        """Return the Kullback-Leibler divergence of a vector's posterior from N(0, I).

        ``½ (Σ δ² + Σ B² + μᵀμ - k - log det Σ)``, with ``log det Σ = Σ log δ² + log det(I + Bᵀ diag(δ⁻²) B)``.
        """
        mean, factor = self.mean[number], self.factor[number]
        variance = softplus(self.scale[number]).square()
        with torch.autocast(mean.device.type, enabled=False):  # there are no determinants in bfloat16
            inner = torch.eye(factor.shape[-1], device=factor.device) + factor.mT @ (factor / variance.unsqueeze(-1))
            logdet = variance.log().sum() + torch.linalg.slogdet(inner).logabsdet
        return 0.5 * (variance.sum() + factor.square().sum() + mean.square().sum() - mean.numel() - logdet)


class GeneratedHead:
    """A linear layer a sample, whose logits are averaged.

    Shapes:
        weight: ``(samples, num_labels, hidden)``; bias: ``(samples, num_labels)``.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        # The average of linear layers' logits is that of the average layer.
        self.weight, self.bias = weight.mean(0), bias.mean(0)

    def __call__(self, hidden: Tensor) -> Tensor:
        """Shapes: hidden ``(..., hidden)``, result ``(..., num_labels)``."""
        return linear(hidden, self.weight, self.bias)


class PSFMethod(Method):
    """Fine-tunes the backbone, and generates a pair's tag head from a task's and a language's latent vectors."""

    learning_rate = 1e-5
    warmup_ratio = 0.05
    needs_labels: ClassVar[bool] = True
    numbered: ClassVar[dict[str, Literal["language", "task"]]] = {
        "languages": "language",
        **dict.fromkeys(("tasks", "means", "scales", "biases"), "task"),
    }

    def __init__(self, config: PSFConfig, shape: MatrixShape) -> None:
        super().__init__(config, shape)
        self.languages = LowRankGaussian(shape.num_languages, config.latent_size, config.rank)
        self.tasks = LowRankGaussian(shape.num_tasks, config.latent_size, config.rank)
        sizes = [4 * config.latent_size, *[shape.hidden_size] * (config.num_layers - 1), config.latent_size]
        self.generator = nn.Sequential()
        for inputs, outputs in pairwise(sizes):
            self.generator.extend([nn.Linear(inputs, outputs), nn.ReLU()])
        labelled = {str(task): labels for task, labels in enumerate(shape.num_labels) if labels}

        def outputs_for(width: int) -> nn.ModuleDict:
            return nn.ModuleDict({t: nn.Linear(config.latent_size, labels * width) for t, labels in labelled.items()})

        self.means, self.scales, self.biases = map(outputs_for, (shape.hidden_size, shape.hidden_size, 1))
        for name, parameter in self.scales.named_parameters():
            # A softplus makes the bias HEAD_STD.
            nn.init.constant_(parameter, math.log(math.expm1(HEAD_STD)) if name.endswith("bias") else 0.0)
        # The latent vectors and the generator start from nothing, as a head does; only the backbone needs small steps.
        self.learning_rates = {"method.*": 1e-3, "heads.*.biaffine.*": BIAFFINE_LEARNING_RATE}

    def backbone_parameters(self, backbone: Backbone) -> dict[str, nn.Parameter]:
        """Return all parameters of the encoder, the word embeddings only where they are not frozen."""
        return backbone.all_parameters(freeze_embeddings=self.config.freeze_embeddings)

    def forward(self, tasks: Tensor, languages: Tensor) -> Adapters | None:
        """Return None: there are no adapters."""
        return None

    def head(
        self, task: Tensor, language: Tensor, default: nn.Module
    ) -> tuple[GeneratedHead | nn.Module, Tensor | None]:
        """Return a pair's head, from samples in training and from the posteriors' means else, and its divergence.

        A task without labels keeps its own head.
        """
        key = str(int(task))
        if key not in self.means:
            return default, None
        samples = self.config.num_samples if self.training else 1
        latent = [self._sample(self.languages, language, samples), self._sample(self.tasks, task, samples)]
        features = self._features(*latent)
        mean = self.means[key](features)
        scale = softplus(at_least_float32(self.scales[key](features)))
        weight = mean + scale * torch.randn_like(scale) if self.training else mean
        head = GeneratedHead(weight.unflatten(-1, (-1, self.shape.hidden_size)), self.biases[key](features))
        own = 0.5 * (scale.square() + at_least_float32(mean).square() - 1 - 2 * scale.log()).sum(-1).mean()
        divergence = own + self.languages.divergence(language) + self.tasks.divergence(task)
        return head, self.config.kl_weight * divergence

    def _sample(self, posteriors: LowRankGaussian, number: Tensor, samples: int) -> Tensor:
        if not self.training:
            return posteriors.mean[number].expand(samples, -1)
        noise = torch.randn(samples, self.config.latent_size, device=number.device)
        factor_noise = torch.randn(samples, self.config.rank, device=number.device)
        return posteriors.sample(number, noise, factor_noise)

    def _features(self, language: Tensor, task: Tensor) -> Tensor:
        return self.generator(torch.cat([language, task, language - task, language * task], dim=-1))

"""The hypernetwork: (task, language, layer) embeddings in, flat adapter weights out."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class SourceProjector(nn.Module):
    """``s_p = W2 ReLU(W1 s_h)`` (Üstün et al. 2022, eq. 5)."""

    def __init__(self, *, input_size: int, output_size: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(input_size, input_size, bias=False)
        self.output = nn.Linear(input_size, output_size, bias=False)

    def forward(self, source: Tensor) -> Tensor:
        """Shapes: source ``(..., input_size)``, result ``(..., output_size)``."""
        return self.output(torch.relu(self.hidden(source)))


class Hypernetwork(nn.Module):
    """Writes the adapter weights of every layer for any (task, language) pair (Üstün et al. 2022, eq. 2 to 5).

    One linear generator is shared by all layers, tasks and languages.

    Args:
        num_tasks, num_languages, num_layers: sizes of the three embedding tables.
        output_size: numbers in one site's flat adapter weights.
        projection_size: ``d_p``, 192 in Hyper-X Base and 32 in Small.
        embedding_size: size of each of the three embeddings.
    """

    def __init__(
        self,
        *,
        num_tasks: int,
        num_languages: int,
        num_layers: int,
        output_size: int,
        projection_size: int,
        embedding_size: int = 64,
    ) -> None:
        super().__init__()
        self.task_embeddings = nn.Embedding(num_tasks, embedding_size)
        self.language_embeddings = nn.Embedding(num_languages, embedding_size)
        self.layer_embeddings = nn.Embedding(num_layers, embedding_size)
        self.projector = SourceProjector(input_size=3 * embedding_size, output_size=projection_size)
        self.generator = nn.Linear(projection_size, output_size)

    def project(self, tasks: Tensor, languages: Tensor) -> Tensor:
        """Return ``s_p`` of each pair at each layer.

        Shapes:
            tasks, languages: ``(pairs,)`` indices.
            result: ``(pairs, layers, projection_size)``
        """
        layers = self.layer_embeddings.weight
        # eq. 4: s_h = s_l ⊕ s_t ⊕ s_i
        source = torch.cat(
            [
                self.language_embeddings(languages)[:, None].expand(-1, len(layers), -1),
                self.task_embeddings(tasks)[:, None].expand(-1, len(layers), -1),
                layers.expand(tasks.shape[0], -1, -1),
            ],
            dim=-1,
        )
        return self.projector(source)

    def forward(self, tasks: Tensor, languages: Tensor, base: Tensor | None = None) -> list[Tensor]:
        """Return the flat adapter weights of each pair, a tensor a layer.

        Args:
            base: what is added to every pair's weights.

        Shapes:
            tasks, languages: ``(pairs,)`` indices.
            base: ``(layers, output_size)``
            result: ``(pairs, output_size)`` each.
        """
        source = self.project(tasks, languages)
        weight, bias = self.generator.weight, self.generator.bias
        # The base goes in as a bias: adding it to what was generated would cost more than generating it.
        biases = bias.expand(source.shape[1], -1) if base is None else bias + base
        if tasks.shape[0] == 1:  # one product for all layers, and one for their gradients
            return list(torch.addmm(biases, source[0], weight.mT).unsqueeze(1))
        return [functional.linear(source[:, layer].contiguous(), weight, bias) for layer, bias in enumerate(biases)]

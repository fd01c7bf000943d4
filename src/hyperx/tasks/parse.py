"""Dependency parsing: a deep biaffine parser (Dozat and Manning, ICLR 2017) over words' first pieces."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerBase

from hyperx.data.annotation import DEPREL, HEAD, Columns
from hyperx.data.sentence import Sentence
from hyperx.encoding import encode
from hyperx.metrics import Metric, ratio
from hyperx.precision import at_least_float32
from hyperx.spanning_tree import best_tree
from hyperx.tasks.base import IGNORED, Example
from hyperx.tasks.tagging import TaggingTask

ARC_SIZE, RELATION_SIZE, DROPOUT = 256, 64, 0.33
ACROSS = "parataxis"  # relation of an arc from one chunk of a long sentence to another, which the parser does not see
_ARC = re.compile(r"([0-9]{1,9}):(\S+)")

# https://universaldependencies.org/u/dep/
RELATIONS = (
    "root", "acl", "advcl", "advmod", "amod", "appos", "aux", "case", "cc", "ccomp", "clf", "compound", "conj",
    "cop", "csubj", "dep", "det", "discourse", "dislocated", "expl", "fixed", "flat", "goeswith", "iobj", "list",
    "mark", "nmod", "nsubj", "nummod", "obj", "obl", "orphan", "parataxis", "punct", "reparandum", "vocative",
    "xcomp",
)  # fmt: skip


def split_arc(tag: str) -> tuple[int, str]:
    """Return the head's number and the relation of ``2:nsubj``."""
    head, _, relation = tag.partition(":")
    return int(head), relation


def _count(gold: Sequence[str], predicted: Sequence[str]) -> tuple[int, int, int]:
    """Return how many words have the right head and universal relation, the right head, and how many there are.

    As the CoNLL 2018 shared task scores: a relation's subtype does not count, and punctuation does.
    """
    arcs = [(split_arc(a), split_arc(b)) for a, b in zip(gold, predicted, strict=True)]
    attached = [_universal(a[1]) == _universal(b[1]) for a, b in arcs if a[0] == b[0]]
    return sum(attached), len(attached), len(arcs)


def _universal(relation: str) -> str:
    return relation.partition(":")[0]


LAS = Metric(
    "las",
    _count,
    lambda counts: ratio(counts[..., 0], counts[..., -1]),
    {"uas": lambda counts: ratio(counts[..., 1], counts[..., -1])},
)


class Biaffine(nn.Module):
    """``s_o(d, h) = [d; 1]ᵀ U_o [h; 1]``, of a projection of each dependent d and another of each head h."""

    def __init__(self, hidden_size: int, size: int, num_outputs: int) -> None:
        super().__init__()
        self.dependent, self.head = (
            nn.Sequential(nn.Linear(hidden_size, size), nn.LeakyReLU(0.1), nn.Dropout(DROPOUT)) for _ in range(2)
        )
        self.weight = nn.Parameter(torch.zeros(num_outputs, size + 1, size + 1))

    def forward(self, dependents: Tensor, heads: Tensor) -> Tensor:
        """Shapes: dependents, heads ``(..., hidden)``, whose dimensions are broadcast; result ``(..., num_outputs)``."""
        d, h = (nn.functional.pad(x, (0, 1), value=1.0) for x in (self.dependent(dependents), self.head(heads)))
        return torch.einsum("...i,oij,...j->...o", d, self.weight.to(d.dtype), h)


class ParserHead(nn.Module):
    """Scores of arcs and of their relations; the root is a learned vector before the words."""

    def __init__(self, hidden_size: int, num_relations: int) -> None:
        super().__init__()
        self.root = nn.Parameter(torch.zeros(hidden_size))
        # Under one name, by which methods with a small learning rate give new layers a larger one.
        self.biaffine = nn.ModuleDict(
            {
                "arcs": Biaffine(hidden_size, ARC_SIZE, 1),
                "relations": Biaffine(hidden_size, RELATION_SIZE, num_relations),
            }
        )

    def heads(self, words: Tensor) -> Tensor:
        """Shapes: words ``(..., words, hidden)``; result, with the root first, ``(..., words + 1, hidden)``."""
        return torch.cat([self.root.to(words.dtype).expand(*words.shape[:-2], 1, -1), words], dim=-2)

    def arcs(self, words: Tensor) -> Tensor:
        """Return each word's scores of its possible heads, in float32, ``(..., words, words + 1)``."""
        return at_least_float32(self.biaffine["arcs"](words.unsqueeze(-2), self.heads(words).unsqueeze(-3)).squeeze(-1))

    def relations(self, words: Tensor, heads: Tensor) -> Tensor:
        """Return the relations' scores of words and heads, in float32; shapes as in `Biaffine`."""
        return at_least_float32(self.biaffine["relations"](words, heads))


class DependencyParsing(TaggingTask):
    """Trees with one root, scored by LAS and UAS; a word's annotation is its head's number and relation, ``2:nsubj``."""

    name = "parse"
    metric: Metric = LAS
    exclusive: ClassVar[bool] = False
    default_labels: ClassVar[Sequence[str]] = RELATIONS
    json_keys: ClassVar[tuple[str, ...]] = ("head:deprel", "tags")
    no_label = [IGNORED, IGNORED]  # noqa: RUF012

    def find_labels(self, gold: Iterable[str]) -> list[str]:
        """Return the universal relations, and those with subtypes that the data has."""
        return [*RELATIONS, *sorted({split_arc(tag)[1] for tag in set(gold)} - set(RELATIONS))]

    @property
    def num_logits(self) -> int:
        """None: the head is biaffine."""
        return 0

    def head(self, encoder: nn.Module, config: Any) -> nn.Module:
        """Return a new biaffine head."""
        return ParserHead(config.hidden_size, len(self.labels))

    def encode(
        self, sentences: Sequence[Sentence], tokenizer: PreTrainedTokenizerBase, *, max_length: int
    ) -> Iterator[Example]:
        """Encode sentences; a word's labels are its head's number in the chunk, 0 for the root, and its relation.

        A head in another chunk of a long sentence is ignored.
        """
        words = [sentence.words for sentence in sentences]
        for chunk in encode(words, tokenizer, max_length=max_length):
            sentence = sentences[chunk.sentence]
            labels = None
            if sentence.tags is not None:
                labels = []
                for tag in sentence.tags[chunk.start : chunk.start + len(chunk.positions)]:
                    head, relation = split_arc(tag)
                    own = head - chunk.start if head else 0
                    inside = not head or 0 < own <= len(chunk.positions)
                    labels.append([own if inside else IGNORED, self._number(relation, sentence)])
            yield Example(chunk.sentence, chunk.input_ids, chunk.positions, labels)

    def loss(self, head: Callable[[Tensor], Tensor], hidden: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy over words of their heads, and of their relations given the gold heads."""
        assert isinstance(head, ParserHead)
        is_word = labels[..., 1] != IGNORED
        lengths = is_word.sum(1)
        # The words first, in their order: (batch, words)
        index = (~is_word).to(torch.int8).argsort(dim=1, stable=True)[:, : int(lengths.max())]
        rows = torch.arange(len(index), device=index.device)[:, None]
        words = hidden[rows, index]
        gold_heads, gold_relations = labels[rows, index].unbind(-1)
        arcs = head.arcs(words)
        beyond = torch.arange(arcs.shape[-1], device=arcs.device) > lengths[:, None, None]
        known = gold_heads != IGNORED
        arc_loss = cross_entropy(arcs.masked_fill(beyond, -torch.inf)[known], gold_heads[known], reduction="sum")
        relations = head.relations(words[known], head.heads(words)[rows, gold_heads.clamp(min=0)][known])
        relation_loss = cross_entropy(relations, gold_relations[known], reduction="sum")
        return (arc_loss + relation_loss) / known.sum().clamp(min=1)

    def score(
        self, head: Callable[[Tensor], Tensor], hidden: Tensor, positions: Sequence[Sequence[int]]
    ) -> list[Tensor]:
        """Return, of each row, every arc's log-probability and its best relation's number, ``(2, words, words + 1)``.

        The relation ``root`` goes with the root, and with it alone.
        """
        assert isinstance(head, ParserHead)
        root = self._numbers["root"]
        scores = []
        for row, own in zip(hidden, positions, strict=True):
            words = row[list(own)]
            relations = head.relations(words.unsqueeze(-2), head.heads(words).unsqueeze(-3))
            relations[:, 1:, root] = -torch.inf
            best = relations.argmax(-1)
            best[:, 0] = root
            scores.append(torch.stack([head.arcs(words).log_softmax(-1), best.float()]).cpu())
        return scores

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Return all words' scores, ``(3, words, longest chunk + 1)``; third are the heads' numbers."""
        width = max(part.shape[2] for part in parts)
        joined, start = [], 0
        for part in parts:
            numbers = torch.arange(start, start + part.shape[2], dtype=part.dtype)
            numbers[0] = 0
            whole = torch.cat([part, numbers.expand(1, *part.shape[1:])])
            joined.append(nn.functional.pad(whole, (0, width - part.shape[2])))
            start += part.shape[1]
        return torch.cat(joined, dim=1)

    def decode(self, scores: Tensor) -> list[str]:
        """Return each chunk's best tree, the others' roots under the likeliest root.

        Shapes:
            scores: ``(3, words, longest chunk + 1)``, as `join` gives them.
        """
        if not scores.shape[1]:
            return []
        arcs, relations, numbers = scores.double().numpy()
        starts = np.unique(numbers[:, 1]).astype(int) - 1
        columns = [
            column
            for start, end in pairwise([*starts, len(arcs)])
            for column in best_tree(arcs[start:end, : end - start + 1])
        ]
        first = max((word for word, column in enumerate(columns) if not column), key=lambda word: arcs[word, 0])
        return [
            f"{numbers[word, column]:.0f}:{self.labels[int(relations[word, column])]}"
            if column or word == first
            else f"{first + 1}:{ACROSS}"
            for word, column in enumerate(columns)
        ]

    def confidences(self, scores: Tensor, tags: Sequence[str], temperature: float = 1.0) -> list[float]:
        """Return the heads' probabilities, each word's by itself; of one in another chunk, that of a root."""
        found = []
        for own, numbers, tag in zip(scores[0], scores[2], tags, strict=True):
            columns = (numbers == split_arc(tag)[0]).nonzero()
            found.append(own[columns[0, 0] if len(columns) else 0].exp().item())
        return found

    def is_tag(self, text: str) -> bool:
        """Return whether it is an arc."""
        return bool(_ARC.fullmatch(text))

    def problem(self, tag: str, num_words: int) -> str | None:
        """Return what is wrong with an arc."""
        if not self.is_tag(tag):
            return (
                "is not a head and its relation; expected the like of 2:nsubj, in CoNLL-U the columns HEAD and DEPREL"
            )
        head = split_arc(tag)[0]
        return None if head <= num_words else f"has the head {head}, but the sentence has {num_words} words; correct it"

    def sentence_problem(self, tags: Sequence[str]) -> tuple[int, str] | None:
        """Return a word whose heads lead back to it."""
        heads = [0, *(split_arc(tag)[0] for tag in tags)]
        rooted = {0}
        for word in range(1, len(heads)):
            path: list[int] = []
            while word not in rooted:
                path.append(word)
                rooted.add(word)
                word = heads[word]
            if word in path:
                circle = path[path.index(word) :]
                shown = " → ".join(map(str, [*circle[:8], *["…"] * (len(circle) > 8), word]))
                return word - 1, f"is in no tree, its heads lead back to it ({shown}); correct one of them"
        return None

    def rename(self, tag: str, label_map: Mapping[str, str]) -> str:
        """Rename the relation."""
        head, colon, relation = tag.partition(":")
        return f"{head}{colon}{label_map.get(relation, relation)}"

    def counted(self, tags: Sequence[str]) -> Iterable[str]:
        """Return the relations."""
        return [split_arc(tag)[1] for tag in tags]

    def from_conllu(self, words: Sequence[Columns], comments: Mapping[str, str]) -> tuple[str, ...]:
        """Return HEAD and DEPREL."""
        return tuple(f"{columns[HEAD]}:{columns[DEPREL]}" for columns in words)

    def to_conllu(self, words: Sequence[Columns], comments: MutableMapping[str, str], tags: Sequence[str]) -> None:
        """Set HEAD and DEPREL."""
        for columns, tag in zip(words, tags, strict=True):
            columns[HEAD], _, columns[DEPREL] = tag.partition(":")

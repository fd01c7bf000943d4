"""The biaffine parser: its equations written out, its loss and trees, and how it is scored."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, leaky_relu

from hyperx.data.read import read_sentences
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.tasks.base import IGNORED
from hyperx.tasks.parse import LAS, Biaffine, DependencyParsing, ParserHead

# A multiword token (2-3) and an empty node (4.1) are no words; heads count words alone.
CONLLU = """# sent_id = 1
1\tVoy\tir\tVERB\t_\t_\t0\troot\t_\t_
2-3\tal\t_\t_\t_\t_\t_\t_\t_\t_
2\ta\ta\tADP\t_\t_\t4\tcase\t_\t_
3\tel\tel\tDET\t_\t_\t4\tdet\t_\t_
4\tcine\tcine\tNOUN\t_\t_\t1\tobl:arg\t_\t_
4.1\tvoy\tir\tVERB\t_\t_\t_\t_\t1:conj\t_
"""
GOLD = ("0:root", "4:case", "4:det", "1:obl:arg")


def head(num_relations: int = 3, seed: int = 0) -> ParserHead:
    torch.manual_seed(seed)
    head = ParserHead(8, num_relations).eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.3)
    return head


def written_out(biaffine: Biaffine, dependent: Tensor, head: Tensor, output: int) -> float:
    """[d; 1]ᵀ U [h; 1] of one dependent and one head, sum by sum."""
    d = [*leaky_relu(biaffine.dependent[0](dependent), 0.1).tolist(), 1.0]
    h = [*leaky_relu(biaffine.head[0](head), 0.1).tolist(), 1.0]
    weight = biaffine.weight[output].tolist()
    return sum(d[i] * weight[i][j] * h[j] for i in range(len(d)) for j in range(len(h)))


@torch.no_grad()
def test_scores_are_the_equation_written_out() -> None:
    own = head()
    words = torch.randn(2, 3, 8)
    arcs, relations = own.arcs(words), own.relations(words.unsqueeze(-2), own.heads(words).unsqueeze(-3))
    assert arcs.shape == (2, 3, 4)
    assert relations.shape == (2, 3, 4, 3)
    for row, dependent, number in np.ndindex(2, 3, 4):
        above = own.root if number == 0 else words[row, number - 1]
        expected = written_out(own.biaffine["arcs"], words[row, dependent], above, 0)
        assert float(arcs[row, dependent, number]) == pytest.approx(expected, abs=1e-3)
        expected = written_out(own.biaffine["relations"], words[row, dependent], above, 2)
        assert float(relations[row, dependent, number, 2]) == pytest.approx(expected, abs=1e-3)


def test_the_loss_is_that_of_each_sentence_alone() -> None:
    task, own = DependencyParsing(["root", "case", "obl"]), head()
    hidden = torch.randn(2, 6, 8)
    labels = torch.full((2, 6, 2), IGNORED)
    labels[0, [1, 3, 4]] = torch.tensor([[2, 1], [0, 0], [2, 2]])  # first pieces at 1, 3 and 4
    labels[1, [1, 2]] = torch.tensor([[0, 0], [IGNORED, 2]])  # the second word's head is in another chunk
    loss = task.loss(own, hidden, labels)
    total = torch.tensor(0.0)
    for row, words, arcs in ((0, [1, 3, 4], [(0, 2, 1), (1, 0, 0), (2, 2, 2)]), (1, [1, 2], [(0, 0, 0)])):
        states = hidden[row, words]
        above = torch.cat([own.root[None], states])
        for word, gold_head, relation in arcs:
            total += cross_entropy(own.arcs(states)[word], torch.tensor(gold_head))
            total += cross_entropy(own.relations(states[word], above[gold_head]), torch.tensor(relation))
    torch.testing.assert_close(loss, total / 4)
    nothing = task.loss(own, hidden, torch.tensor([[[IGNORED, 1]] * 6] * 2))
    assert nothing.item() == 0


@torch.no_grad()
def test_trees_have_one_root_and_no_other_word_that_relation() -> None:
    task = DependencyParsing(["root", "case", "parataxis", "obl"])
    own = head(4)
    hidden = torch.randn(8, 9, 8)
    positions = [[1, 2, 4, 5, 7], [3], [], *[[1, 2, 3, 4, 5, 6, 7]] * 5]
    for scores, words in zip(task.score(own, hidden, positions), positions, strict=True):
        arcs = task.decode(task.join([scores]))
        assert len(arcs) == len(words)
        assert sum(arc.startswith("0:") for arc in arcs) == min(1, len(words))
        assert all((arc == "0:root") == ("root" in arc) for arc in arcs)


@torch.no_grad()
def test_the_chunks_of_a_long_sentence_become_one_tree() -> None:
    task, own = DependencyParsing(["root", "case", "parataxis", "obl"]), head(4)
    parts = task.score(own, torch.randn(3, 9, 8), [[1, 2, 3, 4], [1, 2], [1, 2, 3, 4, 5]])
    scores = task.join(parts)
    arcs = task.decode(scores)
    assert len(arcs) == 11
    heads = [int(arc.split(":")[0]) for arc in arcs]
    assert heads.count(0) == 1
    chunk = [0] * 4 + [1] * 2 + [2] * 5
    across = [word for word, above in enumerate(heads) if above and chunk[above - 1] != chunk[word]]
    assert len(across) == 2  # each other chunk hangs on the tree by one arc
    assert all(arcs[word].endswith(":parataxis") for word in across)
    for word in range(11):
        for _ in range(11):
            word = heads[word] - 1 if word >= 0 else word
        assert word == -1, "a cycle"
    alone = [task.decode(task.join([part])) for part in parts]
    roots = [start + arcs.index("0:root") for start, arcs in zip((0, 4, 6), alone, strict=True)]
    likeliest = max(roots, key=lambda word: scores[0, word, 0])
    assert [heads[word] for word in roots] == [0 if word == likeliest else likeliest + 1 for word in roots]
    confidences = task.confidences(scores, arcs)
    for start, part, own in zip((0, 4, 6), parts, alone, strict=True):
        for word, arc in enumerate(own):
            above = int(arc.split(":")[0])
            assert heads[start + word] == start + above or start + word in roots
            assert confidences[start + word] == pytest.approx(part[0, word, above].exp().item())


def test_arcs_are_read_and_written_as_conllu_has_them(tmp_path: Path) -> None:
    path = tmp_path / "a.conllu"
    path.write_text(CONLLU)
    (sentence,) = read_sentences(path, task="parse")
    assert (sentence.words, sentence.tags) == (("Voy", "a", "el", "cine"), GOLD)
    assert next(read_sentences(path, task="parse", label_map={"obl:arg": "obl"})).tags == (*GOLD[:3], "1:obl")
    words = [line.split("\t") for line in CONLLU.splitlines() if line[:2] in ("1\t", "2\t", "3\t", "4\t")]
    DependencyParsing().to_conllu(words, {}, ("2:obl", "0:root", "2:nmod:poss", "2:punct"))
    assert [columns[6:8] for columns in words] == [["2", "obl"], ["0", "root"], ["2", "nmod:poss"], ["2", "punct"]]


def test_json_has_arcs_or_heads_and_relations(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    arcs = {"tokens": ["the", "cat"], "parse_tags": ["2:det", "0:root"]}
    columns = {"tokens": ["the", "cat"], "head": ["2", "0"], "deprel": ["det", "root"]}
    path.write_text(f"{json.dumps(arcs)}\n{json.dumps(columns)}\n")
    assert [sentence.tags for sentence in read_sentences(path, task="parse")] == [("2:det", "0:root")] * 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\t4\tdet", "\t9\tdet", "has the head 9, but the sentence has 4 words"),
        ("\t4\tdet", "\t_\t_", "'_:_' is not a head"),
    ],
)
def test_arcs_that_can_not_be_are_a_clear_error(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "a.conllu"
    path.write_text(CONLLU.replace(old, new))
    with pytest.raises(HyperXError, match=message) as error:
        list(read_sentences(path, task="parse"))
    assert f"{path}:1, word 3 ('el')" in str(error.value)


@pytest.mark.parametrize(
    ("heads", "word", "shown"),
    [
        ([2, 1], 1, "1 → 2 → 1"),
        ([0, 1, 3], 3, "3 → 3"),
        ([0, 3, 4, 3, 2], 3, "3 → 4 → 3"),
        ([*range(2, 31), 1], 1, "7 → 8 → … → 1"),
    ],
)
def test_heads_that_go_round_in_a_circle_are_a_clear_error(
    tmp_path: Path, heads: list[int], word: int, shown: str
) -> None:
    path = tmp_path / "a.jsonl"
    tags = [f"{head}:dep" for head in heads]
    path.write_text(json.dumps({"tokens": ["a"] * len(heads), "parse": tags}) + "\n")
    with pytest.raises(HyperXError, match=f"{shown}\\); correct one") as error:
        list(read_sentences(path, task="parse"))
    assert f"word {word} ('a'): '{tags[word - 1]}' is in no tree" in str(error.value)


def test_a_long_chain_of_heads_is_a_tree() -> None:
    assert DependencyParsing(["dep"]).sentence_problem([f"{head}:dep" for head in range(50_000)]) is None


def test_scores_are_the_shared_tasks() -> None:
    """A relation's subtype does not count; punctuation does; UAS is LAS without relations."""
    gold = ("0:root", "4:case", "4:det", "1:obl:arg", "1:punct")
    predicted = ("0:root", "4:mark", "1:det", "1:obl", "1:punct")
    counts = np.array([LAS.count(gold, predicted), LAS.count(gold, gold)])
    assert counts.tolist() == [[3, 4, 5], [5, 5, 5]]
    assert LAS.score(counts.sum(0)) == pytest.approx(80)
    assert LAS.others["uas"](counts.sum(0)) == pytest.approx(90)


def test_labels_are_the_universal_relations_and_the_subtypes_found() -> None:
    labels = DependencyParsing().find_labels(GOLD)
    assert len(labels) == 38
    assert labels[-1] == "obl:arg"


def test_a_head_in_another_chunk_is_ignored(tokenizer) -> None:
    task = DependencyParsing()
    words = ("the", "cat", "saw", "a", "dog", "near", "Paris") * 3
    tags = tuple("0:root" if number == 0 else f"{number}:dep" for number in range(len(words)))
    examples = list(task.encode([Sentence(words, tags)], tokenizer, max_length=12))
    assert len(examples) > 1
    dep, root = task.labels.index("dep"), task.labels.index("root")
    assert examples[0].labels[:2] == [[0, root], [1, dep]]
    assert examples[1].labels[:2] == [[IGNORED, dep], [1, dep]]
    with pytest.raises(HyperXError, match="'nmod:x' is not a label of the task 'parse'"):
        list(task.encode([Sentence(("the",), ("0:nmod:x",), "f:1")], tokenizer, max_length=12))

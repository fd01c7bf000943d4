"""The best dependency tree: a maximum spanning arborescence with one root (Chu and Liu, 1965; Edmonds, 1967).

A cycle is contracted in place, as Tarjan (1977) does, so that n words take a time and a memory of n².
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Nodes = NDArray[np.int64]


class _Contraction(NamedTuple):
    """A cycle that became its first node.

    Attributes:
        cycle, heads: its nodes and the arcs between them.
        entry: by head, the cycle's node that the best arc from there leads to.
        exit: by node, the cycle's node that its best arc from the cycle comes from.
    """

    cycle: Nodes
    heads: Nodes
    entry: Nodes
    exit: Nodes


def best_tree(scores: np.ndarray) -> list[int]:
    """Return each word's head in the tree with the highest sum of scores in which one word alone hangs on the root.

    Shapes:
        scores: ``(words, words + 1)``, finite, of each word's possible heads: the root, then the words; a word's score of
            itself does not count.
    """
    size = len(scores)
    if not size:
        return []
    full = np.full((size + 1, size + 1), -np.inf)
    full[1:] = scores
    # A second root costs more than all else could gain.
    full[1:, 0] -= 1 + size * (scores.max() - scores.min())
    np.fill_diagonal(full, -np.inf)
    return _edmonds(full)[1:].tolist()


def _edmonds(scores: np.ndarray) -> Nodes:
    """Return each node's head; node 0 is the root. ``scores``: ``(node, head)``, which are overwritten."""
    heads = scores.argmax(1)
    heads[0] = 0
    done = np.zeros(len(scores), dtype=bool)
    done[0] = True
    contractions: list[_Contraction] = []
    for start in range(1, len(scores)):
        path: list[int] = []
        node = start
        while not done[node]:
            if node in path:
                cycle = np.array(path[path.index(node) :])
                del path[path.index(node) :]
                contractions.append(_contract(scores, heads, cycle))
                done[cycle[1:]] = True
                node = int(cycle[0])
            path.append(node)
            node = int(heads[node])
        done[path] = True
    for contraction in reversed(contractions):
        _expand(heads, contraction)
    return heads


def _contract(scores: np.ndarray, heads: Nodes, cycle: Nodes) -> _Contraction:
    """Let a cycle's first node stand for all of it; an arc into it is worth what it gains over the arc that it replaces."""
    node, rest = cycle[0], cycle[1:]
    into = scores[cycle] - scores[cycle, heads[cycle]][:, None]
    out = scores[:, cycle]
    found = _Contraction(cycle, heads[cycle], cycle[into.argmax(0)], cycle[out.argmax(1)])
    scores[node], scores[:, node] = into.max(0), out.max(1)
    scores[node, node] = -np.inf
    scores[:, rest] = -np.inf
    scores[node, rest] = -np.inf
    heads[np.isin(heads, cycle)] = node
    heads[node] = scores[node].argmax()
    return found


def _expand(heads: Nodes, contraction: _Contraction) -> None:
    """Give a cycle's nodes their heads back, but for the one that the arc into it leads to."""
    cycle, own, entry, exit = contraction
    node = cycle[0]
    head = heads[node]
    below = heads == node
    heads[below] = exit[below]
    heads[cycle] = own
    heads[entry[head]] = head

"""The best dependency tree: a maximum spanning arborescence with one root (Chu and Liu, 1965; Edmonds, 1967)."""

import numpy as np


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


def _edmonds(scores: np.ndarray) -> np.ndarray:
    """Return each node's head; node 0 is the root. ``scores``: ``(node, head)``."""
    heads = scores.argmax(1)
    heads[0] = 0
    cycle = _cycle(heads)
    if cycle is None:
        return heads
    # The cycle becomes one node, the last; an arc into it is worth what it gains over the cycle's arc that it replaces.
    rest = np.setdiff1d(np.arange(len(scores)), cycle)
    node = len(rest)
    contracted = np.full((node + 1, node + 1), -np.inf)
    contracted[:node, :node] = scores[np.ix_(rest, rest)]
    out = scores[np.ix_(rest, cycle)]
    into = scores[np.ix_(cycle, rest)] - scores[cycle, heads[cycle]][:, None]
    contracted[:node, node] = out.max(1)
    contracted[node, :node] = into.max(0)
    best = _edmonds(contracted)
    for number in range(1, node):
        head = best[number]
        heads[rest[number]] = cycle[out[number].argmax()] if head == node else rest[head]
    heads[cycle[into[:, best[node]].argmax()]] = rest[best[node]]
    return heads


def _cycle(heads: np.ndarray) -> np.ndarray | None:
    """Return the nodes of a cycle, or None where there is none."""
    done = {0}
    for start in range(1, len(heads)):
        path: list[int] = []
        node = start
        while node not in done and node not in path:
            path.append(node)
            node = int(heads[node])
        if node in path:
            return np.array(path[path.index(node) :])
        done.update(path)
    return None

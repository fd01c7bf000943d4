"""Batches of rows of like lengths."""

from collections.abc import Sequence

OVERHEAD = {"cpu": 64, "cuda": 4096}
"""What a batch costs beside its rows, in pieces read meanwhile: on two cores 8 ms, at 0.12 a piece; a GPU's is a guess."""


def even_batches(
    lengths: Sequence[int], *, batch_size: int, max_tokens: int | None = None, device: str = "cpu"
) -> list[list[int]]:
    """Return the numbers of each batch's rows: of all divisions of the rows by length, the one that costs least.

    A batch costs its pieces, padding counted, and an overhead. The longest rows come first: memory runs out at once or never.

    Args:
        lengths: of the rows, in pieces.
        batch_size: rows in a batch at most.
        max_tokens: in a batch, padding counted; a longer row is a batch of its own.
    """
    overhead = OVERHEAD.get(device, OVERHEAD["cuda"])
    order = sorted(range(len(lengths)), key=lambda number: -lengths[number])
    # costs[n]: the least cost of the first n rows; starts[n]: where their last batch starts.
    costs, starts = [0.0], [0]
    for end in range(1, len(order) + 1):
        best = (float("inf"), end - 1)
        for start in range(end - 1, max(-1, end - 1 - batch_size), -1):
            pieces = (end - start) * lengths[order[start]]
            if max_tokens is not None and pieces > max_tokens and end - start > 1:
                break
            best = min(best, (costs[start] + overhead + pieces, start))
        costs.append(best[0])
        starts.append(best[1])
    batches: list[list[int]] = []
    end = len(order)
    while end:
        batches.append(order[starts[end] : end])
        end = starts[end]
    return batches[::-1]

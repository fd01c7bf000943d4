"""Dropout that is the same on one process and on several."""

from torch import Tensor, nn


class Dropout(nn.Module):
    """Drops numbers of a batch's rows by a mask over all rows, those of other processes among them.

    Attributes:
        share: the number of rows that are other processes' and before this one's, and of all rows; None where all are its own.
            All processes must draw from the same random state.
    """

    share: tuple[int, int] | None = None

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, hidden: Tensor) -> Tensor:
        """Shapes: hidden ``(rows, ...)``, result likewise."""
        if not self.training or self.share is None:
            return nn.functional.dropout(hidden, self.p, self.training)
        before, total = self.share
        mask = nn.functional.dropout(hidden.new_ones(total, *hidden.shape[1:]), self.p)
        return hidden * mask[before : before + len(hidden)]

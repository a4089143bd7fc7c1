"""Tiers: `top` is the 1 % of merchants with the most approvals over the last 7 days, the rest is `tail`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOP_SHARE_PERCENT = 1


def top_merchants(approvals_week: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which merchants are `top`; shape (merchants,) in and out.

    At least one merchant is top as soon as one has an approval. Of equals, the one known longer (the
    lower position) comes first, so the answer does not depend on chance.
    """
    active = int(np.count_nonzero(approvals_week))
    wanted = -(-active * TOP_SHARE_PERCENT // 100)
    top = np.zeros(len(approvals_week), np.bool_)
    top[np.argsort(-approvals_week, kind="stable")[:wanted]] = True
    return top

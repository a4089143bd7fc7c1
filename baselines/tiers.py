"""Tiers: `top` is the 1 % of merchants with the most approvals over the last 7 days, the rest is `tail`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOP_SHARE_PERCENT = 1


def top_merchants(approvals_week: NDArray[np.int64], merchant_ids: pl.Series) -> NDArray[np.bool_]:
    """Which merchants are `top`; shape (merchants,) in and out, `merchant_ids` names each place.

    At least one merchant is top as soon as one has an approval. Of equals, the lower id comes first: the
    order in which merchants became known differs between a long run and a rebuild, and must not matter.
    """
    active = int(np.count_nonzero(approvals_week))
    wanted = -(-active * TOP_SHARE_PERCENT // 100)
    merchants = pl.DataFrame({"approvals": approvals_week, "merchant_id": merchant_ids})
    ranked = merchants.with_row_index("position")
    first = ranked.sort("approvals", "merchant_id", descending=[True, False]).head(wanted)
    top = np.zeros(len(approvals_week), np.bool_)
    top[first["position"].to_numpy()] = True
    return top

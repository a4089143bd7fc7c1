"""Tiers: `top` is the 1 % of entities with the most rows over the last 7 days, the rest is `tail`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOP_SHARE_PERCENT = 1


def top_entities(rows_week: NDArray[np.int64], ids: pl.Series) -> NDArray[np.bool_]:
    """Which entities are `top`; shape (entities,) in and out, `ids` names each place.

    At least one entity is top as soon as one has a row. Of equals, the lower id comes first: the order in
    which entities became known differs between a long run and a rebuild, and must not matter.
    """
    active = int(np.count_nonzero(rows_week))
    wanted = -(-active * TOP_SHARE_PERCENT // 100)
    ranked = pl.DataFrame({"rows": rows_week, "entity_id": ids}).with_row_index("position")
    first = ranked.sort("rows", "entity_id", descending=[True, False]).head(wanted)
    top = np.zeros(len(rows_week), np.bool_)
    top[first["position"].to_numpy()] = True
    return top

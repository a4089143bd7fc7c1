"""Merchant ids to dense positions, so that every window is one array per measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray


#: Up to so many rows a dictionary is faster than a join, whose start costs as much as thousands of look-ups.
FEW = 20_000


class MerchantIndex:
    """Gives each merchant id (text) a position 0, 1, 2 … in order of first sight, for ever."""

    def __init__(self) -> None:
        self._known = pl.DataFrame(schema={"merchant_id": pl.String, "position": pl.Int64})
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return self._known.height

    @property
    def ids(self) -> pl.Series:
        """All known ids; the id at position i is `ids[i]`."""
        return self._known["merchant_id"]

    def positions(self, merchant_ids: pl.Series) -> NDArray[np.int64]:
        """The position of each id; unknown ids are learned. Shape (n,)."""
        if len(merchant_ids) <= FEW:
            places = [self._places.get(merchant_id, -1) for merchant_id in merchant_ids.to_list()]
            if -1 not in places:
                return np.array(places, np.int64)
        found = self._lookup(merchant_ids)
        if found.null_count():
            self._learn(merchant_ids.filter(found.is_null()).unique(maintain_order=True))
            found = self._lookup(merchant_ids)
        return found.to_numpy()

    def find(self, merchant_id: str) -> int | None:
        """The position of one merchant, None when it is unknown; nothing is learned."""
        return self._places.get(merchant_id)

    def _lookup(self, merchant_ids: pl.Series) -> pl.Series:
        asked = merchant_ids.alias("merchant_id").to_frame()
        return asked.join(self._known, on="merchant_id", how="left", maintain_order="left")["position"]

    def _learn(self, new: pl.Series) -> None:
        start = len(self)
        fresh = pl.DataFrame(
            {"merchant_id": new, "position": np.arange(start, start + len(new), dtype=np.int64)}
        )
        self._known = pl.concat([self._known, fresh], rechunk=True)
        self._places.update(zip(new.to_list(), range(start, start + len(new)), strict=True))

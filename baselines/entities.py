"""Ids of entities to dense positions, so that every window is one array per measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray


#: Up to so many rows a dictionary is faster than a cast, whose start costs as much as thousands of look-ups.
FEW = 20_000


class EntityIndex:
    """Gives each id (text) a position 0, 1, 2 … in order of first sight, for ever."""

    def __init__(self) -> None:
        self._ids = pl.Series("entity_id", [], pl.String)
        self._enum = pl.Enum([])  # of the ids in order; casting to it is the quickest look-up
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> pl.Series:
        """All known ids; the id at position i is `ids[i]`."""
        return self._ids

    def positions(self, ids: pl.Series) -> NDArray[np.int64]:
        """The position of each id; unknown ids are learned. Shape (n,)."""
        if len(ids) <= FEW:
            places = [self._places.get(entity_id, -1) for entity_id in ids.to_list()]
            if -1 not in places:
                return np.array(places, np.int64)
        found = ids.cast(self._enum, strict=False)
        unknown = found.is_null()
        positions = np.array(found.to_physical().fill_null(0), np.int64)
        if unknown.any():
            late = ids.filter(unknown)
            self._learn(late.unique(maintain_order=True))
            positions[unknown.to_numpy()] = late.cast(self._enum).to_physical()
        return positions

    def find(self, entity_id: str) -> int | None:
        """The position of one entity, None when it is unknown; nothing is learned."""
        return self._places.get(entity_id)

    def _learn(self, new: pl.Series) -> None:
        start = len(self)
        self._ids = pl.concat([self._ids, new.rename("entity_id")], rechunk=True)
        self._enum = pl.Enum(self._ids)
        self._places.update(zip(new.to_list(), range(start, len(self)), strict=True))

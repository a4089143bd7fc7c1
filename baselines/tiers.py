"""Tiers: `top` is the 1 % of entities with the most rows over the last 7 days, the rest is `tail`.

Where several shards each know their own entities, every one names its first candidates; the last of all that
are top is the border, by which each shard finds its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

TOP_SHARE_PERCENT: Final = 1
#: Of equals, the lower id (by its UTF-8 bytes) comes first: the order in which entities became known differs
#: between a long run and a rebuild, and must not matter.
_RANKED_BY: Final = pl.Schema({"rows": pl.Int64(), "entity_id": pl.String()})


@dataclass(frozen=True, slots=True)
class Border:
    """The last entity that is top: those with more rows are, and of those with as many the ids up to it."""

    rows: int
    entity_id: str


def taking_part(rows_week: Integers) -> int:
    """How many entities are ranked: those with a row."""
    return int(np.count_nonzero(rows_week))


def wanted(active: int) -> int:
    """How many of so many entities are top: one as soon as one has a row."""
    return -(-active * TOP_SHARE_PERCENT // 100)


def candidates(rows_week: Integers, ids: pl.Series, count: int) -> pl.DataFrame:
    """The first `count` entities with a row, best first: `rows` and `entity_id`.

    Shape (entities,); `ids` (text) names each place. To sort all of them for a few costs 30 times as much.
    """
    count = min(count, taking_part(rows_week))
    if not count:
        return _RANKED_BY.to_frame()
    last = np.partition(rows_week, -count)[-count]
    above, alike = np.flatnonzero(rows_week > last), np.flatnonzero(rows_week == last)
    lowest = ids.gather(alike).bottom_k(count - len(above))
    rows = np.concatenate([rows_week[above], np.full(len(lowest), last)])
    named = pl.DataFrame([pl.Series(rows), ids.gather(above).append(lowest)], schema=_RANKED_BY)
    return named.sort("rows", "entity_id", descending=[True, False])


def border(named: Sequence[pl.DataFrame], count: int) -> Border | None:
    """The entity at place `count` of all that the shards name, each its first `count`; None for place 0."""
    ranked = pl.concat([_RANKED_BY.to_frame(), *named])
    if not count:
        return None
    last = ranked.sort("rows", "entity_id", descending=[True, False]).row(count - 1)
    return Border(*last)


def by_border(rows_week: Integers, ids: pl.Series, last: Border | None) -> Flags:
    """Which entities are top; shape (entities,) in and out."""
    if last is None:
        return np.zeros(len(rows_week), np.bool_)
    top: Flags = rows_week > last.rows
    alike = np.flatnonzero(rows_week == last.rows)
    top[alike] = (ids.gather(alike) <= last.entity_id).to_numpy()
    return top

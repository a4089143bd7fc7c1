"""Two sides of the same rows, compared exactly. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from datetime import datetime


def unlike_minutes(one: pl.DataFrame, other: pl.DataFrame) -> set[datetime]:
    """Minutes whose rows are not the same on both sides, however often a row is there."""
    sides = (one.select(other.columns).with_columns(side=1), other.with_columns(side=-1))
    both = pl.concat(sides).group_by(other.columns).agg(pl.col("side").sum())
    return set(both.filter(pl.col("side") != 0)["minute"])

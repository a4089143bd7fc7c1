"""Rows of the source in words for people: reasons by count, single values made printable. Pure."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.figures import plain

#: So many words are shown.
_SHOWN: Final = 5


def reasons_text(bad: pl.DataFrame) -> str:
    """Reasons by count, unknown words of a column with those met: "kind_unknown 337,000 (PAID, REFUNDED)"."""
    counts = bad.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    parts = [f"{reason} {number:,}{_words(bad, reason)}" for reason, number in counts.iter_rows()]
    return ", ".join(parts)


def _words(bad: pl.DataFrame, reason: str) -> str:
    column = reason.removesuffix("_unknown")
    if column == reason or column not in bad.columns:
        return ""
    met = bad.filter(pl.col("reason") == reason).group_by(column).len()
    first = met.sort(["len", column], descending=[True, False]).head(_SHOWN)[column]
    return f" ({', '.join(plain(word) for word in first)})"

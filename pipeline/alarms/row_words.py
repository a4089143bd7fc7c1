"""Rows of the source in words for people: reasons by count, single values made printable. Pure."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.figures import plain

#: So many words are shown.
_SHOWN: Final = 5


def reasons_text(bad: pl.DataFrame) -> str:
    """Reasons by count, unknown kinds with the words met: "kind_unknown 337,000 (PAID, REFUNDED)"."""
    counts = bad.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    parts = [f"{reason} {number:,}{_words(bad, reason)}" for reason, number in counts.iter_rows()]
    return ", ".join(parts)


def _words(bad: pl.DataFrame, reason: str) -> str:
    if reason != "kind_unknown":
        return ""
    kinds = bad.filter(pl.col("reason") == reason).group_by("kind").len()
    first = kinds.sort(["len", "kind"], descending=[True, False]).head(_SHOWN)["kind"]
    return f" ({', '.join(plain(kind) for kind in first)})"

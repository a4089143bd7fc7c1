"""Values of rows that were set aside, with nothing left of them but their shape. Pure.

What is wrong with a row is often its shape: a word too long, a letter among digits, nothing at all. Whatever
a company wrote there may name a person, so letters and digits are never shown.
"""

from __future__ import annotations

from typing import Final

import polars as pl

#: What a pack's own code wrote, and no source.
_OURS: Final = ("minute", "reason")
LONGEST: Final = 40
_SHAPES: Final = ((r"\p{N}", "0"), (r"\p{L}|\p{M}", "x"))


def masked(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows; of a text each digit is 0 and each letter x, of a number only its digits are counted."""
    return rows.with_columns(_shape(name, kind) for name, kind in rows.schema.items() if name not in _OURS)


def _shape(name: str, kind: pl.DataType) -> pl.Expr:
    if kind.is_temporal():
        return pl.col(name)
    text = pl.col(name).cast(pl.String).str.slice(0, LONGEST)
    for letters, shown in _SHAPES:
        text = text.str.replace_all(letters, shown)
    return text.alias(name)

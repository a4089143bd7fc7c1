"""Amounts as other tables hold them, to whole minor units: exactly, or not at all. Pure.

A table gives integers (minor units already), NUMERIC with or without a fraction, text, or floating numbers.
What is a whole number of minor units becomes one; every other value keeps its text, its row gets a reason.
"""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: ISO 4217: decimal places of the minor unit, of the currencies that have other than 2.
_PLACES: Final[Mapping[int, str]] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
#: What is counted and summed where no setting says otherwise.
DEFAULT_CURRENCY: Final = "KRW"

#: Floating numbers below this stand for one integer each.
_EXACT_FLOAT: Final = 2**53
_PLAIN: Final = r"^([+-]?\d+)(?:\.(\d*?)0*)?$"
_HUGE: Final = r"^[\d.]+[eE]\+?\d"
#: Wide enough for any sum of NUMERIC, and NaN where infinities meet.
_EXACTLY: Final = Context(prec=200_000, Emax=999_999, Emin=-999_999, traps=[])


@lru_cache(256)
def minor_places(currency: str) -> int:
    """Decimal places of a currency's minor unit: 0 for KRW, 2 for USD."""
    return next((places for places, codes in _PLACES.items() if currency in codes.split()), 2)


def whole_units(column: pl.Series, places: int) -> pl.DataFrame:
    """Columns `amount` (Int64), `amount_given` and `wrong` of numbers with at most `places` decimal places.

    Where a number is no whole amount of 1/10^places, or leaves 64 bits, `amount` is null, `amount_given` its
    text and `wrong` the reason. `column` holds integers, decimals, floating numbers or text.
    """
    if column.dtype.is_integer() and places == 0 and column.dtype != pl.UInt64:
        amount = column.cast(pl.Int64).alias("amount")
        nothing = pl.lit(None, pl.String)
        return amount.to_frame().with_columns(nothing.alias("amount_given"), nothing.alias("wrong"))
    text = pl.col("text")
    parts = text.str.extract_groups(_PLAIN)
    units, fraction = parts.struct.field("1"), parts.struct.field("2").fill_null("")
    held = pl.when(fraction.str.len_bytes() <= places).then(units + fraction.str.pad_end(places, "0"))
    found = _as_text(column).to_frame("text").select("text", amount=held.cast(pl.Int64, strict=False))
    lost = pl.col("amount").is_null() & text.is_not_null()
    return found.select(
        "amount",
        amount_given=pl.when(lost).then(text),
        wrong=pl.when(lost).then(
            pl.when(text.str.contains(_HUGE))
            .then(pl.lit("amount_too_large"))
            .when(~text.str.contains(_PLAIN))
            .then(pl.lit("amount_not_a_number"))
            .when(text.str.starts_with("-"))
            .then(pl.lit("amount_negative"))
            .when(fraction.str.len_bytes() > places)
            .then(pl.lit("amount_fraction"))
            .otherwise(pl.lit("amount_too_large"))
        ),
    )


def _as_text(column: pl.Series) -> pl.Series:
    """Numbers in full, without an exponent where they are exact."""
    if not column.dtype.is_float():
        return column.cast(pl.String)
    value = pl.col("value")
    exact = value.is_finite() & (value.abs() < _EXACT_FLOAT) & (value == value.round(0))
    whole = pl.when(exact).then(value).cast(pl.Int64).cast(pl.String)
    return column.to_frame("value").select(pl.coalesce(whole, value.cast(pl.String))).to_series()


def exact_sum(integers: int, given: Iterable[str]) -> str:
    """The sum of an integer and of amounts as text, as text; `NaN` where any of them is no number."""
    total = Decimal(integers)
    for text in given:
        total = _EXACTLY.add(total, _decimal(text))
    return f"{total:f}" if total.is_finite() else "NaN"


def known_amount(value: object) -> int | Decimal | None:
    """A sum of amounts as a database gives it; None where it is not known (NaN, infinite, no number)."""
    number = _decimal(str(value))
    if not number.is_finite():
        return None
    whole = number.to_integral_value(context=_EXACTLY)
    return int(whole) if whole == number else number


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")

"""Set aside what cannot be counted, with a reason each; count everything else.

The same function screens the rows of an extracted minute and the rows of a file that `load` reads, so
"bad" means one thing. Nothing is dropped: good rows + set-aside rows = rows given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipeline.pack import Screened
from pipeline.packs.merchants.schema import AMOUNT_LIMIT, KINDS, QUARANTINE
from pipeline.schema import AMOUNT_GIVEN, WRONG

if TYPE_CHECKING:
    from datetime import datetime

#: Longer ids (bytes) are no ids, and leave the index rows of our operational database.
MERCHANT_ID_LIMIT = 1_000

#: Reasons in the order they are tested; a row gets the first that fits. The first ones come from the reading.
REASONS = (
    "value_unreadable",
    "currency_other",
    "currency_missing",
    "amount_not_a_number",
    "amount_fraction",
    "transaction_id_missing",
    "merchant_missing",
    "merchant_unreadable",
    "kind_unknown",
    "amount_missing",
    "amount_negative",
    "amount_too_large",
    "time_missing",
    "time_naive",
    "time_future",
    "transaction_id_duplicate",
)


def count_reasons(bad: pl.DataFrame) -> dict[str, int]:
    """How many rows were set aside for which reason, most frequent first."""
    counts = bad.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    return dict(counts.iter_rows())


def screen_minutes(rows: pl.DataFrame, not_after: datetime) -> Screened:
    """The same, and a minute gives the same rows whether it is read alone or with its day."""
    return screen(rows, not_after, by_minute=True)


def screen(rows: pl.DataFrame, not_after: datetime, *, by_minute: bool = False) -> Screened:
    """Split `rows` (columns of TRANSACTION, merchant_id text or integer) into good and bad (QUARANTINE).

    `given` has those amounts of set-aside rows that are no integers, as text: occurred_at, amount_given.
    `not_after` is the source's clock: a transaction later than it has not happened yet. Of several rows
    with the same key (transaction_id, kind) the first is good and the later ones are set aside. With
    `by_minute` that holds within each minute, and the earliest is the first: then a minute gives the same
    rows whether it is read alone or with its day, in whatever order the source gives them.
    """
    if not _is_suspicious(rows, not_after):  # the hot path: one cheap test a minute, no reason column built
        return Screened(rows, QUARANTINE.to_frame(), _NOTHING_GIVEN)
    key = ["transaction_id", "kind"]
    unique = pl.struct(key)
    if by_minute:
        order = ("transaction_id", "occurred_at", "kind", "amount", "merchant_id", "approved_at")
        rows = rows.sort(*order, nulls_last=True)
        unique = pl.struct(*key, pl.col("occurred_at").dt.truncate("1m"))
    reasoned = rows.with_columns(_reason(rows, not_after, unique).alias("reason"))
    bad = reasoned.filter(pl.col("reason").is_not_null())
    good = reasoned.filter(pl.col("reason").is_null()).drop("reason", WRONG, AMOUNT_GIVEN, strict=False)
    return Screened(good, _as_quarantine(bad), _given(bad))


_NOTHING_GIVEN = pl.DataFrame(schema={"occurred_at": pl.Datetime("us", "UTC"), AMOUNT_GIVEN: pl.String()})


def _given(bad: pl.DataFrame) -> pl.DataFrame:
    if AMOUNT_GIVEN not in bad.columns:
        return _NOTHING_GIVEN
    return bad.select(_NOTHING_GIVEN.columns).drop_nulls(AMOUNT_GIVEN)


def _is_suspicious(rows: pl.DataFrame, not_after: datetime) -> bool:
    if rows.select(_is_bad(rows, not_after).any()).item():
        return True
    if (
        rows["transaction_id"].n_unique() == rows.height
    ):  # ids alone are cheaper to tell apart than whole keys
        return False
    return rows.select("transaction_id", "kind").n_unique() < rows.height


def _is_bad(rows: pl.DataFrame, not_after: datetime) -> pl.Expr:
    return pl.any_horizontal(condition for _, condition in _conditions(rows, not_after))


def _reason(rows: pl.DataFrame, not_after: datetime, key: pl.Expr) -> pl.Expr:
    first: pl.Expr = pl.lit(None, dtype=pl.String)
    tests = [*_conditions(rows, not_after), ("transaction_id_duplicate", ~key.is_first_distinct())]
    for reason, condition in reversed(tests):
        first = pl.when(condition).then(pl.lit(reason)).otherwise(first)
    return first


def _conditions(rows: pl.DataFrame, not_after: datetime) -> list[tuple[str, pl.Expr]]:
    merchant = pl.col("merchant_id")
    text = rows.schema["merchant_id"] == pl.String
    blank = merchant.str.strip_chars() == "" if text else pl.lit(value=False)
    amount, occurred = pl.col("amount"), pl.col("occurred_at")
    wrong = [(reason, pl.col(WRONG) == reason) for reason in REASONS if WRONG in rows.columns]
    return [
        *wrong,
        ("transaction_id_missing", pl.col("transaction_id").is_null()),
        ("merchant_missing", merchant.is_null() | blank),
        *([("merchant_unreadable", _unreadable(merchant))] if text else []),
        ("kind_unknown", pl.col("kind").is_null() | ~pl.col("kind").is_in(KINDS)),
        ("amount_missing", amount.is_null()),
        ("amount_negative", amount < 0),
        ("amount_too_large", amount > AMOUNT_LIMIT),
        ("time_missing", occurred.is_null()),
        ("time_future", occurred > not_after),
    ]


def _unreadable(merchant: pl.Expr) -> pl.Expr:
    """Ids that our operational database does not take: no NUL in its text, nothing long in its indexes."""
    return (merchant.str.len_bytes() > MERCHANT_ID_LIMIT) | merchant.str.contains("\0", literal=True)


def _as_quarantine(bad: pl.DataFrame) -> pl.DataFrame:
    return bad.select(pl.col(name).cast(dtype) for name, dtype in QUARANTINE.items())

"""The columns of every frame and file, in one place, and `conform`, which every frame passes before a write.

A Parquet file whose column is all null takes the type Null and breaks the next reader; integers that
arrive as floats lose digits. `conform` is where that stops.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.errors import SourceChanged

if TYPE_CHECKING:
    from collections.abc import Mapping

UTC_TIME: Final = pl.Datetime("us", "UTC")

APPROVAL: Final = "APPROVAL"
CANCEL: Final = "CANCEL"
KINDS: Final = (APPROVAL, CANCEL)

#: Amounts past this (in minor units) are typing errors, not payments. Nine million of the largest still
#: sum up within 64 bits, more than one merchant has in all the days that a window holds.
AMOUNT_LIMIT: Final = 10**12

#: What a transaction is counted by. merchant_id may also be an integer.
PAYMENT: Final = pl.Schema(
    {
        "transaction_id": pl.Int64(),
        "merchant_id": pl.String(),
        "kind": pl.String(),
        "amount": pl.Int64(),
        "occurred_at": UTC_TIME,
    }
)
#: What the extraction query gives, one row per transaction.
TRANSACTION: Final = pl.Schema(
    {
        **PAYMENT,
        "approved_at": UTC_TIME,  # of a cancel: when the approval was made that it cancels; null: not known
    }
)
#: Columns a query need not give; they are null then.
OPTIONAL_COLUMNS: Final = tuple(name for name in TRANSACTION if name not in PAYMENT)

#: An approval younger than this when it is cancelled makes the cancel a fresh one; the others are older.
FRESH: Final = timedelta(hours=24)

#: One row per merchant and minute with at least one transaction; the grain of the lake.
MERCHANT_MINUTE: Final = pl.Schema(
    {
        "minute": UTC_TIME,
        "merchant_id": pl.String(),
        "approval_count": pl.Int64(),
        "cancel_count": pl.Int64(),
        "approval_amount": pl.Int64(),
        "cancel_amount": pl.Int64(),
        # Cancels tied to their approval's cohort; those whose approval is not known are in neither.
        "cancel_fresh_count": pl.Int64(),  # approved within FRESH
        "cancel_older_count": pl.Int64(),
    }
)
#: Measures that files written before them do not have: nothing was tied to anything then.
ADDED_COUNTS: Final = ("cancel_fresh_count", "cancel_older_count")

#: Transactions that were set aside, each with its reason; no customer data.
QUARANTINE: Final = pl.Schema({**PAYMENT, "reason": pl.String()})

#: What the extraction query `categories` comes to: one row per merchant whose category is known.
CATEGORY: Final = pl.Schema({"merchant_id": pl.String(), "category": pl.String()})

#: A category from a minute on, until the merchant's next row; null: unknown from then on.
CATEGORY_CHANGE: Final = pl.Schema({"from_minute": UTC_TIME, **CATEGORY})

#: One row per (rule, merchant, minute) whose raw condition (design section 3) held, with its integers.
SIGNAL: Final = pl.Schema(
    {
        "minute": UTC_TIME,
        "rule": pl.String(),
        "merchant_id": pl.String(),
        "tier": pl.String(),
        "passed": pl.Boolean(),  # did the policy in force let it become an incident
        "reason": pl.String(),  # the gate that held it back, or "fires"
        "approvals_hour": pl.Int64(),
        "cancels_hour": pl.Int64(),
        "approvals_week": pl.Int64(),
        "cancels_week": pl.Int64(),
        "amount_today": pl.Int64(),
        "amount_paced": pl.Int64(),  # sum over the baseline days, up to the same time of day
        "amount_days": pl.Int64(),  # sum over the baseline days, whole days
        "days": pl.Int64(),  # baseline days used
        # "rule": the raw condition held; "fast", "slow", "silence": seen beside it; "platform": all merchants
        "kind": pl.String(),
        "cause": pl.String(),  # cancel_surge under `budgeted`: one of CAUSES
        "cancels_fresh": pl.Int64(),  # of the hour's cancels: those of approvals of the last 24 hours
        "cancels_older": pl.Int64(),  # and of earlier ones; null where too few cancels are tied to any
        "expected_fresh": pl.Int64(),  # what these approvals usually give in such an hour, rounded
        "expected_older": pl.Int64(),
        "window_minutes": pl.Int64(),  # the window with the strongest evidence, with what it held
        "approvals_window": pl.Int64(),
        "cancels_window": pl.Int64(),
        "expected_window": pl.Int64(),  # cancels (volume_drop: approvals) usual in that window, cut
        "evidence": pl.Int64(),  # 1000 · -log10 of the probability of chance
        "evidence_needed": pl.Int64(),  # what the merchant's share of the false-alarm budget asks for
        # cancel_surge under `budgeted`: what the baseline mostly rests on, "own", "category" or "all"
        "prior": pl.String(),
        "category": pl.String(),  # the merchant's, where it is known
        "prior_cancels_per_100k": pl.Int64(),  # the rate a merchant without a week starts from, cut
        "others_window": pl.Int64(),  # platform rules: the window without the merchants that deviate most
        "others_expected": pl.Int64(),  # and what is usual for these others
    }
)

_PLATFORM_NUMBERS: Final = (
    "days",
    "window_minutes",
    "approvals_window",
    "cancels_window",
    "expected_window",
    "others_window",
    "others_expected",
)
#: The integers of SIGNAL that a rule's reason cannot do without.
RULE_NUMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "cancel_surge": ("approvals_hour", "cancels_hour", "approvals_week", "cancels_week"),
    "volume_drop": ("amount_today", "amount_paced", "amount_days", "days"),
    "platform_outage": _PLATFORM_NUMBERS,
    "platform_cancels": _PLATFORM_NUMBERS,
}
#: The hour's cancels by the age of their approval.
COHORT_COLUMNS: Final = ("cancels_fresh", "cancels_older", "expected_fresh", "expected_older")
#: What the policy `budgeted` says besides, where it is known.
BUDGETED_COLUMNS: Final = (
    "kind",
    "cause",
    *COHORT_COLUMNS,
    "window_minutes",
    "approvals_window",
    "cancels_window",
    "expected_window",
    "evidence",
    "evidence_needed",
    "prior",
    "category",
    "prior_cancels_per_100k",
)
#: What a baseline mostly rests on: the merchant's own transactions, or the rate it starts from.
PRIORS: Final = ("own", "category", "all")
#: Why a cancel rate rose: its numerator, its denominator, or neither: the cancels belong to unusually many
#: sales of the last day, and are no more than usual for these.
CAUSES: Final = ("more_cancels", "fewer_approvals", "more_sales_before")

#: The published datasets of the lake, by name.
DATASETS: Final[Mapping[str, pl.Schema]] = {
    "merchant_minute": MERCHANT_MINUTE,
    "signal": SIGNAL,
    "quarantine": pl.Schema({"minute": UTC_TIME, **QUARANTINE}),
}

_MERCHANT_TYPES: Final = (pl.String, pl.Int16, pl.Int32, pl.Int64)


def conform(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Give `frame` exactly the columns and types of `schema`, in its order.

    Raises TypeError for a cast that could lose something: a fraction to an integer, a naive time to UTC
    (Polars itself cuts the one and guesses the other).
    """
    for name, wanted in schema.items():
        found = frame.schema[name]
        naive = isinstance(found, pl.Datetime) and found.time_zone is None
        fraction = wanted.is_integer() and not (found.is_integer() or found == pl.Null)
        if fraction or (wanted == UTC_TIME and naive):
            msg = f"column {name} is {found}; {wanted} is needed"
            raise TypeError(msg)
    return frame.select(pl.col(name).cast(dtype, strict=True) for name, dtype in schema.items())


def conform_source(frame: pl.DataFrame, query: str) -> pl.DataFrame:
    """Check what an extraction query gave against `TRANSACTION`; merchant_id keeps its own type.

    An all-null column is accepted as the type it should have; an optional one of another type is null, see
    `unfit_columns`. Anything else raises `SourceChanged`
    with the column, because half a minute must never be published.
    """
    missing = [name for name in TRANSACTION if name not in frame.columns]
    required = [name for name in missing if name not in OPTIONAL_COLUMNS]
    if required:
        given = ", ".join(frame.columns)
        msg = f"the extraction query {query} gives no column {', '.join(required)}; it gives {given}"
        raise SourceChanged(msg, f"name the column in the query: it must give {', '.join(PAYMENT)}")
    unknown = [*missing, *unfit_columns(frame, query)]
    frame = frame.with_columns(pl.lit(None, TRANSACTION[name]).alias(name) for name in unknown)
    return frame.select(_source_column(frame[name], wanted, query) for name, wanted in TRANSACTION.items())


def unfit_columns(frame: pl.DataFrame, query: str) -> dict[str, str]:
    """Optional columns that are not of their type, and so are not known, each with what was met."""
    found = {}
    for name in OPTIONAL_COLUMNS:
        try:
            if name in frame.columns:
                _source_column(frame[name], TRANSACTION[name], query)
        except SourceChanged as error:
            found[name] = error.what
    return found


def _source_column(column: pl.Series, wanted: pl.DataType, query: str) -> pl.Series:
    found = column.dtype
    if found == wanted or (column.name == "merchant_id" and found in _MERCHANT_TYPES):
        return column
    if found == pl.Null or (found.is_integer() and wanted.is_integer()):
        return column.cast(wanted)
    if isinstance(found, pl.Datetime) and found.time_zone is not None and isinstance(wanted, pl.Datetime):
        return column.cast(wanted)
    msg = f"the extraction query {query} gives {column.name} as {found}; {wanted} is needed"
    raise SourceChanged(msg, f"cast {column.name} in the query")

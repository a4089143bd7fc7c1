"""The columns of transactions, of what is counted of them, and of signals, in one place."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from pipeline.amounts import DEFAULT_CURRENCY, minor_places, whole_units
from pipeline.errors import SourceChanged
from pipeline.schema import (
    AMOUNT_GIVEN,
    AMOUNT_MAJOR,
    CURRENCY,
    UTC_TIME,
    WRONG,
    source_column,
    unfit_columns,
)

APPROVAL: Final = "APPROVAL"
CANCEL: Final = "CANCEL"
KINDS: Final = (APPROVAL, CANCEL)

#: Amounts past this (in minor units) are typing errors, not payments. Nine million of the largest still
#: sum up within 64 bits, more than one merchant has in all the days that a window holds.
AMOUNT_LIMIT: Final = 10**12

#: What a transaction is counted by. Its key is (transaction_id, kind): an approval and its cancel may be
#: one row of the source. transaction_id may also be text, merchant_id an integer.
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

#: Columns in the order in which they are suspected of a value that cannot be read.
SUSPECTS: Final = (
    *("approved_at", "amount", AMOUNT_MAJOR, CURRENCY, "kind"),
    *("merchant_id", "occurred_at", "transaction_id"),
)

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
QUARANTINE: Final = pl.Schema({**PAYMENT, "transaction_id": pl.String(), "reason": pl.String()})

#: The same as it is published, with its minute.
SET_ASIDE: Final = pl.Schema({"minute": UTC_TIME, **QUARANTINE})

#: One row per (rule, merchant, minute) whose raw condition held, with its integers. A rule that has further
#: numbers adds their columns at the end.
SIGNAL: Final = pl.Schema(
    {
        "minute": UTC_TIME,
        "rule": pl.String(),
        "entity_id": pl.String(),
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


def conform_source(frame: pl.DataFrame, query: str, currency: str = DEFAULT_CURRENCY) -> pl.DataFrame:
    """Check what an extraction query gave against `TRANSACTION`; ids keep their own type, integer or text.

    An all-null column is accepted as the type it should have; an optional one of another type is null, see
    `unfit_columns`. A row whose amount is no whole number of minor units, or is in another currency than
    `currency`, gets a reason in `wrong`; the columns `wrong` and `amount_given` are there only where one has.
    A column of another type raises `SourceChanged` with its name, because half a minute must never be
    published.
    """
    _require_columns(frame, query)
    known = set(frame.columns) - set(unfit_columns(frame, TRANSACTION, OPTIONAL_COLUMNS, query))
    columns = [
        source_column(frame[name], wanted, query) if name in known else _nothing(frame, name)
        for name, wanted in TRANSACTION.items()
        if name != "amount"
    ]
    counted = pl.DataFrame(columns).with_columns(amounts_of(frame, query, currency))
    set_aside = [name for name in (WRONG, AMOUNT_GIVEN) if WRONG in counted.columns]
    return counted.select(*TRANSACTION, *set_aside)


def _require_columns(frame: pl.DataFrame, query: str) -> None:
    given = [name for name in PAYMENT if name in frame.columns]
    if AMOUNT_MAJOR in frame.columns:
        given.append("amount")
    missing = [name for name in PAYMENT if name not in given]
    if missing:
        gives = ", ".join(frame.columns)
        msg = f"the extraction query {query} gives no column {', '.join(missing)}; it gives {gives}"
        raise SourceChanged(msg, f"name the column in the query: it must give {', '.join(PAYMENT)}")


def _nothing(frame: pl.DataFrame, name: str) -> pl.Series:
    return pl.Series(name, [None], TRANSACTION[name]).new_from_index(0, frame.height)


def amounts_of(frame: pl.DataFrame, query: str, currency: str) -> list[pl.Series]:
    """`amount`, and where any row of it or of `frame` is wrong, `wrong` and `amount_given`."""
    if AMOUNT_MAJOR in frame.columns and "amount" in frame.columns:
        msg = f"the extraction query {query} gives both amount and {AMOUNT_MAJOR}"
        raise SourceChanged(msg, f"give amount in minor units or {AMOUNT_MAJOR} in major units, not both")
    name = AMOUNT_MAJOR if AMOUNT_MAJOR in frame.columns else "amount"
    column = frame[name]
    known = column.dtype.is_numeric() or column.dtype in (pl.String, pl.Null)
    if not known:
        msg = (
            f"the extraction query {query} gives {name} as {column.dtype}; {TRANSACTION['amount']} is needed"
        )
        raise SourceChanged(msg, f"cast {name} in the query")
    found = whole_units(column, minor_places(currency) if name == AMOUNT_MAJOR else 0)
    if CURRENCY in frame.columns:
        found = _without_other_currencies(found, frame[CURRENCY], currency, query)
    if WRONG in frame.columns:  # set aside before, as a value of the row cannot be read
        found = found.with_columns(
            pl.coalesce(frame[WRONG], WRONG), pl.coalesce(frame[AMOUNT_GIVEN], AMOUNT_GIVEN)
        )
    if found[WRONG].null_count() == found.height:
        return [found["amount"]]
    return found.get_columns()


def _without_other_currencies(
    found: pl.DataFrame, given: pl.Series, currency: str, query: str
) -> pl.DataFrame:
    """Amounts of other currencies cannot be added to ours: their rows are set aside and add nothing."""
    if given.dtype not in (pl.String, pl.Null):
        msg = f"the extraction query {query} gives {CURRENCY} as {given.dtype}; text is needed"
        raise SourceChanged(msg, f"give its three letters, for example '{currency}'")
    given = given.cast(pl.String)  # without any value it has no type
    if (given == currency).all(ignore_nulls=False):
        return found
    code = given.str.strip_chars().str.to_uppercase().alias(CURRENCY)
    other = pl.col(CURRENCY).is_null() | (pl.col(CURRENCY) != currency)
    reason = (
        pl.when(pl.col(CURRENCY).is_null())
        .then(pl.lit("currency_missing"))
        .otherwise(pl.lit("currency_other"))
    )
    return found.with_columns(code).select(
        pl.when(~other).then("amount").alias("amount"),
        pl.when(~other).then(AMOUNT_GIVEN).alias(AMOUNT_GIVEN),
        pl.when(other).then(reason).otherwise(pl.col(WRONG)).alias(WRONG),
    )

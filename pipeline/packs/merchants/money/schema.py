"""The columns of what the book of exposure is made of, and of its snapshots. Amounts in minor units."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.money import WHOLE
from pipeline.schema import UTC_TIME

#: What the optional query `settlements` gives: one row per payout of a merchant's business day.
SETTLEMENT_ROW: Final = pl.Schema(
    {
        "merchant_id": pl.String(),
        "business_date": pl.Date(),  # the day of the sales that were paid out
        "amount": pl.Int64(),  # what was paid out; negative is withheld from a later payout
        "settled_at": UTC_TIME,
    }
)

#: Payouts as they are published, by the minute of `settled_at`.
SETTLEMENT: Final = pl.Schema(
    {
        "minute": UTC_TIME,
        "merchant_id": pl.String(),
        "business_date": pl.Date(),
        "amount": pl.Int64(),
        "settled_at": UTC_TIME,
        "wrong": pl.String(),  # why the row is entered in no book; null: it is good
    }
)

#: Cancels by the business day of their approval, per minute and merchant. Those that name no approval are
#: what is missing to the minute's cancel_amount.
CANCEL_COHORT: Final = pl.Schema(
    {
        "minute": UTC_TIME,
        "merchant_id": pl.String(),
        "approval_date": pl.Date(),
        "cancel_count": pl.Int64(),
        "cancel_amount": pl.Int64(),
    }
)

#: The book of a minute: one row per merchant that it knows. An amount that is not known is null.
EXPOSURE_ROW: Final = pl.Schema(
    {
        "minute": UTC_TIME,
        "merchant_id": pl.String(),
        "state": pl.String(),  # one of STATES of baselines/merchants/priced.py
        "paid_out_cancelable": pl.Int64(),
        "unrecovered": pl.Int64(),
        "pending_payout": pl.Int64(),  # what all coming payouts would still pay
        "next_payout_date": pl.Date(),
        "next_payout": pl.Int64(),  # of it, what the next one would pay
        "expected_loss": pl.Int64(),
        "expected_loss_low": pl.Int64(),  # its 90 % interval
        "expected_loss_high": pl.Int64(),
        "settled_through": pl.Date(),  # the newest business day of sales that was paid out
    }
)
#: What an incident carries beside its parts.
FIGURES: Final = (
    "pending_payout",
    "next_payout",
    "next_payout_date",
    "expected_loss",
    "expected_loss_low",
    "expected_loss_high",
)
#: What it carries beside these, in no snapshot and shown to nobody: the expected loss without the probability
#: that the merchant cannot pay. What is proposed covers it.
GIVEN_BACK: Final = "expected_loss" + WHOLE

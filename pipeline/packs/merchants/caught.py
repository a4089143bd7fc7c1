"""The money that labelled surges cancelled, and how much of it an incident came in time for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.packs.merchants.rules.cancel_surge import CANCEL_SURGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def caught(labels: Sequence[Mapping[str, Any]], minutes: pl.DataFrame) -> dict[str, int]:
    """What was cancelled while labelled surges lasted, and how much of it after the incident had opened.

    `labels` say when their incident opened (`opened_minute`, None: never); `minutes` are merchant-minutes
    (MERCHANT_MINUTE) of the labelled merchants; minor units of the currency.
    """
    cancelled = in_time = 0
    for label in labels:
        if label["rule"] != CANCEL_SURGE.name:
            continue
        lasts = (pl.col("minute") >= label["start"]) & (pl.col("minute") < label["end"])
        rows = minutes.filter((pl.col("merchant_id") == label["entity_id"]) & lasts)
        cancelled += int(rows["cancel_amount"].sum())
        if label["opened_minute"] is not None:
            in_time += int(rows.filter(pl.col("minute") > label["opened_minute"])["cancel_amount"].sum())
    return {"krw_cancelled": cancelled, "krw_caught": in_time}

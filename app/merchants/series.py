"""Counts of one merchant, or of all, by minute: prefix sums, from which any window is a difference. Pure.

Everything is whole numbers until a rate is drawn. A rate is the ratio of the sums of the hour that ends with
its step, or of a longer step itself. What it is compared with is what the rule compares with: the ratio of
the sums of the 7 days before that hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from baselines.chance import wilson_intervals
from pipeline.minute import HOUR_MINUTES, MINUTE, WEEK_MINUTES, Span, to_index
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]

SUMS: Final = ("approval_count", "cancel_count", "approval_amount", "cancel_amount")
TIED: Final = ("cancel_fresh_count", "cancel_older_count")
#: A rate looks so far back beyond its step: the hour, and the week before it.
LEAD: Final = HOUR_MINUTES + WEEK_MINUTES

STEPS: Final = pl.Schema(
    {
        "start": UTC_TIME,
        "end": UTC_TIME,
        **dict.fromkeys((*SUMS, *TIED), pl.Int64()),
        "cancel_rate": pl.Float64(),
        "usual_rate": pl.Float64(),
        "chance_low": pl.Float64(),
        "chance_high": pl.Float64(),
        "ticket": pl.Float64(),
        "usual_ticket": pl.Float64(),
    }
)


@dataclass(frozen=True, slots=True)
class Series:
    """Running totals from the minute `first` on; shape (minutes + 1,) each."""

    first: int  # minutes since the epoch
    totals: Mapping[str, Integers]

    def between(self, name: str, starts: Integers, ends: Integers) -> Integers:
        """The sums over windows, each [start, end), as far as they are known."""
        running = self.totals[name]
        last = len(running) - 1
        found: Integers = (
            running[np.clip(ends - self.first, 0, last)] - running[np.clip(starts - self.first, 0, last)]
        )
        return found

    @property
    def tied(self) -> bool:
        """Is it known when cancelled approvals were made?"""
        return TIED[0] in self.totals


def series_of(minutes: Integers, values: Mapping[str, Integers], span: Span) -> Series:
    """Running totals over `span` of counted minutes; a minute that is not there counts as zero."""
    first = to_index(span.start)
    totals = {}
    for name, counted in values.items():
        dense = np.zeros(span.minutes + 1, np.int64)
        inside = (minutes >= first) & (minutes < first + span.minutes)
        np.add.at(dense, minutes[inside] - first + 1, counted[inside])
        totals[name] = np.cumsum(dense)
    return Series(first, totals)


def series_of_rows(rows: pl.DataFrame, span: Span) -> Series:
    """Running totals of counted minutes; those of all together do not hold TIED."""
    minutes = (rows["minute"].dt.epoch("s") // 60).to_numpy()
    names = [name for name in (*SUMS, *TIED) if name in rows.columns]
    return series_of(minutes, {name: rows[name].to_numpy() for name in names}, span)


def with_lead(span: Span, published: Span) -> Span:
    """A span and what its rates look back at, as far as it is published."""
    return Span(max(published.start, span.start - LEAD * MINUTE), span.end)


def together_series(frames: Sequence[pl.DataFrame], span: Span) -> Series:
    """Running totals over `span` of what was read file by file."""
    rows = pl.concat(frames)
    minutes = rows["minute"].to_numpy()
    counts = {name: rows[name].to_numpy() for name in ("approval_count", "cancel_count")}
    nothing = np.zeros(len(minutes), np.int64)
    return series_of(minutes, {**dict.fromkeys(SUMS, nothing), **counts}, span)


def steps_of(series: Series, edges: Integers) -> pl.DataFrame:
    """A row per step (STEPS)."""
    starts, ends = edges[:-1], edges[1:]
    looked = np.minimum(starts, ends - HOUR_MINUTES)  # where the hour of the rate begins
    week = looked - WEEK_MINUTES
    sums = {name: series.between(name, starts, ends) for name in series.totals}
    rate, approvals = _rate(series, looked, ends)
    usual, _ = _rate(series, week, looked)
    low, high = wilson_intervals(usual, approvals)
    frame = {
        "start": starts * 60_000_000,
        "end": ends * 60_000_000,
        **sums,
        "cancel_rate": rate,
        "usual_rate": usual,
        "chance_low": low,
        "chance_high": high,
        "ticket": _ratio(sums["approval_amount"], sums["approval_count"]),
        "usual_ticket": _ratio(
            *(series.between(name, week, looked) for name in ("approval_amount", "approval_count"))
        ),
    }
    given = pl.DataFrame(frame, nan_to_null=True)
    untied = [pl.lit(None).alias(name) for name in TIED if name not in frame]
    times = [pl.from_epoch(name, "us").dt.replace_time_zone("UTC") for name in ("start", "end")]
    return given.with_columns(*untied, *times).select(STEPS.names()).cast(STEPS)


def _rate(series: Series, starts: Integers, ends: Integers) -> tuple[Floats, Integers]:
    approvals = series.between("approval_count", starts, ends)
    return _ratio(series.between("cancel_count", starts, ends), approvals), approvals


def _ratio(part: Integers, whole: Integers) -> Floats:
    """NaN without a denominator."""
    found: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return found

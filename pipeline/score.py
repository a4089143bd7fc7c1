"""Incidents against labels: precision, recall, delay, and what chance alone would score. Pure.

A label is found by the first incident of its rule and merchant that opens while it lasts or within the hour
after. An incident that no label of an alarm explains is false.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.minute import MINUTE
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.alert import Incident
    from pipeline.minute import Span

#: What a file of labels holds, one row per disturbance; `expected` is "alarm" or "quiet".
LABEL: Final = pl.Schema(
    {
        "label": pl.String(),
        "rule": pl.String(),
        "merchant_id": pl.String(),
        "start": UTC_TIME,
        "end": UTC_TIME,
        "expected": pl.String(),
    }
)
EXPECTED: Final = ("alarm", "quiet")
GRACE: Final = timedelta(hours=1)
_DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class Score:
    """How a backtest compares with its labels."""

    incidents: int
    true_incidents: int  # explained by a label
    false_quiet: int  # of the false ones: on a label that expects quiet
    alarms: int  # labels that expect an alarm
    found: int
    delay_minutes: Sequence[int]  # of the found ones, sorted
    random_recall: float  # of as many incidents at random merchants and minutes
    days: float

    def as_json(self) -> dict[str, Any]:
        """For machines; null where there is nothing to divide by."""
        false = self.incidents - self.true_incidents
        return {
            "labels": self.alarms,
            "found": self.found,
            "recall": _ratio(self.found, self.alarms),
            "random_recall": round(self.random_recall, 4),
            "precision": _ratio(self.true_incidents, self.incidents),
            "false_incidents": false,
            "false_incidents_per_day": round(false / self.days, 2),
            "incidents_per_day": round(self.incidents / self.days, 2),
            "quiet_labels_broken": self.false_quiet,
            "delay_minutes_median": _quantile(self.delay_minutes, 50),
            "delay_minutes_p95": _quantile(self.delay_minutes, 95),
        }


def score(opened: Sequence[Incident], labels: pl.DataFrame, span: Span, merchants: int) -> Score:
    """Compare what opened in `span` with `labels` (schema LABEL) that begin in it."""
    rows = labels.filter((pl.col("start") >= span.start) & (pl.col("start") < span.end)).to_dicts()
    alarms = [row for row in rows if row["expected"] == "alarm"]
    quiet = [row for row in rows if row["expected"] == "quiet"]
    true = [i for i in opened if any(_explains(row, i) for row in alarms)]
    false = [i for i in opened if not any(_explains(row, i) for row in alarms)]
    first = [min((i.opened_minute for i in true if _explains(row, i)), default=None) for row in alarms]
    pairs = zip(alarms, first, strict=True)
    delays = sorted((at + MINUTE - row["start"]) // MINUTE for row, at in pairs if at is not None)
    return Score(
        incidents=len(opened),
        true_incidents=len(true),
        false_quiet=sum(any(_explains(row, i) for row in quiet) for i in false),
        alarms=len(alarms),
        found=len(delays),
        delay_minutes=delays,
        random_recall=_random_recall(len(opened), alarms, span, merchants),
        days=span.minutes / _DAY_MINUTES,
    )


def _explains(row: dict[str, Any], incident: Incident) -> bool:
    same = row["rule"] == incident.rule and row["merchant_id"] == incident.merchant_id
    # The minute that holds the start is the first that can show it.
    return same and bool(row["start"] - MINUTE < incident.opened_minute < row["end"] + GRACE)


def _random_recall(incidents: int, alarms: Sequence[dict[str, Any]], span: Span, merchants: int) -> float:
    """The share of labels that as many incidents, spread evenly over merchants and minutes, would find."""
    places = 2 * max(merchants, 1) * max(span.minutes, 1)  # two rules
    hit = [min((row["end"] + GRACE - row["start"]) / MINUTE / places, 1.0) for row in alarms]
    return sum(1 - (1 - p) ** incidents for p in hit) / len(alarms) if alarms else 0.0


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _quantile(ordered: Sequence[int], percent: int) -> int | None:
    """The smallest value that at least `percent` of the values do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None

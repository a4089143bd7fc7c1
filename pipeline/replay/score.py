"""Incidents against labels: precision, recall, delay, and what chance alone would score. Pure.

A label is found by the first incident of its rule and entity that opens while it lasts or within the hour
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
    from collections.abc import Mapping, Sequence

    from pipeline.judge.life import Incident
    from pipeline.minute import Span
    from pipeline.pack import Pack

#: One row per disturbance; a file calls the entity by the pack's own word; `expected` is "alarm" or "quiet".
LABEL: Final = pl.Schema(
    {
        "label": pl.String(),
        "rule": pl.String(),
        "entity_id": pl.String(),
        "start": UTC_TIME,
        "end": UTC_TIME,
        "expected": pl.String(),
    }
)
EXPECTED: Final = ("alarm", "quiet")
GRACE: Final = timedelta(hours=1)
_DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class Detection:
    """A label that expects an alarm, and the first incident that explains it."""

    label: Mapping[str, Any]  # a row of LABEL
    incident: Incident | None  # None: not found

    @property
    def delay_minutes(self) -> int | None:
        """From the start of the disturbance to the end of the minute that opened the incident."""
        if self.incident is None:
            return None
        return int((self.incident.opened_minute + MINUTE - self.label["start"]) // MINUTE)


@dataclass(frozen=True, slots=True)
class Score:
    """How a backtest compares with its labels."""

    incidents: int
    true_incidents: int  # explained by a label
    false_quiet: int  # of the false ones: on a label that expects quiet
    detections: Sequence[Detection]  # one per label that expects an alarm
    random_recall: float  # of as many incidents at random entities and minutes
    days: float
    complete: bool = True  # is what no label explains false? Where people label some, it is not known

    @property
    def found(self) -> int:
        """How many labels were found."""
        return len(self.delays())

    def delays(self, tier: str | None = None) -> list[int]:
        """Minutes to detection of the found labels, sorted; of one tier where it is named."""
        found = [d for d in self.detections if d.incident is not None and tier in (None, d.incident.tier)]
        return sorted(d.delay_minutes or 0 for d in found)

    def as_json(self) -> dict[str, Any]:
        """For machines; null where there is nothing to divide by."""
        unlabelled = 0 if self.complete else self.incidents - self.true_incidents - self.false_quiet
        false = self.incidents - self.true_incidents - unlabelled
        return {
            "labels": len(self.detections),
            "found": self.found,
            "recall": _ratio(self.found, len(self.detections)),
            "random_recall": round(self.random_recall, 4),
            "precision": _ratio(self.true_incidents, self.incidents - unlabelled),
            "false_incidents": false,
            "false_incidents_per_day": round(false / self.days, 2),
            "incidents_per_day": round(self.incidents / self.days, 2),
            "quiet_labels_broken": self.false_quiet,
            **({} if self.complete else {"unlabelled_incidents": unlabelled}),
            **_delays("delay_minutes", self.delays()),
            **_delays("delay_minutes_top", self.delays("top")),
            **_delays("delay_minutes_tail", self.delays("tail")),
        }


def score(
    opened: Sequence[Incident],
    labels: pl.DataFrame,
    span: Span,
    entities: int,
    pack: Pack[Any, Any],
    *,
    complete: bool = True,
) -> Score:
    """Compare what opened in `span` with `labels` (schema LABEL) that begin in it.

    Where they are not `complete`, an incident without a label is neither true nor false.
    """
    rows = labels.filter((pl.col("start") >= span.start) & (pl.col("start") < span.end)).to_dicts()
    alarms = [row for row in rows if row["expected"] == "alarm"]
    quiet = [row for row in rows if row["expected"] == "quiet"]
    by_entity: dict[str, list[Incident]] = {}
    for incident in sorted(opened, key=lambda i: i.opened_minute):
        by_entity.setdefault(incident.entity_id, []).append(incident)
    of_label = [[i for i in by_entity.get(row["entity_id"], []) if _explains(row, i)] for row in alarms]
    true = {id(incident) for explaining in of_label for incident in explaining}
    return Score(
        incidents=len(opened),
        true_incidents=len(true),
        false_quiet=sum(any(_explains(row, i) for row in quiet) for i in opened if id(i) not in true),
        detections=[
            Detection(row, next(iter(found), None)) for row, found in zip(alarms, of_label, strict=True)
        ],
        random_recall=_random_recall(len(opened), alarms, span, entities * len(rules_of(pack))),
        days=span.minutes / _DAY_MINUTES,
        complete=complete,
    )


def rules_of(pack: Pack[Any, Any]) -> list[str]:
    """The rules that a label can name."""
    return [rule.name for rule in pack.rules if not rule.of_everybody]


def _explains(row: dict[str, Any], incident: Incident) -> bool:
    same = row["rule"] == incident.rule and row["entity_id"] == incident.entity_id
    # The minute that holds the start is the first that can show it.
    return same and bool(row["start"] - MINUTE < incident.opened_minute < row["end"] + GRACE)


def _random_recall(incidents: int, alarms: Sequence[dict[str, Any]], span: Span, keys: int) -> float:
    """The share of labels that as many incidents, spread evenly over keys and minutes, would find."""
    places = max(keys, 1) * max(span.minutes, 1)
    hit = [min((row["end"] + GRACE - row["start"]) / MINUTE / places, 1.0) for row in alarms]
    return sum(1 - (1 - p) ** incidents for p in hit) / len(alarms) if alarms else 0.0


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _delays(name: str, ordered: Sequence[int]) -> dict[str, int | None]:
    return {f"{name}_median": _quantile(ordered, 50), f"{name}_p95": _quantile(ordered, 95)}


def _quantile(ordered: Sequence[int], percent: int) -> int | None:
    """The smallest value that at least `percent` of the values do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None

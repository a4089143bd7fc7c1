"""Precision: of the alarms that people labelled, how many were true ones. By rule, tier and week.

Nobody labels everything, so the number of labels stands beside it with the interval that it allows; without a
label the precision is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from baselines.chance import wilson_interval
from pipeline.figures import tenths
from pipeline.minute import business_date, business_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

#: So many weeks are shown, this one included.
WEEKS: Final = 4
_NOT_KNOWN: Final = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Incidents that opened in a week, and what people labelled them."""

    rule: str
    tier: str
    week: date  # its Monday, in the business zone
    incidents: int
    true_alarms: int
    false_alarms: int

    @property
    def labels(self) -> int:
        """How many of them are labelled."""
        return self.true_alarms + self.false_alarms

    @property
    def precision(self) -> float | None:
        """The share of true alarms among the labelled ones; None: nobody labelled any."""
        return self.true_alarms / self.labels if self.labels else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval."""
        return wilson_interval(self.true_alarms, self.labels) if self.labels else None

    def as_json(self) -> dict[str, Any]:
        """For machines; null where it is not known."""
        low, high = self.interval or (None, None)
        return {
            "rule": self.rule,
            "tier": self.tier,
            "week": self.week.isoformat(),
            "incidents": self.incidents,
            "true_alarms": self.true_alarms,
            "false_alarms": self.false_alarms,
            "precision": _rounded(self.precision),
            "low": _rounded(low),
            "high": _rounded(high),
        }


def since(now: datetime, zone: ZoneInfo) -> datetime:
    """The start of the first week that is shown."""
    today = business_date(now, zone)
    monday = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    return business_day(monday, zone).start


def labelled(rows: Iterable[Mapping[str, Any]]) -> list[Labelled]:
    """From the rows of the query `labels_by_week`."""
    return [Labelled(**row) for row in rows]


def altogether(weeks: Sequence[Labelled], rule: str = "", tier: str = "") -> Labelled | None:
    """All of them as one; None where nothing opened."""
    if not weeks:
        return None
    sums = {
        name: sum(getattr(week, name) for week in weeks)
        for name in ("incidents", "true_alarms", "false_alarms")
    }
    return Labelled(rule=rule, tier=tier, week=min(week.week for week in weeks), **sums)


def percent_of(share: float | None, unknown: str = _NOT_KNOWN) -> str:
    """A share as people read it."""
    return unknown if share is None else f"{tenths(round(share * 100_000), 1_000)} %"


def precision_text(weeks: Sequence[Labelled]) -> str:
    """A line for each rule, tier and week."""
    head = f"precision by labels, {WEEKS} weeks"
    if not weeks:
        return f"{head}: {_NOT_KNOWN}, no incident opened"
    lines = [_line(week) for week in weeks]
    return "\n".join([head, *lines])


def _line(week: Labelled) -> str:
    name = f"  {week.rule:<20}{week.tier:<6}{week.week}  {percent_of(week.precision):>10}"
    counted = f"{week.true_alarms} true, {week.false_alarms} false of {week.incidents} incidents"
    if week.interval is None:
        return f"{name}  {counted}"
    low, high = (percent_of(end) for end in week.interval)
    return f"{name}  (95 %: {low} to {high}) {counted}"


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)

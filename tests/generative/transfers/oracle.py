"""The plain loop that windows are held against: the sentences of measure.py, one after the other."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.transfers.measure import Between, Measure, OneOf
from baselines.transfers.speed import distance_km

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Event = dict[str, Any]
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


class Oracle:
    """All events, and nothing else."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    def take(self, events: Iterable[Event]) -> None:
        for event in events:
            self.events[event["transfer_id"]] = event

    def ask(self, event: Mapping[str, Any], measure: Measure, extra: Sequence[Event] = ()) -> object:
        """What a measure says of an event, with the held ones (it among them or not) and some beside."""
        everything = {**self.events, **{x["transfer_id"]: x for x in (*extra, dict(event))}}
        inside = [x for x in everything.values() if counts(measure, x, event)]
        others = [x for x in inside if x["transfer_id"] != event["transfer_id"]]
        return says(measure, event, inside, others)


def counts(measure: Measure, x: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    for theirs, ours in measure.match:
        if x[theirs] is None or x[theirs] != event[ours]:
            return False
    if not all(holds(x, name, condition) for name, condition in measure.where):
        return False
    if "status" not in dict(measure.where) and x["status"] not in ("completed", "intended"):
        return False
    if measure.of == "speed" and not placed(x):
        return False
    return within(measure, x["occurred_at"], event["occurred_at"])


def holds(x: Mapping[str, Any], name: str, condition: OneOf | Between) -> bool:
    value = "completed" if x[name] == "intended" else x[name]
    if isinstance(condition, OneOf):
        return value in condition.values
    return value is not None and condition.low <= int(value) <= condition.high


def within(measure: Measure, x: datetime, at: datetime) -> bool:
    width = timedelta(milliseconds=measure.within_ms) if measure.within_ms is not None else 90 * DAY
    start = at - width
    if width > DAY:
        start = start.replace(minute=0, second=0, microsecond=0)
    return start < x <= at - timedelta(milliseconds=measure.before_ms)


def says(measure: Measure, event: Mapping[str, Any], inside: list[Event], others: list[Event]) -> object:
    value = measure.value or ""
    match measure.of:
        case "count":
            return len(inside)
        case "sum":
            return sum(x[value] for x in inside)
        case "mean":
            return sum(x[value] for x in inside) // len(inside) if inside else None
        case "distinct":
            return min(32, len({x[value] for x in inside if x[value] is not None}))
        case _:
            return says_of_others(measure, event, others) if others else None


def says_of_others(measure: Measure, event: Mapping[str, Any], others: list[Event]) -> object:
    last = max(x["occurred_at"] for x in others)
    latest = [x for x in others if x["occurred_at"] == last]
    match measure.of:
        case "first_seen":
            return (event["occurred_at"] - min(x["occurred_at"] for x in others)) // SECOND
        case "since_last":
            return (event["occurred_at"] - last) // SECOND
        case "previous":
            name = measure.value or ""
            return max((x[name] for x in latest if x[name] is not None), default=None)
        case _:
            return max(speed(measure.value or "", event, x) for x in latest) if placed(event) else None


def placed(event: Mapping[str, Any]) -> bool:
    return event["lat_e6"] is not None


def speed(value: str, event: Mapping[str, Any], x: Event) -> int:
    places = [np.array([e[name]], np.int64) for e in (event, x) for name in ("lat_e6", "lon_e6")]
    km = float(distance_km(*places)[0])
    seconds = max((event["occurred_at"] - x["occurred_at"]).total_seconds(), 1.0)
    return math.floor(km) if value == "km" else math.floor(km * 3600 / seconds)


class ArrivalOrder:
    """How RealFDS counts (HighFrequencyRule.scala): a map by millisecond, pruned by the event in hand.

    Two events of one millisecond are one, a late event sees later ones, the window is closed at its start.
    """

    def __init__(self, width: timedelta) -> None:
        self._width = width
        self._times: dict[str, dict[datetime, bool]] = {}

    def count(self, event: Mapping[str, Any]) -> int:
        times = self._times.setdefault(event["account_id"], {})
        times[event["occurred_at"]] = True
        start = event["occurred_at"] - self._width
        kept = {at: True for at in times if at >= start}
        self._times[event["account_id"]] = kept
        return len(kept)

"""The events held for the windows of the rules, and the answers to what rules ask of them. Pure.

So far the plain way: each question looks at all events that are held.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from baselines.transfers.alike import ends_at, fits, opens_at, same
from baselines.transfers.measure import (
    ABOUT_OTHERS,
    COUNT,
    DISTINCT,
    FIRST_SEEN,
    LONGEST_MS,
    MEAN,
    MOST_DISTINCT,
    PREVIOUS,
    SINCE_LAST,
    SPEED,
    SUM,
    Measure,
)
from baselines.transfers.speed import distance_km, floors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Event = dict[str, Any]
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: How long a late event is waited for, and then some: nothing that it may ask for is let go.
PATIENCE_MS: Final = 5 * 60_000


def ms_of(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


class Recent:
    """Events of up to 90 days, held for the measures that were asked for."""

    def __init__(self, measures: Iterable[Measure] = ()) -> None:
        self._events: list[Event] = []
        self._measures = set(measures)
        self.held_from: datetime | None = None
        self.newest: datetime | None = None

    def want(self, measures: Iterable[Measure]) -> tuple[Measure, ...]:
        """Hold what these measures need from now on; gives those that lack what was held before: warming.

        Fill all that it gives by one `fill` (in pieces) with the events that were held before this call.
        """
        new = tuple(m for m in dict.fromkeys(measures) if m not in self._measures)
        self._measures.update(new)
        return new if self._events else ()

    def fill(self, events: pl.DataFrame, measures: Iterable[Measure] | None = None) -> None:
        """History in bulk, in pieces of any order; only for some measures where they are named.

        What the last `expire` would let go is not taken: call it first and memory stays small.
        """
        if measures is None:
            self._add(events)

    def take(self, events: pl.DataFrame) -> None:
        """Add events that are not held yet, in any order, late ones too."""
        self._add(events)

    def change(self, before: pl.DataFrame, after: pl.DataFrame) -> None:
        """The same held events with another status: `before` as they were taken."""
        gone = set(before["transfer_id"])
        self._events = [e for e in self._events if e["transfer_id"] not in gone]
        self._add(after)

    def ask(self, events: pl.DataFrame, measures: Sequence[Measure]) -> pl.DataFrame:
        """A column for each measure (its `column`), a row for each event; null is unknown.

        The events are held already, as they are given here.
        """
        rows = _rows(events)
        return pl.DataFrame(
            [
                pl.Series(m.column, [_answer(m, e, self._others(e)) for e in rows], dtype=kind_of(m))
                for m in dict.fromkeys(measures)
            ]
        )

    def ask_one(
        self, event: Mapping[str, Any], measures: Sequence[Measure], extra: Sequence[Mapping[str, Any]] = ()
    ) -> dict[str, int | str | None]:
        """The answers for one event that is not held; it and `extra` (not held either) count as well."""
        asked = _event(event)
        others = [*self._events, *(_event(x) for x in extra)]
        return {m.column: _answer(m, asked, others) for m in measures}

    def affected(self, late: pl.DataFrame, since: datetime) -> pl.Series:
        """The ids of held events from `since` on, other than `late`, whose answers `late` may alter."""
        lates = _rows(late)
        ids = {x["transfer_id"] for x in lates}
        found = [
            e["transfer_id"]
            for e in self._events
            if e["ms"] >= ms_of(since)
            and e["transfer_id"] not in ids
            and any(
                same(m, x, e) and opens_at(m, e["ms"]) < x["ms"] <= ends_at(m, e["ms"])
                for m in self._measures
                for x in lates
            )
        ]
        return pl.Series("transfer_id", found, dtype=pl.String)

    def expire(self, now: datetime) -> None:
        """Let go what no event from a little before `now` on can ask for."""
        oldest = ms_of(now) - LONGEST_MS - PATIENCE_MS
        self._events = [e for e in self._events if e["ms"] >= oldest]

    def copy(self) -> Recent:
        """Another one with the same content; both go on by themselves."""
        other = Recent(self._measures)
        other._events = list(self._events)
        other.held_from, other.newest = self.held_from, self.newest
        return other

    def _add(self, events: pl.DataFrame) -> None:
        self._events += _rows(events)
        if not events.is_empty():
            first, last = events["occurred_at"].min(), events["occurred_at"].max()
            self.held_from = min(filter(None, (self.held_from, first)))  # type: ignore[type-var, assignment]
            self.newest = max(filter(None, (self.newest, last)))  # type: ignore[type-var, assignment]

    def _others(self, event: Event) -> list[Event]:
        return [x for x in self._events if x["transfer_id"] != event["transfer_id"]]


def kind_of(measure: Measure) -> pl.DataType:
    """The type of a measure's answers."""
    return pl.String() if measure.of == PREVIOUS and measure.value != "amount" else pl.Int64()


def _rows(events: pl.DataFrame) -> list[Event]:
    return [_event(row) for row in events.iter_rows(named=True)]


def _event(row: Mapping[str, Any]) -> Event:
    return {**row, "ms": ms_of(row["occurred_at"])}


def _answer(measure: Measure, event: Event, others: list[Event]) -> int | str | None:
    held = [
        x
        for x in (others if measure.of in ABOUT_OTHERS else [*others, event])
        if fits(measure, x)
        and same(measure, x, event)
        and opens_at(measure, event["ms"]) < x["ms"] <= ends_at(measure, event["ms"])
    ]
    value = measure.value or ""
    if measure.of == COUNT:
        return len(held)
    if measure.of == DISTINCT:
        return min(len({x[value] for x in held} - {None}), MOST_DISTINCT)
    amounts = sum(int(x[value]) for x in held) if measure.of in (SUM, MEAN) else 0
    if measure.of == SUM:
        return amounts
    return _of_some(measure, event, held, amounts) if held else None


def _of_some(measure: Measure, event: Event, held: list[Event], amounts: int) -> int | str | None:
    if measure.of == MEAN:
        return amounts // len(held)
    if measure.of == FIRST_SEEN:
        return int((event["ms"] - min(x["ms"] for x in held)) // 1000)
    last = max(x["ms"] for x in held)
    if measure.of == SINCE_LAST:
        return int((event["ms"] - last) // 1000)
    latest = [x for x in held if x["ms"] == last]
    if measure.of == PREVIOUS:
        known = (x[measure.value or ""] for x in latest)
        return max((value for value in known if value is not None), default=None)
    return _speed(measure, event, latest) if measure.of == SPEED else None


def _speed(measure: Measure, event: Event, latest: list[Event]) -> int | None:
    if event["lat_e6"] is None or event["lon_e6"] is None:
        return None

    def column(name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.array([x[name] for x in latest], dtype=np.int64)

    lat, lon = (np.full(len(latest), event[n], dtype=np.int64) for n in ("lat_e6", "lon_e6"))
    km = distance_km(lat, lon, column("lat_e6"), column("lon_e6"))
    return int(floors(measure.value or "", km, event["ms"] - column("ms")).max())

"""The events held for the windows of the rules, and the answers to what rules ask of them. Pure.

Events stand in lanes, one for each kind of question, as sorted runs that never change; so a copy costs next
to nothing and both go on by themselves. A question searches its borders in each run. Late events and those
whose status changed are runs like others: nothing waits for them, and every answer is exact.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from baselines.transfers.alone import Plan, Single
from baselines.transfers.answers import answer
from baselines.transfers.asked import Asked, Group, grouped, keys_asked
from baselines.transfers.codes import Codes
from baselines.transfers.encoded import encode, joined
from baselines.transfers.lanes import Content, Lane, content_of, reach_ms
from baselines.transfers.measure import COUNT, DISTINCT, SUM, Measure
from baselines.transfers.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from baselines.transfers.codes import Key
    from baselines.transfers.encoded import Encoded, Ints

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: How long a late event is waited for, and then some: nothing that it may ask for is let go.
PATIENCE_MS: Final = 5 * 60_000
#: History is sorted in pieces of so many events.
PIECE: Final = 2_000_000
#: For each event that is taken, so many are moved by merges, and at least so many in a batch.
MOVED_PER_EVENT: Final = 128
MOVED_AT_LEAST: Final = 16_384
#: So many lanes are made from history at the same time.
_AT_ONCE: Final = 2
#: So many different lists of measures are known by heart.
_MOST_KNOWN: Final = 256


class Recent:
    """Events of up to 90 days, held for the measures that were asked for."""

    def __init__(self, measures: Iterable[Measure] = ()) -> None:
        self._codes = Codes()
        self._lanes: dict[Measure, Lane] = {}
        self._known: dict[tuple[Measure, ...], list[Group]] = {}
        self._last: tuple[tuple[Measure, ...], Plan] | None = None
        self._history: list[tuple[Encoded, tuple[Lane, ...]]] = []
        self._tail = Tail()
        self._oldest = -(1 << 62)  # the time of the last `expire`
        self.held_from: datetime | None = None
        self.newest: datetime | None = None
        self.want(measures)

    # ---------------------------------------------------------------- what is held

    def want(self, measures: Iterable[Measure]) -> tuple[Measure, ...]:
        """Hold what these measures need from now on; gives those that lack what was held before: warming.

        Fill all that it gives by one `fill` (in pieces) with the events that were held before this call.
        """
        self._settle()
        new = [m for m in dict.fromkeys(measures) if m not in self._lanes]
        for measure in new:
            enough = [lane for lane in self._all() if _serves(lane, measure)]
            self._lanes.update(dict.fromkeys([measure], enough[0]) if enough else {})
        lacking = [m for m in new if m not in self._lanes]
        for alike in _together(lacking):
            lane = Lane(_content(alike), max(map(reach_ms, alike)))
            lane.expire(self._oldest - lane.reach - PATIENCE_MS)
            self._lanes.update(dict.fromkeys(alike, lane))
        self._known.clear()
        self._last = None
        return tuple(lacking) if self.newest is not None else ()

    def fill(self, events: pl.DataFrame, measures: Iterable[Measure] | None = None) -> None:
        """History in bulk, in pieces of any order; only for some measures where they are named.

        What the last `expire` would let go is not taken: call it first and memory stays small.
        """
        lanes = self._all() if measures is None else _once(self._lanes[m] for m in measures)
        keys = [key for lane in lanes for key in lane.content.keys]
        asking = self._asking() if measures is None else []
        recent = encode(events, self._codes, [*keys, *asking], [lane.content.where for lane in lanes])
        if measures is None:
            self._seen(events)
            self._tail.add(recent, events["transfer_id"], asking)
        if self._history and list(map(id, self._history[-1][1])) != list(map(id, lanes)):
            self._settle()
        self._history.append((recent.only(keys), tuple(lanes)))
        if sum(piece.at.size for piece, _ in self._history) >= PIECE:
            self._settle()

    def take(self, events: pl.DataFrame) -> None:
        """Add events that are not held yet, in any order, late ones too."""
        if events.is_empty():
            return
        self._settle()
        encoded = self._encode(events)
        self._seen(events)
        self._tail.add(encoded, events["transfer_id"], self._asking())
        in_time = encoded.in_time()
        for lane in self._all():
            lane.add(in_time)
        self._move(max(MOVED_PER_EVENT * events.height, MOVED_AT_LEAST))

    def change(self, before: pl.DataFrame, after: pl.DataFrame) -> None:
        """The same held events with another status: `before` as they are held."""
        self._settle()
        gone, come = self._encode(before).in_time(), self._encode(after).in_time()
        for lane in self._all():
            lane.remove(gone)
            lane.add(come)

    def expire(self, now: datetime) -> None:
        """Let go what no event from a little before `now` on can ask for."""
        self._oldest = max(self._oldest, ms_of(now))
        lanes = self._all()
        for lane in lanes:
            lane.expire(self._oldest - lane.reach - PATIENCE_MS)
        if self.held_from is not None and lanes:
            longest = max(lane.reach for lane in lanes) + PATIENCE_MS
            self.held_from = max(self.held_from, now - timedelta(milliseconds=longest))

    def copy(self) -> Recent:
        """Another one with the same content; both go on by themselves."""
        self._settle()
        other = Recent()
        other._codes = self._codes
        lanes = {id(lane): lane.copy() for lane in self._all()}
        other._lanes = {measure: lanes[id(lane)] for measure, lane in self._lanes.items()}
        other._tail = self._tail.copy()
        other._oldest, other.held_from, other.newest = self._oldest, self.held_from, self.newest
        return other

    # ---------------------------------------------------------------- what is asked

    def ask(self, events: pl.DataFrame, measures: Sequence[Measure]) -> pl.DataFrame:
        """A column for each measure (its `column`), a row for each event; null is unknown.

        The events are held already, as they are given here.
        """
        self._settle()
        groups = self._groups(measures)
        keys = [key for group in groups for key in (*group.keys, *group.lane.content.keys)]
        encoded = encode(events, self._codes, keys, [group.lane.content.where for group in groups])
        columns = {}
        for group in groups:
            asked = Asked(group, encoded)
            for measure in group.measures:
                columns[measure.column] = self._column(asked, measure, events.height)
        return pl.DataFrame([columns[m.column] for m in dict.fromkeys(measures)])

    def ask_one(
        self, event: Mapping[str, Any], measures: Sequence[Measure], extra: Sequence[Mapping[str, Any]] = ()
    ) -> dict[str, int | str | None]:
        """The answers for one event that is not held; it and `extra` (not held either) count as well."""
        self._settle()
        plan = self._plan(measures)
        itself, *others = [
            Single(x, ms_of(x["occurred_at"]), self._codes.alone(x, plan.keys)) for x in (event, *extra)
        ]
        return plan.answers(itself, others, self._codes)

    def affected(self, late: pl.DataFrame, since: datetime) -> pl.Series:
        """The ids of held events from `since` on, other than `late`, whose answers `late` may alter.

        Of a changed event both are given: as it was, and as it is. Ids are kept for four minutes.
        """
        ids = self._tail.affected(self._encode(late), ms_of(since), self._lanes)
        return ids.filter(~ids.is_in(late["transfer_id"].implode()))

    # ---------------------------------------------------------------- inside

    def _all(self) -> list[Lane]:
        return _once(self._lanes.values())

    def _asking(self) -> list[Key]:
        """The numbers of texts by which events find others."""
        return [
            key
            for measure, lane in self._lanes.items()
            for key in keys_asked(tuple(ours for _, ours in measure.match), lane.content.fields)
        ]

    def _encode(self, events: pl.DataFrame) -> Encoded:
        lanes = self._all()
        keys = [key for lane in lanes for key in lane.content.keys]
        return encode(events, self._codes, [*keys, *self._asking()], [lane.content.where for lane in lanes])

    def _seen(self, events: pl.DataFrame) -> None:
        if events.is_empty():
            return
        first, last = events["occurred_at"].min(), events["occurred_at"].max()
        if isinstance(first, datetime) and isinstance(last, datetime):
            self.held_from = first if self.held_from is None else min(self.held_from, first)
            self.newest = last if self.newest is None else max(self.newest, last)

    def _settle(self) -> None:
        """Make runs of the history that has come so far."""
        if not self._history:
            return
        lanes = self._history[0][1]
        events = joined([piece for piece, _ in self._history]).in_time()
        self._history = []
        with ThreadPoolExecutor(_AT_ONCE) as threads:  # sorting leaves the interpreter to the other one
            for done in [threads.submit(lane.add, events) for lane in lanes]:
                done.result()

    def _move(self, most: int) -> None:
        """Go on with merges that are under way, the smallest first: large ones may take their time."""
        while most > 0:
            under_way = [(merging, lane) for lane in self._all() for merging in lane.merging]
            if not under_way:
                return
            merging, lane = min(under_way, key=lambda pair: pair[0].size)
            most -= lane.step(merging)

    def _groups(self, measures: Sequence[Measure]) -> list[Group]:
        """Which lanes are asked, by which fields, for what."""
        wanted = tuple(measures)
        if wanted not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[wanted] = grouped(wanted, self._lanes)
        return self._known[wanted]

    def _plan(self, measures: Sequence[Measure]) -> Plan:
        """How a single event asks these."""
        last = self._last
        if last is None or measures is not last[0]:  # the same tuple again: its hash need not be made
            self._last = last = tuple(measures), Plan(self._groups(measures))
        return last[1]

    def _column(self, asked: Asked, measure: Measure, height: int) -> pl.Series:
        values, known = answer(asked, measure, self._codes)
        if isinstance(values, list):
            texts: list[str | None] = [None] * height
            for row, text in zip(asked.rows.tolist(), values, strict=True):
                texts[row] = text
            return pl.Series(measure.column, texts, dtype=pl.String)
        return _integers(measure, asked.rows, values, known, height)


def ms_of(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _integers(measure: Measure, rows: Ints, values: Ints, known: Ints | None, height: int) -> pl.Series:
    """One answer for each event: those that cannot ask count nothing, and know nothing else."""
    full = np.zeros(height, np.int64)
    full[rows] = values
    if measure.of in (COUNT, SUM, DISTINCT):
        return pl.Series(measure.column, full)
    there = np.zeros(height, np.bool_)
    there[rows if known is None else rows[known]] = True
    frame = pl.DataFrame({"value": full, "there": there})
    return frame.select(pl.when("there").then("value").alias(measure.column)).to_series()


def _serves(lane: Lane, measure: Measure) -> bool:
    """Whether what a lane holds, and for how long, is enough for a measure."""
    has, needs = lane.content, content_of(measure)
    return (
        (has.fields, has.where, has.placed) == (needs.fields, needs.where, needs.placed)
        and (has.amount or not needs.amount)
        and set(needs.values) <= set(has.values)
        and lane.reach >= reach_ms(measure)
    )


def _together(measures: Sequence[Measure]) -> list[list[Measure]]:
    """Measures that can share a lane."""
    groups: dict[tuple[object, ...], list[Measure]] = {}
    for measure in measures:
        content = content_of(measure)
        groups.setdefault((content.fields, content.where, content.placed), []).append(measure)
    return list(groups.values())


def _content(measures: Sequence[Measure]) -> Content:
    """What a lane for all of these holds."""
    contents = [content_of(measure) for measure in measures]
    values = tuple(dict.fromkeys(name for content in contents for name in content.values))
    first = contents[0]
    return Content(first.fields, first.where, first.placed, any(c.amount for c in contents), values)


def _once(lanes: Iterable[Lane]) -> list[Lane]:
    return list({id(lane): lane for lane in lanes}.values())

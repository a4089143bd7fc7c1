"""At night the day's checks are judged again, in bulk: their answers must follow from what was known.

First all checks whose events were booked are judged at once, by all events as they are known now. Whatever
differs, and what was never booked, is judged by exactly what its check knew: the events of the transactions
it had read, and the reservations beside it. That is what its answer has to be; where events came later that
would have counted, it is called late.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from sqlalchemy import text

from baselines.transfers.recent import Recent
from pipeline.online.transfers.check.asked import from_plain
from pipeline.online.transfers.check.follow import RULES_REACH, reach_of
from pipeline.online.transfers.in_force import read_timeline
from pipeline.packs.transfers.judging import judge_events
from pipeline.packs.transfers.ruleset import LIVE
from pipeline.packs.transfers.schema import EVENT
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from baselines.transfers.measure import Measure
    from pipeline.minute import Span
    from pipeline.online.transfers.check.reader import Reader
    from pipeline.packs.transfers.ruleset import Timeline
    from pipeline.store.state import State

SAME: Final = "same"
LATE: Final = "late"
DIFFERS: Final = "differs"
_WRITTEN: Final = pl.Schema({"transfer_id": pl.String(), "inserted": pl.Int64(), "written": pl.Int64()})
_ALWAYS: Final = 0  # the number of no transaction: what is in the lake alone was there before


@dataclass(frozen=True, slots=True)
class Check:
    """A check as it was recorded."""

    event: Mapping[str, Any]
    said: tuple[Any, ...]  # decision, score, hits
    seen: Snapshot
    beside: Sequence[str]
    checked_at: datetime

    @property
    def transfer_id(self) -> str:
        """Its event's id."""
        return str(self.event["transfer_id"])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions were to be seen, as PostgreSQL writes it: xmin:xmax:those that still ran."""

    xmin: int
    xmax: int
    running: frozenset[int]

    @classmethod
    def of(cls, given: str) -> Snapshot:
        """Read one."""
        xmin, xmax, running = given.split(":")
        return cls(int(xmin), int(xmax), frozenset(int(one) for one in running.split(",") if one))

    def shows(self, transactions: pl.Series) -> pl.Series:
        """Which of these were to be seen."""
        found = transactions.to_numpy()
        shown = (found < self.xmax) & ~np.isin(found, list(self.running))
        return pl.Series(shown, dtype=pl.Boolean)


@dataclass(slots=True)
class Rejudged:
    """What judging a day's checks again came to."""

    found: dict[str, str] = field(default_factory=dict)  # id -> same, late, differs

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        counts = Counter(self.found.values())
        differing = [one for one, what in self.found.items() if what == DIFFERS]
        return {"checks": len(self.found), **{name: counts[name] for name in _ALL}, "differing": differing}


_ALL: Final = (SAME, LATE, DIFFERS)


def rejudge(state: State, reader: Reader, zone: ZoneInfo, span: Span) -> Rejudged:
    """Judge the checks of `span` again and mark each with what came out."""
    with state.reading() as connection:
        given = {"start": span.start, "end_": span.end}
        rows = connection.execute(text(sql("transfers/ops/checks_of_day")), given).mappings().all()
        timeline = read_timeline(connection, span.start - RULES_REACH)
    checks = [_check(dict(row)) for row in rows]
    if not checks:
        return Rejudged()
    day = _Day(state, reader, zone, timeline, checks, span)
    result = Rejudged(day.judge())
    with state.changing() as connection:
        for what in _ALL:
            ids = [one for one, found in result.found.items() if found == what]
            query = text(sql("transfers/ops/mark_rejudged"))
            connection.execute(query, {"transfer_ids": ids, "rejudged": what})
    return result


class _Day:
    """The checks of a day, and all that may have counted for them."""

    def __init__(
        self,
        state: State,
        reader: Reader,
        zone: ZoneInfo,
        timeline: Timeline,
        checks: Sequence[Check],
        span: Span,
    ) -> None:
        self._zone = zone
        self._timeline = timeline
        self._checks = checks
        self._measures = timeline.measures(span.start - RULES_REACH)
        look = reader.look(None, span.start, past=True)
        wanted = _concerns(self._measures, [one.event for one in checks])
        reach = reach_of(self._measures) + (look.clock - span.start) + RULES_REACH
        pieces = [piece.filter(wanted) for piece in reader.past(look, reach)]
        self._events = _with_transactions(pl.concat([EVENT.to_frame(), *pieces]), reader, look.clock - reach)
        self._before = _statuses(state, span.start - RULES_REACH)
        self._beside = _beside(state, checks)

    def judge(self) -> dict[str, str]:
        """What came out, by id."""
        booked = set(self._events["transfer_id"])
        at_once = [one for one in self._checks if one.transfer_id in booked]
        found = {name: SAME for name, said in self._all(at_once).items() if said}
        for one in self._checks:
            if one.transfer_id not in found:
                found[one.transfer_id] = self._by_what_it_knew(one)
        return found

    def _all(self, checks: Sequence[Check]) -> dict[str, bool]:
        """All of them at once, each in the place of its booked event: did it say the same?"""
        asked = _frame(one.event for one in checks)
        others = self._events.select(EVENT.names()).join(asked, on="transfer_id", how="anti")
        said = _said(self._recent(pl.concat([others, asked])), asked, self._timeline, self._zone)
        return {one.transfer_id: said[one.transfer_id] == one.said for one in checks}

    def _by_what_it_knew(self, check: Check) -> str:
        near = self._events.filter(
            _concerns(self._measures, [check.event]) & (pl.col("transfer_id") != check.transfer_id)
        )
        known = near.filter(check.seen.shows(near["inserted"]))
        changed = known.filter(~check.seen.shows(known["written"]))["transfer_id"].to_list()
        was = {one: self._status_then(one, check.seen) for one in changed}
        then = known.select(EVENT.names()).with_columns(
            pl.coalesce(pl.col("transfer_id").replace_strict(was, default=None), "status").alias("status")
            if was
            else pl.col("status")
        )
        asked = _frame([check.event])
        held = _frame(self._beside[one] for one in check.beside)
        said = _said(self._recent(pl.concat([then, held, asked])), asked, self._timeline, self._zone)
        if said[check.transfer_id] != check.said:
            return LATE if self._rules_changed(check) else DIFFERS
        return LATE if known.height < near.height or was else SAME

    def _status_then(self, transfer_id: str, seen: Snapshot) -> str | None:
        """The first correction that was not to be seen says what was before it."""
        for status, written in self._before.get(transfer_id, ()):
            if written >= seen.xmax or written in seen.running:
                return status
        return None

    def _rules_changed(self, check: Check) -> bool:
        """Were other rules in force at the time of the event than when it was asked about? It lay ahead."""
        at = self._timeline.at
        return at(check.event["occurred_at"]) is not at(check.checked_at)

    def _recent(self, events: pl.DataFrame) -> Recent:
        recent = Recent(self._measures)
        recent.fill(events)
        return recent


def _check(row: Mapping[str, Any]) -> Check:
    answer = row["answer"]
    hits = sorted((hit["rule"], hit["version"], _canonical(hit["values"])) for hit in answer["hits"])
    said = (answer["decision"], answer["score"], hits)
    return Check(from_plain(row["event"]), said, Snapshot.of(row["seen"]), row["beside"], row["checked_at"])


def _said(
    recent: Recent, events: pl.DataFrame, timeline: Timeline, zone: ZoneInfo
) -> dict[str, tuple[Any, ...]]:
    """What judging in bulk says of each event, as checks say it."""
    answers = judge_events(recent, events, timeline, zone)
    hits: dict[str, list[tuple[Any, ...]]] = {}
    for hit in answers.hits.filter(pl.col("mode") == LIVE).iter_rows(named=True):
        values = _canonical(json.loads(hit["explanation"]))
        hits.setdefault(hit["transfer_id"], []).append((hit["rule"], hit["version"], values))
    return {
        row["transfer_id"]: (row["decision"], row["score"], sorted(hits.get(row["transfer_id"], [])))
        for row in answers.log.iter_rows(named=True)
    }


def _canonical(content: object) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


def _concerns(measures: Sequence[Measure], events: Sequence[Mapping[str, Any]]) -> pl.Expr:
    """Which events may count for one of these, by the fields that measures match."""
    either = []
    for measure in measures:
        pairs = [
            pl.col(theirs).is_in(sorted({str(e[ours]) for e in events if e[ours] is not None}))
            for theirs, ours in measure.match
        ]
        either.append(reduce(and_, pairs, pl.lit(value=True)))
    own = pl.col("transfer_id").is_in(sorted({str(e["transfer_id"]) for e in events}))
    return reduce(or_, either, own)


def _with_transactions(events: pl.DataFrame, reader: Reader, since: datetime) -> pl.DataFrame:
    written = reader.written(since, _WRITTEN)
    joined = events.join(written, on="transfer_id", how="left")
    return joined.with_columns(pl.col("inserted", "written").fill_null(_ALWAYS))


def _statuses(state: State, since: datetime) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    with state.reading() as connection:
        rows = connection.execute(text(sql("transfers/ops/statuses_before")), {"since": since})
        for transfer_id, status, written in rows:
            found.setdefault(transfer_id, []).append((status, written))
    return found


def _beside(state: State, checks: Sequence[Check]) -> dict[str, Mapping[str, Any]]:
    ids = sorted({one for check in checks for one in check.beside})
    with state.reading() as connection:
        rows = connection.execute(text(sql("transfers/ops/checks_beside")), {"transfer_ids": ids})
        return {transfer_id: from_plain(event) for transfer_id, event in rows}


def _frame(events: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(list(events), EVENT, orient="row")

"""What the inspections of both dialects share: spans to ask plans for, and the sentences. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.finding import Level
    from pipeline.pack import Pack
    from pipeline.source.plan import PlanReason

CONNECT_S: Final = 10
#: A table up to this may be read whole: it costs less than a look at why not.
SMALL_BYTES: Final = 8 * 1024 * 1024
#: Statistics are old when so much of the table changed since.
_STALE_SHARE: Final = 0.2
#: A standby behind by more than this is told before it is an alarm of `run`.
_LAG: Final = timedelta(seconds=10)
_CLOCK_WARNING_S: Final = 2.0
_CLOCK_FAILURE_S: Final = 30.0
_SHOWN: Final = 6


@dataclass(frozen=True, slots=True)
class Shape:
    """A query with the parameters that the pipeline runs it with."""

    query: str
    said: str
    start: datetime
    end: datetime
    takes_span: bool = True
    whole: bool = False  # reads its table whole by what it is
    since_fence: bool = False  # asks for what was written by transactions that a fence does not show
    given: Mapping[str, object] | None = None  # parameters by name, of a query about a few entities


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the planner knows of a table."""

    table: str
    bytes: int | None
    rows: float | None  # None: nobody has ever counted
    analyzed_at: datetime | None
    changed: int  # rows since then

    @property
    def small(self) -> bool:
        """Is it read whole in no time?"""
        return self.bytes is not None and self.bytes <= SMALL_BYTES

    @property
    def stale(self) -> bool:
        """Has much changed since it was counted?"""
        return self.rows is not None and self.changed > _STALE_SHARE * max(self.rows, 1)


def shapes(pack: Pack[Any, Any], clock: datetime, ids: Sequence[object]) -> list[Shape]:
    """The queries as a live minute, each look, the search for late commits and reconciliation ask them."""
    hour, minute, back = (clock - timedelta(minutes=n) for n in (60, 1, 5))
    few = pack.probe(ids, clock)
    return [
        Shape(pack.rows_query, "of a minute", minute, clock),
        Shape(pack.rows_query, "of an hour", hour, clock),
        Shape("totals", "of an hour", hour, clock),
        Shape("changed", "of 5 minutes", back, clock, since_fence=True),
        *([Shape(pack.watch.query, "of 5 minutes", back, clock, since_fence=True)] if pack.watch else []),
        Shape("without_time", "", hour, clock, takes_span=False),
        *(Shape(name, f"of a few {pack.nouns}", hour, clock, given=given) for name, given in few.items()),
        *([Shape(pack.fact[0], "", hour, clock, takes_span=False, whole=True)] if pack.fact else []),
    ]


def plan_finding(
    shape: Shape, reason: PlanReason, known: Sequence[Statistics], *, has_index: bool, clock: datetime
) -> Finding:
    """What a plan says: an index, or a table that is read whole, and how sure the planner can be."""
    name = f"{shape.query}.sql {shape.said}".strip()
    numbers: dict[str, Any] = {
        "query": shape.query,
        "sequential": list(reason.sequential),
        "indexes": list(reason.indexes),
        "estimated_rows": reason.estimated_rows,
    }
    if not reason.sequential:
        by = f" by {', '.join(reason.indexes)}" if reason.indexes else ""
        return Finding("plans", "ok", f"{name}: index used{by}", numbers=numbers)
    tables = ", ".join(reason.sequential)
    small = bool(known) and all(table.small for table in known)
    if shape.whole:
        return Finding("plans", "ok", f"{name}: reads {tables} whole, as it must", numbers=numbers)
    if small and has_index:
        return Finding("plans", "ok", f"{name}: reads {tables} whole, which is small", numbers=numbers)
    level: Level = "note" if small else "warning"
    why = "" if has_index else "; no index serves it"
    what = f"{name}: {reason.text}{why}; {'; '.join(_age(table, clock) for table in known) or 'size unknown'}"
    return Finding("plans", level, what, _plan_hint(reason, known, has_index=has_index), numbers)


def _age(table: Statistics, clock: datetime) -> str:
    size = "" if table.bytes is None else f" ({table.bytes / 1e6:,.0f} MB)" if not table.small else " (small)"
    if table.rows is None:
        return f"{table.table}{size} was never analyzed"
    if table.stale:
        return f"{table.table}{size}: old statistics, {table.changed:,} changes since"
    rows = f"{table.table}{size}: about {table.rows:,.0f} rows"
    if table.analyzed_at is None:
        return rows
    return f"{rows}, analyzed {max(round((clock - table.analyzed_at) / timedelta(hours=1)), 0)} h ago"


def _plan_hint(reason: PlanReason, known: Sequence[Statistics], *, has_index: bool) -> str:
    names = ", ".join(reason.sequential)
    if not has_index:
        return (
            f"give {names} an index on the column that the query filters by, and compare that column bare: a"
            " function around it hides the index"
        )
    if any(table.rows is None or table.stale for table in known):
        return (
            f"ANALYZE {names}, then check again: an index is there, and the planner does not know the table"
        )
    return (
        "an index is there and the planner prefers to read it all: fine where the table is small or the span"
        f" is most of it; else look at random_page_cost and at the statistics of {names}"
    )


def rights_finding(role: str, more: Sequence[str]) -> Finding:
    """A reader may SELECT and nothing else."""
    if not more:
        return Finding("rights", "ok", f"{role} may only SELECT", numbers={"beyond_select": []})
    shown = "; ".join(more[:_SHOWN]) + (f"; and {len(more) - _SHOWN} more" if len(more) > _SHOWN else "")
    what = f"{role} may do more than SELECT: {shown}"
    hint = "make a role of its own that has SELECT alone, or REVOKE these; every read is READ ONLY anyway"
    return Finding("rights", "warning", what, hint, {"beyond_select": list(more)})


def lag_finding(lag_s: float | None, *, paused: bool) -> Finding:
    """The source is a standby: what it has not replayed is not counted yet."""
    numbers = {"lag_s": lag_s, "paused": paused}
    hint = "minutes are counted from what was replayed; read the primary where the delay matters"
    if paused:
        return Finding("standby", "warning", "the source is a standby whose replay is paused", hint, numbers)
    if lag_s is None:
        return Finding("standby", "note", "the source is a standby; its delay is not known", hint, numbers)
    what = f"the source is a standby, {lag_s:,.0f} s behind"
    return Finding("standby", "note" if lag_s <= _LAG.total_seconds() else "warning", what, hint, numbers)


def pool_finding(setting: str, *, between: bool, per_transaction: bool, refused: bool) -> Finding:
    """A pooler lends sessions; in transaction mode nobody may keep anything in one."""
    numbers = {"setting": setting, "pooled": between, "per_transaction": per_transaction}
    if not between:
        return Finding("pool", "ok", f"{setting} connects directly", numbers=numbers)
    if not per_transaction:
        what = f"{setting} goes through a pooler or proxy that keeps a session for us"
        return Finding("pool", "note", what, numbers=numbers)
    what = f"{setting} goes through a connection pooler in transaction mode"
    if not refused:
        return Finding("pool", "note", f"{what}; nothing of ours stays in its sessions", numbers=numbers)
    hint = "connect to PostgreSQL directly, or through a pooler in session mode"
    return Finding("pool", "failure", what, hint, numbers, 2)


def clock_finding(one: str, other: str, apart_s: float, unsure_s: float) -> Finding:
    """Two clocks: `apart_s` how far `one` is ahead of `other`, give or take `unsure_s`."""
    numbers = {"one": one, "other": other, "apart_s": round(apart_s, 3), "unsure_s": round(unsure_s, 3)}
    sure = max(abs(apart_s) - unsure_s, 0.0)
    way = "ahead of" if apart_s > 0 else "behind"
    what = f"the clock of {one} is {abs(apart_s):,.1f} s {way} that of {other}"
    hint = "let NTP set both; only the source's clock says when a minute is due, the others date what is told"
    if sure > _CLOCK_FAILURE_S:
        return Finding("clocks", "failure", what, hint, numbers)
    if sure > _CLOCK_WARNING_S:
        return Finding("clocks", "warning", what, hint, numbers)
    return Finding(
        "clocks", "ok", f"{one} and {other} agree within {max(abs(apart_s), 0.1):.1f} s", numbers=numbers
    )

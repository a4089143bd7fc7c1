"""Events within the second: judged when they are committed, and others again whose windows they enter. Pure.

The view is a copy of the windows that also holds what was seen since. An event that comes late, down to a
minute behind the newest one, is judged at once, and so are those after it that it alters. An older one is
left to the correction of its minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl

from pipeline.judge.seconds import TELLS, Seen
from pipeline.packs.transfers.judge import CHANGED, JUDGED, NEW, STORED, judged_of
from pipeline.packs.transfers.judging import HITS, LOG, Answers, judge_events
from pipeline.packs.transfers.schema import EVENT
from pipeline.packs.transfers.signals import SIGNAL, signals_of
from pipeline.packs.transfers.windows import Told
from pipeline.schema import conform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from baselines.transfers.rules import Rules
    from pipeline.packs.transfers.windows import EventWindows

#: So far behind the newest event one is judged at once.
LATE: Final = timedelta(seconds=60)
_ID: Final = "transfer_id"
_SAME: Final = tuple(name for name in EVENT if name not in (_ID, "status"))
_HINT: Final = (
    "an event does not change but for its status: see transfers.correction_log, and let the source give one"
    " row per transfer_id"
)


def renew(windows: EventWindows, view: EventWindows | None) -> EventWindows:
    """The windows after a closed minute, with what the view so far has seen and they do not hold."""
    windows.pending, windows.told = EVENT.to_frame(), Told()
    reach = windows.reach
    if view is None or reach is None:
        return windows
    held = windows.held(view.pending[_ID]).select(_ID, held_status="status")
    seen = view.pending.filter(pl.col("occurred_at") >= reach)
    seen = seen.join(held, on=_ID, how="left", maintain_order="left")
    other = seen.filter(pl.col("held_status") != pl.col("status"))
    lacking = seen.filter(pl.col("held_status").is_null()).select(EVENT.names())
    _change(windows, other)
    windows.recent.take(lacking)
    windows.pending = pl.concat([other.select(EVENT.names()), lacking])
    windows.told = _since(view.told, reach)
    return windows


def see(view: EventWindows, rules: Rules, rows: pl.DataFrame, known: Sequence[Mapping[str, Any]]) -> Seen:
    """What has just been committed, judged; `known` says what is stored of these events."""
    newest = view.recent.newest
    found = _sorted_out(view, rows, known, newest)
    _change(view, found.changed)
    view.recent.take(found.taken)
    _remember(view, found)
    late = found.taken.filter(pl.col("occurred_at") < newest) if newest else found.taken.clear()
    again = _altered(view, late, found.changed, found.judged)
    judged, signals = _judged(view, rules, found, again, late)
    counts = {
        "new": found.taken.height,
        "late": late.height,
        "changed": found.changed.height,
        "again": again.height,
        "left": found.left.height,
        "conflicts": found.conflicts.height,
    }
    return Seen(signals, judged, counts, _alarms(found.conflicts))


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows by what becomes of them; `kept` says of each whether it is stored."""

    taken: pl.DataFrame  # EVENT: the view did not hold them
    judged: pl.DataFrame  # EVENT, with kept: of these, and of the changed ones, those to be judged now
    changed: pl.DataFrame  # EVENT, held_status: held with another status
    left: pl.DataFrame  # EVENT, with kept: too late; written, and judged when their minute is corrected
    conflicts: pl.DataFrame  # EVENT, with kept: the first stays


def _sorted_out(
    view: EventWindows, rows: pl.DataFrame, known: Sequence[Mapping[str, Any]], newest: datetime | None
) -> _Found:
    stored = pl.DataFrame(list(known), {"judged": pl.String(), **EVENT}, orient="row")
    stored = stored.rename({name: f"stored_{name}" for name in EVENT if name != _ID})
    first = cast("datetime | None", rows["occurred_at"].min())
    held = view.held(rows[_ID], first).select(_ID, held_status="status")
    marked = rows.unique(_ID, keep="first", maintain_order=True)
    marked = marked.join(held, on=_ID, how="left", maintain_order="left")
    marked = marked.join(stored, on=_ID, how="left", maintain_order="left")
    there = pl.col("stored_status").is_not_null()
    same = pl.col("stored_status") == pl.col("status")
    kept = pl.when(~there).then(pl.lit(NEW)).when(same).then(pl.lit(STORED)).otherwise(pl.lit(CHANGED))
    unlike = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"stored_{name}")) for name in _SAME)
    marked = marked.with_columns(kept=kept, conflict=there & unlike)
    conflicts = marked.filter("conflict").with_columns(kept=pl.lit(CHANGED))
    marked = marked.filter(~pl.col("conflict"))
    is_held = pl.col("held_status").is_not_null()
    borders = [edge for edge in (view.reach, newest and newest - LATE) if edge is not None]
    too_late = pl.col("occurred_at") < max(borders) if borders else pl.lit(value=False)
    is_judged = pl.col("judged").eq_missing(pl.col("status"))
    changed = marked.filter(is_held & (pl.col("held_status") != pl.col("status")))
    new = marked.filter(~is_held & ~too_late)
    left = marked.filter(~is_held & too_late & (pl.col("kept") != STORED))
    columns = [*EVENT, "kept"]
    return _Found(
        new.select(EVENT.names()),
        pl.concat([new.filter(~is_judged).select(columns), changed.select(columns)]),
        changed.select(*EVENT, "held_status"),
        left.select(columns),
        conflicts.select(columns),
    )


def _remember(view: EventWindows, found: _Found) -> None:
    """Keep the events that the windows do not hold, or hold with another status."""
    kept, changed = view.pending, found.changed.select(EVENT.names())
    if not changed.is_empty():
        kept = kept.join(changed.select(_ID), on=_ID, how="anti", maintain_order="left")
    view.pending = pl.concat([kept, changed, found.taken])


def _change(view: EventWindows, changed: pl.DataFrame) -> None:
    """Let events (with `held_status`) count by their new status."""
    if not changed.is_empty():
        view.recent.change(_before(changed), changed.select(EVENT.names()))


def _before(changed: pl.DataFrame) -> pl.DataFrame:
    return changed.with_columns(status=pl.col("held_status")).select(EVENT.names())


def _altered(
    view: EventWindows, late: pl.DataFrame, changed: pl.DataFrame, judged: pl.DataFrame
) -> pl.DataFrame:
    """Events that are kept and whose answers the late and the changed ones may alter."""
    causes = pl.concat([late, _before(changed), changed.select(EVENT.names())])
    reach = view.reach
    if causes.is_empty() or reach is None:
        return EVENT.to_frame()
    ids = view.recent.affected(causes, reach - timedelta(milliseconds=1))
    altered = view.held(ids)
    return altered.join(judged.select(_ID), on=_ID, how="anti", maintain_order="left")


def _judged(
    view: EventWindows, rules: Rules, found: _Found, again: pl.DataFrame, late: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """JUDGED of all of them, and SIGNAL of the accounts of which there is something to tell."""
    events = pl.concat([found.judged.select(EVENT.names()), again])
    answers = judge_events(view.recent, events, view.timeline, view.zone)
    kept = pl.concat([found.judged, again.with_columns(kept=pl.lit(STORED))]).select(_ID, "kept")
    causes = pl.concat([late.select(_ID), found.changed.select(_ID)])[_ID]
    judged = judged_of(answers, events).drop("kept").join(kept, on=_ID, how="left", maintain_order="left")
    judged = judged.with_columns(
        late=pl.col(_ID).is_in(late[_ID].to_list()),
        because=pl.lit(causes[0] if len(causes) else None, pl.String),
    )
    unjudged = pl.concat([found.left, found.conflicts]).with_columns(
        late=pl.lit(value=True), **{TELLS: False}
    )
    absent = [name for name in JUDGED if name not in unjudged.columns]
    unjudged = unjudged.with_columns(pl.lit(None, JUDGED[name]).alias(name) for name in absent)
    signals = _signals(view, rules, answers, judged)
    return pl.concat([conform(judged, JUDGED), conform(unjudged, JUDGED)]), signals


def _signals(view: EventWindows, rules: Rules, answers: Answers, judged: pl.DataFrame) -> pl.DataFrame:
    """Signals of the accounts and minutes that something is told of now, with all that was told of them."""
    tells = judged.filter(TELLS)
    ids = judged.select(_ID)
    log = _without(view.told.log, LOG, ids)
    hits = _without(view.told.hits, HITS, ids)
    events = _without(view.told.events, EVENT, ids)
    chosen = tells.select(_ID)
    log = pl.concat([log, answers.log.join(chosen, on=_ID, how="semi")])
    hits = pl.concat([hits, answers.hits.join(chosen, on=_ID, how="semi")])
    events = pl.concat([events, tells.select(EVENT.names())])
    view.told = Told(log, hits, events)
    if tells.is_empty():
        return SIGNAL.to_frame()
    minute = pl.col("occurred_at").dt.truncate("1m").alias("minute")
    touched = tells.select("account_id", minute).unique()
    of_them = log.with_columns(minute).join(touched, on=["account_id", "minute"], how="semi")
    return signals_of(Answers(of_them.select(LOG.names()), hits), events, rules.evidence.most_events)


def _without(frame: pl.DataFrame | None, schema: pl.Schema, ids: pl.DataFrame) -> pl.DataFrame:
    return schema.to_frame() if frame is None else frame.join(ids, on=_ID, how="anti", maintain_order="left")


def _since(told: Told, reach: datetime) -> Told:
    parts = (told.log, told.hits, told.events)
    return Told(*(None if part is None else part.filter(pl.col("occurred_at") >= reach) for part in parts))


def _alarms(conflicts: pl.DataFrame) -> Sequence[tuple[str, str, str]]:
    if conflicts.is_empty():
        return ()
    first = conflicts[_ID][0]
    what = f"{conflicts.height:,} events came again with other values, such as {first}; the first word stays"
    return (("rows.conflict", what, _HINT),)

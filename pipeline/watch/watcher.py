"""Rows within the second: `Watcher.look` reads what was committed since the last look, and tells of it.

The unit of record stays the minute. A row is told at once, by the pack's own judgement of it; the closed
minute judges the same rows again and confirms, adds or corrects. Nothing here remembers what the operational
database does not know: after a failure or a restart the rows of the open minutes are read once more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import structlog

from pipeline.alarms import Alarm
from pipeline.judge.life import at_once
from pipeline.judge.seconds import AHEAD, Seen, Write
from pipeline.minute import MINUTE, Span, floor_minute, from_index
from pipeline.run import settle_minute
from pipeline.source.asked import Arrived
from pipeline.source.look_back import HORIZON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from pipeline.catch_up import Pipeline
    from pipeline.judge.life import Changes
    from pipeline.judge.seconds import Watch
    from pipeline.pack import Windows
    from pipeline.source.asked import Fence, Source

log = structlog.get_logger()

#: Rows become visible after they were written: so far back is looked as a rule,
LOOK_BACK: Final = timedelta(seconds=10)
#: and so far where a transaction has ended that was open at the last look. The search finds older rows.
LOOK_BACK_MOST: Final = timedelta(seconds=60)
#: Who is farther behind than this judges minutes first: nobody waits for a second of an hour ago.
BEHIND: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look came to."""

    rows: int  # read, also those that had been seen
    seen: Seen
    clock: datetime  # the source's
    opened: int  # incidents


class Watcher:
    """Looks at a pack's source each second; for one thread, beside the one that judges minutes."""

    def __init__(
        self,
        pipeline: Pipeline,
        watch: Watch[Any, Any],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._pipeline = pipeline
        self._watch = watch
        self._source: Source | None = None  # connections of its own
        self._view: Windows | None = None
        self._base: Windows | None = None  # the windows that the view was made from
        self._fence: Fence | None = None  # of the last look
        self._rows: pl.DataFrame | None = None  # good rows of the last looks, to know them again

    def look(self) -> Look | None:
        """Read, judge, tell; None where no minute has been judged yet, or minutes come first."""
        try:
            return self._look()
        except BaseException:
            self._forget()  # nobody knows what of it was committed: the open minutes are read again
            raise

    def close(self) -> None:
        """Give the connections back."""
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def _forget(self) -> None:
        self._view = self._base = self._fence = self._rows = None
        self.close()

    def _look(self) -> Look | None:
        if not self._renewed():
            return None
        view = self._view
        if view is None or view.last is None:
            return None
        began_s = self._monotonic()
        arrived = self._read(from_index(view.last + 1))
        clock = arrived.fence.clock
        if clock - from_index(view.last + 1) > BEHIND:
            self._forget()
            return None
        self._pipeline.know(view, floor_minute(clock) - BEHIND)
        good = self._new(self._pipeline.pack.bad(arrived.rows, clock + AHEAD).good, clock)
        seen = self._seen(view, good, clock)
        opened = self._tell(view, seen, began_s)
        self._fence = arrived.fence
        return Look(arrived.rows.height, seen, clock, opened)

    def _renewed(self) -> bool:
        """Is there a view? It stands on the newest closed minute, or still on the one before."""
        newest = self._pipeline.newest_windows()
        if newest is None:
            return self._view is not None
        if newest is not self._base:
            self._view, self._base = self._watch.renew(newest.copy(), self._view), newest
        return True

    def _read(self, start: datetime) -> Arrived:
        """What was committed since the last look; at first all of the minutes that have not closed."""
        if self._source is None:
            self._source = self._pipeline.source.again()
        if self._fence is not None:
            return self._source.arrived(self._watch.query, self._fence, self._floor)
        fence = self._source.fence()
        end = max(floor_minute(fence.clock) + 2 * MINUTE, start + MINUTE)
        if fence.clock - start > BEHIND:
            end = start + MINUTE  # it is behind: this look will say so
        extracted = self._source.extract(Span(start, end))
        return Arrived(extracted.rows, fence)

    def _floor(self, now: Fence) -> datetime:
        """From when on rows are looked at that were written by transactions which have ended since."""
        before = self._fence
        if before is None:
            return now.clock - LOOK_BACK_MOST
        known = before.in_progress is not None and now.in_progress is not None
        ended = not known or bool((before.in_progress or frozenset()) - (now.in_progress or frozenset()))
        since = min(before.clock, now.clock)
        return since - (LOOK_BACK_MOST if ended else LOOK_BACK)

    def _new(self, good: pl.DataFrame, clock: datetime) -> pl.DataFrame:
        """Good rows that no look has seen just so; they are remembered."""
        known = self._rows
        if known is None:
            self._rows = good.with_columns(seen_at=pl.lit(clock))
            return good
        if known.height and known["seen_at"][0] < clock - 3 * LOOK_BACK_MOST:  # a minute of them at once
            known = known.filter(pl.col("seen_at") > clock - 2 * LOOK_BACK_MOST)
        like = known.filter(pl.col(self._watch.key).is_in(good[self._watch.key].implode()))
        new = good.join(like, on=good.columns, how="anti", nulls_equal=True)
        self._rows = pl.concat([known, new.with_columns(seen_at=pl.lit(clock))])
        return new

    def _seen(self, view: Windows, good: pl.DataFrame, clock: datetime) -> Seen:
        pipeline = self._pipeline
        known: Sequence[Mapping[str, Any]] = ()
        if good.is_empty():
            return Seen(pipeline.pack.signal.to_frame(), good)
        if self._watch.known is not None:
            known = pipeline.state.known_rows(self._watch.known, good[self._watch.key].to_list())
        seen = self._watch.see(view, pipeline.tuned_at(floor_minute(clock)), good, known)
        for name, what, hint in seen.alarms:
            pipeline.alarms.raise_alarm(Alarm(name, what, hint), HORIZON)
        return seen

    def _tell(self, view: Windows, seen: Seen, began_s: float) -> int:
        """Commit what was found: incidents, messages and the pack's rows, as one; gives how many opened."""
        pipeline = self._pipeline
        if seen.signals.is_empty() and seen.judged.is_empty():
            if self._watch.looked is not None:
                pipeline.state.tell_at_once((), self._looked(began_s))
            return 0
        writes = self._watch.writes(seen.judged, None)
        with pipeline.turn:
            changes = self._changes(view, seen.signals)
            pipeline.state.tell_at_once(changes, [*writes, *self._looked(began_s)])
            if pipeline.written is not None:
                pipeline.written.add(seen.judged)
        return sum(len(of_minute.opened) for _, of_minute in changes)

    def _looked(self, began_s: float) -> list[Write]:
        query = self._watch.looked
        return [] if query is None else [Write(query, {"took_s": self._monotonic() - began_s})]

    def _changes(self, view: Windows, signals: pl.DataFrame) -> Sequence[tuple[datetime, Changes]]:
        """What the signals do to incidents, by minute; of each rule and entity its newest one counts."""
        pipeline = self._pipeline
        found: list[tuple[datetime, Changes]] = []
        if signals.is_empty():
            return found
        # Of all the incidents of a busy day there may be thousands; a look has not the time to read them.
        gates, book = pipeline.gates_now(), pipeline.book(signals["entity_id"].unique().to_list())
        newest = signals.with_columns(last=pl.col("minute").max().over("rule", "entity_id"))
        newest = newest.filter(pl.col("minute") == pl.col("last")).drop("last")  # an incident opens once
        for (minute,), of_minute in newest.partition_by("minute", as_dict=True, maintain_order=True).items():
            settled = settle_minute(minute, of_minute, gates, book, view)
            passed = settled.signals.filter("passed").iter_rows(named=True)
            fired = {(r["rule"], r["entity_id"]) for r in passed}
            found.append((minute, at_once(settled.changes, fired)))
        return sorted(found, key=lambda one: one[0])

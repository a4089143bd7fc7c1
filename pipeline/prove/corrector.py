"""Keeps published minutes equal to the source: what the search found is read again, and what checks ask for.

`search` looks for late commits, in a thread of its own; `take` and `repair` work on what was found, in the
thread that judges minutes, for as long as they are given. What is left waits in the operational database.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import structlog

from pipeline.alarms import Alarm
from pipeline.history import rebuild_windows
from pipeline.judge.hold import Gates
from pipeline.judge.life import Changes, Event
from pipeline.minute import MINUTE, Span, floor_minute, format_minute, one_minute
from pipeline.prove.beside import beside_differs, correct_beside, exposures_revised, replace_beside
from pipeline.prove.reconcile import reconcile, totals_text
from pipeline.prove.rejudge import (
    corrections_of,
    differs,
    known_minutes,
    mended,
    money_for,
    rejudge,
    replace_files,
    replace_signals,
)
from pipeline.prove.strays import tell_strays
from pipeline.source.asked import AHEAD_ALARM, KnownFence, KnownMinute, Totals
from pipeline.source.look_back import DEEP, HORIZON, LOOK_BACK_ALARM, SHORT, LookBack, Watched, first_fence
from pipeline.steps import Steps
from pipeline.store.incidents import incident_of
from pipeline.store.state import Correction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from pipeline.catch_up import Pipeline
    from pipeline.count import Counted
    from pipeline.judge.seconds import Write
    from pipeline.prove.rejudge import Rejudged
    from pipeline.source.asked import Fence, Source
    from pipeline.store.manifest import LakeFile

log = structlog.get_logger()

#: After a restart of the source so much is compared in one statement, which its timeout has to allow.
COMPARED_AT_ONCE = timedelta(hours=1)
#: So many minutes are remembered as read again without a difference: more than nine days.
_REMEMBERED = 16_384


@dataclass(frozen=True, slots=True)
class Found:
    """What one search found."""

    deep: bool
    since: Fence
    watched: Watched  # the search's own snapshot: everything found so far lies before it
    until: datetime  # the next minute to judge when it began
    dirty: Sequence[datetime]  # published minutes of the horizon to be read again
    suspects: Sequence[datetime]  # older published minutes that got rows
    strays: Mapping[str, Sequence[datetime]]  # minutes by reason that hold rows which nothing counts


#: Of the minutes that were read again without any effect so many are compared with the source's totals.
_ASKED_AGAIN = 3


class Corrector:
    """Works on a pipeline in the thread that judges its minutes, and searches beside it."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        # The newest fences behind which everything is found; only one of search and take is ever at work.
        self._deep: KnownFence | None = None
        self._watched: dict[str, Watched] = {}  # by depth; the deep one is that of `_deep`
        self._look_back: LookBack | None = None
        self._found: Found | None = None
        # By minute, the snapshot of its newest reading that changed nothing: the ledger has an older one.
        self._read: dict[datetime, KnownMinute] = {}
        # Starts of the source's server after which totals are to be compared, and after which they have been;
        # by start, what of the horizon is left. Another thread compares: see compare_after_restart.
        self._to_compare: datetime | None = None
        self._compared: datetime | None = None
        self._left: dict[datetime, Span] = {}
        self.open_for: timedelta | None = None  # how long the oldest open transaction may have been open

    def see(self, fence: Fence) -> None:
        """Remember a fence of the tick: it tells later when a transaction can have taken its id."""
        if self._look_back is not None:
            self._look_back.add(fence)

    def poll(self) -> list[datetime]:
        """Search deep and correct what is found, at once; gives the corrected minutes."""
        self.search(deep=True)
        return self.take()

    def search(self, *, deep: bool) -> None:
        """Find minutes with late commits; for a thread of its own. Nothing until `take` has taken the last.

        The short search goes on from the newest search, the deep one from the newest deep one: it finds what
        the short ones could not see.
        """
        pipeline, deepest = self._pipeline, self._start()
        next_minute = pipeline.state.next_minute()
        if self._found is not None or deepest is None or self._look_back is None or next_minute is None:
            return
        deep = deep or SHORT.name not in self._watched  # after a start nothing is known of short ones
        since, depth = self._watched[DEEP.name if deep else SHORT.name], DEEP if deep else SHORT
        floor = partial(self._look_back.floor, since, depth=depth)
        horizon = min(floor_minute(since.fence.clock - HORIZON), next_minute)
        known = known_minutes(pipeline.state.minutes(Span(horizon, next_minute)))
        before = self._look_back.newest()
        changed = pipeline.source.changed(
            since.fence,
            (lambda now: min(deepest.look_back, floor(now))) if deep and since.before is None else floor,
            known | self._read_since(known),
            next_minute,
        )
        self._tell_unreadable(changed.unreadable)
        unknown = [minute for minute in changed.minutes if minute not in known]
        published = self._published(unknown, horizon)
        ahead = max(next_minute, changed.fence.clock + AHEAD_ALARM)
        self._found = Found(
            deep=deep,
            since=since.fence,
            watched=Watched(changed.fence, before),
            until=next_minute,
            dirty=[minute for minute in changed.minutes if minute in known],
            suspects=[minute for minute in unknown if minute in published],
            strays={
                "past": [m for m in unknown if m < next_minute and m not in published],
                "future": [m for m in unknown if m > ahead],
            },
        )

    def _tell_unreadable(self, reason: str | None) -> None:
        """An alarm while a value keeps the search from finding what commits late for older minutes."""
        if reason is None:
            self._pipeline.alarms.end("rows.unreadable", "changed")
            return
        what = f"the query changed cannot be read: {reason}; only totals of the last minutes are compared"
        alarm = Alarm("rows.unreadable", what, "correct the value at the source, or the query", "changed")
        self._pipeline.alarms.raise_alarm(alarm)

    @property
    def waiting(self) -> bool:
        """Has the search found something that was not taken yet?"""
        return self._found is not None

    def _start(self) -> KnownFence | None:
        """The newest deep fence; at first the one that an earlier process left."""
        if self._deep is None:
            self._deep = self._pipeline.state.source_fence()
            if self._deep is not None:
                self._look_back = LookBack(self._deep)
                self._watched[DEEP.name] = Watched(self._deep.fence)
        return self._deep

    def _read_since(self, known: Mapping[datetime, KnownMinute]) -> dict[datetime, KnownMinute]:
        """What later readings say of minutes; of the horizon only where the ledger has not moved on."""
        read = dict(self._read)
        return {m: k for m, k in read.items() if m not in known or k.xmin > known[m].xmin}

    def _published(self, minutes: Sequence[datetime], horizon: datetime) -> set[datetime]:
        """Which of these minutes before the horizon the ledger holds."""
        old = [minute for minute in minutes if minute < horizon]
        if not old:
            return set()
        return {row["minute"] for row in self._pipeline.state.minutes(Span(old[0], old[-1] + MINUTE))}

    def take(self, deadline: float = math.inf) -> list[datetime]:
        """Correct what the search found; gives the corrected minutes.

        The fence moves on only after the corrections are committed and the rest is written down, so a crash
        between the two repeats the search, which then finds nothing to change.
        """
        found, state = self._found, self._pipeline.state
        if found is None:
            return []
        if found.watched.fence.xmax < found.since.xmax:
            return self._after_failover(found, deadline)
        corrected, left = self._correct(found.dirty, "late_commit", deadline)
        state.request_repairs([*left, *found.suspects], "late_commit")
        state.record_strays(found.strays)
        if any(found.strays.values()):
            tell_strays(self._pipeline)
        # A minute that was published during the search was read before or after its snapshot, nobody knows.
        if state.next_minute() == found.until:
            self._move_on(found)
        self._found = None
        return corrected

    def repair(self, deadline: float = math.inf) -> list[datetime]:
        """Read again what checks have asked for, then what may differ; gives the corrected minutes."""
        state = self._pipeline.state
        corrected: list[datetime] = []
        next_minute = state.next_minute()
        asked = state.repair_requests(since=next_minute and next_minute - HORIZON)
        if not asked:
            return []
        span = Span(min(a.minute for a in asked), max(a.minute for a in asked) + MINUTE)
        known = {row["minute"] for row in state.minutes(span)}
        state.forget_repairs([a for a in asked if a.minute not in known])
        for cause in ("reconciliation", "late_commit"):
            minutes = [a.minute for a in asked if a.cause == cause and a.minute in known]
            if not minutes:
                continue
            changed, left = self._correct(minutes, cause, deadline)
            done = set(minutes) - set(left)
            state.forget_repairs([a for a in asked if a.minute in done])
            if cause == "reconciliation":
                self._tell_disagreement(sorted(done - set(changed)))
            corrected += changed
            if left:
                break
        return corrected

    def _tell_disagreement(self, unchanged: Sequence[datetime]) -> None:
        """Minutes that were read again to no effect: does the source itself still count them otherwise?"""
        pipeline = self._pipeline
        for minute in unchanged[-_ASKED_AGAIN:]:
            span = one_minute(minute)
            for found in reconcile(pipeline.source, pipeline.state, span, pipeline.lake):
                what = (
                    f"{len(unchanged):,} minutes were read again and still differ, such as"
                    f" {format_minute(minute)}Z: totals.sql counts {totals_text(found.source)},"
                    f" {pipeline.pack.rows_query}.sql gave {totals_text(found.ledger)}"
                )
                hint = "let both queries speak about the same rows; `minuterisk check` compares them"
                pipeline.alarms.raise_alarm(Alarm("minutes.differ", what, hint))
                return

    def has_old_suspects(self) -> bool:
        """Is there anything for `judge_old_suspects`?"""
        next_minute = self._pipeline.state.next_minute()
        return next_minute is not None and bool(self._pipeline.state.old_suspects(next_minute - HORIZON, 1))

    def judge_old_suspects(self, source: Source) -> int:
        """An hour of minutes past the horizon that got rows: those with the ledger's totals are no strays.

        For a thread of its own, with a source of its own. Gives how many minutes were compared.
        """
        pipeline = self._pipeline
        next_minute = pipeline.state.next_minute()
        asked = pipeline.state.old_suspects(next_minute - HORIZON) if next_minute else []
        if not asked:
            return 0
        xmin = source.fence().xmin
        span = Span(asked[-1].minute, asked[0].minute + MINUTE)
        differ = {d.minute for d in reconcile(source, pipeline.state, span, pipeline.lake)}
        strays = [a.minute for a in asked if a.minute in differ]
        pipeline.state.record_strays({"past": strays})
        pipeline.state.forget_repairs(asked)
        ledger = known_minutes(pipeline.state.minutes(span))
        self._read |= {a.minute: replace(ledger[a.minute], xmin=xmin) for a in asked if a.minute in ledger}
        tell_strays(pipeline)
        return len(asked)

    def correct(self, minutes: Sequence[datetime], cause: str) -> list[datetime]:
        """Read published minutes again; publish, judge and commit those that differ as a new revision."""
        return self._correct(minutes, cause, math.inf)[0]

    def _correct(
        self, minutes: Sequence[datetime], cause: str, deadline: float
    ) -> tuple[list[datetime], list[datetime]]:
        """The same, newest first until the deadline, at least one; gives those corrected, and those left."""
        pipeline = self._pipeline
        files = pipeline.state.publication().files
        feed, steps = pipeline.source_feed(), Steps(pipeline.monotonic)
        left = sorted(minutes)
        revised: dict[datetime, Counted] = {}
        beside: dict[datetime, Counted] = {}  # of these only what is beside the rows differs
        while left:
            span = one_minute(left[-1])
            pipeline.lake.require_whole(f for f in files if f.span.overlaps(span))
            counted = feed.count(span, steps)
            if differs(counted, pipeline.lake, files):
                revised[span.start] = counted
            elif beside_differs(counted, pipeline.lake, files):
                beside[span.start] = counted
            else:
                self._remember(counted)
            left.pop()
            if pipeline.monotonic() >= deadline:
                break
        revised = dict(sorted(revised.items()))
        if beside:
            ledger = [row for counted in beside.values() for row in counted.ledger]
            correct_beside(pipeline, {m: c.beside for m, c in sorted(beside.items())}, cause, ledger)
        if revised:  # afterwards: judging anew prices by all of them
            files = pipeline.state.publication().files if beside else files
            self._replace(revised, files, cause)
        for minute in sorted([*revised, *beside]):
            log.info("minute.corrected", minute=minute.isoformat(), cause=cause)
        return sorted([*revised, *beside]), left

    def _remember(self, counted: Counted) -> None:
        """A minute read again without a difference: rows older than this reading need no further one."""
        if len(self._read) >= _REMEMBERED:
            self._read = dict(sorted(self._read.items())[_REMEMBERED // 2 :])
        for row in counted.ledger:
            self._read[counted.span.start] = KnownMinute(Totals.of_ledger(row), row["source_xmin"])

    def _replace(self, revised: Mapping[datetime, Counted], files: Sequence[LakeFile], cause: str) -> None:
        pipeline = self._pipeline
        frames = {minute: c.rows for minute, c in revised.items()}
        aside = {minute: c.quarantine for minute, c in revised.items()}
        beside = {minute: c.beside for minute, c in revised.items()}
        pipeline.lake.require_whole(f for f in files if f.span.end > min(revised))
        pairs = [
            replace_files(pipeline.lake, files, pipeline.pack.dataset, frames),
            replace_files(pipeline.lake, files, "quarantine", aside),
            *replace_beside(pipeline.lake, files, beside),
        ]
        rejudged = self._rejudge(revised, files)
        correction_parts: dict[str, Any] = {"changes": Changes(), "corrected": (), "at": max(revised)}
        if rejudged is not None:
            pairs.append(replace_signals(pipeline.lake, files, rejudged.span, rejudged.signals))
        ledger = [row for c in revised.values() for row in c.ledger]
        with pipeline.turn, exposures_revised(pipeline, files, beside, frames):
            if rejudged is not None:
                correction_parts = self._incidents(rejudged)
            pipeline.state.correct(
                Correction(
                    cause=cause,
                    minutes=ledger,
                    retired=[f.path for _, replaced in pairs for f in replaced],
                    files=[f for new, _ in pairs for f in new],
                    **correction_parts,
                )
            )
        known = rejudged is not None and max(revised) <= rejudged.span.end - MINUTE
        pipeline.take_windows(rejudged if known else None, min(revised))
        pipeline.project()

    def _rejudge(self, revised: Mapping[datetime, Counted], files: Sequence[LakeFile]) -> Rejudged | None:
        """Judge again from the first revised minute on; None when none of these minutes was ever judged."""
        pipeline = self._pipeline
        first, next_minute = min(revised), pipeline.state.next_minute()
        if next_minute is None or first >= next_minute:
            return None
        span = Span(first, next_minute)
        judged = [row["minute"] for row in pipeline.state.minutes(span) if row["judged_at"]]
        if not judged:
            return None
        published = pipeline.lake.read(files, pipeline.pack.dataset, span)
        whole = Span(max(first, min(judged)), next_minute)
        gates, parts = pipeline.gates(whole.start), []
        for part in pipeline.versions.stretches(whole, pipeline.pack.shape):
            known = pipeline.windows_before(first) if part == whole else None
            windows, facts = known or rebuild_windows(
                pipeline.lake, pipeline.state, first, pipeline.tuned_at(part.start)
            )
            parts.append(rejudge(windows, revised, published, part, gates, facts))
        own = [part.judged for part in parts if part.judged is not None]
        signals = pl.concat([part.signals for part in parts])
        return replace(parts[-1], signals=signals, span=whole, judged=pl.concat(own) if own else None)

    def _incidents(self, rejudged: Rejudged) -> dict[str, Any]:
        pipeline = self._pipeline
        last = rejudged.span.end - MINUTE
        versions = pipeline.versions
        in_force = versions.within(rejudged.span.start, rejudged.span.end)
        reach = max(version.tuned.incident.reopen_within_minutes for version in in_force) * MINUTE
        incidents = pipeline.state.incidents_between(rejudged.span.start - reach, last)
        at_risk = money_for(rejudged, incidents, pipeline.book(), pipeline.pack, pipeline.money)
        tuned, policy = versions.tuned(last), pipeline.settings.policy
        gates = Gates(pipeline.pack, tuned, policy, versions=versions)
        changes, unsupported = corrections_of(rejudged, incidents, at_risk, gates)
        corrected = [incident_of(row) for row in incidents if row["incident_id"] in unsupported]
        events = [*changes.events, *(Event("corrected", last, incident) for incident in corrected)]
        supported, earlier = mended(rejudged, incidents)
        again = (row for row in incidents if row["incident_id"] in supported and not row["resolved_minute"])
        events += [Event("repeated", last, incident_of(row)) for row in again]  # people read "corrected"
        return {
            "changes": replace(changes, events=events),
            "corrected": corrected,
            "supported": supported,
            "earlier": earlier,
            "at": last,
            "writes": self._own_rows(rejudged),
        }

    def _own_rows(self, rejudged: Rejudged) -> Sequence[Write]:
        watch = self._pipeline.pack.watch
        if watch is None or rejudged.judged is None:
            return ()
        return watch.writes(rejudged.judged, rejudged.span)

    def _move_on(self, found: Found) -> None:
        """Everything found so far lies before this search's snapshot."""
        fence = self._recognise_restart(found.since, found.watched.fence)
        watched = replace(found.watched, fence=fence)
        look_back = self._look_back
        if look_back is None:
            return
        look_back.add(fence)
        self._watched[SHORT.name] = watched
        known = look_back.known(watched)
        if found.deep:
            self._pipeline.state.record_fence(known)
            self._deep = known
            self._watched[DEEP.name] = watched
        self._watch_open(known)

    def _watch_open(self, known: KnownFence) -> None:
        """Alarm while a transaction of the source is open for long: nobody counts its rows yet."""
        self.open_for = max(known.fence.replayed_until - known.open_since, timedelta(0))
        if self.open_for <= LOOK_BACK_ALARM:
            self._pipeline.alarms.end("source.transaction_open")
            return
        minutes = int(self.open_for.total_seconds() // 60)
        what = f"a transaction of the source has been open for {minutes} minutes; its rows count later"
        hint = "see pg_stat_activity and pg_prepared_xacts; when it commits, its minutes are corrected"
        self._pipeline.alarms.raise_alarm(Alarm("source.transaction_open", what, hint))

    def _after_failover(self, found: Found, deadline: float) -> list[datetime]:
        """Transaction ids went back: another server answers, and nothing known of the old one's ids holds."""
        state, fence = self._pipeline.state, found.watched.fence
        log.error("source.failover", xmax_before=found.since.xmax, xmax_now=fence.xmax, alarm=True)
        span = Span(min(floor_minute(found.since.clock - HORIZON), found.until), found.until)
        self._read.clear()
        corrected, left = self._correct(
            [r["minute"] for r in state.minutes(span)], "reconciliation", deadline
        )
        state.request_repairs(left, "late_commit")
        self._begin_anew(first_fence(fence))
        state.record_fence(first_fence(fence))
        self._found = None
        return corrected

    def _begin_anew(self, known: KnownFence) -> None:
        """Nothing holds that was known of the ids of another server."""
        self._deep, self._look_back = known, LookBack(known)
        self._watched = {DEEP.name: Watched(known.fence)}

    def _recognise_restart(self, since: Fence, fence: Fence) -> Fence:
        """What to remember of `fence`: not the server's new start before `compare_after_restart` is through.

        The server may be another one, whose ids have overtaken ours and tell nothing of what was read before.
        """
        if not since.of_another_start(fence) or self._compared == fence.started:
            return fence
        if self._to_compare != fence.started:
            log.warning("source.restarted", started=fence.started and fence.started.isoformat(), alarm=True)
            self._begin_anew(first_fence(fence))
            self._read.clear()
            self._to_compare = fence.started
        return replace(fence, started=since.started)

    @property
    def comparing(self) -> bool:
        """Is there anything for `compare_after_restart`?"""
        return self._to_compare is not None

    def compare_after_restart(self, source: Source) -> None:
        """Compare the totals of the horizon an hour at a time, newest first, and ask the tick for repairs.

        For a thread of its own, with a source of its own. What fails goes on with the same hour next time.
        """
        pipeline, started = self._pipeline, self._to_compare
        next_minute = pipeline.state.next_minute()
        if started is None or next_minute is None:
            return
        whole = Span(min(floor_minute(source.clock() - HORIZON), next_minute), next_minute)
        left = self._left.get(started, whole)
        while left.minutes:
            hour = Span(max(left.start, left.end - COMPARED_AT_ONCE), left.end)
            found = reconcile(source, pipeline.state, hour, pipeline.lake)
            pipeline.state.request_repairs([d.minute for d in found if d.ledger is not None])
            left = Span(left.start, hour.start)
            self._left = {started: left}
        if self._to_compare == started:  # it may have begun anew meanwhile
            self._compared, self._to_compare, self._left = started, None, {}
            log.info("source.compared_after_restart", started=started.isoformat())

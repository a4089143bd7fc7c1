"""Keeps published minutes equal to the source: polls for late commits, repairs what reconciliation finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from pipeline.alarms import Alarm
from pipeline.alert import Changes, Event
from pipeline.correct import (
    AHEAD_ALARM,
    HORIZON,
    LOOK_BACK_ALARM,
    LOOK_BACK_LEAST,
    Gates,
    LookBack,
    changes_of,
    differs,
    first_fence,
    incident_of,
    keys_to_open,
    known_minutes,
    mended,
    rejudge,
    replace_files,
    replace_span,
)
from pipeline.feeds import SourceFeed
from pipeline.history import read_past, rebuild_windows
from pipeline.lake import overlap
from pipeline.minute import MINUTE, Span, floor_minute, one_minute
from pipeline.reconcile import reconcile
from pipeline.state import Correction
from pipeline.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from pipeline.catch_up import Pipeline
    from pipeline.correct import Rejudged
    from pipeline.count import Counted
    from pipeline.lake import LakeFile
    from pipeline.source import Changed, Fence, TradeSource

log = structlog.get_logger()

#: After a restart of the source so much is compared in one statement, which its timeout has to allow.
COMPARED_AT_ONCE = timedelta(hours=1)


class Corrector:
    """Works on a pipeline in the thread that judges its minutes."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._look_back: LookBack | None = None
        # Starts of the source's server after which totals are to be compared, and after which they have been;
        # by start, what of the horizon is left. Another thread compares: see compare_after_restart.
        self._to_compare: datetime | None = None
        self._compared: datetime | None = None
        self._left: dict[datetime, Span] = {}
        self.open_for: timedelta | None = None  # how long the oldest open transaction may have been open

    def poll(self) -> list[datetime]:
        """Find minutes with late commits and correct them; gives the corrected ones.

        The fence moves on only after the corrections are committed, so a crash between the two repeats
        the search, which then finds nothing to change.
        """
        pipeline = self._pipeline
        before = pipeline.state.source_fence()
        next_minute = pipeline.state.next_minute()
        if before is None or next_minute is None:
            return []
        since, look_back = before.fence, before.look_back
        if self._look_back is None:
            self._look_back = LookBack(before)
        horizon = floor_minute(since.clock - HORIZON)
        known = known_minutes(pipeline.state.minutes(Span(min(horizon, next_minute), next_minute)))
        # Where the source's clock was stepped back, rows are written "before" the look-back of the last poll.
        look_back = min(look_back, pipeline.source.clock() - LOOK_BACK_LEAST)
        search = Span(min(floor_minute(look_back), next_minute), next_minute)
        changed = pipeline.source.changed(since, search, known)
        if changed.unreadable is not None:
            pipeline.alarms.raise_alarm(_search_unreadable(changed.unreadable))
        else:
            pipeline.alarms.end("rows.unreadable", "changed")
        if changed.fence.xmax < since.xmax:
            return self._after_failover(since, changed.fence, Span(min(horizon, next_minute), next_minute))
        corrected = self.correct([m for m in changed.minutes if m in known], "late_commit")
        fence = self._recognise_restart(since, changed.fence)
        self._record(fence, self._look_back, _strays(changed, known, next_minute))
        return corrected

    def repair(self) -> list[datetime]:
        """Read again what checks have asked for; gives the minutes that were corrected."""
        asked = self._pipeline.state.repair_requests()
        if not asked:
            return []
        known = {row["minute"] for row in self._pipeline.state.minutes(Span(asked[0], asked[-1] + MINUTE))}
        corrected = self.correct([minute for minute in asked if minute in known], "reconciliation")
        self._pipeline.state.forget_repairs(asked)
        return corrected

    def correct(self, minutes: Sequence[datetime], cause: str) -> list[datetime]:
        """Read published minutes again; publish, judge and commit those that differ as a new revision."""
        pipeline = self._pipeline
        files = pipeline.state.publication().files
        spans = [one_minute(minute) for minute in minutes]
        pipeline.lake.require_whole(f for f in files if any(overlap(f.span, span) for span in spans))
        feed, steps = SourceFeed(pipeline.source, pipeline.alarms), Steps(pipeline.monotonic)
        counted = {minute: feed.count(one_minute(minute), steps) for minute in sorted(minutes)}
        revised = {minute: c for minute, c in counted.items() if differs(c, pipeline.lake, files)}
        if revised:
            self._replace(revised, files, cause)
            for minute in revised:
                log.info("minute.corrected", minute=minute.isoformat(), cause=cause)
        return list(revised)

    def _replace(self, revised: Mapping[datetime, Counted], files: Sequence[LakeFile], cause: str) -> None:
        pipeline = self._pipeline
        frames = {minute: c.merchant_minutes for minute, c in revised.items()}
        aside = {minute: c.quarantine for minute, c in revised.items()}
        pipeline.lake.require_whole(f for f in files if f.span.end > min(revised))
        pairs = [
            replace_files(pipeline.lake, files, "merchant_minute", frames),
            replace_files(pipeline.lake, files, "quarantine", aside),
        ]
        rejudged = self._rejudge(revised, files)
        correction_parts: dict[str, Any] = {"changes": Changes(), "corrected": (), "at": max(revised)}
        if rejudged is not None:
            pairs.append(replace_span(pipeline.lake, files, "signal", rejudged.span, rejudged.signals))
            correction_parts = self._incidents(rejudged)
        ledger = [row for c in revised.values() for row in c.ledger]
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
        windows = pipeline.windows_before(first) or rebuild_windows(
            pipeline.lake, pipeline.state, first, pipeline.rules
        )
        published = pipeline.lake.read(files, "merchant_minute", span)
        start = max(first, min(judged))
        past = read_past(pipeline.lake, pipeline.state, start, pipeline.rules)
        gates = Gates(past, pipeline.rules, {}, pipeline.settings.policy)
        return rejudge(windows, revised, published, Span(start, next_minute), gates)

    def _incidents(self, rejudged: Rejudged) -> dict[str, Any]:
        pipeline = self._pipeline
        last = rejudged.span.end - MINUTE
        reach = pipeline.rules.incident.reopen_within_minutes * MINUTE
        incidents = pipeline.state.incidents_between(rejudged.span.start - reach, last)
        merchants = keys_to_open(rejudged, incidents)
        at_risk = pipeline.book().at_risk(merchants, last, rejudged.windows)
        changes, unsupported = changes_of(
            rejudged, incidents, at_risk, pipeline.settings.policy, pipeline.rules
        )
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
        }

    def _record(self, fence: Fence, look_back: LookBack, strays: Mapping[str, Sequence[datetime]]) -> None:
        look_back.add(fence)
        known = look_back.known(fence)
        self.open_for = fence.clock - known.open_since
        if self.open_for > LOOK_BACK_ALARM:
            log.warning("source.transaction_open_long", open_for_s=self.open_for.total_seconds(), alarm=True)
        for reason, minute in self._pipeline.state.record_fence(known, strays):
            log.error("minute.stray", minute=minute.isoformat(), reason=reason, alarm=True)

    def _after_failover(self, since: Fence, fence: Fence, horizon: Span) -> list[datetime]:
        """Transaction ids went back: another server answers, and nothing known of the old one's ids holds."""
        log.error("source.failover", xmax_before=since.xmax, xmax_now=fence.xmax, alarm=True)
        ledger = self._pipeline.state.minutes(horizon)
        corrected = self.correct([row["minute"] for row in ledger], "reconciliation")
        self._look_back = LookBack(first_fence(fence))
        self._record(fence, self._look_back, {})
        return corrected

    def _recognise_restart(self, since: Fence, fence: Fence) -> Fence:
        """What to remember of `fence`: not the server's new start before `compare_after_restart` is through.

        The server may be another one, whose ids have overtaken ours and tell nothing of what was read before.
        """
        if not since.of_another_start(fence) or self._compared == fence.started:
            return fence
        if self._to_compare != fence.started:
            log.warning("source.restarted", started=fence.started and fence.started.isoformat(), alarm=True)
            self._look_back = LookBack(first_fence(fence))
            self._to_compare = fence.started
        return replace(fence, started=since.started)

    @property
    def comparing(self) -> bool:
        """Is there anything for `compare_after_restart`?"""
        return self._to_compare is not None

    def compare_after_restart(self, source: TradeSource) -> None:
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
            found = reconcile(source, pipeline.state, hour, pipeline.lake.zone)
            pipeline.state.request_repairs([d.minute for d in found if d.ledger is not None])
            left = Span(left.start, hour.start)
            self._left = {started: left}
        if self._to_compare == started:  # it may have begun anew meanwhile
            self._compared, self._to_compare, self._left = started, None, {}
            log.info("source.compared_after_restart", started=started.isoformat())


def _search_unreadable(reason: str) -> Alarm:
    what = f"the query changed cannot be read: {reason}; only the totals of the last minutes are compared"
    return Alarm("rows.unreadable", what, "correct the value at the source, or the query", "changed")


def _strays(changed: Changed, known: Container[datetime], next_minute: datetime) -> dict[str, list[datetime]]:
    """Minutes with rows that are not counted now: their time is long past, or has not come by far."""
    unknown = [minute for minute in changed.minutes if minute not in known]
    ahead = max(next_minute, changed.fence.clock + AHEAD_ALARM)
    return {"past": [m for m in unknown if m < next_minute], "future": [m for m in unknown if m > ahead]}

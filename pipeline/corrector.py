"""Keeps published minutes equal to the source: polls for late commits, repairs what reconciliation finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from pipeline.alert import AtRisk, Changes, Event, Incident
from pipeline.catch_up import rebuild_windows
from pipeline.correct import (
    HORIZON,
    LOOK_BACK_ALARM,
    LOOK_BACK_LEAST,
    LookBack,
    changes_of,
    differs,
    keys_to_open,
    known_minutes,
    rejudge,
    replace_files,
    replace_span,
)
from pipeline.feeds import SourceFeed
from pipeline.minute import MINUTE, Span, floor_minute, one_minute
from pipeline.state import Correction
from pipeline.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from typing import Any

    from pipeline.catch_up import Pipeline
    from pipeline.correct import Rejudged
    from pipeline.count import Counted
    from pipeline.lake import LakeFile
    from pipeline.source import Fence

log = structlog.get_logger()


class Corrector:
    """Works on a pipeline in the thread that judges its minutes."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._look_back = LookBack()
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
        since, look_back = before
        horizon = floor_minute(since.clock - HORIZON)
        known = known_minutes(pipeline.state.minutes(Span(min(horizon, next_minute), next_minute)))
        # Where the source's clock was stepped back, rows are written "before" the look-back of the last poll.
        look_back = min(look_back, pipeline.source.clock() - LOOK_BACK_LEAST)
        search = Span(min(floor_minute(look_back), next_minute), next_minute)
        changed = pipeline.source.changed(since, search, known)
        if changed.fence.xmax < since.xmax:
            return self._after_failover(since, changed.fence, Span(min(horizon, next_minute), next_minute))
        corrected = self.correct([m for m in changed.minutes if m in known], "late_commit")
        late = [m for m in changed.minutes if m not in known and m < horizon]
        self._record(changed.fence, late)
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
        feed, steps = SourceFeed(pipeline.source), Steps(pipeline.monotonic)
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
        pipeline.take_windows(rejudged.windows if rejudged and known else None, min(revised))
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
        policy, rules = pipeline.settings.policy, pipeline.rules
        return rejudge(windows, revised, published, next_minute - MINUTE, min(judged), policy, rules)

    def _incidents(self, rejudged: Rejudged) -> dict[str, Any]:
        pipeline = self._pipeline
        last = rejudged.span.end - MINUTE
        incidents = pipeline.state.incidents_between(rejudged.span.start, last)
        merchants = keys_to_open(rejudged, incidents)
        at_risk = pipeline.book().at_risk(merchants, last, rejudged.windows)
        changes, unsupported = changes_of(
            rejudged, incidents, at_risk, pipeline.settings.policy, pipeline.rules
        )
        corrected = [_incident(row) for row in incidents if row["incident_id"] in unsupported]
        events = [*changes.events, *(Event("corrected", last, incident) for incident in corrected)]
        return {"changes": replace(changes, events=events), "corrected": corrected, "at": last}

    def _record(self, fence: Fence, late: Sequence[datetime]) -> None:
        self._look_back.add(fence)
        self.open_for = fence.clock - self._look_back.open_since(fence)
        if self.open_for > LOOK_BACK_ALARM:
            log.warning("source.transaction_open_long", open_for_s=self.open_for.total_seconds(), alarm=True)
        new = self._pipeline.state.record_fence(fence, self._look_back.floor(fence), late)
        for minute in new:
            log.error("minute.changed_after_final", minute=minute.isoformat(), alarm=True)

    def _after_failover(self, since: Fence, fence: Fence, horizon: Span) -> list[datetime]:
        """Transaction ids went back: another server answers, and nothing known of the old one's ids holds."""
        log.error("source.failover", xmax_before=since.xmax, xmax_now=fence.xmax, alarm=True)
        ledger = self._pipeline.state.minutes(horizon)
        corrected = self.correct([row["minute"] for row in ledger], "reconciliation")
        self._look_back = LookBack()
        self._record(fence, [])
        return corrected


def _incident(row: Mapping[str, Any]) -> Incident:
    at_risk = AtRisk(row["paid_out_cancelable"], row["cancelled_unrecovered"], row["merchant_name"])
    names = (
        "incident_id",
        "rule",
        "merchant_id",
        "tier",
        "severity",
        "status",
        "policy",
        "opened_minute",
        "last_breach_minute",
        "reason",
    )
    return Incident(**{name: row[name] for name in names}, at_risk=at_risk)

"""Looks at the source's clock and snapshot each second: is it a standby that lags, do clocks differ?

A standby shows what it has replayed. A minute is due when that is past its end, so nothing is judged on half
of its rows and no silence is told that is only a delay; an operator's alarm says what is waited for.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipeline.alarms import Alarm

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.catch_up import Pipeline
    from pipeline.source.asked import Fence

#: A standby replays a moment later than its primary commits.
LAG: Final = timedelta(seconds=5)
#: One that has just received something is behind for an instant, however long nothing had come.
LAGS_FOR_S: Final = 5.0
APART: Final = timedelta(seconds=5)
CLOCKS_S: Final = 60.0


class SourceWatch:
    """Raises and ends the alarms of one source; works in the thread that judges."""

    def __init__(self, pipeline: Pipeline, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._pipeline = pipeline
        self._now = now
        self._behind_since: float | None = None
        self._clocks_at = -CLOCKS_S

    def look(self) -> Fence:
        """The source's fence of now. Raises what the source says."""
        pipeline, before = self._pipeline, self._now()
        fence = pipeline.source.fence()
        after = self._now()
        self._compare_standby(fence)
        if pipeline.monotonic() - self._clocks_at >= CLOCKS_S:
            self._clocks_at = pipeline.monotonic()
            self._compare_clock("source", "the source database", fence.clock, before, after)
            before = self._now()
            ours = pipeline.state.clock()
            self._compare_clock("state", "the operational database", ours, before, self._now())
        return fence

    def _compare_standby(self, fence: Fence) -> None:
        now, lag = self._pipeline.monotonic(), fence.clock - fence.complete_until
        if fence.standby is None or lag <= LAG:
            self._behind_since = None
            self._pipeline.alarms.end("source.standby_lags")
            return
        self._behind_since = now if self._behind_since is None else self._behind_since
        if now - self._behind_since >= LAGS_FOR_S:
            replayed = fence.standby.replayed
            until = (
                f"replayed until {replayed.isoformat(timespec='seconds')}"
                if replayed
                else "nobody knows how far"
            )
            what = f"the source database is a standby and behind: {fence.standby.why}; {until}"
            hint = "minutes are judged when they are replayed; see the standby's log, or read the primary"
            self._pipeline.alarms.raise_alarm(Alarm("source.standby_lags", what, hint))

    def _compare_clock(
        self, subject: str, whose: str, clock: datetime, before: datetime, after: datetime
    ) -> None:
        """Compare a clock that was read between two moments of ours."""
        apart = max(before - clock, clock - after)
        if apart <= APART:
            self._pipeline.alarms.end("source.clock_apart", subject)
            return
        side = "behind" if clock < before else "ahead of"
        what = f"the clock of {whose} is {apart.total_seconds():,.0f} s {side} this host's"
        hint = "minutes are due by the source database's clock; let NTP set the clocks of all hosts"
        self._pipeline.alarms.raise_alarm(Alarm("source.clock_apart", what, hint, subject))

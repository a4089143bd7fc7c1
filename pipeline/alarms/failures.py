"""What becomes of a job's failure: what can pass waits, what people must mend is an alarm, little ends us.

People mend a query or a right while the service runs, and queries are read anew each time: the job tries
again, not each second, and its alarm ends when it has worked.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog

from pipeline.alarms import Alarm
from pipeline.errors import (
    Fault,
    MinuteriskError,
    PassingError,
    SourceChanged,
    SourceRefused,
    SourceTooSlow,
    SourceUnavailable,
    SourceValueWrong,
    StorageUnavailable,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.alarms import Alarms
    from pipeline.metrics import Metrics

log = structlog.get_logger()

#: A source that does not answer for longer is an operator's alarm; a restart of it takes less.
SOURCE_PATIENCE_S: Final = 60
#: The source answers, but not as it should: the alarm names the query.
SOURCE_FAILING: Final = (SourceRefused, SourceChanged, SourceValueWrong, SourceTooSlow)
#: So long the next try waits after such a failure: at first, and at most.
_PAUSE_S: Final = (5.0, 30.0)
#: Jobs that mostly find nothing to do: only so long without a failure says that all is right again.
_QUIET_S: Final = {"search": 70.0}


class Failures:
    """Keeps, for each job, what is wrong and when to try again."""

    def __init__(
        self, alarms: Callable[[], Alarms], metrics: Metrics, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._alarms = alarms
        self._metrics = metrics
        self._monotonic = monotonic
        self._queries: dict[str, str] = {}  # by job, the query of its last failure
        self._failed_at: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._away_since: float | None = None  # since when the source does not answer
        self._away_told = False
        self._took_over = False  # have the alarms of an earlier process been looked at?

    def waits(self, job: str) -> bool:
        """Is it too early to try this job again?"""
        return self._monotonic() - self._failed_at.get(job, 0.0) < self._pauses.get(job, 0.0)

    def failed(self, job: str, error: Exception, *, slowly: bool = True) -> bool:
        """Tell of a failure; gives whether the service cannot go on. `slowly`: the next try may wait."""
        self._metrics.errors.labels(job, type(error).__name__).inc()
        self._failed_at[job] = self._monotonic()
        pause = min(max(2 * self._pauses.get(job, 0.0), _PAUSE_S[0]), _PAUSE_S[1])
        self._pauses[job] = pause if slowly and isinstance(error, SOURCE_FAILING) else 0.0
        if not isinstance(error, MinuteriskError):
            log.error("job.fault", job=job, exc_info=error)
        elif not _survived(error):
            log.error("job.ended_service", job=job, error=error.what, next=error.hint)
            return True
        else:
            log.warning("job.failed", job=job, error=error.what, next=error.hint)
        self._raise(job, error)
        return False

    def succeeded(self, job: str) -> None:
        """The job has worked: what was wrong with it is right again."""
        if self._monotonic() - self._failed_at.get(job, -1e9) < _QUIET_S.get(job, 0.0):
            return
        self._pauses.pop(job, None)
        self._failed_at.pop(job, None)
        self._alarms().end("job.failing", job)
        self._end_query(job)
        if job == "tick" and not self._took_over:
            self._took_over = True
            for query in self._alarms().subjects("source.failing"):
                if query not in self._queries.values():
                    self._alarms().end("source.failing", query)

    def source_away(self, error: SourceUnavailable) -> None:
        """No answer is no zero: nothing is judged, nobody is told of an outage, the operator is called."""
        now = self._monotonic()
        self._away_since = now if self._away_since is None else self._away_since
        self._metrics.source_up.set(0)
        if now - self._away_since >= SOURCE_PATIENCE_S:
            self._alarms().raise_alarm(Alarm("source.unreachable", error.what, error.hint))
            self._away_told = True

    def source_answers(self) -> None:
        """The source gives what it is asked for, or says why it does not."""
        self._metrics.source_up.set(1)
        self._alarms().end("source.unreachable")
        if self._away_told and self._away_since is not None:
            log.info("source.reachable_again", away_s=round(self._monotonic() - self._away_since))
        self._away_since, self._away_told = None, False

    def _raise(self, job: str, error: Exception) -> None:
        if isinstance(error, SOURCE_FAILING):
            if self._queries.get(job, error.query) != error.query:
                self._end_query(job)
            self._queries[job] = error.query
            self._alarms().raise_alarm(Alarm("source.failing", error.what, error.hint, error.query))
        elif not isinstance(error, PassingError) or isinstance(error, StorageUnavailable):
            what, hint = _told(error)
            self._alarms().raise_alarm(Alarm("job.failing", what, hint, job))

    def _end_query(self, job: str) -> None:
        query = self._queries.pop(job, None)
        if query is not None and query not in self._queries.values():
            self._alarms().end("source.failing", query)


def _survived(error: MinuteriskError) -> bool:
    """Does the service go on? What passes, what people mend, and our own faults do not end it."""
    return isinstance(error, (PassingError, UsageError, SourceChanged, SourceValueWrong, Fault))


def _told(error: Exception) -> tuple[str, str]:
    if isinstance(error, MinuteriskError):
        return error.what, error.hint
    return (
        f"{type(error).__name__}: {error}",
        "this is a fault of minuterisk; report it with the log around it",
    )

"""What the jobs did and how long they took, for the people who run minuterisk. Nothing depends on it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pipeline.minute import Span

#: As long as the windows look back: a week beside today.
KEPT: Final = timedelta(days=8)
#: What a proof's report repeats of its statement.
_PROVEN: Final = (
    *("minutes", "differences_found", "differences_left", "files_verified", "files_damaged"),
    *("files_damaged_left", "files_equal_ledger"),
)


class JobReports(Database):
    """A row per judged minute and per run of a job; of whoever did it, leader or not."""

    def record_report(self, job: str, took_ms: float, result: Mapping[str, Any]) -> None:
        """Keep one, in a transaction of its own that waits for no disk."""
        with self.changing() as connection:
            self.ask(connection, "record_report", job=job, took_ms=took_ms, result=json.dumps(result))

    def forget_reports(self) -> int:
        """Delete those that are older than `KEPT`; returns how many."""
        with self.changing() as connection:
            return self.ask(connection, "forget_reports", kept_s=KEPT.total_seconds()).rowcount


def of_minute(
    minute: datetime, steps_ms: Mapping[str, float], answers: Mapping[str, tuple[int, float]]
) -> dict[str, Any]:
    """How long the steps of a minute took, and the source's answers since the minute before (times, ms)."""
    return {
        "minute": minute.isoformat(),
        "steps_ms": {step: round(ms, 1) for step, ms in steps_ms.items()},
        "source": {query: {"times": times, "ms": round(ms, 1)} for query, (times, ms) in answers.items()},
    }


def of_span(span: Span) -> dict[str, Any]:
    """What was looked at."""
    return {"from": span.start.isoformat(), "to": span.end.isoformat()}


def of_statement(stated: Mapping[str, Any]) -> dict[str, Any]:
    """What was proven."""
    return {name: stated[name] for name in _PROVEN}

"""Keeping house: what nobody can be reading any more is deleted, and closed days pass the pack's checks."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from pipeline.alarms import Alarm
from pipeline.errors import LakeDamaged
from pipeline.minute import MINUTE, business_date
from pipeline.prove.heads import keep_head
from pipeline.store.compact import delete_expired, sweep_orphans
from pipeline.store.views.checks import run_checks

if TYPE_CHECKING:
    from datetime import date, datetime

    from pipeline.catch_up import Pipeline
    from pipeline.store.views.checks import Checked

#: The alarm of a check, by its severity.
ALARM_OF: Final = {"error": "data.wrong", "warning": "data.doubtful"}

#: Of the thread that runs the checks, of 19: minutes go before.
_PRIORITY: Final = 10


def _step_back() -> None:
    """Let the thread wait for all others, where a thread has a priority of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _PRIORITY)


class House:
    """What housekeeping does besides compacting, for one pack."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._checked: date | None = None  # the newest business day whose end the checks have seen

    def keep_audit(self) -> None:
        """Keep the newest hashes of the audit outside of its database."""
        with self._pipeline.ornaments.beside("audit_copy"):
            keep_head(self._pipeline.state, self._pipeline.settings)

    def sweep(self, now: datetime) -> dict[str, Any]:
        """Delete retired files, orphans, tables that no list names, old reports; gives how many files."""
        pipeline = self._pipeline
        with pipeline.ornaments.beside("reports"):
            pipeline.state.forget_reports()
        return {
            "deleted": delete_expired(pipeline.lake, pipeline.state),
            "orphans": sweep_orphans(pipeline.lake, pipeline.state, now),
            "tables": pipeline.snapshots.sweep(now),
        }

    def check(self, next_minute: datetime) -> None:
        """Once after each business day's compaction, and at the first time: ask the data every check."""
        pipeline = self._pipeline
        day = business_date(next_minute - MINUTE, pipeline.lake.zone)
        if day == self._checked:
            return
        with pipeline.ornaments.beside("checks", but=(LakeDamaged,)):
            with ThreadPoolExecutor(1, initializer=_step_back) as aside:
                found = aside.submit(lambda: list(run_checks(pipeline.settings))).result()
            for checked in found:
                self._tell(checked)
            self._checked = day

    def _tell(self, checked: Checked) -> None:
        alarms, check = self._pipeline.alarms, checked.check
        name = ALARM_OF[check.severity]
        if checked.rows:
            alarms.raise_alarm(Alarm(name, checked.what, check.next, check.name))
        else:
            alarms.end(name, check.name)

"""Alarms without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    from pipeline.alarms import Alarm


class OpenAlarms:
    """What `Alarms` does, kept in memory."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, str], Alarm] = {}

    def raise_alarm(self, alarm: Alarm, lasts: timedelta | None = None) -> None:
        del lasts  # nothing ends by time here
        self.open[alarm.name, alarm.subject] = alarm

    def end(self, name: str, subject: str = "") -> None:
        self.open.pop((name, subject), None)

    def subjects(self, name: str) -> list[str]:
        return [subject for known, subject in self.open if known == name]

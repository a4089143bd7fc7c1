"""What does not fit into the book of exposure is an alarm, by the pack's words; it ends when it is gone.

Looked at after each minute's commit, by the thread that judges; nothing depends on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.alarms import Alarm

if TYPE_CHECKING:
    from pipeline.alarms import Alarms
    from pipeline.money import ExposureBook

BOOK: Final = "book.doubtful"


class BookWatch:
    """Raises and ends the alarms of a pack's book."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def see(self, book: ExposureBook | None) -> None:
        """Tell the book's doubts. Without a book nobody knows: alarms stay as they are."""
        if book is None:
            return
        doubts = book.doubts()
        for doubt in doubts:
            self._alarms.raise_alarm(Alarm(BOOK, doubt.what, doubt.hint, doubt.kind))
        for kind in {*self._alarms.subjects(BOOK)} - {doubt.kind for doubt in doubts}:
            self._alarms.end(BOOK, kind)

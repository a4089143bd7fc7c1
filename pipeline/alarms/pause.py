"""A pause between tries that doubles with each failure: what fails for long costs little."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_DOUBLED_AT_MOST: Final = 10  # times; a larger power is of no use, and overflows some day


class Pause:
    """Of one thing that is tried again: `first` after one failure, `longest` at most."""

    def __init__(self, first: timedelta, longest: timedelta, clock: Callable[[], datetime]) -> None:
        self._first, self._longest = first, longest
        self._clock = clock
        self._failures = 0
        self._until = datetime.min.replace(tzinfo=UTC)

    @property
    def lasts(self) -> bool:
        """Is it too early for the next try?"""
        return self._clock() < self._until

    def failed(self, asked: timedelta | None = None) -> None:
        """A try has failed; `asked`: whoever refused it has asked for so long a pause at least."""
        pause = min(self._first * 2 ** min(self._failures, _DOUBLED_AT_MOST), self._longest)
        self._failures += 1
        self._until = self._clock() + max(pause, asked or pause)

    def worked(self) -> None:
        """It works: the next failure is a first one."""
        self._failures = 0

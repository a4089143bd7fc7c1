"""The breaker: where the destination is down nobody tries event after event, and no event is to blame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CLOSED: Final = "closed"
OPEN: Final = "open"  # until the next probe
HELD: Final = "held"  # by people
_FIRST_S: Final = 1.0
_LONGEST_S: Final = 15.0


@dataclass(slots=True)
class Breaker:
    """Opens when the destination fails, lets a probe through after a while, closes when that works."""

    held: bool = False
    error: str = ""
    _wait_s: float = 0.0
    _until: float = 0.0

    @property
    def state(self) -> str:
        """How it stands."""
        if self.held:
            return HELD
        return OPEN if self._wait_s else CLOSED

    @property
    def probing(self) -> bool:
        """Is what goes through now a probe?"""
        return self._wait_s > 0

    def waits(self, now: float) -> bool:
        """Is the next probe still to come, by a clock that only goes on?"""
        return now < self._until

    def lets_through(self, now: float) -> bool:
        """May something be delivered?"""
        return not self.held and not self.waits(now)

    def failed(self, now: float, error: str) -> None:
        """The destination is down: the next probe comes after 1, 2, 4, ... at most 15 s."""
        self._wait_s = min(max(self._wait_s * 2, _FIRST_S), _LONGEST_S)
        self._until = now + self._wait_s
        self.error = error

    def worked(self) -> None:
        """The destination takes events again."""
        self._wait_s, self._until, self.error = 0.0, 0.0, ""

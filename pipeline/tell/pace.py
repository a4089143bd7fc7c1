"""How fast a channel may be used: one pace a channel, whoever of this process uses it.

Each pack of a process has its own senders and pictures; `Paces` hands all of them the same pace. Who wants to
send has the channel alone for one unit of work, in the order of asking, so a pack waits for one unit of each
other pack at most. A picture goes when nobody sends or wants to, and nobody waits for it. Another process has
paces of its own: where both together are too fast, Slack says so, and who is told pauses as long as it asks.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Condition, Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Pace:
    """How fast a channel may be used: one message per gap, pauses it asks for, longer ones while it is away.

    Holds the clock, the sleep and the random source of the delivery, so that a test can pass its own. A clock
    that is set back never makes it wait longer than the gap or pause it was asked for.
    """

    def __init__(
        self, *, clock: Callable[[], datetime], sleep: Callable[[float], None], random: Random
    ) -> None:
        self.now = clock
        self.sleep = sleep
        self._random = random
        self._last = datetime.min.replace(tzinfo=UTC)
        self._paused_from = self._last
        self._pause = timedelta()
        self._failures = 0
        self._queue: deque[object] = deque()  # who has the channel, and who waits for it
        self._next = Condition()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have the channel alone; who asked first has it first."""
        place = object()
        with self._next:
            self._queue.append(place)
        try:
            with self._next:
                self._next.wait_for(lambda: self._queue[0] is place)
            yield
        finally:
            with self._next:
                self._queue.remove(place)
                self._next.notify_all()

    @contextmanager
    def spare(self, gap: timedelta) -> Iterator[bool]:
        """Use the channel for what may wait, and count that; False, and uncounted, where it is not free now.

        Nobody waits until this has ended, however long it takes: what comes meanwhile keeps its gap from the
        beginning.
        """
        with self._next:
            free = not self.busy and not self._rest(gap)
            if free:
                self._last = self.now()
        try:
            yield free
        finally:
            with self._next:
                if free and not self._queue:
                    self._last = self.now()

    @property
    def busy(self) -> bool:
        """Does anybody send in the channel or wait for it, or is it to be left alone?"""
        return bool(self._queue) or self.paused()

    def paused(self) -> bool:
        """Is the channel to be left alone now?"""
        return timedelta() <= self.now() - self._paused_from < self._pause

    def wait_turn(self, gap: timedelta) -> None:
        """Wait until the last message is `gap` ago, and count this one."""
        if rest := self._rest(gap):
            self.sleep(rest.total_seconds())
        self._last = self.now()

    def used(self) -> None:
        """The channel's last call has ended: the gap counts from here, wherever in the call it was taken."""
        self._last = self.now()

    def back_off(self, tries: int, most_s: int) -> timedelta:
        """A wait with full jitter: from 0 to 1 s after the first try, doubling up to `most_s`."""
        return timedelta(seconds=self._random.uniform(0, min(most_s, 2 ** min(tries - 1, 30))))

    def channel_away(self, retry_after: timedelta | None, most_s: int) -> timedelta:
        """Pause the channel: as long as it asks, else longer with each failure in a row. Gives the pause."""
        self._failures += 1
        self._paused_from = self.now()
        self._pause = self.back_off(self._failures, most_s) if retry_after is None else retry_after
        return self._pause

    def channel_answers(self) -> None:
        """The channel took something: the next failure is the first one again."""
        self._failures = 0

    def _rest(self, gap: timedelta) -> timedelta:
        """How much of the gap is left."""
        since = self.now() - self._last
        return gap - since if timedelta() <= since < gap else timedelta()


def real_pace() -> Pace:
    """A pace by the clock of this machine."""
    return Pace(clock=lambda: datetime.now(UTC), sleep=time.sleep, random=Random())  # noqa: S311 - jitter


class Paces:
    """The paces of a process, one for each channel by its own name; any thread may ask."""

    def __init__(self, make: Callable[[], Pace] = real_pace) -> None:
        self._make = make
        self._made: dict[str, Pace] = {}
        self._lock = Lock()

    def of(self, channel: str) -> Pace:
        """The one pace of that channel."""
        with self._lock:
            if channel not in self._made:
                self._made[channel] = self._make()
            return self._made[channel]

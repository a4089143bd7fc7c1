"""How far the search for late commits looks back: two depths, and a floor that adapts. Pure but for a lock.

A row is unseen as long as its transaction is open. Which transactions were open at the fence of the last
search and have ended since, every reader can tell (the snapshots list them); when they took their id, the
fences of the ticks between tell to a second. So the *short* search, every 10 s, looks at rows written since
the oldest of these, or since 10 s before the last fence. What it cannot see is how long a transaction sat
idle before its first write, whose row is as old as the transaction: the *deep* search, once a minute, allows
5 minutes for that. Where the reader may see when the transactions of others began, both are exact.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from pipeline.source.asked import Fence, KnownFence

#: A published minute is corrected for this long; later changes are recorded and raise an alarm.
HORIZON: Final = timedelta(hours=48)
#: The deep search always looks at rows written this long before its last fence.
LOOK_BACK_LEAST: Final = timedelta(minutes=5)
#: A forgotten transaction must not make every search read hours; reconciliation covers what is older.
LOOK_BACK_MOST: Final = timedelta(hours=1)
#: A transaction that is open for longer than this is an alarm.
LOOK_BACK_ALARM: Final = timedelta(minutes=5)
#: A transaction is listed as begun a moment after it has, and clocks are set by seconds.
_LISTED_LATE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is allowed for a transaction that began before it took its id."""

    name: str
    least: timedelta  # looked at before the last fence in any case
    before_id: timedelta  # and before a transaction took its id
    exact_most: timedelta  # looked at where it is known when transactions began


SHORT: Final = Depth("short", timedelta(seconds=10), timedelta(seconds=10), LOOK_BACK_LEAST)
DEEP: Final = Depth("deep", LOOK_BACK_LEAST, timedelta(seconds=60), LOOK_BACK_MOST)


@dataclass(frozen=True, slots=True)
class Watched:
    """A fence that everything found so far lies before, with the newest one from before its snapshot."""

    fence: Fence
    before: Fence | None = None


class LookBack:
    """The adaptive floor. Fences are added by the tick, asked for by the thread that searches.

    A transaction took its id after the newest fence at which that id was still to be taken.
    """

    def __init__(self, known: KnownFence) -> None:
        # Until it ends, a transaction that was open at the known fence is as old as it was known to be.
        before = Fence(known.fence.xmin, known.fence.xmin, known.open_since)
        self._fences: deque[Fence] = deque([before, known.fence], maxlen=4096)
        self._lock = Lock()

    def add(self, fence: Fence) -> None:
        """Remember a fence; over an hour of one a second is kept."""
        with self._lock:
            self._fences.append(fence)

    def newest(self) -> Fence:
        """The fence added last."""
        with self._lock:
            return self._fences[-1]

    def open_since(self, fence: Fence) -> datetime:
        """The oldest moment at which a transaction still open at `fence` can have taken its id."""
        return self._taken(fence.xmin)

    def known(self, watched: Watched) -> KnownFence:
        """What a restart needs: the fence, and from when on rows are looked at, whatever ends after it."""
        fence, at = watched.fence, watched.fence.replayed_until
        open_since = min(self.open_since(fence), at)
        wanted = [open_since - DEEP.before_id, at - DEEP.least]
        if watched.before is not None:
            wanted += watched.before.open or ()
        return KnownFence(fence, max(min(wanted), at - LOOK_BACK_MOST), open_since)

    def floor(self, since: Watched, now: Fence, depth: Depth) -> datetime:
        """From when on rows have to be looked at that may have become visible between two snapshots."""
        at = since.fence.replayed_until
        begun = _begun(since.before, now)
        if begun is not None:
            floor = max(begun - _LISTED_LATE, at - depth.exact_most)
        else:
            floor = min(self._ended(since.fence, now) - depth.before_id, at - depth.least)
        floor = max(floor, at - LOOK_BACK_MOST)
        if now.clock < since.fence.clock:  # it was stepped back: rows are written "before" the last fence
            return min(floor, now.clock - LOOK_BACK_LEAST)
        return floor

    def _ended(self, since: Fence, now: Fence) -> datetime:
        """When the oldest transaction took its id that was in progress at `since` and no longer is."""
        if since.in_progress is None or now.in_progress is None:
            return self.open_since(since)
        ended = since.in_progress - now.in_progress
        return self._taken(min(ended)) if ended else since.replayed_until

    def _taken(self, xid: int) -> datetime:
        """The newest moment at which the id `xid` was certainly not taken yet."""
        with self._lock:
            before = [fence.replayed_until for fence in self._fences if fence.untaken <= xid]
            return max(before, default=self._fences[0].clock)


def _begun(before: Fence | None, now: Fence) -> datetime | None:
    """When the oldest transaction began that was open at `before` and is no longer; None: nobody can see.

    What was open is read before the first snapshot and after the second, so none ends unnoticed between.
    """
    if before is None or before.open is None or now.open is None:
        return None
    ended = Counter(before.open) - Counter(now.open)
    return min([*ended, before.clock])


def first_fence(fence: Fence) -> KnownFence:
    """Of a server that was not watched before: what is open there may have been open for long."""
    oldest = fence.replayed_until - LOOK_BACK_MOST
    return KnownFence(fence, oldest, oldest)

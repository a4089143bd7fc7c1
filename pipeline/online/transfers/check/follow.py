"""Keeps the state of the check up to date: what was written lately, the rules, and their past."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from baselines.transfers.measure import EXACT_MS, LONGEST_MS
from pipeline.errors import MinuteriskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from baselines.transfers.measure import Measure
    from baselines.transfers.recent import Recent
    from pipeline.online.transfers.check.reader import Look, Reader
    from pipeline.online.transfers.check.state import Known

log = structlog.get_logger()

#: From the beginning of a look to that of the next one.
LOOK_S: Final = 0.5
#: Rules that were in force so long ago judge what is asked now.
RULES_REACH: Final = timedelta(days=3)
#: What is too old for every window is let go so often.
EXPIRE_S: Final = 60.0
_AGAIN_S: Final = 1.0
_HOUR_MS: Final = 3_600_000


class Follower:
    """`booked` is told the ids of new events at the moment at which they count.

    `watched`: events come by the watch, so that what is known is as old as its newest look.
    """

    def __init__(
        self,
        known: Known,
        reader: Reader,
        clock: Callable[[], datetime],
        booked: Callable[[Iterable[str]], None] = lambda _: None,
        *,
        watched: bool = False,
    ) -> None:
        self._watched = watched
        self._known = known
        self._reader = reader
        self._clock = clock
        self._booked = booked
        self._filling: asyncio.Task[None] | None = None
        self._expired_s = 0.0
        self.ahead = timedelta()  # of our clock: that of the operational database

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                try:
                    await self.step()
                except MinuteriskError as error:
                    log.warning("checks.not_followed", what=error.what)
                    await asyncio.sleep(_AGAIN_S)
                except Exception:
                    log.exception("checks.not_followed")
                    await asyncio.sleep(_AGAIN_S)
                await asyncio.sleep(max(LOOK_S - (loop.time() - began), 0))
        finally:
            if self._filling is not None:
                self._filling.cancel()
            await asyncio.to_thread(self._reader.close)  # it waits for a look that still runs

    async def step(self) -> None:
        """One look, and what follows from it."""
        known, loop = self._known, asyncio.get_running_loop()
        began, since = loop.time(), self._clock() - RULES_REACH
        known.in_force(await asyncio.to_thread(self._reader.rules, since))
        wanted = known.unfilled(since)
        look = await asyncio.to_thread(self._reader.look, known.seen, since, past=bool(wanted))
        self.ahead = look.clock - self._clock()
        fresh = await known.with_news(look.news)
        # Nothing waits from here on: a check sees the event booked, or what it has held for it, never both.
        known.put(fresh, look.news)
        known.in_force(look.timeline)
        known.looked(look.seen, self._looked_s(look, began))
        self._booked(look.news["transfer_id"].to_list())
        if wanted:
            filling = known.begin_filling(wanted)
            self._filling = asyncio.create_task(self._fill(filling, wanted, look))
        if loop.time() - self._expired_s > EXPIRE_S:
            self._expired_s = loop.time()
            known.recent.expire(look.clock)

    def _looked_s(self, look: Look, began: float) -> float | None:
        if not self._watched:
            return began
        return None if look.watched is None else began - max((look.clock - look.watched).total_seconds(), 0)

    async def filled(self) -> None:
        """Wait until nothing is filled any more."""
        if self._filling is not None:
            await asyncio.wait([self._filling])

    async def _fill(
        self, filling: tuple[Recent, Sequence[Measure] | None], wanted: Sequence[Measure], look: Look
    ) -> None:
        began = asyncio.get_running_loop().time()
        try:
            rows = await asyncio.to_thread(_fill, self._reader, filling, reach_of(wanted), look)
            await self._known.end_filling(filling[0], wanted)
        except Exception:
            self._known.stop_filling()
            log.exception("checks.not_filled")
        else:
            took_s = round(asyncio.get_running_loop().time() - began, 1)
            log.info("checks.filled", measures=len(wanted), events=rows, seconds=took_s)


def _fill(
    reader: Reader, filling: tuple[Recent, Sequence[Measure] | None], reach: timedelta, look: Look
) -> int:
    """In a thread: fill the copy, which nobody else has, piece by piece."""
    (copy, measures), rows = filling, 0
    for piece in reader.past(look, reach):
        copy.fill(piece, measures)
        rows += piece.height
    return rows


def reach_of(measures: Iterable[Measure]) -> timedelta:
    """How far back these measures look."""
    reach = 0
    for one in measures:
        width = LONGEST_MS if one.within_ms is None else one.within_ms
        reach = max(reach, width + one.before_ms + (_HOUR_MS if width > EXACT_MS else 0))
    return timedelta(milliseconds=min(reach, LONGEST_MS) + _HOUR_MS)

"""A minute of many rows in two halves, each on a connection of its own, in one snapshot.

Two connections are all that a source has from us. So the one of the small queries is closed before, unless it
is in use, and opened anew when it is next asked for: that costs less than half of such a minute.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

import polars as pl
import structlog

from pipeline.source.asked import NotShared
from pipeline.source.postgresql_session import snapshot
from pipeline.source.streams.whole import Whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime, timedelta
    from threading import Lock

    import adbc_driver_postgresql.dbapi as adbc

    #: The rows of a span on a connection.
    Ask = Callable[[adbc.Cursor, datetime, datetime], pl.DataFrame]

log = structlog.get_logger()

#: One connection has read a minute of fewer rows before a second one has begun.
MANY_ROWS: Final = 50_000
#: A second connection is waited for so long: behind a pooler there may be no session left for it.
_PATIENCE_S: Final = 2.0


class Slices:
    """Whether and how a source's minutes are read in two halves."""

    def __init__(self, free: Lock, close: Callable[[], None], timeout: timedelta, key: Sequence[str]) -> None:
        self._key = key  # columns that make a row unique
        self._whole = Whole()
        self._free = free  # held by whoever uses the place of the second connection
        self._close = close  # gives back the connection that stands there; called while it is held
        self._timeout = timeout
        self._expected = 0
        self._proven = False  # another connection was in a snapshot of ours
        self.alone = False  # none can be

    def learn(self, rows: int, minutes: int) -> None:
        """How many rows a minute had lately."""
        self._expected = rows // max(minutes, 1)

    def stay_alone(self, reason: str) -> None:
        """Read each minute by one connection from now on."""
        if not self.alone:
            log.warning("source.one_slice", reason=reason, hint="each minute is read by one connection")
        self.alone = True

    @contextmanager
    def second(self, *, wanted: bool) -> Iterator[Second | None]:
        """The place of the second connection, where many rows are expected and nobody uses it."""
        many = wanted and not self.alone and self._expected >= MANY_ROWS
        if not (many and self._free.acquire(blocking=False)):
            yield None
            return
        second = Second(self._free.release, self._timeout)
        try:
            self._close()
            yield second
        finally:
            second.give_back()

    def can_share(self, first: adbc.Connection, name: str) -> bool:
        """Does another connection get into the snapshot that `first` exported? Tried until one did."""
        if self._proven or not self._free.acquire(timeout=_PATIENCE_S):
            return True
        second = Second(self._free.release, self._timeout)
        try:
            self._close()
            second.begin(first, name, lambda _: None)
        finally:
            second.give_back()
        return self._entered(second)

    def read(
        self, ask: Ask, cursor: adbc.Cursor, second: Second, name: str, start: datetime, end: datetime
    ) -> pl.DataFrame:
        """The rows of [start, end): the first half on `cursor`, the second in its snapshot, called `name`.

        Both on `cursor` where the other does not come. Raises as `ask` does.
        """
        middle = start + (end - start) / 2
        later: list[pl.DataFrame] = []
        second.begin(cursor.connection, name, lambda other: later.append(ask(other, middle, end)))
        try:
            earlier = ask(cursor, start, middle)
        except BaseException:
            second.join()
            raise
        if not self._entered(second):
            later = [ask(cursor, middle, end)]
        else:
            second.finish()
        if not _cut_at(middle, earlier, later[0]):
            self.stay_alone("the query gives rows outside of the time that it is asked for")
            return ask(cursor, start, end)
        read = earlier.height + later[0].height
        if not self._whole.is_due(read) and not self._in_both(earlier, later[0]):
            return pl.concat([earlier, later[0]])
        whole = ask(cursor, start, end)
        if not self._whole.equals(read, whole.height):
            self.stay_alone("the query gives other rows of a whole minute than of its halves")
        return whole

    def _in_both(self, earlier: pl.DataFrame, later: pl.DataFrame) -> bool:
        """Has a row of one half the key of one in the other?"""
        if not set(self._key) <= set(earlier.columns):
            return False  # without it nothing is counted
        first = self._key[0]  # by this alone it takes half as long, and hardly ever is one left
        alike = earlier.join(later.select(first), on=first, how="semi")
        return alike.height > 0 and alike.join(later, on=list(self._key), how="semi").height > 0

    def _entered(self, second: Second) -> bool:
        if second.entered():
            self._proven = True
        elif second.error is None:
            self.stay_alone(
                f"no second connection reads in the snapshot of the first within {_PATIENCE_S:g} s"
            )
        elif isinstance(second.error, NotShared):
            self.stay_alone(str(second.error))
        return second.inside  # whatever else kept it away may pass


class Second:
    """The place of the second connection, and one that reads there, in a thread of its own."""

    def __init__(self, release: Callable[[], None], timeout: timedelta) -> None:
        self._release = release
        self._timeout = timeout
        self._thread: Thread | None = None
        self._met = Event()  # it is inside, or has failed before
        self._late = False
        self.inside = False
        self.error: BaseException | None = None

    @property
    def idle(self) -> bool:
        """Has nobody used the place yet?"""
        return self._thread is None

    def begin(self, first: adbc.Connection, name: str, work: Callable[[adbc.Cursor], object]) -> None:
        """Open a connection beside `first`, enter the snapshot called `name`, and `work` there."""
        thread = Thread(target=self._run, args=(first, name, work), name="second-slice", daemon=True)
        thread.start()
        self._thread = thread

    def _run(self, first: adbc.Connection, name: str, work: Callable[[adbc.Cursor], object]) -> None:
        try:
            with first.adbc_clone() as connection, snapshot(connection, self._timeout, name) as cursor:
                if self._late:
                    return
                self.inside = True
                self._met.set()
                work(cursor)
        except BaseException as error:  # noqa: BLE001 - told by whoever waits for it
            self.error = error
        finally:
            self._met.set()
            self._release()

    def entered(self) -> bool:
        """Is it in the snapshot? One that does not come in time does nothing there when it does."""
        self._late = not self._met.wait(_PATIENCE_S)
        return self.inside

    def join(self) -> None:
        """Wait for its end, if it is inside at all: outside it may wait for the session of the first."""
        if self._thread is not None and self.entered():
            self._thread.join()

    def finish(self) -> None:
        """Its work is done; raises what went wrong with it."""
        self.join()
        if self.error is not None:
            raise self.error

    def give_back(self) -> None:
        """The place is free again: at once, or when the thread ends."""
        if self._thread is None:
            self._release()


def _cut_at(middle: datetime, earlier: pl.DataFrame, later: pl.DataFrame) -> bool:
    """Is every row in the half that was asked for it? Only then none comes twice."""
    if "occurred_at" not in earlier.columns:
        return True  # without it nothing is counted
    first, second = earlier["occurred_at"], later["occurred_at"]
    if first.null_count() or second.null_count():
        return False
    if not (isinstance(first.dtype, pl.Datetime) and first.dtype.time_zone):
        return True  # nor by a time of another type
    return not ((first >= middle).any() or (second < middle).any())

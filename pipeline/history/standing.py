"""The windows after the newest judged minute, for threads beside the one that moves them.

No copy is made where nobody needs one: others read while the windows stand still, under `moving`. Only a pack
that looks at rows each second has one made a minute, as its view goes on from there by itself; its copies are
cheap.
"""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from pipeline.judge.hold import Past
from pipeline.store.views.snapshots import Newest

if TYPE_CHECKING:
    import polars as pl

    from pipeline.pack import Pack, Windows


class Standing:
    """What is told of the windows after each minute that was committed; asked by whoever reads them."""

    def __init__(self, pack: Pack[Any, Any]) -> None:
        self._pack = pack
        self.moving = Lock()  # held while the windows that are kept here move, and while they are read
        self._windows: Windows | None = None
        self._last: int | None = (
            None  # the newest minute that was committed: they may stand after a later one
        )
        self._past: Past | None = None

    def keep(self, windows: Windows, past: Past) -> None:
        """These windows stand after the newest minute, and gates recall this of the minutes before."""
        with self.moving:
            self._windows = windows if self._pack.watch is None else windows.copy()
            self._last, self._past = windows.last, past.copy()

    def drop(self) -> None:
        """Nobody reads them any more."""
        with self.moving:
            self._windows = self._last = None

    def lose(self) -> None:
        """A minute has failed, and may have left them between two: what was copied before stays."""
        if self._pack.watch is None:
            self.drop()

    def cut(self, first: int) -> None:
        """Minutes from `first` on have become others, and the windows after them are not there yet."""
        with self.moving:
            windows, last = self._windows, self._last
            if self._pack.watch is None or windows is None or last is None:
                self._windows = self._last = None
            elif last >= first:
                self._windows = windows.at(first - 1)
                self._last = None if self._windows is None else first - 1

    def past(self) -> Past:
        """What gates recall after the newest minute."""
        return Past() if self._past is None else self._past.copy()

    def windows(self) -> Windows | None:
        """The windows after the newest minute, for reading and copying alone.

        Where a pack looks each second they are the same until there are others; else a copy is made now.
        """
        with self.moving:
            if self._pack.watch is not None or self._windows is None or self._last is None:
                return self._windows
            return self._windows.at(self._last)

    def newest(self) -> Newest | None:
        """What analysts find of the windows."""
        with self.moving:
            windows, last = self._windows, self._last
            if windows is None or last is None:
                return None
            return Newest(last, windows.entities.ids, partial(self._usual, last))

    def _usual(self, last: int) -> pl.DataFrame | None:
        """`Pack.baseline` after minute `last`, sorted by entity; None where that is not known any more."""
        if self._pack.baseline is None:
            return None
        with self.moving:
            windows = self._windows
            if windows is not None and windows.last != last:  # a minute is judged, and not committed yet
                windows = windows.at(last)
            frame = None if windows is None else self._pack.baseline.of(windows)
        return None if frame is None else frame.sort(self._pack.entity)

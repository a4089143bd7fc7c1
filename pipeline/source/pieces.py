"""History in bounded memory: a span in pieces of whole minutes, each of about as many rows.

Nobody knows beforehand how many rows a span holds. The first piece is short, each further one as long as the
rate of the one before allows, at most double. One that holds far too many rows, or that the source takes too
long for, is given up and tried again shorter. What has to work on a span of any length goes through here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from baselines.slots import EVERY
from pipeline.errors import SourceTooSlow
from pipeline.minute import DAY_MINUTES, MINUTE, Span, from_index, split_by_day, to_index
from pipeline.source.asked import TooManyRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from zoneinfo import ZoneInfo

    from baselines.slots import Slots
    from pipeline.store.manifest import LakeFile

Result = TypeVar("Result")

#: Rows to hold at once. Beside them there is what is made of them, 300 bytes a row at the most together.
PIECE_ROWS = 500_000
#: A piece of more rows is given up; double the length of a piece may hold this much where traffic rises.
MOST_ROWS = 3 * PIECE_ROWS
#: Rows that the source counts by itself in one statement: no memory of ours, but its time.
COUNTED_ROWS = 5_000_000
#: The first piece, of which nothing is known.
FIRST_MINUTES = 15
#: After the source took too long, so many pieces of what it is up to come before a longer one is tried again.
PATIENT_PIECES = 20


class Pieces:
    """Cuts spans at the borders of business days, and by the rate of rows that it learns on the way."""

    def __init__(self, zone: ZoneInfo, rows: int | None = None) -> None:
        self._zone = zone
        self._rows = PIECE_ROWS if rows is None else rows
        self._minutes = FIRST_MINUTES
        self._longest = DAY_MINUTES  # that the source is up to
        self._in_time = 0  # pieces since it was not, or since longer ones were allowed again

    def work_through(
        self, span: Span, work: Callable[[Span], tuple[int, Result]]
    ) -> Iterator[tuple[Span, Result]]:
        """Do `work` piece by piece, in order; it gives the rows it met, and a result (small: it is kept).

        Raises SourceTooSlow where even a single minute takes the source too long.
        """
        for day in split_by_day(span, self._zone):
            start = day.start
            while start < day.end:
                piece = Span(start, min(start + self._minutes * MINUTE, day.end))
                try:
                    rows, result = work(piece)
                except (SourceTooSlow, TooManyRows) as error:
                    if piece.minutes == 1:
                        raise
                    self._shorten(piece.minutes, too_slow=isinstance(error, SourceTooSlow))
                    continue
                self._learn(piece.minutes, rows)
                start = piece.end
                yield piece, result

    def _learn(self, minutes: int, rows: int) -> None:
        fitting = minutes * self._rows // max(rows, 1)
        longest = 2 * minutes if minutes >= self._minutes else self._minutes  # a day's end cut it short
        self._in_time += 1
        if self._in_time >= PATIENT_PIECES:
            self._in_time, self._longest = 0, 2 * self._longest
        self._minutes = max(min(fitting, longest, self._longest), 1)

    def _shorten(self, minutes: int, *, too_slow: bool) -> None:
        # How many rows too many it would have been is not known: perhaps far more than double.
        self._minutes = max(minutes // 2 if too_slow else minutes // 4, 1)
        if too_slow:
            self._longest, self._in_time = self._minutes, 0


def at_most(piece: Span) -> int | None:
    """How many rows of a piece are worth reading; a single minute is read whole."""
    return MOST_ROWS if piece.minutes > 1 else None


def pieces_of_files(
    files: Iterable[LakeFile], dataset: str, span: Span, zone: ZoneInfo, slots: Slots = EVERY
) -> Iterator[Span]:
    """A published span in pieces of about PIECE_ROWS rows of a dataset, by what its files hold.

    Of a file with rows of some of the `slots` all rows are counted: they are held while it is read.
    """
    mine = [file for file in files if file.dataset == dataset and file.slots.overlaps(slots)]
    for day in split_by_day(span, zone):
        first = to_index(day.start)
        rows = np.zeros(day.minutes)  # by minute
        for file in mine:
            start, end = (to_index(moment) - first for moment in (file.span.start, file.span.end))
            rows[max(start, 0) : max(end, 0)] += file.rows / file.span.minutes
        number = (np.cumsum(rows) - rows) // PIECE_ROWS  # of the piece that each minute falls into
        borders = [first, *(first + 1 + np.flatnonzero(np.diff(number))).tolist(), first + day.minutes]
        yield from (Span(from_index(a), from_index(b)) for a, b in pairwise(borders))

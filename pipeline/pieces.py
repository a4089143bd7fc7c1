"""History in bounded memory: a span in pieces of whole minutes, each of about as many rows.

Nobody knows beforehand how many rows a span holds. The first piece is short, each further one as long as the
rate of the one before allows, at most double. One that holds far too many rows, or that the source takes too
long for, is given up and tried again shorter. What has to work on a span of any length goes through here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from pipeline.errors import SourceTooSlow
from pipeline.minute import MINUTE, Span, from_index, split_by_day, to_index
from pipeline.source import TooManyRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from zoneinfo import ZoneInfo

    from pipeline.lake import LakeFile

Result = TypeVar("Result")

#: Rows to hold at once. Beside them there is what is made of them, 300 bytes a row at the most together.
PIECE_ROWS = 500_000
#: A piece of more rows is given up; double the length of a piece may hold this much where traffic rises.
MOST_ROWS = 3 * PIECE_ROWS
#: Rows that the source counts by itself in one statement: no memory of ours, but its time.
COUNTED_ROWS = 5_000_000
#: The first piece, of which nothing is known.
FIRST_MINUTES = 15


class Pieces:
    """Cuts spans at the borders of business days, and by the rate of rows that it learns on the way."""

    def __init__(self, zone: ZoneInfo, rows: int = PIECE_ROWS) -> None:
        self._zone = zone
        self._rows = rows
        self._minutes = FIRST_MINUTES

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
                    # The rest of too many rows is not known: it may be far more than double.
                    part = 4 if isinstance(error, TooManyRows) else 2
                    self._minutes = max(piece.minutes // part, 1)
                    continue
                self._learn(piece.minutes, rows)
                start = piece.end
                yield piece, result

    def _learn(self, minutes: int, rows: int) -> None:
        fitting = minutes * self._rows // max(rows, 1)
        self._minutes = max(min(fitting, 2 * minutes), 1)


def at_most(piece: Span) -> int | None:
    """How many rows of a piece are worth reading; a single minute is read whole."""
    return MOST_ROWS if piece.minutes > 1 else None


def pieces_of_files(files: Iterable[LakeFile], dataset: str, span: Span, zone: ZoneInfo) -> Iterator[Span]:
    """A published span in pieces of about PIECE_ROWS rows of a dataset, by what its files hold."""
    mine = [file for file in files if file.dataset == dataset]
    for day in split_by_day(span, zone):
        rows = sum(file.rows * _shared(file.span, day) // file.span.minutes for file in mine)
        parts = min(max(-(-rows // PIECE_ROWS), 1), day.minutes)
        first = to_index(day.start)
        borders = [from_index(first + day.minutes * n // parts) for n in range(parts + 1)]
        yield from (Span(start, end) for start, end in pairwise(borders))


def _shared(one: Span, other: Span) -> int:
    """Minutes that lie in both."""
    start, end = max(one.start, other.start), min(one.end, other.end)
    return max((end - start) // MINUTE, 0)

"""One value that cannot be read must not hide the others: the smallest piece of a span with it is found.

The database ends a statement at the first value that it cannot cast and says which value, hardly ever in
which row. So a span that fails is halved until the minute is found, and the minute down to a microsecond;
where rows share a moment, by their ids. What is left is read without the column at fault, so that the row is
named, and set aside; everything around it is read as ever, in one snapshot.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

import polars as pl
import structlog

from pipeline.errors import SourceValueWrong
from pipeline.minute import MINUTE
from pipeline.schema import AMOUNT_GIVEN, UTC_SUFFIX, UTC_TIME, WRONG, unfit_columns
from pipeline.source.asked import Extracted, TooManyRows, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from pipeline.minute import Span
    from pipeline.pack import Pack
    from pipeline.source.asked import Fence, ReadBeside

    Opened = Callable[[], AbstractContextManager["Reading"]]
    Fails = Callable[[datetime, datetime], str | None]

log = structlog.get_logger()

_MICROSECOND: Final = timedelta(microseconds=1)
#: A minute is halved by so many statements; one value is found by 52 at most.
_STATEMENTS: Final = 60
#: More pieces than this in a minute are one piece: each is named by statements of its own.
_PIECES: Final = 6
#: Ids of rows that share a moment are told apart up to so many.
_IDS: Final = 20_000
#: New values that cannot be read may be written meanwhile.
_ROUNDS: Final = 3


class Reading(Protocol):
    """One snapshot of the query of the rows. Raises SourceValueWrong for a value that cannot be read."""

    def fence(self) -> Fence:
        """The snapshot."""
        ...

    def names(self, moment: datetime) -> list[str]:
        """The columns that the query gives, by the names that it gives them."""
        ...

    def rows(
        self,
        start: datetime,
        end: datetime,
        columns: Sequence[str] = (),
        ids: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows of [start, end), of some columns alone (by their given names), or of some ids alone."""
        ...

    def count(self, start: datetime, end: datetime) -> int:
        """How many rows there are in [start, end), whatever their columns hold."""
        ...

    def beside(self, span: Span) -> ReadBeside:
        """What is read beside the rows; asked last, as a failure there may end the snapshot."""
        ...


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a span that cannot be read whole: what of it can, and which of its rows are at fault."""

    start: datetime
    end: datetime
    reason: str
    columns: tuple[str, ...] = ()  # by the names that the query gives them; none: not even one
    ids: tuple[str, ...] | None = None  # of the rows at fault; None: all of the piece
    others: tuple[str, ...] = ()  # ids of the rows that can be read
    rows: int | None = None  # how many there are where no column can be read; None: nobody knows


def read_span(
    opened: Opened,
    span: Span,
    conform: Callable[[pl.DataFrame], pl.DataFrame],
    pack: Pack[Any, Any],
    at_most: int | None = None,
) -> Extracted:
    """Rows of `span` from one snapshot, around the values that cannot be read; what extraction gives.

    `conform` makes them the pack's. Raises what the source says, and TooManyRows where there are more rows
    than `at_most`.
    """
    unreadable: tuple[Unreadable, ...] = ()
    unknown: dict[str, str] = {}
    try:
        with opened() as reading:
            fence = reading.fence()
            given = reading.rows(span.start, span.end)
            beside = reading.beside(span)
    except SourceValueWrong as error:
        given, fence, unreadable, unknown, beside = read_around(opened, span, error, pack, at_most)
    rows = conform(given)
    name, wanted = pack.rows_query, pack.row
    not_known = {**unknown, **unfit_columns(given, wanted, pack.optional, f"{name}.sql")}
    return Extracted(rows, fence.xmin, fence.clock, not_known, unreadable, beside)


def read_around(
    opened: Opened, span: Span, error: SourceValueWrong, pack: Pack[Any, Any], at_most: int | None = None
) -> tuple[pl.DataFrame, Fence, tuple[Unreadable, ...], dict[str, str], ReadBeside]:
    """Rows of `span`, which failed with `error`, as the query gives them, the unreadable ones with `wrong`.

    Then come the fence, what was set aside, the optional columns that are not known of some row, and why, and
    what was read beside the rows.
    Raises `error` where new values keep coming, TooManyRows where there are more rows than `at_most`.
    """
    for _ in range(_ROUNDS):
        found = unreadable_pieces(span, error.what, _failing(opened))
        pieces = [_named(opened, piece, pack) for piece in found]
        try:
            with opened() as reading:
                fence = reading.fence()
                frames = [*_readable(reading, span, pieces), *(_set_aside(reading, p, pack) for p in pieces)]
                frames.append(_no_rows(reading.names(span.start)))
                beside = reading.beside(span)
        except SourceValueWrong as again:
            error = again
            continue
        rows = pl.concat(frames, how="diagonal_relaxed")
        if at_most is not None and rows.height > at_most:
            raise TooManyRows
        unknown = dict.fromkeys(pack.optional, error.what) if _not_all_known(pieces, pack) else {}
        return rows, fence, tuple(_told(p, pack) for p in pieces if _reason(p, pack)), unknown, beside
    raise error


def totals_around(
    totals: Callable[[datetime, datetime], pl.DataFrame], span: Span, names: Sequence[str]
) -> pl.DataFrame:
    """The totals of `span`; a minute whose totals cannot be read has null in each."""

    def fails(start: datetime, end: datetime) -> str | None:
        try:
            totals(start, end)
        except SourceValueWrong as error:
            return error.what
        return None

    try:
        return totals(span.start, span.end)
    except SourceValueWrong as error:
        minutes = unreadable_minutes(span, error.what, fails)
        first = minutes[0].start.isoformat()
        log.warning("totals.unreadable", minutes=len(minutes), first=first, reason=error.what)
    read = [totals(start, end) for start, end in _gaps(span, minutes)]
    given = {"minute": UTC_TIME, "rows": pl.Int64(), **dict.fromkeys(names, pl.String())}
    unread = pl.DataFrame({**dict.fromkeys(given), "minute": [piece.start for piece in minutes]}, given)
    return pl.concat([*read, unread], how="diagonal_relaxed")


def _gaps(span: Span, pieces: Sequence[_Piece]) -> Iterator[tuple[datetime, datetime]]:
    """What lies before, between and behind pieces of a span."""
    start = span.start
    for piece in pieces:
        if start < piece.start:
            yield start, piece.start
        start = piece.end
    if start < span.end:
        yield start, span.end


def _failing(
    opened: Opened,
) -> Fails:
    def fails(start: datetime, end: datetime) -> str | None:
        try:
            with opened() as reading:
                reading.rows(start, end)
        except SourceValueWrong as error:
            return error.what
        return None

    return fails


def unreadable_minutes(span: Span, reason: str, fails: Fails) -> list[_Piece]:
    """The minutes of a failing span that fail themselves, in order."""
    return _halve(_Piece(span.start, span.end, reason), MINUTE, fails, 4 * span.minutes)


def unreadable_pieces(span: Span, reason: str, fails: Fails) -> list[_Piece]:
    """The smallest pieces of a failing span that fail, in order; the same ones however long the span is."""
    found = []
    for minute in unreadable_minutes(span, reason, fails):
        pieces = _halve(minute, _MICROSECOND, fails, _STATEMENTS)
        if len(pieces) > _PIECES:
            pieces = [replace(pieces[0], end=pieces[-1].end)]
        found += pieces
    return found


def _halve(
    piece: _Piece,
    smallest: timedelta,
    fails: Fails,
    statements: int,
) -> list[_Piece]:
    """Halve a failing piece, the largest part first, until all are small or the statements are used up."""
    largest = [(piece.start - piece.end, piece.start, piece)]
    done = []
    while largest:
        _, _, whole = heapq.heappop(largest)
        if whole.end - whole.start <= smallest or statements <= 0:
            done.append(whole)
            continue
        middle = whole.start + (whole.end - whole.start) // smallest // 2 * smallest
        left = fails(whole.start, middle)
        # Where the left half can be read, the right one is at fault: nobody needs to ask.
        right = whole.reason if left is None else fails(middle, whole.end)
        statements -= 1 if left is None else 2
        for start, end, reason in ((whole.start, middle, left), (middle, whole.end, right)):
            if reason is not None:
                heapq.heappush(largest, (start - end, start, _Piece(start, end, reason)))
    return sorted(done, key=lambda part: part.start)


def _named(opened: Opened, piece: _Piece, pack: Pack[Any, Any]) -> _Piece:
    """The piece with what can be read of its rows."""
    with opened() as reading:
        names = reading.names(piece.start)
    for columns in _projections(names, pack):
        rows = _try_rows(opened, piece, columns)
        if rows is not None:
            named = replace(piece, columns=columns, rows=rows.height)
            return _by_ids(opened, named, rows, pack.key[0]) if _reason(named, pack) else named
    try:
        with opened() as reading:
            return replace(piece, rows=reading.count(piece.start, piece.end))
    except SourceValueWrong:
        return piece


def _projections(names: Sequence[str], pack: Pack[Any, Any]) -> Iterator[tuple[str, ...]]:
    """Columns to read, the most telling selection first; columns that nobody asked for are in none."""
    needed = {name.removesuffix(UTC_SUFFIX): name for name in names}
    suspects = pack.suspects or tuple(reversed(pack.row))
    needed = {plain: name for plain, name in needed.items() if plain in suspects}
    yield tuple(needed.values())
    for suspect in suspects:
        if suspect in needed:
            yield tuple(name for plain, name in needed.items() if plain != suspect)
    for few in dict.fromkeys((tuple(pack.key), tuple(pack.key[:1]))):
        yield tuple(needed[plain] for plain in few if plain in needed)


def _try_rows(
    opened: Opened,
    piece: _Piece,
    columns: Sequence[str] = (),
    ids: Sequence[str] | None = None,
) -> pl.DataFrame | None:
    try:
        with opened() as reading:
            return reading.rows(piece.start, piece.end, columns, ids)
    except SourceValueWrong:
        return None


def _by_ids(opened: Opened, piece: _Piece, rows: pl.DataFrame, key: str) -> _Piece:
    """Of several rows in a piece those at fault, by their ids."""
    if key not in rows.columns or rows[key].null_count() or rows.height == 1:
        return piece
    ids = rows[key].cast(pl.String).unique().sort().to_list()
    if len(ids) > _IDS:
        return piece
    bad: list[str] = []
    groups, statements = [ids], _STATEMENTS
    while groups:
        group = max(groups, key=len)
        groups.remove(group)
        if len(group) == 1 or statements <= 0:
            bad += group
            continue
        halves = [group[: len(group) // 2], group[len(group) // 2 :]]
        groups += [half for half in halves if _try_rows(opened, piece, ids=half) is None]
        statements -= 2
    others = set(ids).difference(bad)
    return replace(piece, ids=tuple(sorted(bad)), others=tuple(sorted(others)), rows=len(bad))


def _readable(reading: Reading, span: Span, pieces: Sequence[_Piece]) -> Iterator[pl.DataFrame]:
    """Everything of the span beside the pieces, and in them the rows that are not at fault."""
    for start, end in _gaps(span, pieces):
        yield reading.rows(start, end)
    for piece in pieces:
        if piece.others:
            yield reading.rows(piece.start, piece.end, ids=piece.others)


def _no_rows(names: Sequence[str]) -> pl.DataFrame:
    """Every column of the query, so that none is missing where not one row of it can be read."""
    return pl.DataFrame(schema=dict.fromkeys(sorted(_plain(names)), pl.Null()))


def _set_aside(reading: Reading, piece: _Piece, pack: Pack[Any, Any]) -> pl.DataFrame:
    """What can be read of the rows at fault; a row without a time gets that of the piece's start."""
    if piece.columns:
        rows = reading.rows(piece.start, piece.end, piece.columns, piece.ids)
    else:
        rows = pl.DataFrame({"occurred_at": [piece.start] * (piece.rows or 1)}, {"occurred_at": UTC_TIME})
    if "occurred_at" not in rows.columns:
        rows = rows.with_columns(occurred_at=pl.lit(piece.start, UTC_TIME))
    amounts = all(_has(rows.columns, name, pack) for name in pack.instead)
    # "NaN": the sum of the minute's amounts is not known.
    given = None if amounts or not _reason(piece, pack) else "NaN"
    return rows.with_columns(
        pl.lit(_reason(piece, pack), pl.String).alias(WRONG), pl.lit(given, pl.String).alias(AMOUNT_GIVEN)
    )


def _has(columns: Collection[str], name: str, pack: Pack[Any, Any]) -> bool:
    """Is a column there, or the one that may be given instead?"""
    return name in columns or pack.instead.get(name) in columns


def _reason(piece: _Piece, pack: Pack[Any, Any]) -> str | None:
    """Why its rows are set aside; None where all that is needed to count them can be read."""
    read = _plain(piece.columns)
    needed = (name for name in pack.row if name not in pack.optional)
    return None if all(_has(read, name, pack) for name in needed) else "value_unreadable"


def _not_all_known(pieces: Sequence[_Piece], pack: Pack[Any, Any]) -> bool:
    """Is a row counted without what its query also gives of it?"""
    return any(_reason(p, pack) is None and not _plain(p.columns).issuperset(pack.optional) for p in pieces)


def _plain(columns: Sequence[str]) -> set[str]:
    return {name.removesuffix(UTC_SUFFIX) for name in columns}


def _told(piece: _Piece, pack: Pack[Any, Any]) -> Unreadable:
    return Unreadable(pack.rows_query, piece.start, piece.end, piece.rows, piece.reason, piece.ids or ())

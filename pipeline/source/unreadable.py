"""Alarms of rows that cannot be read, as a value of theirs is wrong: they stand 48 hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.alarms import Alarm
from pipeline.source.look_back import HORIZON

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipeline.alarms import Alarms
    from pipeline.errors import SourceValueWrong
    from pipeline.minute import Span
    from pipeline.source.asked import Unreadable

_NAME: Final = "rows.unreadable"
#: Pieces of a span with an alarm of their own.
_EACH: Final = 3
_HINT: Final = (
    "they are set aside and counted as value_unreadable; correct the value at the source, or let the query"
    " give the column without a cast: what is no whole amount is then set aside by itself"
)
_HINT_BESIDE: Final = "correct the value at the source, or let the query give the column without a cast"


def unreadable_alarms(unreadable: Sequence[Unreadable], key: str) -> list[Alarm]:
    """One alarm for each of the first pieces of a span that cannot be read, and one for all others."""
    pieces = [_of_rows(piece, key) for piece in unreadable[:_EACH]]
    more = unreadable[_EACH:]
    if more:
        what = f"{len(more)} further pieces of time from {more[0].start.isoformat()} on cannot be read"
        pieces.append(Alarm(_NAME, what, _HINT, f"{more[0].query} and further ones"))
    return pieces


def tell_unreadable(alarms: Alarms, query: str, piece: Span, error: SourceValueWrong) -> None:
    """An alarm: what a query beside the rows gives of a piece of time is not known."""
    found = _alarm("rows", query, (piece.start, piece.end), error.what, _HINT_BESIDE)
    alarms.raise_alarm(found, HORIZON)


def _of_rows(piece: Unreadable, key: str) -> Alarm:
    rows = "an unknown number of rows" if piece.rows is None else f"{piece.rows} row{'s' * (piece.rows != 1)}"
    ids = f" ({key} {', '.join(piece.ids[:3])})" if piece.ids else ""
    return _alarm(rows, piece.query, (piece.start, piece.end), piece.reason, _HINT, ids)


def _alarm(
    rows: str, query: str, span: tuple[datetime, datetime], why: str, hint: str, ids: str = ""
) -> Alarm:
    start, end = (moment.isoformat() for moment in span)
    what = f"{rows} of the query {query} from {start} to {end}{ids} cannot be read: {why}"
    return Alarm(_NAME, what, hint, f"{query} {start}/{end}")

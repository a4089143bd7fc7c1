"""What the queries beside `transactions` must give: columns and types, checked at one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.amounts import known_amount
from pipeline.errors import SourceChanged
from pipeline.minute import EPOCH, MINUTE, TIME_END, Span
from pipeline.schema import UTC_TIME, wrong_type
from pipeline.source import Changed, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.errors import SourceValueWrong
    from pipeline.source import Fence, KnownMinute

_INTEGER: Final = "an integer"
_TIME: Final = "a time with its zone"
_SUM: Final = "a number, or its text"
#: By query, what it must give; `newest` and `started` need not be there.
_GIVEN: Final[Mapping[str, Mapping[str, str]]] = {
    "fence": {"clock": _TIME},
    "changed": {"minute": _TIME},
    "totals": {"minute": _TIME, "rows": _INTEGER, "cancels": _INTEGER, "amount": _SUM},
    "without_time": {"rows": _INTEGER},
}
#: The queries that are checked here.
ANSWERS: Final = tuple(_GIVEN)
_OPTIONAL: Final[Mapping[str, Mapping[str, str]]] = {
    "fence": {"xmin": _INTEGER, "xmax": _INTEGER, "started": _TIME},
    "changed": {"newest": _INTEGER},
}


def conform_answer(frame: pl.DataFrame, name: str, query: Path) -> pl.DataFrame:
    """Check what the query `name` gave; integers come as Int64, sums as text, minutes as whole minutes.

    Minutes that no clock can show (null, infinite) are left out: their rows are those of `without_time`.
    Raises SourceChanged with the file and the column.
    """
    given = _GIVEN[name]
    missing = [column for column in given if column not in frame.columns]
    if missing:
        msg = f"the extraction query {query} gives no column {', '.join(missing)}"
        raise SourceChanged(msg, f"it must give {', '.join(given)}")
    wanted = {**given, **_OPTIONAL.get(name, {})}
    frame = frame.select(_typed(frame[column], wanted[column], query) for column in wanted if column in frame)
    return _whole_minutes(frame, query, exact=name == "totals") if "minute" in frame.columns else frame


def _typed(column: pl.Series, wanted: str, query: Path) -> pl.Series:
    found = column.dtype
    if wanted == _TIME and isinstance(found, pl.Datetime) and found.time_zone is not None:
        return column.cast(UTC_TIME)
    if wanted == _TIME and found == pl.Null:
        return column.cast(UTC_TIME)
    if wanted == _SUM and (found.is_numeric() or found in (pl.String, pl.Null)):
        return column.cast(pl.String)
    if wanted == _INTEGER and (found.is_integer() or found == pl.Null):
        return column.cast(pl.Int64)
    if wanted == _INTEGER and (found.is_decimal() or found == pl.String):  # sum(), count() of another dialect
        numbers = _whole(column)
        if numbers is not None:
            return numbers
    raise wrong_type(column, wanted, str(query))


def _whole(column: pl.Series) -> pl.Series | None:
    """Integers that are sent as NUMERIC; None where one is no integer."""
    texts = column.cast(pl.String).to_list()
    numbers = [None if text is None else known_amount(text) for text in texts]
    whole = all(isinstance(number, int) or text is None for number, text in zip(numbers, texts, strict=True))
    return pl.Series(column.name, numbers, pl.Int64) if whole else None


def _whole_minutes(frame: pl.DataFrame, query: Path, *, exact: bool) -> pl.DataFrame:
    minute = pl.col("minute")
    real = frame.filter((minute >= EPOCH) & (minute < TIME_END))
    if exact and not real.select((minute == minute.dt.truncate("1m")).all()).item():
        msg = f"the extraction query {query} gives times in `minute` that are not the beginning of a minute"
        raise SourceChanged(msg, "write date_trunc('minute', occurred_at, 'UTC') AS minute, and group by it")
    return real.with_columns(minute.dt.truncate("1m"))


def differing(
    written: Sequence[datetime],
    known: Mapping[datetime, KnownMinute],
    totals: Callable[[Span], pl.DataFrame],
) -> tuple[datetime, ...]:
    """Of minutes that got rows lately those that are not what `known` says of them, or that it does not know.

    A source that does not show which transaction wrote a row counts such minutes itself. Where a value keeps
    it from that, or kept us from reading all rows, the minute is read again: only its rows can tell.
    """
    runs = _runs([minute for minute in written if minute in known])
    counted = [row for run in runs for row in totals(run).iter_rows(named=True)]
    theirs = {row["minute"]: Totals.of_source(row) for row in counted}
    return tuple(
        minute
        for minute in written
        if minute not in known or _may_differ(theirs.get(minute, Totals(0, 0, 0)), known[minute].totals)
    )


def changed_around(
    error: SourceValueWrong,
    fence: Fence,
    look_back: Span,
    known: Mapping[datetime, KnownMinute],
    totals: Callable[[Span], pl.DataFrame],
) -> Changed:
    """What changed in the minutes of the look-back, where a value keeps `changed` from saying it."""
    recent = [minute for minute in look_back if minute in known]
    return Changed(differing(recent, known, totals), fence, error.what)


def _may_differ(theirs: Totals | None, ours: Totals) -> bool:
    return theirs is None or theirs.amount is None or theirs != ours


def _runs(minutes: Sequence[datetime]) -> list[Span]:
    """Unbroken runs of sorted minutes."""
    runs: list[Span] = []
    for minute in minutes:
        if runs and runs[-1].end == minute:
            runs[-1] = Span(runs[-1].start, minute + MINUTE)
        else:
            runs.append(Span(minute, minute + MINUTE))
    return runs

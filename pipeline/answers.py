"""The columns and types that the queries beside `transactions` give; another answer is refused by name. Pure.

A time without a zone is a guess, a missing number is no zero: both would otherwise fail far from the query,
or never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.errors import SourceChanged
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def _time(found: pl.DataType) -> bool:
    return isinstance(found, pl.Datetime) and found.time_zone is not None


def _whole(found: pl.DataType) -> bool:
    return found.is_integer()


def _number(found: pl.DataType) -> bool:
    """A sum may leave 64 bits and hold what is no number, so it also comes as text."""
    return found.is_numeric() or found == pl.String


_TIME: Final = ("a time with its zone (TIMESTAMPTZ)", _time)
_WHOLE: Final = ("a whole number (BIGINT)", _whole)
_NUMBER: Final = ("a number, or one as text", _number)

#: What each query must give. PostgreSQL's `changed` also gives `newest`, its `fence` the snapshot.
GIVEN: Final[Mapping[str, Mapping[str, tuple[str, Callable[[pl.DataType], bool]]]]] = {
    "fence": {"clock": _TIME},
    "changed": {"minute": _TIME},
    "totals": {"minute": _TIME, "rows": _WHOLE, "cancels": _WHOLE, "amount": _NUMBER},
    "without_time": {"rows": _WHOLE},
}
POSTGRESQL_ALSO: Final[Mapping[str, Mapping[str, tuple[str, Callable[[pl.DataType], bool]]]]] = {
    "fence": {"xmin": _WHOLE, "xmax": _WHOLE},
    "changed": {"newest": _WHOLE},
}


def conform_answer(frame: pl.DataFrame, name: str, path: Path, *, postgresql: bool = False) -> pl.DataFrame:
    """The answer of the query `name`, unchanged but for its minutes in microseconds of UTC.

    Raises SourceChanged with the query and the column for one that is missing or of another type, and for a
    time that is null or a minute that is not a full one. A query that is not named here passes.
    """
    wanted = {**GIVEN.get(name, {}), **(POSTGRESQL_ALSO.get(name, {}) if postgresql else {})}
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        given = ", ".join(frame.columns)
        msg = f"the extraction query {path} gives no column {', '.join(missing)}; it gives {given}"
        raise SourceChanged(msg, f"it must give {', '.join(wanted)}")
    for column, (words, fits) in wanted.items():
        found = frame.schema[column]
        if found != pl.Null and not fits(found):
            msg = f"the extraction query {path} gives {column} as {found}; {words} is needed"
            raise SourceChanged(msg, f"cast {column} in the query")
        if fits is _time and frame[column].null_count():
            msg = f"the extraction query {path} gives {column} without a value (NULL)"
            raise SourceChanged(msg, f"let {column} always have a value: filter such rows out, or coalesce")
    return _full_minutes(frame, path) if "minute" in wanted else frame


def _full_minutes(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    frame = frame.with_columns(pl.col("minute").cast(UTC_TIME))
    minutes = frame["minute"]
    odd = minutes.filter(minutes != minutes.dt.truncate("1m"))
    if not odd.is_empty():
        msg = f"the extraction query {path} gives the minute {odd[0].isoformat()}, which is not a full one"
        raise SourceChanged(msg, "cut it: date_trunc('minute', occurred_at, 'UTC') AS minute")
    return frame

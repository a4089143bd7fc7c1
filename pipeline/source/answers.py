"""The columns and types that the queries beside `transactions` give; another answer is refused by name.

A time without a zone is a guess, a missing number is no zero: both would otherwise fail far from the query,
or never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.amounts import known_amount
from pipeline.errors import SourceChanged
from pipeline.minute import EPOCH, MINUTE, TIME_END, runs_of
from pipeline.schema import FACT, UTC_TIME, wrong_type
from pipeline.source.asked import Known, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.minute import Span
    from pipeline.source.asked import KnownMinute

_TIME: Final = "a time with its zone (TIMESTAMPTZ)"
_WHOLE: Final = "a whole number (BIGINT)"
_NUMBER: Final = "a number, or one as text"
_WHOLE_LIMIT: Final = 2**63
#: More entities than this are not read: the query then gives something else.
MOST_ENTITIES: Final = 1_000_000
#: A fact is a word or two; what is longer is cut.
NAME_LENGTH: Final = 80

#: What each query must give. PostgreSQL's `fence` also gives the snapshot.
GIVEN: Final[Mapping[str, Mapping[str, str]]] = {
    "fence": {"clock": _TIME},
    "changed": {"minute": _TIME},
    "totals": {"minute": _TIME, "rows": _WHOLE},
    "without_time": {"rows": _WHOLE},
}
POSTGRESQL_ALSO: Final[Mapping[str, Mapping[str, str]]] = {"fence": {"xmin": _WHOLE, "xmax": _WHOLE}}
#: And what it may give.
OPTIONAL: Final[Mapping[str, Mapping[str, str]]] = {
    "fence": {"started": _TIME},
    "changed": {"newest": _WHOLE},
}


def conform_answer(
    frame: pl.DataFrame, name: str, path: Path, totals: Sequence[str] = (), *, postgresql: bool = False
) -> pl.DataFrame:
    """The answer of the query `name` in its types: times in microseconds of UTC, whole numbers as Int64.

    The pack's `totals` come as text, as they may leave 64 bits. Minutes that no clock shows (infinite) are
    left out: their rows are those of `without_time`. Raises SourceChanged with the query and the column for
    one that is missing or of another type, and for a time that is null or a minute that is not a full one.
    A query that is not named here passes.
    """
    wanted = {**GIVEN.get(name, {}), **(POSTGRESQL_ALSO.get(name, {}) if postgresql else {})}
    if name == "totals":
        wanted |= dict.fromkeys(totals, _NUMBER)
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        given = ", ".join(frame.columns)
        msg = f"the extraction query {path} gives no column {', '.join(missing)}; it gives {given}"
        raise SourceChanged(msg, f"it must give {', '.join(wanted)}")
    may = {column: words for column, words in OPTIONAL.get(name, {}).items() if column in frame.columns}
    for column, words in {**wanted, **may}.items():
        frame = frame.with_columns(_typed(frame[column], words, path))
        if words == _TIME and column in wanted and frame[column].null_count():
            msg = f"the extraction query {path} gives {column} without a value (NULL)"
            raise SourceChanged(msg, f"let {column} always have a value: filter such rows out, or coalesce")
    return _full_minutes(frame, path) if "minute" in wanted else frame


def only_count(frame: pl.DataFrame, path: Path) -> int:
    """The answer of the query `without_time`: one row with a number. Raises SourceChanged for another."""
    if frame.height != 1 or frame["rows"][0] is None:
        given = "NULL" if frame.height == 1 else f"{frame.height} rows"
        msg = f"the extraction query {path} gives {given}; one row with a number is needed"
        raise SourceChanged(msg, "write SELECT count(*) AS rows")
    return int(frame["rows"][0])


def _typed(column: pl.Series, words: str, path: Path) -> pl.Series:
    found = column.dtype
    if words == _TIME and (found == pl.Null or (isinstance(found, pl.Datetime) and found.time_zone)):
        return column.cast(UTC_TIME)
    if words == _NUMBER and (found.is_numeric() or found in (pl.String, pl.Null)):
        return column.cast(pl.String)
    if words == _WHOLE and (found.is_integer() or found == pl.Null):
        return column.cast(pl.Int64)
    whole = _whole(column) if words == _WHOLE and (found.is_decimal() or found == pl.String) else None
    if whole is None:
        raise wrong_type(column, words, str(path))
    return whole


def _whole(column: pl.Series) -> pl.Series | None:
    """Integers that are sent as NUMERIC; None where one is no integer."""
    texts = column.cast(pl.String).to_list()
    numbers = [None if text is None else known_amount(text) for text in texts]
    whole = all(
        text is None or (isinstance(number, int) and abs(number) < _WHOLE_LIMIT)
        for number, text in zip(numbers, texts, strict=True)
    )
    return pl.Series(column.name, numbers, pl.Int64) if whole else None


def _full_minutes(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    minute = pl.col("minute")
    frame = frame.filter((minute >= EPOCH) & (minute < TIME_END))
    odd = frame.filter(minute != minute.dt.truncate("1m"))["minute"]
    if not odd.is_empty():
        msg = f"the extraction query {path} gives the minute {odd[0].isoformat()}, which is not a full one"
        raise SourceChanged(msg, "cut it: date_trunc('minute', occurred_at, 'UTC') AS minute")
    return frame


def differing(
    written: Sequence[datetime],
    known: Mapping[datetime, KnownMinute],
    totals: Callable[[Span], pl.DataFrame],
    names: Sequence[str],
) -> tuple[datetime, ...]:
    """Of minutes that got rows lately those that are not what `known` says of them, or that it does not know.

    A source that does not show which transaction wrote a row counts such minutes itself. Where a value keeps
    it from that, or kept us from reading all rows, the minute is read again: only its rows can tell.
    """
    runs = runs_of([minute for minute in written if minute in known])
    counted = [row for run in runs for row in totals(run).iter_rows(named=True)]
    nothing = Totals(0, dict.fromkeys(names, 0))
    theirs = {row["minute"]: Totals.of_source(row, names) for row in counted}
    return tuple(
        minute
        for minute in written
        if minute not in known or _may_differ(theirs.get(minute, nothing), known[minute].totals)
    )


def recent(known: Mapping[datetime, KnownMinute], floor: datetime) -> list[datetime]:
    """The known minutes that are not over before `floor`: all that can be asked about by their totals."""
    return sorted(minute for minute in known if minute + MINUTE > floor)


def _may_differ(theirs: Totals | None, ours: Totals) -> bool:
    return theirs is None or None in theirs.sums.values() or theirs != ours


def conform_known(frame: pl.DataFrame, query: str, entity: str, column: str, name: str | None) -> Known:
    """What the query of facts gave, see `conform_facts`; the column `name` may be missing: nobody has one."""
    facts = conform_facts(frame, query, entity, column)
    named = name is not None and name in frame.columns
    return Known(facts, conform_facts(frame, query, entity, name) if named and name else FACT.to_frame())


def conform_facts(frame: pl.DataFrame, query: str, entity: str, column: str) -> pl.DataFrame:
    """What the query of facts gave as FACT, sorted by entity: one row where a value is known.

    `entity` and `column` are its two columns. Null and blank are unknown, and so is an entity that is given
    two values. Raises SourceChanged for other columns or types, and for too many rows.
    """
    wanted = (entity, column)
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        msg = f"the extraction query {query} gives no column {', '.join(missing)}"
        raise SourceChanged(msg, f"it must give {', '.join(wanted)}")
    if frame.height > MOST_ENTITIES:
        msg = f"the extraction query {query} gives more than {MOST_ENTITIES:,} rows"
        raise SourceChanged(msg, f"let it give a row per {entity.removesuffix('_id')}, of those in business")
    for name in wanted:
        dtype = frame.schema[name]
        if dtype not in (pl.String, pl.Null) and not (name == entity and dtype.is_integer()):
            msg = f"the extraction query {query} gives {name} as {dtype}; text is needed"
            raise SourceChanged(msg, f"cast {name} in the query")
    # It comes from outside and goes to people: nothing in it may act on a terminal, and jsonb takes no NUL.
    visible = pl.col(column).cast(pl.String).str.replace_all(r"[\p{Cc}\p{Cf}]+", " ")
    value = visible.str.replace_all(r"\s+", " ").str.strip_chars().str.slice(0, NAME_LENGTH).str.strip_chars()
    known = (
        frame.select(pl.col(entity).cast(pl.String).alias("entity_id"), value.alias("value"))
        .filter(pl.col("entity_id").is_not_null() & (pl.col("value") != ""))
        .unique()
    )
    return known.filter(pl.col("entity_id").is_unique()).sort("entity_id")

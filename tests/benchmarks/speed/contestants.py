"""Who answers the literal cancel rule: we, and what somebody would write with what lies at hand.

Each gets the counted minutes of a week and a little, then the raw rows of one minute after another, and names
the merchants whose cancels per approval in the last 60 minutes are at least twice those of the 7 days before.
The others get integers, and no more columns than the rule needs.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

import adbc_driver_postgresql.dbapi as adbc
import duckdb
import polars as pl

from baselines.facts import Facts
from pipeline.count import count
from pipeline.minute import HOUR_MINUTES, MINUTE, WEEK_MINUTES, Span, from_index, to_index
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.rules.cancel_surge import CANCEL_SURGE
from pipeline.packs.merchants.schema import APPROVAL, CANCEL, MERCHANT_MINUTE
from tests.benchmarks.speed.made import ZONE
from tests.benchmarks.watch import TUNED

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

#: Of the rule; the columns are merchant, hour_approvals, hour_cancels, week_approvals, week_cancels.
BREACHES: Final = (
    "hour_cancels >= 1 AND week_approvals > 0"
    " AND hour_cancels * week_approvals >= 2 * week_cancels * hour_approvals"
)
_SUMS: Final = ("hour_approvals", "hour_cancels", "week_approvals", "week_cancels")
_COUNTED: Final = f"""
    SELECT {{index}} AS minute, merchant_id AS merchant,
           count(*) FILTER (WHERE kind = '{APPROVAL}') AS approvals,
           count(*) FILTER (WHERE kind = '{CANCEL}') AS cancels
    FROM raw GROUP BY merchant_id
"""
_SCANNED: Final = f"""
    SELECT merchant FROM (
        SELECT merchant,
               coalesce(sum(approvals) FILTER (WHERE minute > {{hour}}), 0) AS hour_approvals,
               coalesce(sum(cancels) FILTER (WHERE minute > {{hour}}), 0) AS hour_cancels,
               coalesce(sum(approvals) FILTER (WHERE minute <= {{hour}}), 0) AS week_approvals,
               coalesce(sum(cancels) FILTER (WHERE minute <= {{hour}}), 0) AS week_cancels
        FROM {{minutes}} WHERE minute > {{week}} AND minute <= {{index}} GROUP BY merchant
    ) AS summed WHERE {BREACHES} ORDER BY merchant
"""


class Contestant(Protocol):
    """Made of the folder with the history; `url` is a PostgreSQL."""

    def __init__(self, folder: Path, url: str) -> None:
        """Take the history in: the set-up."""

    def answer(self, minute: datetime, rows: pl.DataFrame) -> list[int]:
        """Take the raw rows of the next minute in, and name the merchants in order."""
        ...


class Ours:
    """Counting, all windows, and the verdicts of the policy `literal`."""

    def __init__(self, folder: Path, url: str) -> None:
        del url
        self._windows: Any = PACK.windows(ZONE, TUNED)
        for path in sorted(folder.glob("day_*.parquet")):
            rows = _as_published(pl.read_parquet(path))
            first, last = rows["minute"][0], rows["minute"][-1]
            assert isinstance(first, type(last))
            start = from_index(self._windows.last + 1) if self._windows.last is not None else first
            self._windows.fill(start, last + MINUTE, rows)
        self._windows.settle()

    def answer(self, minute: datetime, rows: pl.DataFrame) -> list[int]:
        counted = count(rows, Span(minute, minute + MINUTE), 1, minute + MINUTE, PACK)
        self._windows.add(minute, counted.rows, counted.positions)
        signals = PACK.judge(self._windows, TUNED, "literal", Facts(), True).frame()  # noqa: FBT003
        return signals.filter(rule=CANCEL_SURGE.name)["entity_id"].cast(pl.Int64).sort().to_list()


class DuckSlid:
    """DuckDB: a table of sums, slid by hand. No correction, no other window, nothing kept after a crash."""

    def __init__(self, folder: Path, url: str) -> None:
        del url
        self._db = _duck(folder)
        newest = self._db.sql("SELECT max(minute) FROM minutes").fetchall()[0][0]
        hour, week = newest - HOUR_MINUTES, newest - HOUR_MINUTES - WEEK_MINUTES
        self._db.execute(
            f"""CREATE TABLE sums AS SELECT merchant,
                coalesce(sum(approvals) FILTER (WHERE minute > {hour}), 0)::BIGINT AS hour_approvals,
                coalesce(sum(cancels) FILTER (WHERE minute > {hour}), 0)::BIGINT AS hour_cancels,
                coalesce(sum(approvals) FILTER (WHERE minute <= {hour}), 0)::BIGINT AS week_approvals,
                coalesce(sum(cancels) FILTER (WHERE minute <= {hour}), 0)::BIGINT AS week_cancels
            FROM minutes WHERE minute > {week} GROUP BY merchant"""
        )

    def answer(self, minute: datetime, rows: pl.DataFrame) -> list[int]:
        index = to_index(minute)
        self._db.register("raw", rows.to_arrow())
        self._db.execute(f"INSERT INTO minutes {_COUNTED.format(index=index)}")
        from_hour, from_week = index - HOUR_MINUTES, index - HOUR_MINUTES - WEEK_MINUTES
        enters = {
            "hour": f"CASE minute WHEN {index} THEN {{0}} WHEN {from_hour} THEN -{{0}} ELSE 0 END",
            "week": f"CASE minute WHEN {from_hour} THEN {{0}} WHEN {from_week} THEN -{{0}} ELSE 0 END",
        }
        moved = ", ".join(enters[name[:4]].format(name[5:]) for name in _SUMS)
        added = ", ".join(f"sum({name})::BIGINT AS {name}" for name in _SUMS)
        self._db.execute(
            f"""CREATE OR REPLACE TABLE sums AS SELECT merchant, {added} FROM (
                SELECT * FROM sums UNION ALL
                SELECT merchant, {moved} FROM minutes WHERE minute IN ({index}, {from_hour}, {from_week})
            ) GROUP BY merchant"""
        )
        return _ids(self._db.sql(f"SELECT merchant FROM sums WHERE {BREACHES} ORDER BY merchant"))


class DuckTable:
    """DuckDB: the minutes in its own table, scanned."""

    def __init__(self, folder: Path, url: str) -> None:
        del url
        self._db = _duck(folder)

    def answer(self, minute: datetime, rows: pl.DataFrame) -> list[int]:
        self._db.register("raw", rows.to_arrow())
        self._db.execute(f"INSERT INTO minutes {_COUNTED.format(index=to_index(minute))}")
        return _ids(self._db.sql(_scanned(minute, "minutes")))


class DuckParquet:
    """DuckDB: the minutes in Parquet, a file a day and one for each new minute, scanned."""

    def __init__(self, folder: Path, url: str) -> None:
        del url
        self._folder, self._db = folder, duckdb.connect()
        self._files = [str(path) for path in sorted(folder.glob("day_*.parquet"))]

    def answer(self, minute: datetime, rows: pl.DataFrame) -> list[int]:
        self._db.register("raw", rows.to_arrow())
        index = to_index(minute)
        path = str(self._folder / f"minute_{index}.parquet")
        self._db.execute(f"COPY ({_COUNTED.format(index=index)}) TO '{path}' (FORMAT parquet)")
        self._files.append(path)
        return _ids(self._db.sql(_scanned(minute, f"read_parquet({self._files})")))


class Polars:
    """Polars: the minutes in memory, scanned."""

    def __init__(self, folder: Path, url: str) -> None:
        del url
        self._minutes = _history(folder)

    def answer(self, minute: datetime, rows: pl.DataFrame) -> list[int]:
        index = to_index(minute)
        self._minutes = pl.concat([self._minutes, _counted(rows, index)])
        hour, in_hour = index - HOUR_MINUTES, pl.col("minute") > index - HOUR_MINUTES
        sums = (
            self._minutes.lazy()
            .filter(pl.col("minute") > hour - WEEK_MINUTES)
            .group_by("merchant")
            .agg(
                hour_approvals=pl.col("approvals").filter(in_hour).sum(),
                hour_cancels=pl.col("cancels").filter(in_hour).sum(),
                week_approvals=pl.col("approvals").filter(~in_hour).sum(),
                week_cancels=pl.col("cancels").filter(~in_hour).sum(),
            )
        )
        return sums.filter(_breaches()).select(pl.col("merchant").sort()).collect()["merchant"].to_list()


class Pandas:
    """pandas: the minutes in memory, scanned."""

    def __init__(self, folder: Path, url: str) -> None:
        del url
        import pandas as pd  # noqa: PLC0415 - only where it is installed

        self._pd = pd
        self._minutes = _frame(pd, _history(folder))

    def answer(self, minute: datetime, rows: pl.DataFrame) -> list[int]:
        index = to_index(minute)
        new = _frame(self._pd, _counted(rows, index))
        self._minutes = minutes = self._pd.concat([self._minutes, new], ignore_index=True)
        hour = index - HOUR_MINUTES
        both = ["approvals", "cancels"]
        late = minutes[minutes["minute"] > hour].groupby("merchant")[both].sum()
        week = minutes[(minutes["minute"] > hour - WEEK_MINUTES) & (minutes["minute"] <= hour)]
        sums = late.join(week.groupby("merchant")[both].sum(), rsuffix="_week", how="inner")
        breached = (sums["cancels"] >= 1) & (sums["approvals_week"] > 0)
        breached &= sums["cancels"] * sums["approvals_week"] >= 2 * sums["cancels_week"] * sums["approvals"]
        return sorted(sums.index[breached].tolist())


class PostgreSql:
    """PostgreSQL: the minutes in an unlogged table, summed up by GROUP BY."""

    def __init__(self, folder: Path, url: str) -> None:
        self._db = adbc.connect(url, autocommit=True)
        for number, path in enumerate(sorted(folder.glob("day_*.parquet"))):
            rows = pl.read_parquet(path)
            if not number:
                self._run("DROP TABLE IF EXISTS minutes")
                self._run(
                    "CREATE UNLOGGED TABLE minutes (minute int, merchant int, approvals int, cancels int)"
                )
            self._take(rows)
        self._run("VACUUM ANALYZE minutes")

    def answer(self, minute: datetime, rows: pl.DataFrame) -> list[int]:
        self._take(_counted(rows, to_index(minute)))
        with self._db.cursor() as cursor:
            cursor.execute(_scanned(minute, "minutes"))
            found = pl.DataFrame(pl.from_arrow(cursor.fetch_arrow_table()))
        return found["merchant"].to_list()

    def _take(self, rows: pl.DataFrame) -> None:
        with self._db.cursor() as cursor:
            cursor.adbc_ingest("minutes", rows.cast(pl.Int32).to_arrow(), mode="append")

    def _run(self, text: str) -> None:
        with self._db.cursor() as cursor:
            cursor.execute(text)
            cursor.fetchall()


CONTESTANTS: Final[dict[str, type[Contestant]]] = {
    "minuterisk": Ours,
    "DuckDB, sums slid by hand": DuckSlid,
    "DuckDB, own table": DuckTable,
    "DuckDB, minute Parquet": DuckParquet,
    "Polars, minutes in memory": Polars,
    **({"pandas, minutes in memory": Pandas} if find_spec("pandas") else {}),
    "PostgreSQL, GROUP BY": PostgreSql,
}


def _duck(folder: Path) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute(f"CREATE TABLE minutes AS SELECT * FROM read_parquet('{folder}/day_*.parquet')")
    return db


def _scanned(minute: datetime, minutes: str) -> str:
    index = to_index(minute)
    hour = index - HOUR_MINUTES
    return _SCANNED.format(index=index, hour=hour, week=hour - WEEK_MINUTES, minutes=minutes)


def _ids(found: duckdb.DuckDBPyRelation) -> list[int]:
    merchants: list[int] = found.pl()["merchant"].to_list()
    return merchants


def _history(folder: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in sorted(folder.glob("day_*.parquet"))])


def _counted(rows: pl.DataFrame, index: int) -> pl.DataFrame:
    """The raw rows of a minute in the columns of the history."""
    approved = pl.col("kind") == APPROVAL
    sums = rows.group_by(merchant=pl.col("merchant_id").cast(pl.Int32)).agg(
        approvals=approved.sum().cast(pl.Int32), cancels=(~approved).sum().cast(pl.Int32)
    )
    return sums.select(pl.lit(index, pl.Int32).alias("minute"), "merchant", "approvals", "cancels")


def _breaches() -> pl.Expr:
    return (
        (pl.col("hour_cancels") >= 1)
        & (pl.col("week_approvals") > 0)
        & (
            pl.col("hour_cancels").cast(pl.Int64) * pl.col("week_approvals")
            >= 2 * pl.col("week_cancels").cast(pl.Int64) * pl.col("hour_approvals")
        )
    )


def _frame(pd: Any, rows: pl.DataFrame) -> Any:  # noqa: ANN401 - pandas ships no types here
    return pd.DataFrame({name: rows[name].cast(pl.Int64).to_numpy() for name in rows.columns})


def _as_published(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of the lake."""
    return rows.select(
        (pl.col("minute").cast(pl.Int64) * 60_000_000).cast(MERCHANT_MINUTE["minute"]),
        pl.col("merchant").cast(pl.String).alias("merchant_id"),
        pl.col("approvals").cast(pl.Int64).alias("approval_count"),
        pl.col("cancels").cast(pl.Int64).alias("cancel_count"),
        *(pl.lit(0, pl.Int64).alias(name) for name in list(MERCHANT_MINUTE)[4:]),
    )

"""Load a file of transactions into the trade server: all of its good rows or, after a failure, none.

Bad rows are set aside in a quarantine file, each with its reason, and counted. The file is published
just before the commit; a load that fails leaves neither rows nor quarantine file behind.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, Self

import polars as pl
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from data.merchants.parse import COLUMNS, RAGGED, REQUIRED, looks_integer, parse
from data.merchants.trade import advance_sequence, create_trade_database, merchant_id_type
from data.server import copy_missing, copy_rows, database_exists, database_url
from pipeline.errors import UsageError
from pipeline.minute import require_aware
from pipeline.packs.merchants.schema import QUARANTINE
from pipeline.packs.merchants.screen import screen
from pipeline.schema import conform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    #: rows done so far, and in all where the file says it (Parquet does, CSV does not)
    Progress = Callable[[int, int | None], None]

_PARQUET_ROWS: Final = 500_000
_CSV_ROWS: Final = 200_000  # as Python objects on their way, so fewer at once

_NAMES: Final = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
_STAGE: Final = sql.SQL(
    "CREATE TEMPORARY TABLE staged ON COMMIT DROP AS SELECT {names} FROM transactions LIMIT 0"
).format(names=_NAMES)
# The conflicting keys come back: of earlier chunks, of earlier loads, and of somebody writing right now.
_MOVE: Final = sql.SQL(
    """
    WITH moved AS (
        INSERT INTO transactions ({names}) SELECT {names} FROM staged
        ON CONFLICT DO NOTHING
        RETURNING transaction_id, kind
    )
    SELECT transaction_id, kind FROM staged EXCEPT SELECT transaction_id, kind FROM moved
    """
).format(names=_NAMES)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """rows = loaded + the sum of `quarantined` (reason → rows, most frequent first).

    `merchants` is the number of merchants in the loaded rows, `first` and `last` their times (UTC).
    """

    rows: int
    loaded: int
    quarantined: dict[str, int]
    quarantine_file: Path | None
    merchants: int
    first: datetime | None
    last: datetime | None


def load_file(
    path: Path,
    admin_url: str,
    database: str,
    quarantine_dir: Path,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
) -> LoadReport:
    """Load a Parquet or CSV file into `database`, which is created like the file needs it if missing.

    A new table gets merchant_id BIGINT if the file's merchants are integers, else TEXT; an existing one
    decides for itself. Rows later than `clock()` have not happened yet and are set aside. Raises
    `UsageError` for a file that cannot be read or lacks a column; `psycopg.Error`, `OSError` otherwise.
    """
    now = require_aware(clock())
    chunks = _open(path)
    first = next(chunks)  # the file is checked before any database is touched
    url, integers = _prepare_table(admin_url, database, first.rows)
    with psycopg.connect(url) as connection, _Quarantine(quarantine_dir, path.stem, now) as quarantine:
        load = _Load(connection, quarantine, now, integer_merchants=integers)
        load.add(first, progress)
        for chunk in chunks:
            load.add(chunk, progress)
        advance_sequence(connection)
        quarantine.publish()
        connection.commit()
        quarantine.keep()
    return load.report()


def _prepare_table(admin_url: str, database: str, sample: pl.DataFrame) -> tuple[str, bool]:
    """The database's URL, and whether its merchant ids are integers."""
    url = database_url(admin_url, database)
    found = merchant_id_type(url) if database_exists(admin_url, database) else None
    if found is None:
        found = "BIGINT" if looks_integer(sample) else "TEXT"
        create_trade_database(admin_url, database, found)
    return url, found == "BIGINT"


@dataclass(slots=True)
class _Load:
    """One file on its way into one transaction, and what has been counted of it."""

    connection: psycopg.Connection
    quarantine: _Quarantine
    now: datetime
    integer_merchants: bool = field(kw_only=True)
    rows: int = 0
    loaded: int = 0
    merchants: set[str | int] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None

    def __post_init__(self) -> None:
        self.connection.execute(_STAGE)
        self.connection.execute(
            "SET LOCAL work_mem = '128MB'"
        )  # a chunk is compared with what was moved of it

    def add(self, chunk: _Chunk, progress: Progress | None) -> None:
        """Load the good rows of a chunk, set the others aside."""
        parsed = parse(chunk.rows, integer_merchants=self.integer_merchants)
        self.quarantine.add(parsed.filter(pl.col("reason").is_not_null()))
        readable = parsed.filter(pl.col("reason").is_null()).drop("reason")
        screened = screen(readable, self.now)
        self.quarantine.add(screened.bad)
        self._move(screened.good)
        self.rows += chunk.rows.height
        if progress is not None:
            progress(self.rows, chunk.of_rows)

    def _move(self, good: pl.DataFrame) -> None:
        self.connection.execute("TRUNCATE staged")
        copy_rows(self.connection, "staged", good)
        key = {name: good.schema[name] for name in ("transaction_id", "kind")}
        found = pl.DataFrame(self.connection.execute(_MOVE).fetchall(), key, orient="row")
        repeated = good.join(found, on=list(key), how="semi", maintain_order="left")
        self.quarantine.add(repeated.with_columns(reason=pl.lit("transaction_id_duplicate")))
        moved = good.join(found, on=list(key), how="anti", maintain_order="left")
        if moved.height:
            self._count(moved)

    def _count(self, moved: pl.DataFrame) -> None:
        self.loaded += moved.height
        merchants = moved["merchant_id"].unique().to_list()
        names = pl.DataFrame({"merchant_id": merchants, "name": list(map(str, merchants))})
        copy_missing(self.connection, "merchants", names)
        self.merchants.update(merchants)
        times = moved.select(first=pl.col("occurred_at").min(), last=pl.col("occurred_at").max()).row(0)
        self.first = min(t for t in (self.first, times[0]) if t is not None)
        self.last = max(t for t in (self.last, times[1]) if t is not None)

    def report(self) -> LoadReport:
        return LoadReport(
            rows=self.rows,
            loaded=self.loaded,
            quarantined=dict(sorted(self.quarantine.counts.items(), key=lambda item: (-item[1], item[0]))),
            quarantine_file=self.quarantine.path if self.quarantine.counts else None,
            merchants=len(self.merchants),
            first=self.first,
            last=self.last,
        )


class _Quarantine:
    """The file of set-aside rows: written aside as they come, published as a whole, gone after a failure."""

    def __init__(self, folder: Path, stem: str, now: datetime) -> None:
        self.path = folder / f"{stem}-{now:%Y%m%dT%H%M%S.%fZ}.parquet"
        self.counts: dict[str, int] = {}
        self._draft = self.path.with_suffix(".tmp")
        self._writer: pq.ParquetWriter | None = None
        self._kept = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._kept:
            if self._writer is not None:
                self._writer.close()
            self._draft.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)

    def add(self, bad: pl.DataFrame) -> None:
        """Set rows with a `reason` aside, without customer data."""
        if bad.is_empty():
            return
        table = conform(bad, QUARANTINE).to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._draft, table.schema)
        self._writer.write_table(table)
        for reason, count in bad.group_by("reason").len().iter_rows():
            self.counts[reason] = self.counts.get(reason, 0) + count

    def publish(self) -> None:
        """Give the file its name, durably."""
        if self._writer is None:
            return
        self._writer.close()
        with self._draft.open("rb+") as file:
            os.fsync(file.fileno())
        self._draft.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def keep(self) -> None:
        """The load is committed: the file stays."""
        self._kept = True


# -- reading -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Raw rows in the file's own types, and how many rows the whole file has, where it says so."""

    rows: pl.DataFrame
    of_rows: int | None


def _open(path: Path) -> Iterator[_Chunk]:
    """The chunks of a file, at least one, by its suffix."""
    readers = {".parquet": _read_parquet, ".csv": _read_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        msg = f"{path}: a file that ends in {path.suffix or 'nothing'!r} cannot be loaded"
        raise UsageError(msg, f"load one that ends in {' or '.join(readers)}")
    if not path.is_file():
        msg = f"{path} is not a file"
        raise UsageError(msg, "check the path")
    return reader(path)


def _read_parquet(path: Path) -> Iterator[_Chunk]:
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            _require_columns(path, names)
            wanted = [name for name in COLUMNS if name in names]
            total, some = file.metadata.num_rows, False
            for batch in file.iter_batches(_PARQUET_ROWS, columns=wanted):
                some = True
                yield _Chunk(pl.DataFrame(pl.from_arrow(batch)), total)
            if not some:
                yield _Chunk(
                    pl.DataFrame(pl.from_arrow(file.schema_arrow.empty_table().select(wanted))), total
                )
    except (pa.ArrowException, OSError) as error:
        msg = f"{path} cannot be read as Parquet: {error}"
        raise UsageError(msg, "write the file again; nothing of it was loaded") from None


def _read_csv(path: Path) -> Iterator[_Chunk]:
    """Everything as text; a row with another number of fields than the header is marked RAGGED."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = _rows_of(csv.reader(file, strict=True), path)
        names = [name.strip() for name in next(rows, [])]
        _require_columns(path, names)
        rows = _refuse_swallowed(rows, [names.index(name) for name in COLUMNS if name in names], path)
        batch = list(islice(rows, _CSV_ROWS))
        yield _Chunk(_frame(names, batch), None)
        while batch := list(islice(rows, _CSV_ROWS)):
            yield _Chunk(_frame(names, batch), None)


def _refuse_swallowed(rows: Iterator[list[str]], ours: Sequence[int], path: Path) -> Iterator[list[str]]:
    """Refuse a file in which one of our columns reaches over a line's end.

    A quotation mark was left open there, and the rows up to the next one would vanish into it. A remark in
    another column may have lines.
    """
    for number, row in enumerate(rows, start=1):
        if any("\n" in row[place] or "\r" in row[place] for place in ours if place < len(row)):
            msg = f"{path}: a quotation mark in row {number} is not closed on its line"
            raise UsageError(msg, "close it; nothing was loaded")
        yield row


def _rows_of(reader: Iterator[list[str]], path: Path) -> Iterator[list[str]]:
    """The rows that are not empty lines; what the file breaks on becomes a `UsageError`."""
    count = 0
    try:
        for row in reader:
            count += 1
            if row:
                yield row
    except UnicodeDecodeError as error:
        msg = f"{path} is not UTF-8 after row {count}: {error.reason}"
        raise UsageError(msg, "save it as UTF-8 (an export of a Korean Excel is often CP949)") from None
    except csv.Error as error:
        msg = f"{path} cannot be read as CSV after row {count}: {error}"
        raise UsageError(msg, "look for a quotation mark that is not closed; nothing was loaded") from None


def _frame(names: Sequence[str], rows: list[list[str]]) -> pl.DataFrame:
    width = len(names)
    ragged = [len(row) != width for row in rows]
    padded = [
        [*row, *[""] * (width - len(row))][:width] if bad else row
        for row, bad in zip(rows, ragged, strict=True)
    ]
    frame = pl.DataFrame(padded, schema=dict.fromkeys(names, pl.String()), orient="row")
    wanted = [name for name in COLUMNS if name in names]
    texts = pl.col(wanted)
    return frame.select(
        pl.when(texts != "").then(texts).name.keep(), pl.Series(RAGGED, ragged, dtype=pl.Boolean)
    )


def _require_columns(path: Path, found: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        msg = f"{path} has no column {', '.join(missing)}; it has {', '.join(found) or 'none'}"
        raise UsageError(msg, f"name the columns {', '.join(REQUIRED)}")
    repeated = sorted({name for name in found if name and found.count(name) > 1})
    if repeated:
        msg = f"{path} has the column {', '.join(repeated)} more than once"
        raise UsageError(msg, "keep one of them")

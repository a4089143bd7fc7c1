"""The analysts' DuckDB file: views over what all packs of an installation have published.

Each pack has a schema of its name. The views of the first one stand in `main` as well, where they were before
there were packs. Processes that write the file side by side take turns; each knows its own pack from the
ledger and the others from their lists of files.
"""

from __future__ import annotations

import fcntl
import os
import re
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import structlog

from pipeline.errors import LakeDamaged, StorageUnavailable
from pipeline.minute import EPOCH, Span, business_date, business_day, offsets_of
from pipeline.packs import FIRST, PACKS, load_pack, manifest_name
from pipeline.store.manifest import read_manifest, span_of_files
from pipeline.store.views.tables import (
    day_schema,
    read_index,
    read_tables,
    table_files,
    table_schemas,
)
from queries import FOLDER, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.pack import Pack
    from pipeline.store.manifest import LakeFile, Manifest

log = structlog.get_logger()

MICROSECOND = timedelta(microseconds=1)
UTC = ZoneInfo("UTC")
#: The format that every DuckDB from 1.0 on opens; left alone, DuckDB writes the one of its own version.
FORMAT = "v1.0.0"
#: Tables older than this are no longer what the published files are read with; well within the files' grace.
FAR_BEHIND = timedelta(minutes=5)
#: A file nobody wrote a ledger row for is an orphan of a crash.
TEMPORARY_SUFFIX = ".writing"
_DUCKDB_TYPES = {
    pl.String: "VARCHAR",
    pl.Int32: "INTEGER",
    pl.Int64: "BIGINT",
    pl.Boolean: "BOOLEAN",
    pl.Datetime: "TIMESTAMPTZ",
    pl.Date: "DATE",
}
_VIEW = re.compile(r"VIEW (\w+) AS")
_MACRO = re.compile(r"MACRO (\w+)\(")
#: Business days are known so far to both sides of what is published: rows speak of days outside of it.
_AROUND = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a pack has published: files of the lake, and of its tables (`shelf_of`)."""

    pack: Pack[Any, Any]
    files: Sequence[LakeFile]

    def of(self, dataset: str) -> list[LakeFile]:
        """The files of one dataset or table."""
        return [file for file in self.files if file.dataset == dataset]

    def paths(self, folder: Path) -> list[str]:
        """Where all of its files lie; `folder` is the lake."""
        return [str(folder / file.path) for file in self.files]


def shelf_of(pack: Pack[Any, Any], files: Sequence[LakeFile], folder: Path) -> Shelf:
    """The published files of a pack, and its tables as they stand; `folder` is the lake."""
    return Shelf(pack, [*files, *table_files(folder, pack, read_index(folder, pack.name), files)])


def newest_shelf(pack: Pack[Any, Any], manifest: Path, folder: Path) -> tuple[Manifest, Shelf] | None:
    """What a pack has published at the moment that its tables show; None before anything is.

    The manifest is brought up to date more often than the tables: read together, a book would be of another
    minute than the incidents beside it. It counts by itself where the tables are far behind or a file of
    theirs is gone. Raises as `read_manifest`.
    """
    newest = read_manifest(manifest)
    if newest is None:
        return None
    parts, then = read_tables(folder, pack.name)
    if (
        then is None
        or newest.generated_at - then.generated_at > FAR_BEHIND
        or not all((folder / file.path).is_file() for file in then.files)
    ):
        then = newest
    return then, Shelf(pack, [*then.files, *table_files(folder, pack, parts, then.files)])


def published_schema(pack: Pack[Any, Any], dataset: str) -> pl.Schema:
    """The columns of a published file: people know an entity by the pack's own word."""
    names = published_names(pack)
    return pl.Schema({names.get(name, name): dtype for name, dtype in pack.datasets[dataset].items()})


def published_names(pack: Pack[Any, Any]) -> dict[str, str]:
    """The engine's words that are other ones in files."""
    return {"entity_id": pack.entity}


def other_shelves(pack: str, home: Path, lake: Path) -> list[Shelf]:
    """What the packs beside `pack` have published; one whose list or files are damaged is left out."""
    found = []
    for name in PACKS:
        if name == pack:
            continue
        manifest_file = home / manifest_name(name)
        if not manifest_file.exists():  # of a pack that runs nowhere no code is loaded
            continue
        try:
            newest = newest_shelf(load_pack(name), manifest_file, lake)
        except (LakeDamaged, StorageUnavailable) as error:
            log.warning("catalog.pack_left_out", pack=name, why=error.what)
            continue
        if newest is None:
            continue
        manifest, shelf = newest
        missing = [file.path for file in manifest.files if not (lake / file.path).is_file()]
        if missing:
            log.warning("catalog.pack_left_out", pack=name, why=f"there is no file {missing[0]}")
            continue
        found.append(shelf)
    return found


def write_catalog(catalog: Path, shelves: Iterable[Shelf], lake: Path, zone: ZoneInfo) -> None:
    """Replace the file by one whose views read what is on the shelves. Raises duckdb.Error."""
    temporary = catalog.with_suffix(TEMPORARY_SUFFIX)
    temporary.unlink(missing_ok=True)
    with duckdb.connect(str(temporary), config={"storage_compatibility_version": FORMAT}) as connection:
        connection.begin()  # as one: each by itself would wait for the disk
        for statement in catalog_statements(shelves, lake, zone):
            connection.execute(statement)
        connection.commit()
    temporary.replace(catalog)


@contextmanager
def turn_at(catalog: Path) -> Iterator[None]:
    """Hold the turn to write the file; it ends with the process at the latest."""
    descriptor = os.open(catalog.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def catalog_statements(shelves: Iterable[Shelf], folder: Path, zone: ZoneInfo) -> list[str]:
    """DDL of the analysts' views over the files on the shelves; a business day is one of `zone`.

    The files are listed, never found by a pattern, so that no half-published one is seen. An analyst's own
    DuckDB may be old, without its time zone extension and without a network to get it: the views use neither
    newer functions nor that extension.
    """
    shelves = list(shelves)
    statements = _macros(zone, span_of_files(file for shelf in shelves for file in shelf.files))
    for shelf in shelves:
        name, views = shelf.pack.name, [*_views(shelf, folder, zone), *comments_of(shelf.pack)]
        if name == FIRST:
            known = [match[1] for match in map(_VIEW.search, views) if match]
            again = [f"CREATE VIEW {name}.{view} AS SELECT * FROM main.{view}" for view in known]  # noqa: S608 - ours
            statements += [*views, f"CREATE SCHEMA {name}", *again]
        else:
            statements += [f"CREATE SCHEMA {name}", f"SET schema = '{name}'", *views, "SET schema = 'main'"]
    return statements


def _macros(zone: ZoneInfo, span: Span) -> list[str]:
    """Macros: the business day of a moment and its time of day; when a day begins, and its minutes."""
    wide = Span(span.start - _AROUND, span.end + _AROUND)
    local = f"(epoch_us(ts) + {_offset_us(zone, wide, 'ts')})"
    midnight = "epoch_us(CAST(day AS TIMESTAMP))"
    start = f"({midnight} - {_offset_of_day_us(zone, wide, 0)}) // 1000000"
    end = f"({midnight} + 86400000000 - {_offset_of_day_us(zone, wide, 1)}) // 1000000"
    minutes = f"to_timestamp({start} + n * 60) AS minute FROM range(1600) AS t(n)"
    return [
        f"CREATE MACRO business_day(ts) AS CAST(make_timestamp({local}) AS DATE)",
        f"CREATE MACRO minute_of_day(ts) AS {local} // 60000000 % 1440",
        f"CREATE MACRO start_of(day) AS to_timestamp({start})",
        f"CREATE MACRO minutes_of(day) AS TABLE SELECT {minutes} WHERE n * 60 < {end} - {start}",
    ]


def _views(shelf: Shelf, folder: Path, zone: ZoneInfo) -> list[str]:
    pack = shelf.pack
    schemas = {name: published_schema(pack, name) for name in pack.datasets} | table_schemas(pack)
    views = [
        f"CREATE OR REPLACE VIEW {name} AS {_select(_paths(shelf.of(name), folder), schema, pack.added)}"
        for name, schema in schemas.items()
    ]
    own = f"{pack.name}/analyst/views"
    if (FOLDER / f"{own}.sql").is_file():
        text = sql(own).replace("{offset_us}", _offset_us(zone, span_of_files(shelf.files), "minute"))
        text = text.replace("{summed_days}", _summed_days(shelf, folder))
        text = text.replace("{other_minutes}", _other_minutes(shelf, folder))
        views += [statement for statement in text.split(";\n") if statement.strip()]
    return views


def _summed_days(shelf: Shelf, folder: Path) -> str:
    """SQL: the closed business days whose sums were made of the minutes that are published now."""
    files = shelf.of(f"{shelf.pack.noun}_day")
    return _select(_paths(files, folder), day_schema(shelf.pack), ())


def _other_minutes(shelf: Shelf, folder: Path) -> str:
    """SQL: the counted rows of all other days."""
    pack = shelf.pack
    days = [file.span for file in shelf.of(f"{pack.noun}_day")]
    files = [file for file in shelf.of(pack.dataset) if not any(file.span.overlaps(day) for day in days)]
    return _select(_paths(files, folder), published_schema(pack, pack.dataset), pack.added)


def _paths(files: Iterable[LakeFile], folder: Path) -> list[str]:
    return [str(folder / file.path) for file in files]


def comments_of(pack: Pack[Any, Any]) -> tuple[str, ...]:
    """DDL: what every view of a pack and each of its columns is, Korean and English."""
    return _comments(pack.name, tuple(_views(Shelf(pack, ()), FOLDER, UTC)))


@cache
def _comments(pack: str, views: tuple[str, ...]) -> tuple[str, ...]:
    columns = _columns_of(views)
    words = [_words(name) for name in (f"{pack}/analyst", "lake")]
    statements = []
    for view, names in columns.items():
        said = next((w["views"][view] for w in words if view in w.get("views", {})), None)
        if said is not None:
            statements.append(f"COMMENT ON VIEW {view} IS {_quoted(said)}")
        for name in names:
            places = [place for w in words for place in (w.get(view, {}), w.get("columns", {}))]
            found = next((place[name] for place in places if name in place), None)
            if found is not None:
                statements.append(f"COMMENT ON COLUMN {view}.{name} IS {_quoted(found)}")
    return tuple(statements)


def _columns_of(views: Iterable[str]) -> dict[str, list[str]]:
    """The columns of each view that these statements make, as DuckDB sees them."""
    found: dict[str, list[str]] = {}
    with duckdb.connect() as connection:
        for statement in views:
            connection.execute(statement)
        asked = (
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal ORDER BY column_index"
        )
        for view, name in connection.execute(asked).fetchall():
            found.setdefault(view, []).append(name)
    return found


@cache
def _words(place: str) -> dict[str, dict[str, str]]:
    path = FOLDER / place / "comments.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _offset_us(zone: ZoneInfo, span: Span, moment: str) -> str:
    """SQL: how far the zone's clock is ahead of UTC at a moment of `span`, in microseconds."""
    return _cases(offsets_of(zone, span), lambda end: f"epoch_us({moment}) < {(end - EPOCH) // MICROSECOND}")


def _offset_of_day_us(zone: ZoneInfo, span: Span, days: int) -> str:
    """SQL: the same at the midnight that begins a `day`, or, for `days` 1, that ends it."""

    def before(end: datetime) -> str:
        first = business_date(end, zone)  # is its midnight the first one by the new clock?
        offset = end.astimezone(zone).utcoffset() or timedelta()
        if datetime.combine(first, time(), EPOCH.tzinfo) - offset != business_day(first, zone).start:
            first += timedelta(days=1)
        return f"CAST(day AS DATE) < DATE '{first - timedelta(days=days)}'"

    return _cases(offsets_of(zone, span), before)


def _cases(offsets: Sequence[tuple[datetime, timedelta]], before: Callable[[datetime], str]) -> str:
    _, newest = offsets[-1]
    if len(offsets) == 1:
        return str(newest // MICROSECOND)
    cases = [
        f"WHEN {before(end)} THEN {offset // MICROSECOND}" for (_, offset), (end, _) in pairwise(offsets)
    ]
    return f"(CASE {' '.join(cases)} ELSE {newest // MICROSECOND} END)"


def _select(paths: Sequence[str], schema: Mapping[str, pl.DataType], added: Sequence[str]) -> str:
    nothing = f"SELECT {', '.join(null_column(*column) for column in schema.items())} WHERE false"
    if not paths:
        return nothing
    listed = ", ".join(_quoted(path) for path in paths)
    # Files of an earlier version lack the newer columns, perhaps all; the empty row set names them.
    given = f"SELECT * FROM read_parquet([{listed}], union_by_name = true)"  # noqa: S608 - names and paths of ours
    shown = (f"coalesce({name}, 0) AS {name}" if name in added else name for name in schema)
    return f"SELECT {', '.join(shown)} FROM ({nothing} UNION ALL BY NAME {given})"  # noqa: S608 - the same


def null_column(name: str, dtype: pl.DataType) -> str:
    """SQL: a column that nobody knows."""
    return f'NULL::{_DUCKDB_TYPES[dtype.base_type()]} AS "{name}"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

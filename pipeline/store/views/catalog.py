"""The analysts' DuckDB file: views over what all packs of an installation have published.

Each pack has a schema of its name. The views of the first one stand in `main` as well, where they were before
there were packs. Processes that write the file side by side take turns; each knows its own pack from the
ledger and the others from their lists of files.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import structlog

from pipeline.errors import LakeDamaged, StorageUnavailable
from pipeline.minute import EPOCH, Span, offsets_of
from pipeline.packs import FIRST, PACKS, load_pack, manifest_name
from pipeline.store.manifest import read_manifest
from queries import FOLDER, sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from pipeline.pack import Pack
    from pipeline.store.manifest import LakeFile

log = structlog.get_logger()

MICROSECOND = timedelta(microseconds=1)
#: The format that every DuckDB from 1.0 on opens; left alone, DuckDB writes the one of its own version.
FORMAT = "v1.0.0"
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


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a pack has published."""

    pack: Pack[Any, Any]
    files: Sequence[LakeFile]


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
        try:
            manifest = read_manifest(home / manifest_name(name))
        except (LakeDamaged, StorageUnavailable) as error:
            log.warning("catalog.pack_left_out", pack=name, why=error.what)
            continue
        if manifest is None:
            continue
        missing = [file.path for file in manifest.files if not (lake / file.path).is_file()]
        if missing:
            log.warning("catalog.pack_left_out", pack=name, why=f"there is no file {missing[0]}")
            continue
        found.append(Shelf(load_pack(name), manifest.files))
    return found


def write_catalog(catalog: Path, shelves: Iterable[Shelf], lake: Path, zone: ZoneInfo) -> None:
    """Replace the file by one whose views read what is on the shelves. Raises duckdb.Error."""
    temporary = catalog.with_suffix(TEMPORARY_SUFFIX)
    temporary.unlink(missing_ok=True)
    with duckdb.connect(str(temporary), config={"storage_compatibility_version": FORMAT}) as connection:
        for statement in catalog_statements(shelves, lake, zone):
            connection.execute(statement)
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
    statements = []
    for shelf in shelves:
        name, views = shelf.pack.name, _views(shelf, folder, zone)
        if name == FIRST:
            known = [match[1] for match in map(_VIEW.search, views) if match]
            again = [f"CREATE VIEW {name}.{view} AS SELECT * FROM main.{view}" for view in known]  # noqa: S608 - ours
            statements += [*views, f"CREATE SCHEMA {name}", *again]
        else:
            statements += [f"CREATE SCHEMA {name}", f"SET schema = '{name}'", *views, "SET schema = 'main'"]
    return statements


def _views(shelf: Shelf, folder: Path, zone: ZoneInfo) -> list[str]:
    views = []
    for dataset in shelf.pack.datasets:
        paths = [str(folder / file.path) for file in shelf.files if file.dataset == dataset]
        select = _select(paths, published_schema(shelf.pack, dataset), shelf.pack.added)
        views.append(f"CREATE OR REPLACE VIEW {dataset} AS {select}")
    own = f"{shelf.pack.name}/analyst/views"
    if (FOLDER / f"{own}.sql").is_file():
        text = sql(own).replace("{offset_us}", _offset_us(zone, span_of_files(shelf.files)))
        views += [statement for statement in text.split(";\n") if statement.strip()]
    return views


def span_of_files(files: Iterable[LakeFile]) -> Span:
    """From the oldest to the newest minute that the files reach; one without minutes where there are none."""
    spans = [file.span for file in files]
    return Span(min((s.start for s in spans), default=EPOCH), max((s.end for s in spans), default=EPOCH))


def _offset_us(zone: ZoneInfo, span: Span) -> str:
    """SQL: how far the zone's clock is ahead of UTC at a minute of `span`, in microseconds."""
    offsets = offsets_of(zone, span)
    _, newest = offsets[-1]
    if len(offsets) == 1:
        return str(newest // MICROSECOND)
    cases = [
        f"WHEN epoch_us(minute) < {(end - EPOCH) // MICROSECOND} THEN {offset // MICROSECOND}"
        for (_, offset), (end, _) in pairwise(offsets)
    ]
    return f"CASE {' '.join(cases)} ELSE {newest // MICROSECOND} END"


def _select(paths: Sequence[str], schema: Mapping[str, pl.DataType], added: Sequence[str]) -> str:
    columns = (f"NULL::{_DUCKDB_TYPES[dtype.base_type()]} AS {name}" for name, dtype in schema.items())
    nothing = f"SELECT {', '.join(columns)} WHERE false"
    if not paths:
        return nothing
    listed = ", ".join(_quoted(path) for path in paths)
    # Files of an earlier version lack the newer columns, perhaps all; the empty row set names them.
    given = f"SELECT * FROM read_parquet([{listed}], union_by_name = true)"  # noqa: S608 - names and paths of ours
    shown = (f"coalesce({name}, 0) AS {name}" if name in added else name for name in schema)
    return f"SELECT {', '.join(shown)} FROM ({nothing} UNION ALL BY NAME {given})"  # noqa: S608 - the same


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

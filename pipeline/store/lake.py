"""The lake: immutable Parquet files, and what readers find them by. The writing side.

A file is written under a temporary name, synced, renamed, and its folder synced; it never changes and
its name is never used again. It counts only once the ledger's transaction has named it. The manifest
and the analysts' catalog are projections of the ledger: replaced atomically, rebuilt at start.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import uuid
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import structlog

from pipeline.errors import LakeDamaged, StorageUnavailable
from pipeline.errors.translate import storage_errors
from pipeline.minute import EPOCH, Span, business_date, format_minute, offsets_of
from pipeline.schema import ADDED_COUNTS, DATASETS, conform
from pipeline.store.manifest import Manifest, read_manifest
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from pipeline.store.manifest import LakeFile as ManifestFile

log = structlog.get_logger()

#: A file nobody wrote a ledger row for is an orphan of a crash.
TEMPORARY_SUFFIX = ".writing"
MICROSECOND = timedelta(microseconds=1)
#: The format that every DuckDB from 1.0 on opens; left alone, DuckDB writes the one of its own version.
FORMAT = "v1.0.0"
_DUCKDB_TYPES = {pl.String: "VARCHAR", pl.Int64: "BIGINT", pl.Boolean: "BOOLEAN", pl.Datetime: "TIMESTAMPTZ"}


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A written file; `path` is relative to the lake's folder."""

    dataset: str
    path: str
    span: Span
    rows: int
    bytes: int
    sha256: str

    def as_row(self) -> dict[str, Any]:
        """As the ledger stores it."""
        return {
            "dataset": self.dataset,
            "path": self.path,
            "start_minute": self.span.start.isoformat(),
            "end_minute": self.span.end.isoformat(),
            "rows": self.rows,
            "bytes": self.bytes,
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class Publication:
    """What the ledger says is published: the content of the manifest."""

    version: int
    published_through: datetime | None
    files: Sequence[LakeFile]
    at: datetime  # when the ledger said so, by its own clock


class Lake:
    """The folder of Parquet files, the manifest and the catalog under one home."""

    def __init__(self, folder: Path, manifest: Path, catalog: Path, zone: ZoneInfo) -> None:
        self.folder = folder
        self._manifest = manifest
        self._catalog = catalog
        self.zone = zone

    def write(self, dataset: str, frame: pl.DataFrame, span: Span) -> LakeFile | None:
        """Write the rows of `span` as one new file; None when there are none (absence needs no file)."""
        if frame.is_empty():
            return None
        day = business_date(span.start, self.zone).isoformat()
        path = self.folder / dataset / day / f"{_stem(span)}-{uuid.uuid4().hex[:12]}.parquet"
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(TEMPORARY_SUFFIX)
            # zstd at its fastest: half the size of the default for the same time on minute files.
            # In memory first: Polars would tell of a full disk in words, the system gives its number.
            buffer = io.BytesIO()
            conform(frame, DATASETS[dataset]).write_parquet(buffer, compression="zstd", compression_level=1)
            content = buffer.getvalue()
            temporary.write_bytes(content)
            _sync(temporary)
            temporary.replace(path)
            _sync(path.parent)
        relative = path.relative_to(self.folder).as_posix()
        digest = hashlib.sha256(content).hexdigest()
        return LakeFile(dataset, relative, span, frame.height, len(content), digest)

    def read(
        self, files: Iterable[LakeFile], dataset: str, span: Span, merchants: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Rows of `span` from the given files, of `merchants` alone if given; by minute and merchant."""
        paths = [self.folder / f.path for f in files if f.dataset == dataset and overlap(f.span, span)]
        if not paths:
            return DATASETS[dataset].to_frame()
        inside = (pl.col("minute") >= span.start) & (pl.col("minute") < span.end)
        if merchants is not None:
            inside &= pl.col("merchant_id").is_in(list(merchants))
        try:
            rows = _scan(paths, DATASETS[dataset]).filter(inside).collect()
        except (FileNotFoundError, pl.exceptions.PolarsError) as error:
            msg = f"a published {dataset} file of {span} is missing or damaged: {str(error).splitlines()[0]}"
            raise LakeDamaged(msg, "restore it under its name; manifest.json holds its checksum") from error
        except OSError as error:
            msg = f"cannot read {self.folder / dataset}: {error}"
            raise StorageUnavailable(msg, "check the disk and the rights of this user") from error
        added = [name for name in ADDED_COUNTS if name in rows.columns and rows[name].null_count()]
        rows = conform(rows.with_columns(pl.col(added).fill_null(0)), DATASETS[dataset])
        return rows if _in_order(rows) else rows.sort("minute", "merchant_id", maintain_order=True)

    def damaged(self, files: Iterable[LakeFile]) -> list[LakeFile]:
        """Those of the files that are missing, or whose bytes are not the ones that were committed."""
        return [file for file in files if _digest(self.folder / file.path) != file.sha256]

    def require_whole(self, files: Iterable[LakeFile]) -> None:
        """Raise LakeDamaged for a file that is not what was committed.

        Whoever writes rows of a file into a new one asks this first: Parquet reads some flipped bits as other
        numbers, and the new file's checksum would make them true.
        """
        for file in self.damaged(files):
            msg = f"the published file {file.path} is missing or damaged"
            raise LakeDamaged(msg, "`minuterisk run` and `reconcile` build it again from the source")

    def project(self, publication: Publication) -> None:
        """Replace the manifest, so that readers see `publication` and nothing between."""
        content = json.dumps(_manifest(publication), separators=(",", ":"))
        with storage_errors(self._manifest):
            self._manifest.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._manifest, content.encode())

    def shown(self) -> Manifest | None:
        """What readers see now; None where the manifest is missing, damaged or cannot be read."""
        try:
            return read_manifest(self._manifest)
        except (LakeDamaged, StorageUnavailable):
            return None

    def has_catalog(self) -> bool:
        """Is the analysts' catalog there?"""
        return self._catalog.is_file()

    def project_catalog(self, publication: Publication) -> None:
        """Replace the analysts' DuckDB file by one whose views read `publication`."""
        files = {name: [f.path for f in publication.files if f.dataset == name] for name in DATASETS}
        span = span_of_files(publication.files)
        with storage_errors(self._catalog):
            self._catalog.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._write_catalog(catalog_statements(self.folder, files, self.zone, span))
            except duckdb.Error as error:  # DuckDB gives no error number to translate
                self.require_whole(publication.files)  # it looks into each file for its columns
                msg = f"cannot write {self._catalog}: {str(error).splitlines()[0]}"
                raise StorageUnavailable(msg, "free space on the disk, then start again") from error

    def unlink(self, paths: Iterable[str]) -> list[str]:
        """Delete files and give those that are gone now; one that stays must not keep the others."""
        gone = []
        for path in paths:
            try:
                (self.folder / path).unlink(missing_ok=True)
            except OSError as error:
                log.warning("lake.file_not_deleted", path=path, error=error.strerror, alarm=True)
            else:
                gone.append(path)
        return gone

    def _write_catalog(self, statements: Sequence[str]) -> None:
        temporary = self._catalog.with_suffix(TEMPORARY_SUFFIX)
        temporary.unlink(missing_ok=True)
        with duckdb.connect(str(temporary), config={"storage_compatibility_version": FORMAT}) as connection:
            for statement in statements:
                connection.execute(statement)
        temporary.replace(self._catalog)


def catalog_statements(
    folder: Path, files: Mapping[str, Sequence[str]], zone: ZoneInfo, span: Span
) -> list[str]:
    """DDL of the analysts' views over the files of each dataset; a business day is one of `zone`.

    `span` covers what the files hold. The files are listed, never found by a pattern, so that no
    half-published one is seen. An analyst's own DuckDB may be old, without its time zone extension and
    without a network to get it: the views use neither newer functions nor that extension.
    """
    views = []
    for dataset, schema in DATASETS.items():
        paths = [str(folder / path) for path in files.get(dataset, ())]
        views.append(f"CREATE OR REPLACE VIEW {dataset} AS {_select(paths, schema)}")
    ours = sql("analyst/views").replace("{offset_us}", _offset_us(zone, span))
    return [*views, *(s for s in ours.split(";\n") if s.strip())]


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


def _select(paths: Sequence[str], schema: Mapping[str, pl.DataType]) -> str:
    columns = (f"NULL::{_DUCKDB_TYPES[dtype.base_type()]} AS {name}" for name, dtype in schema.items())
    nothing = f"SELECT {', '.join(columns)} WHERE false"
    if not paths:
        return nothing
    listed = ", ".join(_quoted(path) for path in paths)
    # Files of an earlier version lack the newer columns, perhaps all; the empty row set names them.
    given = f"SELECT * FROM read_parquet([{listed}], union_by_name = true)"  # noqa: S608 - names and paths of ours
    shown = (f"coalesce({name}, 0) AS {name}" if name in ADDED_COUNTS else name for name in schema)
    return f"SELECT {', '.join(shown)} FROM ({nothing} UNION ALL BY NAME {given})"  # noqa: S608 - the same


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _manifest(publication: Publication) -> dict[str, Any]:
    through = publication.published_through
    return {
        "version": publication.version,
        "published_through": through.isoformat() if through else None,
        "generated_at": publication.at.isoformat(),
        "datasets": {name: [_entry(f) for f in publication.files if f.dataset == name] for name in DATASETS},
    }


def _entry(file: LakeFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "start": file.span.start.isoformat(),
        "end": file.span.end.isoformat(),
        "rows": file.rows,
        "sha256": file.sha256,
    }


def _scan(paths: Sequence[Path], schema: pl.Schema) -> pl.LazyFrame:
    """Rows of files in today's columns: those of an earlier version lack the newer ones, which are null.

    Ids of transactions were integers once; files that hold them so are cast.
    """
    old = [path for path in paths if "transaction_id" in schema and _ids_are_integers(path)]
    ages = ((old, {**schema, "transaction_id": pl.Int64()}), ([p for p in paths if p not in old], schema))
    scans = (
        pl.scan_parquet(some, glob=False, schema=pl.Schema(kept), missing_columns="insert").cast(schema)
        for some, kept in ages
        if some
    )
    return pl.concat(scans)


def _ids_are_integers(path: Path) -> bool:
    return pl.read_parquet_schema(path)["transaction_id"] == pl.Int64


def _in_order(rows: pl.DataFrame) -> bool:
    """Are the rows sorted by minute and merchant? Mostly they are, and asking costs less than sorting."""
    if not rows["minute"].is_sorted():
        return False
    same = pl.col("minute") == pl.col("minute").shift()
    falls = pl.col("merchant_id") < pl.col("merchant_id").shift()
    return not rows.select((same & falls).any()).item()


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return None


def span_of_files(files: Iterable[LakeFile | ManifestFile]) -> Span:
    """From the oldest to the newest minute that the files reach; one without minutes where there are none."""
    spans = [file.span for file in files]
    return Span(min((s.start for s in spans), default=EPOCH), max((s.end for s in spans), default=EPOCH))


def overlap(one: Span, other: Span) -> bool:
    """Do two spans share a minute?"""
    return one.start < other.end and other.start < one.end


def _stem(span: Span) -> str:
    return f"{format_minute(span.start).replace(':', '')}-{span.minutes}m"


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` in the place of a file: after a power cut it is the old one or the new one, whole."""
    temporary = path.with_suffix(TEMPORARY_SUFFIX)
    temporary.write_bytes(content)
    _sync(temporary)
    temporary.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

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
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from pipeline.errors import LakeDamaged, StorageUnavailable
from pipeline.minute import Span, business_date, format_minute
from pipeline.schema import DATASETS, conform
from pipeline.translate import storage_errors
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

#: A file nobody wrote a ledger row for is an orphan of a crash.
TEMPORARY_SUFFIX = ".writing"
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
        self, files: Iterable[LakeFile], dataset: str, span: Span, merchant_id: str | None = None
    ) -> pl.DataFrame:
        """Rows of `span` from the given files, of one merchant where one is named, by minute and merchant."""
        paths = [self.folder / f.path for f in files if f.dataset == dataset and _overlap(f.span, span)]
        if not paths:
            return DATASETS[dataset].to_frame()
        inside = (pl.col("minute") >= span.start) & (pl.col("minute") < span.end)
        if merchant_id is not None:
            inside &= pl.col("merchant_id") == merchant_id
        try:
            # A file written before a column was added reads as null there; extra columns are still refused.
            rows = (
                pl.scan_parquet(paths, glob=False, schema=DATASETS[dataset], missing_columns="insert")
                .filter(inside)
                .collect()
            )
        except (FileNotFoundError, pl.exceptions.PolarsError) as error:
            msg = f"a published {dataset} file of {span} is missing or damaged: {str(error).splitlines()[0]}"
            raise LakeDamaged(msg, "restore it under its name; manifest.json holds its checksum") from error
        except OSError as error:
            msg = f"cannot read {self.folder / dataset}: {error}"
            raise StorageUnavailable(msg, "check the disk and the rights of this user") from error
        return conform(rows, DATASETS[dataset]).sort("minute", "merchant_id", maintain_order=True)

    def project(self, publication: Publication) -> None:
        """Replace the manifest, so that readers see `publication` and nothing between."""
        content = json.dumps(_manifest(publication), separators=(",", ":"))
        with storage_errors(self._manifest):
            self._manifest.parent.mkdir(parents=True, exist_ok=True)
            _replace(self._manifest, content.encode())

    def project_catalog(self, publication: Publication) -> None:
        """Replace the analysts' DuckDB file by one whose views read `publication`."""
        files = {name: [f.path for f in publication.files if f.dataset == name] for name in DATASETS}
        with storage_errors(self._catalog):
            self._catalog.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._write_catalog(files)
            except duckdb.IOException as error:  # DuckDB gives no error number to translate
                msg = f"cannot write {self._catalog}: {str(error).splitlines()[0]}"
                raise StorageUnavailable(msg, "free space on the disk, then start again") from error

    def unlink(self, paths: Iterable[str]) -> None:
        """Delete retired files; one that is gone already is fine."""
        for path in paths:
            with storage_errors(self.folder / path):
                (self.folder / path).unlink(missing_ok=True)

    def _write_catalog(self, files: Mapping[str, Sequence[str]]) -> None:
        temporary = self._catalog.with_suffix(TEMPORARY_SUFFIX)
        temporary.unlink(missing_ok=True)
        with duckdb.connect(str(temporary)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for statement in catalog_statements(self.folder, files):
                connection.execute(statement)
        temporary.replace(self._catalog)


def catalog_statements(folder: Path, files: Mapping[str, Sequence[str]]) -> list[str]:
    """DDL of the analysts' views over the files of each dataset.

    The files are listed, never found by a pattern, so that no half-published one is seen.
    """
    views = []
    for dataset, schema in DATASETS.items():
        paths = [str(folder / path) for path in files.get(dataset, ())]
        views.append(f"CREATE OR REPLACE VIEW {dataset} AS {_select(paths, schema)}")
    return [*views, *(s for s in sql("analyst/views").split(";\n") if s.strip())]


def _select(paths: Sequence[str], schema: Mapping[str, pl.DataType]) -> str:
    columns = (f"NULL::{_DUCKDB_TYPES[dtype.base_type()]} AS {name}" for name, dtype in schema.items())
    empty = f"SELECT {', '.join(columns)} WHERE false"
    if not paths:
        return empty
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    # The union gives null for a column that was added after a file was written.
    return f"{empty} UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], union_by_name = true)"  # noqa: S608 - names and paths of ours


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


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _stem(span: Span) -> str:
    return f"{format_minute(span.start).replace(':', '')}-{span.minutes}m"


def _replace(path: Path, content: bytes) -> None:
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

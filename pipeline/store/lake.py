"""The lake: immutable Parquet files, and what readers find them by. The writing side.

A file is written under a temporary name, synced, renamed, and its folder synced; it never changes and
its name is never used again. It counts only once the ledger's transaction has named it. The manifest
and the analysts' catalog are projections of the ledger: replaced atomically, rebuilt at start.
"""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import structlog

from baselines.slots import EVERY, among
from pipeline.errors import LakeDamaged, StorageUnavailable
from pipeline.errors.translate import storage_errors
from pipeline.minute import MINUTE, business_date, format_minute
from pipeline.packs import load_pack
from pipeline.schema import UTC_TIME, conform
from pipeline.store.manifest import LakeFile, manifest_text, read_manifest
from pipeline.store.views.catalog import (
    TEMPORARY_SUFFIX,
    other_shelves,
    published_names,
    published_schema,
    shelf_of,
    turn_at,
    write_catalog,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from baselines.slots import Slots
    from pipeline.minute import Span
    from pipeline.pack import Pack
    from pipeline.store.manifest import Manifest, Publication

log = structlog.get_logger()


class Lake:
    """What one pack has of the folder of Parquet files, its manifest, and the catalog under one home.

    Paths of files are relative to the folder. New ones lie in a part of it that has the pack's name; those
    from before there were packs stay where they are.
    """

    def __init__(
        self, pack: Pack[Any, Any], folder: Path, manifest: Path, catalog: Path, zone: ZoneInfo
    ) -> None:
        self.pack = pack
        self.folder = folder
        self.own = folder / pack.name  # where new files go
        self._manifest = manifest
        self._catalog = catalog
        self.zone = zone

    def __reduce__(self) -> tuple[Any, ...]:
        """A pack is code: to another process it goes by its name."""
        return _lake_of, (self.pack.name, self.folder, self._manifest, self._catalog, self.zone)

    def alone(self) -> Lake:
        """The same files for whoever holds all windows, also where shards hold those of this one's pack."""
        make, given = self.__reduce__()
        lake: Lake = make(*given)
        return lake

    def write(self, dataset: str, frame: pl.DataFrame, span: Span, slots: Slots = EVERY) -> LakeFile | None:
        """Write the rows of `span` as one new file; None when there are none (absence needs no file).

        `slots` are those of the entities that `frame` has rows of; rows of no entity are of the first slot.
        """
        if frame.is_empty():
            return None
        day = business_date(span.start, self.zone).isoformat()
        path = self.own / dataset / day / f"{_stem(span)}-{uuid.uuid4().hex[:12]}.parquet"
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(TEMPORARY_SUFFIX)
            # zstd at its fastest: half the size of the default for the same time on minute files.
            # In memory first: Polars would tell of a full disk in words, the system gives its number.
            buffer = io.BytesIO()
            published = conform(frame, self.pack.datasets[dataset]).rename(
                published_names(self.pack), strict=False
            )
            published.write_parquet(buffer, compression="zstd", compression_level=1)
            content = buffer.getvalue()
            temporary.write_bytes(content)
            _sync(temporary)
            temporary.replace(path)
            _sync(path.parent)
        relative = path.relative_to(self.folder).as_posix()
        digest = hashlib.sha256(content).hexdigest()
        return LakeFile(dataset, relative, span, frame.height, len(content), digest, slots)

    def read(
        self,
        files: Iterable[LakeFile],
        dataset: str,
        span: Span,
        entities: Sequence[str] | None = None,
        where: pl.Expr | None = None,
        slots: Slots = EVERY,
    ) -> pl.DataFrame:
        """Rows of `span` from the given files, of `entities` or `slots` alone if given; by minute and entity.

        `where` leaves out others while files are read; of it nothing needs to be held.
        """
        mine = [f for f in _holding(files, dataset, span) if f.slots.overlaps(slots)]
        inside = [f for f in mine if slots.includes(f.slots)]
        others = [f for f in mine if not slots.includes(f.slots)]  # they hold rows of further slots
        parts = [self._rows(self._paths(some), dataset, span, entities) for some in (inside, others) if some]
        if not parts:
            return self.pack.datasets[dataset].to_frame()
        read = [self._collected(p if where is None else p.filter(where), dataset, span) for p in parts]
        if others:
            read[-1] = read[-1].filter(among(read[-1][self.pack.entity].fill_null(""), slots))
        rows = pl.concat(read)
        added = [name for name in self.pack.added if name in rows.columns and rows[name].null_count()]
        schema = self.pack.datasets[dataset]
        entity = "entity_id" if "entity_id" in schema else self.pack.entity  # as the engine knows it
        rows = rows.with_columns(pl.col(added).fill_null(0)).rename({self.pack.entity: entity})
        rows = conform(rows, schema)
        return rows if _in_order(rows, entity) else rows.sort("minute", entity, maintain_order=True)

    def sums_by_step(
        self, files: Iterable[LakeFile], span: Span, step: timedelta, entities: Sequence[str] | None
    ) -> pl.DataFrame:
        """The pack's sums per `entity_id` and step of `span`, counted back from its end.

        `entities` None: those of all together, as of one called "". A step without a row is not there.
        """
        dataset, minutes = self.pack.dataset, step // MINUTE
        paths = self._paths(_holding(files, dataset, span))
        keys = {"entity_id": pl.String(), "start": UTC_TIME}
        schema = pl.Schema({**keys, **dict.fromkeys(self.pack.sums, pl.Int64())})
        if not paths:
            return schema.to_frame()
        entity = pl.lit("") if entities is None else pl.col(self.pack.entity)
        back = ((pl.lit(span.end) - pl.col("minute")).dt.total_minutes() + minutes - 1) // minutes * minutes
        start = pl.lit(span.end) - pl.duration(minutes=back)
        summed = (
            self._rows(paths, dataset, span, entities)
            .group_by(entity.alias("entity_id"), start.alias("start"))
            .agg(pl.col(self.pack.sums).sum())
            .cast(schema)
        )
        return self._collected(summed, dataset, span).select(schema.names()).sort("entity_id", "start")

    def summed(self, files: Iterable[LakeFile], span: Span) -> pl.DataFrame:
        """The pack's sums per entity over `span`, as if all of it had been in its first minute."""
        dataset, entity, names = self.pack.dataset, self.pack.entity, self.pack.sums
        paths = self._paths(_holding(files, dataset, span))
        schema = pl.Schema({"minute": UTC_TIME, entity: pl.String(), **dict.fromkeys(names, pl.Int64())})
        if not paths:
            return schema.to_frame()
        sums = self._rows(paths, dataset, span, None).group_by(entity).agg(pl.col(names).sum())
        found = sums.with_columns(minute=pl.lit(span.start)).select(schema.names()).cast(schema)
        return self._collected(found, dataset, span)

    def _paths(self, files: Iterable[LakeFile]) -> list[Path]:
        return [self.folder / file.path for file in files]

    def _rows(
        self, paths: Sequence[Path], dataset: str, span: Span, entities: Sequence[str] | None
    ) -> pl.LazyFrame:
        inside = (pl.col("minute") >= span.start) & (pl.col("minute") < span.end)
        if entities is not None:
            inside &= pl.col(self.pack.entity).is_in(list(entities))
        return _scan(paths, published_schema(self.pack, dataset), self.pack.key[0]).filter(inside)

    def _collected(self, rows: pl.LazyFrame, dataset: str, span: Span) -> pl.DataFrame:
        try:
            return rows.collect()
        except (FileNotFoundError, pl.exceptions.PolarsError) as error:
            msg = f"a published {dataset} file of {span} is missing or damaged: {str(error).splitlines()[0]}"
            raise LakeDamaged(msg, "restore it under its name; manifest.json holds its checksum") from error
        except OSError as error:
            msg = f"cannot read {self.own / dataset}: {error}"
            raise StorageUnavailable(msg, "check the disk and the rights of this user") from error

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
        content = manifest_text(publication, self.pack.datasets)
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
        """Replace the analysts' DuckDB file by one whose views read `publication`, and other packs' files."""
        with storage_errors(self._catalog):
            self._catalog.parent.mkdir(parents=True, exist_ok=True)
            try:
                with turn_at(self._catalog):
                    others = other_shelves(self.pack.name, self._manifest.parent, self.folder)
                    shelves = [shelf_of(self.pack, publication.files, self.folder), *others]
                    write_catalog(self._catalog, shelves, self.folder, self.zone)
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


def _holding(files: Iterable[LakeFile], dataset: str, span: Span) -> list[LakeFile]:
    return [file for file in files if file.dataset == dataset and file.span.overlaps(span)]


def _scan(paths: Sequence[Path], schema: pl.Schema, key: str) -> pl.LazyFrame:
    """Rows of files in today's columns: those of an earlier version lack the newer ones, which are null.

    Ids of rows (`key`) were integers once; files that hold them so are cast.
    """
    old = [path for path in paths if key in schema and pl.read_parquet_schema(path)[key] == pl.Int64]
    ages = ((old, {**schema, key: pl.Int64()}), ([p for p in paths if p not in old], schema))
    scans = (
        pl.scan_parquet(some, glob=False, schema=pl.Schema(kept), missing_columns="insert").cast(schema)
        for some, kept in ages
        if some
    )
    return pl.concat(scans)


def _in_order(rows: pl.DataFrame, entity: str) -> bool:
    """Are the rows sorted by minute and entity? Mostly they are, and asking costs less than sorting."""
    if not rows["minute"].is_sorted():
        return False
    same = pl.col("minute") == pl.col("minute").shift()
    now, before = pl.col(entity), pl.col(entity).shift()
    falls = (now < before) | (now.is_null() & before.is_not_null())  # those of nobody come first
    return not rows.select((same & falls).any()).item()


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return None


def _lake_of(pack: str, *places: Any) -> Lake:  # noqa: ANN401 - as Lake takes them
    return Lake(load_pack(pack), *places)


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

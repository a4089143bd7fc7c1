"""The published files: what is listed of them, and what a query finds in them.

Files are listed by `manifest.json` (no globs), and DuckDB is in memory. Failures come out as
`pipeline.errors`; nothing here knows Streamlit or reads a clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import duckdb
import polars as pl

from pipeline.errors import LakeDamaged, StorageUnavailable
from pipeline.errors.phrases import phrase
from pipeline.store.manifest import EMPTY_STAMP, Manifest, Stamp, read_manifest, stamp_of
from pipeline.store.views.catalog import null_column, published_schema
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.minute import Span
    from pipeline.pack import Pack
    from pipeline.settings import Settings

#: The dashboard shares its machine with the pipeline and takes little of it.
DUCKDB_OPTIONS: Final[dict[str, Any]] = {
    "threads": 1,
    "memory_limit": "512MB",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class Lake:
    """What a pack has published. Threads may share it."""

    def __init__(self, settings: Settings, pack: Pack[Any, Any]) -> None:
        self.pack = pack
        self._settings = settings
        self._seen: tuple[Stamp, Manifest | None] = (EMPTY_STAMP, None)

    def manifest(self) -> Manifest | None:
        """What is published now; None before the first publication.

        Raises LakeDamaged when manifest.json is not readable as one, StorageUnavailable on a disk error.
        The file is parsed again only when it was replaced.
        """
        stamp = stamp_of(self._settings.manifest)
        seen, manifest = self._seen
        if stamp != seen:
            manifest = read_manifest(self._settings.manifest)
            self._seen = (stamp, manifest)
        return manifest

    def ask(
        self,
        query: str,
        asked: Mapping[str, object],
        manifest: Manifest,
        span: Span,
        dataset: str | None = None,
    ) -> pl.DataFrame:
        """What a query finds in the files of a dataset that touch `span`, whole; the view is called like it.

        The dataset is that of the counted rows, `Pack.dataset`, where none is named.
        Raises LakeDamaged when a listed file is gone or unreadable, StorageUnavailable on a disk error.
        """
        return self._published(sql(query), asked, dataset or self.pack.dataset, manifest, span)

    def entities(self, manifest: Manifest, span: Span) -> pl.DataFrame:
        """Whose rows the files hold that touch `span`: `entity_id`, and how many rows they were, `weight`.

        Raises as `ask` does.
        """
        rows = " + ".join(f'sum("{name}")' for name in self.pack.row_sums)
        text = f'SELECT "{self.pack.entity}" AS entity_id, CAST({rows} AS BIGINT) AS weight'
        return self._published(
            f'{text} FROM "{self.pack.dataset}" GROUP BY ALL', {}, self.pack.dataset, manifest, span
        )

    def of_entity(self, manifest: Manifest, entity_id: str, span: Span) -> pl.DataFrame:
        """The rows (`Pack.counted`) of one entity in the files that touch `span`. Raises as `ask` does."""

        def read(paths: list[str]) -> pl.DataFrame:
            # Polars takes half of what DuckDB does where nearly all rows are left out.
            mine = [
                pl.scan_parquet(path, glob=False).filter(pl.col(self.pack.entity) == entity_id)
                for path in paths
            ]
            empty = self.pack.counted.to_frame().lazy().drop(self.pack.added)
            try:
                return pl.concat([empty, *mine], how="diagonal_relaxed").collect()
            except FileNotFoundError:
                raise
            except (OSError, pl.exceptions.PolarsError):  # DuckDB says which file it is
                text = f'SELECT * FROM "{self.pack.dataset}" WHERE "{self.pack.entity}" = $entity'  # noqa: S608 - the pack's
                return self._duckdb(text, {"entity": entity_id}, self.pack.dataset, paths)

        found = self._listed(read, self.pack.dataset, manifest, span)
        old = [pl.lit(0).alias(name) for name in self.pack.added if name not in found.columns]
        added = [pl.col(name).fill_null(0) for name in self.pack.added if name in found.columns]
        return found.with_columns(*old, *added).select(list(self.pack.counted)).cast(self.pack.counted)

    def _published(
        self, query: str, asked: Mapping[str, object], dataset: str, manifest: Manifest, span: Span
    ) -> pl.DataFrame:
        def read(paths: list[str]) -> pl.DataFrame:
            return self._duckdb(query, asked, dataset, paths)

        return self._listed(read, dataset, manifest, span)

    def _listed(
        self, read: Callable[[list[str]], pl.DataFrame], dataset: str, manifest: Manifest, span: Span
    ) -> pl.DataFrame:
        try:
            return read(self._paths(manifest, dataset, span))
        except FileNotFoundError:
            # A compaction replaced the file long after the manifest that we hold: the newer one knows.
            newer = self.manifest() or manifest
        try:
            return read(self._paths(newer, dataset, span))
        except FileNotFoundError as error:
            msg = phrase("a published file is gone: {met}", met=_first_line(error))
            raise LakeDamaged(msg, "start the pipeline, which rebuilds the list of files") from error

    def _paths(self, manifest: Manifest, dataset: str, span: Span) -> list[str]:
        return manifest.paths(dataset, span, self._settings.lake)

    def _duckdb(
        self, query: str, asked: Mapping[str, object], dataset: str, paths: list[str]
    ) -> pl.DataFrame:
        """Run the text of a query over exactly these files; FileNotFoundError when one of them is gone."""
        try:
            with duckdb.connect(":memory:", config=DUCKDB_OPTIONS) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                if paths:
                    rows = connection.read_parquet(paths, union_by_name=True)
                    self._with_newer_columns(rows, dataset).create_view(dataset)
                else:
                    connection.register(dataset, pl.DataFrame(schema=self.pack.datasets[dataset]))
                found: pl.DataFrame = connection.sql(query, params=dict(asked)).pl()
                return found
        except duckdb.IOException as error:
            if "No files found" in str(error) or "No such file" in str(error):
                raise FileNotFoundError(_first_line(error)) from error
            msg = phrase("a published file cannot be read: {met}", met=_first_line(error))
            raise StorageUnavailable(msg, "look at the disk under the home") from error
        except duckdb.Error as error:
            msg = phrase("a published file is not what it should be: {met}", met=_first_line(error))
            raise LakeDamaged(msg, "run minuterisk check") from error

    def _with_newer_columns(self, rows: duckdb.DuckDBPyRelation, dataset: str) -> duckdb.DuckDBPyRelation:
        """Files of an earlier version lack the newer columns, perhaps all: null there."""
        schema = published_schema(self.pack, dataset)
        newer = [null_column(name, dtype) for name, dtype in schema.items() if name not in rows.columns]
        return rows.project(", ".join(["*", *newer]))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]

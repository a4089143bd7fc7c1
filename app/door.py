"""The single door to the data: published files through the manifest, incidents through the state database.

Pages ask here and nowhere else. The door reads, never writes: files are listed by `manifest.json` (no
globs), DuckDB is in memory, and the connection to the operational database refuses writes. Failures come
out as `pipeline.errors`; nothing here knows Streamlit or reads a clock.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import duckdb
import polars as pl
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError

from app.rows import Entry, Event, Filters, Heartbeat, Incident, IncidentList, Overview
from pipeline.alarms import OpenAlarm
from pipeline.desk.precision import labelled, since
from pipeline.errors import ConfigurationError, LakeDamaged, StateUnavailable, StorageUnavailable
from pipeline.errors.phrases import phrase
from pipeline.minute import MINUTE
from pipeline.packs import load_pack
from pipeline.schema import UTC_TIME
from pipeline.store.manifest import EMPTY_STAMP, Manifest, Stamp, read_manifest, stamp_of
from queries import FOLDER, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Engine

    from pipeline.desk.precision import Labelled
    from pipeline.minute import Span
    from pipeline.pack import Budget, Pack
    from pipeline.settings import Settings

#: The dashboard shares its machine with the pipeline and takes little of it.
DUCKDB_OPTIONS: Final[dict[str, Any]] = {
    "threads": 1,
    "memory_limit": "512MB",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
STATE_OPTIONS: Final = "-c default_transaction_read_only=on -c statement_timeout=5000 -c timezone=UTC"
INCIDENTS_SHOWN: Final = 50
EVENTS_SHOWN: Final = 100
ALL: Final = Filters()


class Door:
    """Reads for the pages of one pack. One per process; threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self.pack: Pack[Any, Any] = load_pack(settings.pack)
        self._settings = settings
        self._seen: tuple[Stamp, Manifest | None] = (EMPTY_STAMP, None)
        self._engines: dict[str, Engine] = {}
        self._lock = Lock()

    # The lake

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

    def lake(
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

        Raises as `lake` does.
        """
        rows = " + ".join(f'sum("{name}")' for name in self.pack.row_sums)
        text = f'SELECT "{self.pack.entity}" AS entity_id, CAST({rows} AS BIGINT) AS weight'
        return self._published(
            f'{text} FROM "{self.pack.dataset}" GROUP BY ALL', {}, self.pack.dataset, manifest, span
        )

    def of_entity(self, manifest: Manifest, entity_id: str, span: Span) -> pl.DataFrame:
        """The rows (`Pack.counted`) of one entity in the files that touch `span`. Raises as `lake` does."""

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
            raise _gone(error) from error

    def steps(self, manifest: Manifest, entity_id: str | None, span: Span, step: timedelta) -> pl.DataFrame:
        """The pack's sums in each whole step of `span`, counted from its start: `start` and the sums, no gap.

        `entity_id` None: those of all together. A step in which nothing happened is 0. Raises as `lake` does.
        """
        sums = list(self.pack.sums)
        starts = [span.start + step * n for n in range((span.end - span.start) // step)]
        every = pl.DataFrame({"start": pl.Series(starts, dtype=UTC_TIME)})
        paths = self._paths(manifest, self.pack.dataset, span)
        back = (pl.col("minute") - pl.lit(span.start)).dt.total_minutes() // (step // MINUTE)
        start = pl.lit(span.start) + pl.duration(minutes=back * (step // MINUTE))
        try:
            rows = pl.scan_parquet(paths, glob=False) if paths else self.pack.counted.to_frame().lazy()
            if entity_id is not None:
                rows = rows.filter(pl.col(self.pack.entity) == entity_id)
            inside = (pl.col("minute") >= span.start) & (pl.col("minute") < span.end)
            found = rows.filter(inside).group_by(start.alias("start")).agg(pl.col(sums).sum()).collect()
        except FileNotFoundError as error:
            raise _gone(error) from error
        except (OSError, pl.exceptions.PolarsError) as error:
            msg = phrase("a published file cannot be read: {met}", met=_first_line(error))
            raise StorageUnavailable(msg, "look at the disk under the home") from error
        found = found.cast({"start": UTC_TIME})
        return every.join(found, on="start", how="left", maintain_order="left").fill_null(0)

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
                    connection.read_parquet(paths, union_by_name=True).create_view(dataset)
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

    # The operational database

    def heartbeat(self) -> Heartbeat:
        """The leader's sign of life, and a hash of all that pages show of this database."""
        return Heartbeat(**self.rows("ops/app_seen", {})[0])

    def revision(self) -> str:
        """At which revision the tables stand. Raises ConfigurationError where there are none."""
        return str(self.rows("ops/app_revision", {})[0]["revision"])

    def overview(self) -> Overview:
        """Leader, open incidents and undelivered messages. Raises StateUnavailable or ConfigurationError."""
        rows = self.rows("ops/app_overview", {})
        if not rows:
            msg = "the operational database has no row of the leader"
            raise ConfigurationError(msg, "start the pipeline once: it creates what is missing")
        return Overview(**{**rows[0], "at_risk": int(rows[0]["at_risk"])})  # the sum may pass 64 bits

    @property
    def settings(self) -> Settings:
        """Those that the door was opened with."""
        return self._settings

    def incidents(
        self, filters: Filters = ALL, *, at_most: int = INCIDENTS_SHOWN, past: int = 0
    ) -> IncidentList:
        """The incidents with most at risk, unresolved ones first; `past` so many."""
        asked = {"incident_id": None, "at_most": at_most, "past": past, **_asked(filters)}
        rows = self.rows("ops/app_incidents", asked)
        total = rows[0]["total"] if rows else 0
        return IncidentList(tuple(Incident(**_without(row, "total")) for row in rows), total)

    def incident(self, incident_id: int) -> Incident | None:
        """One incident, or None when there is none of this number."""
        asked = {"incident_id": incident_id, "at_most": 1, "past": 0, **_asked(Filters(with_resolved=True))}
        rows = self.rows("ops/app_incidents", asked)
        return Incident(**_without(rows[0], "total")) if rows else None

    def pack_of(self, incident_id: int) -> str | None:
        """Whose an incident is, whatever the door's own pack; None when there is none of this number."""
        rows = self.rows("ops/app_pack_of", {"incident_id": incident_id})
        return rows[0]["pack"] if rows else None

    def events(self, incident_id: int, *, at_most: int = EVENTS_SHOWN) -> tuple[Event, ...]:
        """What people were told about an incident, newest first, with the state of each delivery."""
        rows = self.rows("ops/app_events", {"incident_id": incident_id, "at_most": at_most})
        return tuple(Event(**row) for row in rows)

    def timeline(self, incident_id: int) -> tuple[Entry, ...]:
        """What happened to an incident, oldest first: what people did, and what the judge told of."""
        return tuple(Entry(**row) for row in self.rows("ops/incident_timeline", {"id": incident_id}))

    def precision(self, now: datetime) -> tuple[Labelled, ...]:
        """Incidents of the last weeks and what people labelled them, by rule, tier and week."""
        zone = self._settings.business_timezone
        asked = {"since": since(now, zone), "zone": zone.key}
        return tuple(labelled(self.rows("ops/labels_by_week", asked)))

    def alarms(self) -> tuple[OpenAlarm, ...]:
        """What is wrong now, oldest first."""
        return tuple(OpenAlarm(**row) for row in self.rows("ops/open_alarms", {}))

    def budget(self, day_start: datetime) -> Budget | None:
        """The false-alarm budget: what was opened since `day_start`, and what chance alone opens a day.

        None: the pack has none.
        """
        if self.pack.nightly is None:
            return None
        opened = self.rows("ops/opened_since", {"policy": "budgeted", "since": day_start})
        nights = self.rows("ops/nights", {"at_most": 7})
        return self.pack.nightly.shown(nights, {row["rule"]: row["incidents"] for row in opened})

    def close(self) -> None:
        """Give the database connections back."""
        with self._lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()

    def rows(self, query: str, asked: Mapping[str, object]) -> list[dict[str, Any]]:
        """What a query of the operational database gives, asked for the door's own pack (`:pack`)."""
        try:
            with self._engine().connect() as connection:
                found = connection.execute(text(sql(query)), {"pack": self.pack.name, **asked})
                names = list(found.keys())
                # SQLAlchemy's own rows take four times as long, which 100,000 entities feel.
                return [dict(zip(names, row, strict=True)) for row in found.cursor.fetchall()]
        except (OperationalError, InterfaceError) as error:
            msg = phrase("the operational database does not answer: {met}", met=_first_line(error))
            raise StateUnavailable(msg, "start it, or check MINUTERISK_STATE_URL") from error
        except (SQLAlchemyError, ArgumentError) as error:
            msg = phrase("the operational database refuses a read: {met}", met=_first_line(error))
            raise ConfigurationError(msg, "start the pipeline once: it creates the tables") from error

    def _engine(self) -> Engine:
        url = state_url(self._settings)
        with self._lock:
            if url not in self._engines:
                self._engines[url] = create_engine(
                    make_url(url).set(drivername="postgresql+psycopg"),
                    pool_size=2,
                    max_overflow=2,
                    pool_pre_ping=True,
                    connect_args={
                        "connect_timeout": 3,
                        "options": STATE_OPTIONS,
                        "application_name": "minuterisk dashboard",
                    },
                )
            return self._engines[url]


@cache
def newest_revision() -> str:
    """The revision of the database's tables that this program knows."""
    return max(path.stem for path in (FOLDER / "ops" / "schema").glob("*.sql"))


def state_url(settings: Settings) -> str:
    """Address of the operational database: the setting, or what the running embedded server wrote down.

    The embedded server comes and goes with the pipeline, so its address is asked for at each read.
    """
    if settings.state_url is not None:
        return settings.state_url
    from pipeline.embedded import connect_urls  # noqa: PLC0415 - not needed where an address is set

    try:
        return connect_urls(settings).state_url
    except ConfigurationError as error:
        raise StateUnavailable(error.what, error.hint) from error


def _asked(filters: Filters) -> dict[str, object]:
    """What the query takes; null where nothing is restricted."""
    return {
        "with_resolved": filters.with_resolved,
        "states": list(filters.states) or None,
        "severities": list(filters.severities) or None,
        "rules": list(filters.rules) or None,
        "tiers": list(filters.tiers) or None,
        "owner": filters.owner,
        "first": filters.first,
        "stop": filters.stop,
        "text": filters.text or None,
    }


def _gone(error: FileNotFoundError) -> LakeDamaged:
    msg = phrase("a published file is gone: {met}", met=_first_line(error))
    return LakeDamaged(msg, "start the pipeline, which rebuilds the list of files")


def _without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


def _first_line(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]

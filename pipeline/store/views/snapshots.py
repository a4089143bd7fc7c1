"""Tables of the operational database as files for analysts, and sums of closed days: the writing side.

A file is called by what it holds, is written once and never changed; a table whose rows are the same keeps
its file. `tables.json` lists those that count, and what was published at the moment that they show. A file
that no longer counts is deleted after the grace of the lake's own files: a reader may still hold the catalog
that names it. All of it can be made again.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import structlog
from sqlalchemy import text

from pipeline.errors.translate import storage_errors
from pipeline.minute import business_date, business_day, from_index
from pipeline.store.compact import GRACE
from pipeline.store.lake import replace_file
from pipeline.store.manifest import as_content
from pipeline.store.views.tables import (
    FOLDER,
    PUBLISHED,
    PUBLISHED_SCHEMA,
    TABLES,
    Part,
    day_schema,
    entity_schema,
    frame_of,
    index_of,
    index_text,
    mark_of,
    moment_of,
    read_index,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile, Publication
    from pipeline.store.state import State
    from pipeline.store.views.tables import Table

log = structlog.get_logger()

#: Sums of a closed business day are made again at most so often while its minutes are corrected.
SUMS_AGAIN: Final = timedelta(minutes=10)
#: So many days at once, the newest first: a long history must not keep the newest minute from analysts.
SUMS_AT_ONCE: Final = 2
#: A day is closed once this has passed: by then its hours are one file.
CLOSED_AFTER: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Newest:
    """What the windows hold after the newest judged minute."""

    last: int  # the minute
    ids: pl.Series  # every entity that is known, in no order
    usual: Callable[[], pl.DataFrame | None]  # `Pack.baseline` after it; None: nobody knows any more


class Snapshots:
    """What one pack's tables are in files. Only its leader writes them."""

    def __init__(self, lake: Lake, state: State) -> None:
        self._lake = lake
        self._state = state
        self._pack = lake.pack
        self._kept: dict[tuple[str, str], Part] | None = None  # None: not read yet
        self._summed_at: dict[str, datetime] = {}  # by business day
        self._turn = Lock()  # no file is swept while it is about to be named again

    def take(self, newest: Newest | None = None) -> Publication:
        """Bring the files up to now; gives what was published at the very moment that they show.

        Raises StorageUnavailable; what was written until then is found again by its name.
        """
        with self._turn:
            return self._take(newest)

    def _take(self, newest: Newest | None) -> Publication:
        before = self._parts_before()
        usual = self._usual(newest, before)  # first, as windows move on
        with self._state.reading() as connection:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            publication = self._state.publication_in(connection)
            taken = self._taken(connection, publication.at, newest, before)
        taken += [*usual, *self._days(publication, before)]
        taken.append(self._list_of(taken))
        published = as_content(publication, self._pack.datasets)
        self._replace(before, {(part.table, part.part): part for part in taken}, published)
        return publication

    def sweep(self, now: datetime) -> int:
        """Delete files that no list has named for longer than the grace; returns how many."""
        folder = self._lake.own / FOLDER
        with self._turn:
            named = {part.path for part in self._parts_before().values()}
            there = {path.relative_to(self._lake.folder).as_posix(): path for path in folder.glob("*")}
            old = [
                name
                for name, path in there.items()
                if name not in named and now - datetime.fromtimestamp(path.stat().st_mtime, UTC) > GRACE
            ]
            return len(self._lake.unlink(old))

    def _parts_before(self) -> dict[tuple[str, str], Part]:
        if self._kept is None:
            listed = read_index(self._lake.folder, self._pack.name)
            there = [part for part in listed if (self._lake.folder / part.path).is_file()]
            self._kept = {(part.table, part.part): part for part in there}
        return self._kept

    def _taken(
        self,
        connection: Connection,
        now: datetime,
        newest: Newest | None,
        before: Mapping[tuple[str, str], Part],
    ) -> list[Part]:
        found = []
        for table in TABLES:
            if table.by_day:
                found += self._by_day(connection, table, now, before)
            else:
                found += self._whole(connection, table, now)
        return [*found, self._of_entities(connection, newest, before)]

    def _whole(self, connection: Connection, table: Table, now: datetime) -> list[Part]:
        since = now - table.horizon
        given = {"since": since, "at_most": table.most_rows + 1}
        rows = [
            dict(row) for row in self._state.ask(connection, f"snapshot_{table.name}", **given).mappings()
        ]
        frame = frame_of(rows[: table.most_rows], table.schema(self._pack), self._pack)
        # More rows than are taken: complete from the time of the oldest one on.
        cut = since
        if len(rows) > table.most_rows:
            cut = max(since, _oldest(frame[table.moment], rows[table.most_rows]))
        return [self._written(table.name, "", "", frame, cut)]

    def _by_day(
        self,
        connection: Connection,
        table: Table,
        now: datetime,
        before: Mapping[tuple[str, str], Part],
    ) -> list[Part]:
        zone = self._lake.zone
        since = business_day(business_date(now - table.horizon, zone), zone).start
        found = []
        asked = {"since": since, "zone": zone.key}
        for row in self._state.ask(connection, "snapshot_ledger_days", **asked).mappings():
            day, mark = row["day"], row["mark"]
            known = before.get((table.name, day.isoformat()))
            if known is None or known.mark != mark:
                span = business_day(day, zone)
                given = {"since": span.start, "until": span.end, "at_most": table.most_rows}
                rows = self._state.ask(connection, "snapshot_minute_ledger", **given).mappings()
                frame = frame_of([dict(row) for row in rows], table.schema(self._pack), self._pack)
                known = self._written(table.name, day.isoformat(), mark, frame.reverse(), since)
            found.append(known)
        return found

    def _of_entities(
        self, connection: Connection, newest: Newest | None, before: Mapping[tuple[str, str], Part]
    ) -> Part:
        """Names and facts of all entities that are known."""
        noun, version = self._pack.noun, self._state.ask(connection, "app_known").scalar_one()
        seen = None if newest is None else newest.ids
        known = before.get((noun, ""))
        if seen is None and known is not None and known.mark.startswith(f"{version} "):
            mark = known.mark  # nothing has been judged yet: those that are known stay
        else:
            mark = f"{version} {0 if seen is None else len(seen)}"
        if known is None or known.mark != mark:
            known = self._written(noun, "", mark, self._entities(connection, seen), None)
        return known

    def _usual(self, newest: Newest | None, before: Mapping[tuple[str, str], Part]) -> list[Part]:
        """What is usual for each entity after the newest minute, or still after the one before."""
        known = before.get(("baseline_now", ""))
        mark = None if newest is None else from_index(newest.last).isoformat()
        if newest is not None and mark is not None and (known is None or known.mark != mark):
            frame = newest.usual()
            known = known if frame is None else self._written("baseline_now", "", mark, frame, None)
        return [] if known is None else [known]

    def _entities(self, connection: Connection, seen: pl.Series | None) -> pl.DataFrame:
        schema = entity_schema(self._pack)
        entity, name = list(schema)[:2]
        rows = self._state.ask(connection, "snapshot_entity").all()
        columns = {entity: pl.String, name: pl.String, "fact": pl.String}
        facts = pl.DataFrame([tuple(row) for row in rows], columns, orient="row")
        if seen is not None:
            facts = pl.DataFrame({entity: seen}).join(facts, on=entity, how="full", coalesce=True)
        if self._pack.fact is not None:
            facts = facts.rename({"fact": self._pack.fact[1]})
        return facts.select(list(schema)).sort(entity)

    def _days(self, publication: Publication, before: Mapping[tuple[str, str], Part]) -> list[Part]:
        """What each entity did on each closed business day: a week of minutes takes too long to sum up."""
        table, zone = f"{self._pack.noun}_day", self._lake.zone
        through = publication.published_through
        if through is None or self._pack.baseline is None:
            return []
        found, made = [], 0
        by_day = files_by_day(publication.files, self._pack.dataset, self._lake)
        for day, files in sorted(by_day.items(), reverse=True):
            if business_day(date.fromisoformat(day), zone).end + CLOSED_AFTER > through:
                continue
            mark = mark_of(files)
            known = before.get((table, day))
            if known is None or known.mark != mark:
                due = self._summed_at.get(day)
                if made == SUMS_AT_ONCE or (due is not None and publication.at - due < SUMS_AGAIN):
                    continue  # until then the catalog sums up its minutes
                made += 1
                self._summed_at[day] = publication.at
                known = self._sums_written(table, day, mark, files)
            found.append(known)
        return found

    def _sums_written(self, table: str, day: str, mark: str, files: Sequence[LakeFile]) -> Part:
        self._lake.require_whole(files)
        span = business_day(date.fromisoformat(day), self._lake.zone)
        written = self._written(table, day, mark, self._sums(day, files), None)
        return replace(written, start=span.start.isoformat(), end=span.end.isoformat())

    def _sums(self, day: str, files: Iterable[LakeFile]) -> pl.DataFrame:
        schema, entity = day_schema(self._pack), self._pack.entity
        paths = [self._lake.folder / file.path for file in files]
        # Files of an earlier version lack the newer columns.
        rows = pl.concat([pl.scan_parquet(path, glob=False) for path in paths], how="diagonal")
        there = rows.collect_schema().names()
        sums = [
            pl.col(name).fill_null(0).sum() if name in there else pl.lit(0).alias(name)
            for name in schema.names()[2:]
        ]
        summed = rows.group_by(entity).agg(sums).collect()
        dated = summed.with_columns(pl.lit(date.fromisoformat(day)).alias("business_date"))
        return dated.select(list(schema)).cast(schema).sort(entity)

    def _list_of(self, parts: Iterable[Part]) -> Part:
        horizons = {table.name: table.horizon.days for table in TABLES}
        tables: dict[str, list[Part]] = {}
        for part in parts:
            tables.setdefault(part.table, []).append(part)
        rows = [
            (name, sum(p.rows for p in some), moment_of(some[0].complete_from), horizons.get(name))
            for name, some in sorted(tables.items())
        ]
        return self._written(PUBLISHED, "", "", pl.DataFrame(rows, PUBLISHED_SCHEMA, orient="row"), None)

    def _written(
        self, table: str, part: str, mark: str, frame: pl.DataFrame, complete_from: datetime | None
    ) -> Part:
        """The file that holds a frame; one that is there already is not written again."""
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd", compression_level=1)
        content = buffer.getvalue()
        digest = hashlib.sha256(content).hexdigest()
        path = self._lake.own / FOLDER / f"{table}-{part}{'-' if part else ''}{digest[:16]}.parquet"
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_file():
                replace_file(path, content)
        relative = path.relative_to(self._lake.folder).as_posix()
        since = None if complete_from is None else complete_from.isoformat()
        return Part(table, part, mark, relative, frame.height, len(content), digest, since)

    def _replace(
        self,
        before: Mapping[tuple[str, str], Part],
        after: dict[tuple[str, str], Part],
        published: Mapping[str, Any],
    ) -> None:
        """Let other files count; those that no longer do are dated, so that the grace begins now."""
        named = {part.path for part in after.values()}
        index = index_of(self._lake.folder, self._pack.name)
        with storage_errors(index):
            for part in before.values():
                path = self._lake.folder / part.path
                if part.path not in named and path.is_file():
                    os.utime(path)
            content = index_text(list(after.values()), published).encode()
            index.parent.mkdir(parents=True, exist_ok=True)
            if not index.is_file() or index.read_bytes() != content:
                replace_file(index, content)
        self._kept = after


def _oldest(moments: pl.Series, left_out: Mapping[str, Any]) -> datetime:
    """Since when no row is left out; rows come newest first, and of one moment some may be left out."""
    last: datetime = left_out[moments.name]
    after: Any = moments.filter(moments > last).min()
    return after or last + timedelta(microseconds=1)


def files_by_day(files: Iterable[LakeFile], dataset: str, lake: Lake) -> dict[str, list[LakeFile]]:
    """The files of a dataset by their business day, ISO; no file holds minutes of two."""
    found: dict[str, list[LakeFile]] = {}
    for file in files:
        if file.dataset == dataset:
            found.setdefault(business_date(file.span.start, lake.zone).isoformat(), []).append(file)
    return found

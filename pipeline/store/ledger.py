"""The ledger of one pack: which minutes are published, with which numbers and in which files."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from baselines.slots import Slots
from pipeline.errors import Overtaken
from pipeline.minute import MINUTE, Span, business_date, business_day
from pipeline.store.database import Database, as_json
from pipeline.store.manifest import LakeFile, Publication

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Published:
    """How far the ledger has come."""

    first_minute: datetime | None
    last_minute: datetime | None
    minutes: int
    last_judged: datetime | None
    next_minute: datetime | None
    version: int

    @property
    def holes(self) -> int:
        """Minutes between the first and the last that are not in the ledger; always 0 is the promise."""
        if self.first_minute is None or self.last_minute is None:
            return 0
        return Span(self.first_minute, self.last_minute + MINUTE).minutes - self.minutes


@dataclass(frozen=True, slots=True)
class KnownDataset:
    """Since when a dataset beside the counted rows is published without a gap."""

    known_from: datetime
    opened: bool  # what lies before the first published minute was read, too


class Ledger(Database):
    """Published minutes and files, and the next minute to judge."""

    def next_minute(self) -> datetime | None:
        """The next minute to judge; None before the first publication."""
        found = self.rows("watermark")
        return found[0]["next_minute"] if found else None

    def history_until(self) -> datetime | None:
        """Where the history of the first start ends; None where it was not published by one."""
        found = self.rows("watermark")
        return found[0]["history_until"] if found else None

    def published(self) -> Published:
        """How far the ledger has come; it counts every minute, so not for a tick."""
        with self.reading() as connection:
            return self.published_in(connection)

    def published_in(self, connection: Connection) -> Published:
        """The same, of the snapshot that a session reads."""
        span = self.ask(connection, "published_span").mappings().one()
        mark = self.ask(connection, "watermark").mappings().one_or_none()
        return Published(
            **span, next_minute=mark["next_minute"] if mark else None, version=mark["version"] if mark else 0
        )

    def publication(self) -> Publication:
        """What is published now, from one snapshot."""
        with self.one_moment() as connection:
            return self.publication_in(connection)

    @contextmanager
    def one_moment(self) -> Iterator[Connection]:
        """A session that changes nothing, and whose answers are all of one moment."""
        with self.reading() as connection:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            yield connection

    def publication_in(self, connection: Connection) -> Publication:
        """The same, of the snapshot that a session reads."""
        rows = self.ask(connection, "live_files").mappings().all()
        mark = self.ask(connection, "watermark").mappings().one_or_none()
        at = connection.execute(text("SELECT now()")).scalar_one()
        through = mark["last_minute"] + MINUTE if mark and mark["last_minute"] else None
        return Publication(mark["version"] if mark else 0, through, [_file(dict(row)) for row in rows], at)

    def minutes(self, span: Span) -> Sequence[Mapping[str, Any]]:
        """The ledger rows of a span."""
        with self.reading() as connection:
            return self.minutes_in(connection, span)

    def minutes_in(self, connection: Connection, span: Span) -> Sequence[Mapping[str, Any]]:
        """The same, of the snapshot that a session reads."""
        found = self.ask(connection, "published_minutes", start=span.start, end=span.end)
        return [dict(row) for row in found.mappings()]

    def unpublished(self, span: Span) -> list[datetime]:
        """The minutes of a span that are not in the ledger, in order."""
        return [row["minute"] for row in self.rows("unpublished", start=span.start, end=span.end)]

    def signal_files(self, span: Span) -> list[LakeFile]:
        """The published files with signals of a span."""
        return [_file(row) for row in self.rows("signal_files", start=span.start, end=span.end)]

    def exposures_to_retire(self, minute: datetime, zone: ZoneInfo) -> list[str]:
        """Paths of the snapshots that one of `minute` replaces: of each other business day the last stays."""
        day = business_day(business_date(minute, zone), zone)
        return [row["path"] for row in self.rows("exposure_files", start=day.start, end=minute)]

    def datasets_known(self) -> dict[str, KnownDataset]:
        """Since when each dataset beside the counted rows is known without a gap; a missing one is not."""
        rows = self.rows("datasets_known")
        return {row["dataset"]: KnownDataset(row["known_from"], row["opened"]) for row in rows}

    def begin_datasets(self, datasets: Iterable[str], known_from: datetime) -> None:
        """Before anything is published: from then on these are published with each minute."""
        with self.committing() as connection:
            for name in datasets:
                given = {"dataset": name, "known_from": known_from, "opened": False}
                self.ask(connection, "dataset_known", **given)

    def open_dataset(
        self, dataset: str, known_from: datetime, retired: Sequence[str], files: Sequence[LakeFile]
    ) -> None:
        """Publish what is older than the minutes that have a dataset, instead of `retired` files of it."""
        with self.committing() as connection:
            self._replace_files(connection, retired, files)
            given = {"dataset": dataset, "known_from": known_from, "opened": True}
            self.ask(connection, "dataset_known", **given)
            self.ask(connection, "grow_version")

    def forget_dataset(self, dataset: str) -> None:
        """A dataset is not known any more; its files stay."""
        with self.committing() as connection:
            self.ask(connection, "forget_dataset", dataset=dataset)

    def go_past(self, version: int, told_until: datetime) -> bool:
        """Go on after the version that readers have seen; says whether this ledger was older than it."""
        with self.committing() as connection:
            given = {"version": version, "told_until": told_until}
            return self.ask(connection, "go_past", **given).first() is not None

    def finalise(self, before: datetime) -> int:
        """Make minutes before the horizon final; returns how many became so."""
        with self.committing() as connection:
            return self.ask(connection, "finalise_minutes", before=before).rowcount

    def swap_files(self, inputs: Sequence[LakeFile], output: LakeFile) -> None:
        """Replace the published `inputs` by `output`, which holds the same rows."""
        with self.committing() as connection:
            self._replace_files(connection, [f.path for f in inputs], [output])
            self.ask(connection, "grow_version")

    def all_paths(self) -> set[str]:
        """Every path that the ledger names, published or retired, of every pack."""
        return {row["path"] for row in self.rows("all_paths")}

    def own_paths(self) -> set[str]:
        """Every path of this pack that the ledger names, published or retired."""
        return {row["path"] for row in self.rows("own_paths")}

    def expired_files(self, grace: timedelta) -> list[str]:
        """Retired files that no reader can still be using."""
        return [row["path"] for row in self.rows("expired_files", grace_s=grace.total_seconds())]

    def forget_files(self, paths: Sequence[str]) -> None:
        """Forget files that have been deleted."""
        with self.committing() as connection:
            self.ask(connection, "forget_files", paths=list(paths))

    def _replace_files(
        self, connection: Connection, retired: Sequence[str], files: Sequence[LakeFile]
    ) -> None:
        """Publish files, and take out others, all or none: what replaces them was made from just these."""
        found = self.ask(connection, "retire_files", paths=list(retired)).all() if retired else []
        if len(found) != len(retired):
            msg = (
                f"{len(retired) - len(found)} of {len(retired)} files were replaced by another job meanwhile"
            )
            raise Overtaken(msg, "nothing was changed; it starts anew with the new files")
        if files:
            self.ask(connection, "insert_files", files=as_json([f.as_row() for f in files]))


def _file(row: Mapping[str, Any]) -> LakeFile:
    span, slots = Span(row["start_minute"], row["end_minute"]), Slots(row["first_slot"], row["end_slot"])
    return LakeFile(row["dataset"], row["path"], span, row["rows"], row["bytes"], row["sha256"], slots)

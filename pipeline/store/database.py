"""Sessions of the operational database, for one pack: what its other files work in."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy
import sqlalchemy.dialects.postgresql.psycopg  # here: two first engines at once would both import it
import structlog
from sqlalchemy import text

from pipeline.errors import FencedOut
from pipeline.errors.translate import state_errors
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, CursorResult, Engine

    from pipeline.judge.seconds import Write

log = structlog.get_logger()

#: A leader that is stopped inside a commit must not keep its row locks: its successor waits for them.
SILENT_S: Final = 8
SESSION_OPTIONS: Final = f"-c timezone=UTC -c idle_in_transaction_session_timeout={SILENT_S}s"


def connect_state(url: str) -> Engine:
    """An engine for the operational database; opens nothing yet."""
    return sqlalchemy.create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_pre_ping=True,
        pool_size=4,
        connect_args={"connect_timeout": 10, "application_name": "minuterisk", "options": SESSION_OPTIONS},
    )


#: Rows of a pack's own that one statement takes.
ROWS_AT_ONCE: Final = 20_000
_NOT_OURS: Final = "this process stops; the new leader goes on from the ledger"


class Database:
    """The operational database as one pack sees it: every query is told the pack's name."""

    def __init__(self, engine: Engine, url: str, pack: str) -> None:
        self.engine = engine
        self.url = url
        self.pack = pack
        self.epoch: int | None = None  # None: this process does not lead

    def ask(self, connection: Connection, name: str, /, **given: Any) -> CursorResult[Any]:  # noqa: ANN401 - values
        """Run a query of queries/ops."""
        return connection.execute(text(sql(f"ops/{name}")), {"pack": self.pack, **given})

    def rows(self, name: str, /, **given: Any) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401 - the same
        """What a query that only reads gives."""
        with self.reading() as connection:
            return [dict(row) for row in self.ask(connection, name, **given).mappings()]

    def own(self, connection: Connection, name: str, /, **given: Any) -> CursorResult[Any]:  # noqa: ANN401 - values
        """Run a query of the pack's own tables, of queries/PACK/ops."""
        return connection.execute(text(sql(f"{self.pack}/ops/{name}")), given)

    def write_own(self, connection: Connection, writes: Iterable[Write]) -> None:
        """What a pack writes into its own tables; many rows go in parts."""
        for write in writes:
            if write.rows is None:
                self.own(connection, write.query, **write.given)
                continue
            for part in write.rows.iter_slices(ROWS_AT_ONCE):
                self.own(connection, write.query, **write.given, **{write.parameter: part.write_json()})

    def known_rows(self, name: str, keys: Sequence[object]) -> list[Mapping[str, Any]]:
        """What a query of the pack's own tables knows of the rows with these keys."""
        with self.reading() as connection:
            return [dict(row) for row in self.own(connection, name, keys=list(keys)).mappings()]

    def told(self, names: Sequence[str], since: datetime) -> dict[str, Sequence[Mapping[str, Any]]]:
        """What the pack's own tables say that holds at `since` or later, by query, from one snapshot."""
        if not names:
            return {}
        with self.reading() as connection:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            asked = {name: self.own(connection, name, since=since).mappings() for name in names}
            return {name: [dict(row) for row in rows] for name, rows in asked.items()}

    def clock(self) -> datetime:
        """The operational database's clock."""
        with self.reading() as connection:
            return self.now(connection)

    def now(self, connection: Connection) -> datetime:
        """The same, within a session that is open."""
        moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A session that changes nothing."""
        with state_errors(self.url), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """One transaction of whoever asks, leader or not."""
        with state_errors(self.url), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def committing(self, hint: str = _NOT_OURS) -> Iterator[Connection]:
        """One transaction that only the leader can commit; `hint` says what to do where it does not lead."""
        with self.changing() as connection:
            if self.ask(connection, "fence", epoch=self.epoch).first() is None:
                msg = f"epoch {self.epoch} no longer leads the pack {self.pack}"
                raise FencedOut(msg, hint)
            yield connection


def end_half_sent(connection: Connection) -> int:
    """End sessions of ours that were stopped while they sent a statement; gives how many.

    No timeout of a session sees that, so whoever is alive looks after it.
    """
    ended = len(connection.execute(text(sql("session/end_half_sent")), {"silent_s": SILENT_S}).all())
    if ended:
        log.warning("database.ended_half_sent", sessions=ended)
    return ended


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows for a query that takes them as one JSON array."""
    return json.dumps(list(rows))

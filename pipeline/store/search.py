"""What the operational database keeps of the search for late commits: fence, suspects, repairs, strays."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from pipeline.errors import FencedOut
from pipeline.errors.translate import state_errors
from pipeline.minute import TIME_END
from pipeline.source.asked import Fence, KnownFence
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine


@dataclass(frozen=True, slots=True)
class Asked:
    """A minute to read again: `cause` reconciliation differs for certain, late_commit is only suspected."""

    minute: datetime
    cause: str
    requested_at: datetime  # by the operational database's clock


@dataclass(frozen=True, slots=True)
class Strays:
    """Minutes with rows that nothing has counted."""

    reason: str  # past: over 48 hours late; future: ahead of the source's clock
    minutes: int
    first_minute: datetime
    last_minute: datetime


class LateState:
    """A part of State, with the sessions that all of it works in."""

    def __init__(self, engine: Engine, url: str) -> None:
        self.engine = engine
        self.url = url
        self.epoch: int | None = None

    def clock(self) -> datetime:
        """The operational database's clock."""
        with self._read() as connection:
            moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment

    def source_fence(self) -> KnownFence | None:
        """The fence of the newest deep search and what goes with it; None before the first read."""
        with self._read() as connection:
            row = connection.execute(text(sql("ops/fence_of_source"))).mappings().one_or_none()
        if row is None:
            return None
        fence = Fence(row["xmin"], row["xmax"], row["clock"], row["started"])
        return KnownFence(fence, row["look_back"], row["open_since"])

    def record_fence(self, known: KnownFence) -> None:
        """Move the search for late commits on."""
        fence = known.fence
        given = {"xmin": fence.xmin, "xmax": fence.xmax, "clock": fence.clock, "started": fence.started}
        given |= {"look_back": known.look_back, "open_since": known.open_since}
        with self._commit() as connection:
            connection.execute(text(sql("ops/record_fence")), given)

    def record_strays(self, strays: Mapping[str, Sequence[datetime]]) -> None:
        """Keep minutes, by reason, that hold rows which nothing counts."""
        if not any(strays.values()):
            return
        with self._commit() as connection:
            for reason, minutes in strays.items():
                found = {"minutes": list(minutes), "reason": reason}
                connection.execute(text(sql("ops/record_strays")), found)

    def strays(self) -> dict[str, int]:
        """How many minutes hold rows that nothing has counted, by reason."""
        with self._read() as connection:
            return dict(connection.execute(text(sql("ops/count_strays"))).mappings().one())

    def stray_spans(self) -> list[Strays]:
        """The same with the first and the last minute; nothing for a reason without any."""
        with self._read() as connection:
            rows = connection.execute(text(sql("ops/stray_spans"))).mappings().all()
        return [Strays(**row) for row in rows]

    def request_repairs(self, minutes: Sequence[datetime], cause: str = "reconciliation") -> None:
        """Ask whoever leads to read these minutes again; any process may ask."""
        if minutes:
            given = {"minutes": list(minutes), "cause": cause}
            with state_errors(self.url), self.engine.begin() as connection:
                connection.execute(text(sql("ops/request_repairs")), given)

    def repair_requests(self, since: datetime | None = None, limit: int = 240) -> list[Asked]:
        """Minutes to read again: those that differ for certain first, then suspects from `since` on.

        Each newest first: what people look at becomes right first, and little is judged again.
        """
        with self._read() as connection:
            given = {"since": since, "limit": limit}
            rows = connection.execute(text(sql("ops/repair_requests")), given).mappings().all()
        return [Asked(**row) for row in rows]

    def repairs_waiting(self) -> bool:
        """Is there a minute that differs for certain and was not read again yet?"""
        return bool(self.repair_requests(since=TIME_END, limit=1))

    def old_suspects(self, before: datetime, limit: int = 60) -> list[Asked]:
        """The newest suspects before `before`, all of one hour."""
        with self._read() as connection:
            given = {"before": before, "limit": limit}
            rows = connection.execute(text(sql("ops/old_suspects")), given).mappings().all()
        return [Asked(**row) for row in rows]

    def forget_repairs(self, done: Sequence[Asked]) -> None:
        """These minutes have been read again; one that was asked for again meanwhile stays."""
        if done:
            given = {"minutes": [a.minute for a in done], "asked_until": max(a.requested_at for a in done)}
            with self._commit() as connection:
                connection.execute(text(sql("ops/forget_repairs")), given)

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with state_errors(self.url), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _commit(self) -> Iterator[Connection]:
        """One transaction that only the leader can commit."""
        with state_errors(self.url), self.engine.begin() as connection:
            if connection.execute(text(sql("ops/fence")), {"epoch": self.epoch}).first() is None:
                msg = f"epoch {self.epoch} no longer leads this installation"
                raise FencedOut(msg, "this process stops; the new leader goes on from the ledger")
            yield connection

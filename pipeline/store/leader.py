"""One process leads a pack; another may stand by and take over.

The lock is an advisory lock of a database session, so it ends with the process that holds it. The lock
alone does not protect against a process that was stopped and wakes up again: that is what the epoch is
for, which every commit checks. A leader that neither holds its lock nor beats is taken over.
"""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy
import structlog
from sqlalchemy import text

from pipeline.errors import ConfigurationError, FencedOut, NotLeader
from pipeline.errors.translate import state_errors
from pipeline.store.database import Database, end_half_sent

if TYPE_CHECKING:
    from threading import Event

    from sqlalchemy import Connection, Engine

log = structlog.get_logger()

#: Key of the advisory lock that the leader's session holds ("minute" in ASCII); a pack adds its number.
LEADER_LOCK = 0x6D696E757465
STAND_BY_S = 2.0
#: A leader beats every 5 s. With the stand-by's own pace a takeover takes less than 15 s.
HEART_STOPPED_S = 10
#: Whoever takes over waits so long for a commit of the leader before; then it looks again what holds it up.
_LAST_COMMIT_S = 2


class Leadership(Database):
    """Who may write what a pack publishes."""

    _lock: Connection | None = None

    def lead(self) -> int:
        """Become the one process that writes; raises NotLeader while another one leads."""
        with state_errors(self.url):
            self._take_lock()
            try:
                with self.engine.begin() as connection:
                    self.epoch = self._next_epoch(connection)
            except sqlalchemy.exc.OperationalError as error:
                self._give_back_lock()
                if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                    raise
                msg = "a commit of the leader before has not ended"
                raise NotLeader(msg, "it is waited for, and its session ended if it hangs") from error
        return self.epoch

    def _next_epoch(self, connection: Connection) -> int:
        """From here on every commit of the leader before is refused; one that is under way is waited for."""
        wait = text("SELECT set_config('lock_timeout', :wait, true)")
        connection.execute(wait, {"wait": f"{_LAST_COMMIT_S}s"})
        me = f"{socket.gethostname()} process {os.getpid()}"
        return int(self.ask(connection, "lead", holder=me).scalar_one())

    def heartbeat(self) -> None:
        """Say that the leader is alive; raises FencedOut when another one has taken over."""
        with state_errors(self.url):
            end_half_sent(self._keep_lock())
        with self.committing() as connection:
            self.ask(connection, "heartbeat", epoch=self.epoch)

    def installation(self) -> str:
        """The id of this installation; it is part of every message's key."""
        (row,) = self.rows("leader")
        return str(row["installation"])

    def end_silent_leader(self) -> None:
        """End the lock session of a leader whose heart has stopped: it is hung, stopped or cut off."""
        with self.changing() as connection:
            given: dict[str, Any] = {
                "heart_stopped_s": HEART_STOPPED_S,
                "lock_key": self._lock_key(connection),
            }
            ended = self.ask(connection, "end_silent_leader", **given).all()
            end_half_sent(connection)
        if ended:
            log.warning("leader.taken_over", pack=self.pack, ended_sessions=len(ended))

    def close(self) -> None:
        """Give up the leadership and every connection.

        The lock is given back in so many words: a server ends a closed session in its own time, and refused
        whoever came right after.
        """
        self._give_back_lock()
        self.engine.dispose()

    def _give_back_lock(self) -> None:
        if self._lock is not None:
            with suppress(sqlalchemy.exc.DBAPIError):  # a session that was cut has no lock to give back
                self._lock.execute(text("SELECT pg_advisory_unlock_all()"))
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> Connection:
        """The session that holds the leader's lock; raises NotLeader while another one does."""
        lock = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            given = {"key": self._lock_key(lock)}
            if not lock.execute(text("SELECT pg_try_advisory_lock(:key)"), given).scalar_one():
                holder = self.ask(lock, "leader").mappings().one()["holder"]
                msg = f"another process leads this installation: {holder}"
                raise NotLeader(msg, "stop it first; two must not write the same lake")  # noqa: TRY301 - closed below
        except BaseException:
            lock.close()
            raise
        self._lock = lock
        return lock

    def _keep_lock(self) -> Connection:
        """Take the lock again if its session was cut; somebody else holding it means that we lead no more."""
        try:
            if self._lock is not None:
                self._lock.execute(text("SELECT 1"))
                return self._lock
        except sqlalchemy.exc.DBAPIError:
            self._lock = None
        try:
            return self._take_lock()
        except NotLeader as error:
            raise FencedOut(
                error.what, "this process stands by; the new leader goes on from the ledger"
            ) from error

    def _lock_key(self, connection: Connection) -> int:
        """The key of this pack's lock; a pack that has never run here gets its place first."""
        number = self.ask(connection, "pack_number").scalar_one_or_none()
        if number is None:
            self.ask(connection, "enter_pack")
            number = self.ask(connection, "pack_number").scalar_one()
        return LEADER_LOCK + int(number)


def lead_or_stand_by(state: Leadership, stopped: Event) -> bool:
    """Become the leader, waiting for the present one to end; False when `stopped` was set meanwhile."""
    said = False
    while not stopped.is_set():
        try:
            state.lead()
        except NotLeader as error:
            if not said:
                log.info("leader.standing_by", leader=error.what)
                said = True
            state.end_silent_leader()
            stopped.wait(STAND_BY_S)
        else:
            return True
    return False


def refuse_pooler(engine: Engine, url: str) -> None:
    """Refuse a pooler in transaction mode: through one, an advisory lock belongs to whoever comes next.

    Two sessions that each keep their own server connection cannot see each other's session settings. In
    transaction mode the second one gets the very connection that the first one has just given back.
    """
    mark = uuid.uuid4().hex
    with state_errors(url), engine.connect() as first, engine.connect() as second:
        first.execute(text("SELECT set_config('minuterisk.session', :mark, false)"), {"mark": mark})
        first.commit()
        seen = second.execute(text("SELECT current_setting('minuterisk.session', true)")).scalar_one()
        kept = first.execute(text("SELECT current_setting('minuterisk.session', true)")).scalar_one()
    if seen == mark or kept != mark:
        msg = "MINUTERISK_STATE_URL goes through a connection pooler in transaction mode"
        raise ConfigurationError(msg, "connect to PostgreSQL directly, or through a pooler in session mode")

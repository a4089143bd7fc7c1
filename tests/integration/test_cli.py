"""The command line as people and scripts use it: exit codes, JSON last, no traceback, no progress in a pipe.

What does the work runs as a process of its own; what is only refused runs inside this one, which saves the
start of an interpreter each.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from sqlalchemy import text

from pipeline.cli import main
from pipeline.store.database import connect_state
from tests.servers import create_database, url_of

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 3, 10, 6, tzinfo=UTC)
NOON = START + timedelta(hours=6)
COLUMNS = ("transaction_id", "merchant_id", "kind", "amount", "occurred_at")


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> Any:  # noqa: ANN401 - parsed JSON
        return json.loads(self.out.strip().splitlines()[-1])


@dataclass(frozen=True)
class Home:
    """An installation of its own, driven through `python -m pipeline.cli`."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str, stdin: str = "", **more: str) -> Ran:
        environment = {
            **self.environment,
            **{f"MINUTERISK_{name.upper()}": value for name, value in more.items()},
        }
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=environment,
            timeout=250,
            check=False,
        )
        return self._proper(Ran(done.returncode, done.stdout, done.stderr))

    def inside(self, *arguments: str, **more: str) -> Ran:
        """The same through `main` in this process."""
        changed = {f"MINUTERISK_{name.upper()}": value for name, value in more.items()}
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in {**self.environment, **changed}.items():
                if name.startswith("MINUTERISK_"):
                    patch.setenv(name, value)
            patch.chdir(self.folder)
            code = main(arguments)
        return self._proper(Ran(code, out.getvalue(), err.getvalue()))

    def _proper(self, ran: Ran) -> Ran:
        assert "Traceback" not in ran.out + ran.err
        assert "unexpected fault" not in ran.err, ran.err
        assert not re.search(r"\r|\x1b|\d+%", ran.err), "progress or colour in a pipe"
        return ran

    def ok(self, *arguments: str, **more: str) -> Ran:
        ran = self.run(*arguments, **more)
        assert ran.code == 0, ran
        return ran


def home(folder: Path, **settings: str) -> Home:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MINUTERISK_")}
    ours = {f"MINUTERISK_{name.upper()}": value for name, value in settings.items()}
    folder.mkdir(exist_ok=True)
    return Home(folder, {**kept, "PYTHONPATH": str(ROOT), "MINUTERISK_HOME": str(folder / "home"), **ours})


def rows() -> list[tuple[Any, ...]]:
    """Two merchants, an approval a minute each; at noon one of them is flooded with cancels."""
    found: list[tuple[Any, ...]] = []
    for n in range(int((NOON - START).total_seconds() // 60) + 10):
        at = (START + timedelta(minutes=n)).isoformat()
        found += [
            (len(found) + i, merchant, "APPROVAL", 1000, at) for i, merchant in enumerate(("shop", "café"), 1)
        ]
    found += [(len(found) + n, "shop", "CANCEL", 1000, NOON.isoformat()) for n in range(1, 40)]
    return found


def write_csv(path: Path, content: list[tuple[Any, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(content)
    return path


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")


@pytest.fixture(scope="module")
def work(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return working_home(postgres_url, tmp_path_factory.mktemp("cli"))


def working_home(postgres_url: str, folder: Path) -> Home:
    """A home with the rows loaded, backfilled and judged, on databases of its own."""
    trade, state = (url_of(postgres_url, create_database(postgres_url, kind)) for kind in ("trade", "state"))
    source = trade.replace("//postgres:@", "//minuterisk_reader@")
    work = home(folder, source_url=source, trade_url=trade, state_url=state, policy="supported")
    loaded = work.ok("load", str(write_csv(folder / "rows.csv", rows())), "--json")
    assert loaded.last["loaded"] == len(rows())
    assert work.ok("backfill", "--from", stamp(START), "--to", stamp(NOON), "--json").last["holes"] == 0
    caught = work.ok("catch-up", "--until", stamp(NOON + timedelta(minutes=5)), "--json").last
    assert (caught["minutes_processed"], caught["incidents_opened"], caught["holes"]) == (5, 1, 0)
    return work


def test_catching_up_twice_judges_nothing_twice(work: Home) -> None:
    again = work.ok("catch-up", "--until", stamp(NOON + timedelta(minutes=5)), "--json").last
    assert (again["minutes_processed"], again["incidents_opened"]) == (0, 0)


def test_a_backtest_writes_its_signals_line_by_line(work: Home) -> None:
    file = work.folder / "signals.txt"
    span = ("--from", stamp(NOON), "--to", stamp(NOON + timedelta(minutes=3)))
    result = work.ok("backtest", *span, "--policy", "literal", "--signals", str(file), "--json").last
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines == [f"shop 2026-03-10T12:0{n} 60 39 30{n + 1} 0" for n in range(3)]
    assert (result["signals"], result["signal_merchants"]) == (3, 1)


@pytest.mark.parametrize(
    ("first", "minutes", "kept_whole", "signals"),
    [
        (NOON, 3, 500_000, 3),
        (NOON - timedelta(minutes=30), 5, 500_000, 0),  # nothing happened
        (NOON, 3, 1, 3),  # more signals than are kept
    ],
)
def test_a_backtest_draws_its_report_of_any_period(
    work: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: datetime,
    minutes: int,
    kept_whole: int,
    signals: int,
) -> None:
    monkeypatch.setattr("pipeline.replay.replay.KEPT_WHOLE", kept_whole)
    monkeypatch.setattr("pipeline.replay.backtest.KEPT_WHOLE", kept_whole)
    page = tmp_path / "report.html"
    span = ("--from", stamp(first), "--to", stamp(first + timedelta(minutes=minutes)))
    ran = work.inside("backtest", *span, "--policy", "literal", "--html", str(page), "--json")
    assert ran.code == 0, ran
    assert ran.last["signals"] == signals
    assert (ran.last["signals_sha256"] is None) == (kept_whole == 1)
    assert f"<tr><td>signals</td><td>{signals}</td></tr>" in page.read_text(encoding="utf-8")


def test_a_backtest_of_what_is_not_published_is_wrong_use(work: Home) -> None:
    ran = work.inside("backtest", "--from", stamp(START - timedelta(days=1)), "--to", stamp(NOON))
    assert ran.code == 2
    assert "not published as a whole" in ran.err


def test_explain_tells_every_number_of_what_fired_and_of_what_did_not(work: Home) -> None:
    fired = work.ok("explain", "shop", stamp(NOON), "--json").last
    surge = next(a for a in fired["accounts"] if a["rule"] == "cancel_surge")
    assert surge["numbers"]["cancels_hour"] == 39
    assert surge["verdicts"]["supported"] == {"fires": True, "reason": "fires"}
    assert [s["reason"] for s in fired["stored_signals"]] == ["fires"]
    calm = work.ok("explain", "café", stamp(NOON), "--json").last
    assert all(not v["fires"] for a in calm["accounts"] for v in a["verdicts"].values())
    assert "no breach" in work.ok("explain", "café", stamp(NOON)).out


def test_explain_says_how_far_it_was_and_when_it_first_could_have_fired(work: Home) -> None:
    before = work.inside("explain", "shop", stamp(NOON - timedelta(minutes=3)), "--json").last
    surge = next(a for a in before["accounts"] if a["rule"] == "cancel_surge")
    assert {5, 60, 1440} <= {w["minutes"] for w in surge["windows"]}
    assert {w["against"] for w in surge["windows"]} == {"the hours before", "the week"}
    assert {"evidence", "evidence_needed", "missing"} <= set(surge["windows"][0])
    first = {policy: found["minutes_from_asked"] for policy, found in surge["first_fires"].items()}
    assert first == {"literal": 3, "supported": 3, "budgeted": None}
    text = work.inside("explain", "shop", stamp(NOON)).out
    assert "first fires" in text
    assert "needed" in text


def test_an_unknown_merchant_is_said_to_be_unknown(work: Home) -> None:
    ran = work.inside("explain", "shopp", stamp(NOON))
    assert ran.code == 2
    assert "unknown" in ran.err
    assert "did you mean shop?" in ran.err


def test_sql_reads_the_published_views(work: Home) -> None:
    found = work.ok("sql", "-c", "SELECT sum(cancel_count)::BIGINT AS c FROM merchant_minute", "--json").last
    assert found == {"rows": [{"c": 39}]}
    assert "merchant_minute" in work.ok("sql", "-c", "SHOW TABLES").out


@pytest.mark.parametrize(
    "question",
    [
        "WITH x AS (COPY merchant_minute TO '{folder}/stolen.csv') SELECT 1",
        "SELECT * FROM read_parquet('{folder}/other.parquet')",
        "SELECT * FROM '/etc/passwd'",
        "SELEC 1",
        "",
    ],
)
def test_sql_refuses_whatever_does_more_than_read_what_is_published(work: Home, question: str) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(work.folder / "other.parquet")
    ran = work.inside("sql", "-c", question.format(folder=work.folder))
    assert ran.code == 2, ran
    assert "next:" in ran.err
    assert "root:" not in ran.out
    assert not (work.folder / "stolen.csv").exists()


def test_sql_in_a_pipe_answers_each_question_and_ends_with_2_after_a_refused_one(work: Home) -> None:
    ran = work.run("sql", stdin="SELECT 41 + 1 AS a; DROP VIEW merchant_minute; SELECT 7 * 6 AS b;")
    assert ran.code == 2
    assert ran.out.count("42") == 2
    assert "refused" in ran.err


def test_sql_in_a_pipe_knows_which_semicolons_end_a_question(work: Home) -> None:
    asked = """
        SELECT 'a;b' AS text, $$c;d$$ AS "na;me"; -- e;f
        /* g;h */ SELECT 'it''s;' AS text;
        -- nothing; more
    """
    ran = work.run("sql", "--json", stdin=asked)
    assert ran.code == 0, ran
    answers = [json.loads(line)["rows"] for line in ran.out.splitlines()]
    assert answers == [[{"text": "a;b", "na;me": "c;d"}], [{"text": "it's;"}]]


def test_sql_shows_intervals(work: Home) -> None:
    asked = "SELECT INTERVAL 14 MONTH AS i, TIMESTAMP '2026-01-02' - TIMESTAMP '2026-01-01' AS d, 1 AS n"
    found = work.inside("sql", "-c", asked, "--json")
    assert found.last == {"rows": [{"i": "1 year 2 months", "d": "1 day", "n": 1}]}
    assert work.inside("sql", "-c", asked).code == 0


def test_a_business_day_of_the_analysts_is_one_of_the_configured_zone(work: Home) -> None:
    asked = "SELECT DISTINCT business_date FROM merchant_day ORDER BY 1"
    seoul = work.inside("sql", "-c", asked, "--json").last["rows"]
    assert [row["business_date"] for row in seoul] == ["2026-03-10"]
    there = work.inside("sql", "-c", asked, "--json", business_timezone="Pacific/Kiritimati").last["rows"]
    assert [row["business_date"] for row in there] == ["2026-03-10", "2026-03-11"]


def test_a_home_that_is_a_file_is_wrong_use(work: Home, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("not a folder")
    for home_of_it in (place, place / "below"):
        ran = work.inside("check", home=str(home_of_it))
        assert ran.code == 2
        assert "MINUTERISK_HOME" in ran.err


def test_incidents_are_listed_shown_and_acknowledged_once(work: Home) -> None:
    listed = work.inside("incidents", "list", "--json").last["incidents"]
    assert [(i["rule"], i["merchant_id"], i["status"]) for i in listed] == [("cancel_surge", "shop", "open")]
    number = str(listed[0]["incident_id"])
    shown = work.inside("incidents", "show", number, "--json").last
    assert shown["reason"]["cancels_hour"] == 39
    assert work.inside("incidents", "ack", number, "--by", "kim", "--json").last["acknowledged_by"] == "kim"
    for again in (("incidents", "ack", number, "--by", "lee"), ("incidents", "show", "999")):
        ran = work.inside(*again)
        assert ran.code == 2
        assert "next:" in ran.err
    assert work.inside("incidents", "--json").last["incidents"][0]["incident_id"] == int(number)
    assert len(work.inside("outbox", "--json").last["messages"]) == 2
    assert work.inside("incidents", "--json", "list").code == 2
    messages = work.inside("outbox", "list", "--json").last["messages"]
    assert sorted(m["event"] for m in messages) == ["acknowledged", "opened"]
    assert work.inside("outbox", "show", str(messages[0]["outbox_id"]), "--json").last["outbox_id"]
    assert work.inside("outbox", "requeue", "--json").last == {"requeued": []}
    assert work.inside("outbox", "requeue", "999").code == 2


def test_routes_and_silences_are_added_listed_tested_and_taken_back(work: Home, tmp_path: Path) -> None:
    def said(*arguments: str) -> Ran:
        ran = work.inside(*arguments)
        assert ran.code == 0, ran
        return ran

    said("routes", "add", "big", "--match", "tier=top", "--match", "merchant=A*", "--channel", "console")
    assert "big" in said("routes", "list").out
    told = said("routes", "test", "--tier", "top", "--entity", "A1", "--json").last
    assert told["targets"] == [{"channel": "default", "second": None, "route": "big"}]
    assert said("routes", "test", "--entity", "B1", "--json").last["reason"] == "no_route"
    (tmp_path / "routes.toml").write_text(said("routes", "list", "--toml").out, encoding="utf-8")
    said("routes", "remove", "big")
    said("routes", "import", str(tmp_path / "routes.toml"))
    assert [r["name"] for r in said("routes", "list", "--json").last["routes"]] == ["big"]
    for wrong in (("add", "x", "--channel", "C0RISK"), ("add", "x", "--channel", "apprise:mail")):
        ran = work.inside("routes", *wrong)
        assert (ran.code, "next: set MINUTERISK_" in ran.err) == (2, True)
    added = said("silences", "add", "--match", "merchant=sh*", "--reason", "moves", "--for", "2h", "--json")
    number = str(added.last["silence_id"])
    explained = said("incidents", "route", "--explain", "1", "--json").last
    assert [row["why"] for row in explained["told"]][:1] == ["no_route"]
    assert explained["now"]["silence_id"] == int(number)
    assert "silenced until" in said("incidents", "route", "--explain", "1").out
    assert said("silences", "list", "--json").last["silences"][0]["state"] == "in force"
    said("silences", "end", number)
    assert work.inside("silences", "end", number).code == 2
    said("routes", "remove", "big")


def test_check_shows_the_settings_and_that_all_is_well(work: Home) -> None:
    found = work.ok("check", "--json").last
    assert found["ok"]
    assert {name for name, said in found["checks"].items() if said != "ok"} == {"time"}  # its data are old
    live = work.run("check", "--live", "--json").last["checks"]
    assert live["traffic"] == "ok: newest row in minute 2026-03-10 21:04 KST"
    assert found["settings"]["MINUTERISK_POLICY"] == "supported"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"source_url": "postgresql://u:hunter2@no-such-host.invalid/trade"}, "MINUTERISK_SOURCE_URL"),
        ({"state_url": "postgresql://u:hunter2@no-such-host.invalid/state"}, "MINUTERISK_STATE_URL"),
        ({"source_url": "postgresql://u:hunter2@host:port/trade"}, "MINUTERISK_SOURCE_URL"),
        ({"rules": "/nowhere.toml"}, "/nowhere.toml"),
        ({"source_queries": "/nowhere"}, "/nowhere"),
        ({"policy": "strict"}, "MINUTERISK_POLICY"),
        ({"polcy": "literal"}, "MINUTERISK_POLICY"),
    ],
)
def test_a_wrong_setting_ends_check_and_catch_up_with_2_and_its_name(
    work: Home, changed: dict[str, str], named: str
) -> None:
    for command in ("check", "catch-up"):
        ran = work.inside(command, **changed)
        assert ran.code == 2, ran
        assert named in ran.out + ran.err
        assert "next:" in ran.err
        assert "hunter2" not in ran.out + ran.err


@pytest.mark.parametrize(
    "moment", ["", "yesterday", "2026-03-10 06:00 CET", "2026-03-10T06:00:30Z", "9999-12-31T23:59Z"]
)
def test_a_time_that_cannot_be_read_is_wrong_use(work: Home, moment: str) -> None:
    for command in (("backfill", "--from", moment, "--to", stamp(NOON)), ("explain", "shop", moment)):
        ran = work.inside(*command)
        assert ran.code == 2, ran


@pytest.mark.parametrize(
    "arguments",
    [
        ("backfill",),
        ("backfill", "--from", stamp(NOON), "--to", stamp(START)),
        ("backfill", "--from", stamp(NOON), "--to", stamp(NOON)),
        ("backfill", "--from", stamp(NOON), "--to", "2199-01-01T00:00Z"),
        ("catch-up", "--from", stamp(START)),
        ("backtest", "--from", stamp(START), "--to", stamp(NOON), "--policy", "strict"),
        ("incidents", "show", "one"),
        ("load", "nothing.csv"),
        ("no-such-command",),
    ],
)
def test_wrong_use_ends_with_2(work: Home, arguments: tuple[str, ...]) -> None:
    assert work.inside(*arguments).code == 2


def test_nothing_published_yet_is_told_with_the_next_step(work: Home, tmp_path: Path) -> None:
    ran = home(tmp_path / "new").inside("sql", "-c", "SELECT 1")
    assert ran.code == 2
    assert "nothing is published" in ran.err
    assert not (tmp_path / "new" / "home" / "postgres").exists()


def test_a_period_with_a_hole_is_not_judged_again_as_silence(work: Home) -> None:
    engine = connect_state(work.environment["MINUTERISK_STATE_URL"])
    hole = {"minute": NOON - timedelta(minutes=30)}
    columns = "SELECT * FROM minute_ledger WHERE minute = :minute"
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE kept AS {columns}"), hole)
        connection.execute(text("DELETE FROM minute_ledger WHERE minute = :minute"), hole)
    try:
        ran = work.inside("backtest", "--from", stamp(NOON - timedelta(hours=1)), "--to", stamp(NOON))
        assert ran.code == 2
        assert "2026-03-10 20:30 KST" in ran.err
        assert work.inside("explain", "shop", stamp(hole["minute"])).code == 2
        assert (
            work.inside("backtest", "--from", stamp(NOON - timedelta(minutes=20)), "--to", stamp(NOON)).code
            == 0
        )
    finally:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO minute_ledger SELECT * FROM kept"))
            connection.execute(text("DROP TABLE kept"))
        engine.dispose()


def test_a_difference_to_the_source_ends_reconcile_with_3_and_is_listed(work: Home) -> None:
    span = ("--from", stamp(START), "--to", stamp(NOON), "--json")
    assert work.ok("reconcile", *span).last["differences"] == []
    with psycopg.connect(work.environment["MINUTERISK_TRADE_URL"], autocommit=True) as trade:
        trade.execute(
            "INSERT INTO transactions (transaction_id, merchant_id, kind, amount, occurred_at) "
            "VALUES (900001, 'shop', 'CANCEL', 5, %s)",
            [START],
        )
        try:
            ran = work.run("reconcile", *span)
        finally:
            trade.execute("DELETE FROM transactions WHERE transaction_id = 900001")
    assert ran.code == 3
    assert [d["minute"] for d in ran.last["differences"]] == [START.isoformat()]


def test_a_parquet_file_loads_like_the_csv_and_its_bad_rows_are_set_aside(work: Home, tmp_path: Path) -> None:
    at = START + timedelta(days=1)
    bad = pl.DataFrame(
        [
            (800_001, "shop", "APPROVAL", 5, at),
            (800_002, None, "APPROVAL", 5, at),
            (800_003, "shop", "REFUND", 5, at),
            (800_001, "shop", "APPROVAL", 5, at),
        ],
        list(COLUMNS),
        orient="row",
    )
    bad.write_parquet(tmp_path / "bad.parquet")
    result = work.ok("load", str(tmp_path / "bad.parquet"), "--json").last
    assert result["loaded"] == 1
    assert sum(result["quarantined"].values()) == 3

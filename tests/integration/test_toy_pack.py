"""A pack that the engine has never heard of goes the whole way, alone and beside another one."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from threading import get_ident
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import duckdb
import psycopg
import pytest
from sqlalchemy import text

from data.server import create_database, database_url
from data.slack_standin import SlackStandIn, Workspace
from pipeline.cli import main
from pipeline.errors import SettingsError, SourceUnavailable
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.packs import PACKS, load_pack
from pipeline.prove.corrector import Corrector
from pipeline.prove.proof import find_faults
from pipeline.settings import load_settings
from pipeline.store.state import State
from pipeline.tell.channels import Console
from pipeline.tell.deliver import deliver_one
from pipeline.tell.pace import Pace
from pipeline.watch.watcher import Watcher
from scheduler import open_pipeline
from tests.integration.channels import open_incidents
from tests.integration.trade_home import trade_database
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from sqlalchemy import Engine

    from pipeline.catch_up import Pipeline
    from pipeline.settings import Settings
    from tests.integration.trade_home import Trade

DOORS = Path(__file__).resolve().parents[1] / "doors"
NOW = floor_minute(datetime.now(UTC)) - timedelta(hours=1)  # late rows are looked for in the last 48 hours
SEOUL = ZoneInfo("Asia/Seoul")
SCHEMA = """
CREATE TABLE events (
    event_id bigint GENERATED ALWAYS AS IDENTITY, door_id text, kind text, occurred_at timestamptz,
    created_at timestamptz DEFAULT now()
)
"""


@dataclass(frozen=True)
class Building:
    """The doors' database, and an installation that reads it."""

    url: str
    environment: dict[str, str]

    def happens(self, door: str | None, kind: str, *times: datetime) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for at in times:
                connection.execute(
                    "INSERT INTO events (door_id, kind, occurred_at) VALUES (%s, %s, %s)", [door, kind, at]
                )

    def settings(self, **more: str) -> Settings:
        return load_settings({**self.environment, **{f"MINUTERISK_{n.upper()}": v for n, v in more.items()}})

    @contextmanager
    def at_work(self) -> Iterator[Pipeline]:
        with open_pipeline(self.settings()) as pipeline:
            yield pipeline

    def command(self, *arguments: str) -> Any:  # noqa: ANN401 - parsed JSON
        """The last line of a command's output, which must succeed."""
        out = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
            for name, value in self.environment.items():
                patch.setenv(name, value)
            assert main([*arguments, "--json"]) == 0
        return json.loads(out.getvalue().strip().splitlines()[-1])


@pytest.fixture
def building(postgres_url: str, state_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Building:
    """A lift and two doors, opened every minute of the last hours."""
    monkeypatch.setitem(PACKS, "doors", "tests.doors")
    name = f"doors_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        create_database(admin, name)
    url = database_url(postgres_url, name)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(SCHEMA)
    names = {
        "packs": "doors",
        "home": str(tmp_path / "home"),
        "state_url": state_url,
        "doors_source_url": url,
        "doors_source_queries": str(DOORS / "queries"),
        "doors_rules": str(DOORS / "rules.toml"),
        "language": "en",
    }
    made = Building(url, {f"MINUTERISK_{n.upper()}": value for n, value in names.items()})
    for door in ("front", "back", "lift"):
        made.happens(door, "opened", *Span(NOW - timedelta(hours=3), NOW))
    return made


def judge(pipeline: Pipeline, until: datetime) -> list[tuple[str, str]]:
    """Judge what is due before `until`; rule and door of the signals that passed."""
    if pipeline.state.next_minute() is None:
        pipeline.start_history(until - timedelta(hours=1))
    return [
        (row["rule"], row["entity_id"])
        for judged in pipeline.catch_up(until)
        for row in judged.signals.filter("passed").to_dicts()
    ]


def told(pipeline: Pipeline) -> str:
    """What the console shows of everything that waits."""
    stream = io.StringIO()
    pace = Pace(clock=lambda: datetime.now(UTC), sleep=time.sleep, random=Random(1))
    while deliver_one(pipeline.state.engine, pipeline.pack, Console("en", SEOUL, stream), pace):
        pass
    return stream.getvalue()


def opened_by(watcher: Watcher) -> int:
    """How many incidents the next look opens."""
    look = watcher.look()
    assert look is not None
    return look.opened


def incidents(pipeline: Pipeline) -> list[tuple[Any, ...]]:
    found = pipeline.state.incidents_between(NOW - timedelta(days=1), NOW + timedelta(days=1))
    known = [(row["rule"], row["entity_id"], row["opened_minute"]) for row in found]
    return sorted(known, key=lambda incident: incident[2])


def test_a_forced_door_is_told_and_a_late_row_corrects_it(building: Building) -> None:
    forced = [NOW - 20 * MINUTE + n * MINUTE for n in range(3)]
    building.happens("back", "forced", *forced)
    building.happens(None, "opened", NOW - 5 * MINUTE)
    with building.at_work() as pipeline:
        assert set(judge(pipeline, NOW - MINUTE)) == {("forced_entry", "back")}
        assert incidents(pipeline) == [("forced_entry", "back", forced[2])]
        assert "forced entry" in (said := told(pipeline))
        assert "Forced 3 times in the last hour, opened 60 times" in said
        assert "`back`" in said
        ledger = pipeline.state.minutes(Span(NOW - 5 * MINUTE, NOW - 4 * MINUTE))
        assert [(row["rows"], row["quarantined"]) for row in ledger] == [(3, 1)]

        # Two more of another door come late: their incident stands at the minute where it would have stood.
        late = [NOW - 10 * MINUTE, NOW - 9 * MINUTE, NOW - 8 * MINUTE]
        building.happens("front", "forced", *late)
        assert Corrector(pipeline).poll() == late
        assert incidents(pipeline)[1:] == [("forced_entry", "front", late[2])]
        assert "`front`" in told(pipeline)
    with building.at_work() as pipeline:  # and goes on after a restart as if there had been none
        assert judge(pipeline, NOW) == [("forced_entry", "back"), ("forced_entry", "front")]
        span = Span(NOW - timedelta(hours=2), NOW)
        assert not find_faults(pipeline, pipeline.source, span).any
        assert told(pipeline) == ""


def test_a_forced_door_is_told_within_the_second_and_its_minute_agrees(building: Building) -> None:
    start = floor_minute(datetime.now(UTC)) - 2 * MINUTE
    with building.at_work() as pipeline:
        assert judge(pipeline, start) == []
        pipeline.prepare()
        assert pipeline.pack.watch is not None
        watcher = Watcher(pipeline, pipeline.pack.watch)
        try:
            assert opened_by(watcher) == 0
            building.happens("back", "forced", start, start + timedelta(seconds=1))
            building.happens("lift", "forced", start, start)
            assert opened_by(watcher) == 0
            building.happens("back", "forced", start + timedelta(seconds=2))
            building.happens("lift", "opened", start)
            assert opened_by(watcher) == 1
            assert incidents(pipeline) == [("forced_entry", "back", start)]
            assert "`back`" in told(pipeline)
            with psycopg.connect(building.url, autocommit=True) as connection:  # nobody has forced the lift
                connection.execute("DELETE FROM events WHERE kind = 'forced' AND door_id = 'lift'")
            assert judge(pipeline, start + MINUTE) == [("forced_entry", "back")]
            assert told(pipeline) == ""
            assert opened_by(watcher) == 0
            assert len(incidents(pipeline)) == 1
        finally:
            watcher.close()


def test_backtest_reconcile_explain_and_sql_know_the_pack(building: Building) -> None:
    forced = [NOW - 20 * MINUTE + n * MINUTE for n in range(3)]
    building.happens("back", "forced", *forced)
    with building.at_work() as pipeline:
        judge(pipeline, NOW)
        live = incidents(pipeline)
    period = ("--from", (NOW - timedelta(hours=1)).isoformat(), "--to", NOW.isoformat())
    again = building.command("backtest", *period, "--jobs", "1")
    assert (again["incidents_opened"], again["incident_doors"]) == (len(live), 1)
    assert again["signals"] == 18  # from the third time on, each minute of the hour that is left
    assert building.command("reconcile", *period)["differences"] == []
    why = building.command("explain", "back", forced[2].isoformat())
    assert why["accounts"] == [{"rule": "forced_entry", "forced_hour": 3, "needed": 3}]
    assert [row["rule"] for row in why["stored_signals"]] == ["forced_entry"]
    not_yet = building.command("explain", "back", forced[1].isoformat())
    assert not_yet["accounts"][0]["forced_hour"] == 2
    assert not_yet["stored_signals"] == []
    with duckdb.connect(building.settings().catalog, read_only=True) as catalog:
        counted = catalog.execute(
            "SELECT sum(opened_count), sum(forced_count) FROM doors.door_minute"
        ).fetchone()
    assert counted == (3 * 180, 3)


def test_two_packs_share_an_installation_and_nothing_else(building: Building, postgres_url: str) -> None:
    with trade_database(postgres_url) as trade:
        building.environment["MINUTERISK_PACKS"] = "doors,merchants"
        building.environment["MINUTERISK_MERCHANTS_SOURCE_URL"] = trade.source_url
        building.happens("back", "forced", *(NOW - 20 * MINUTE + n * MINUTE for n in range(3)))
        trade.insert(*((n, "shop", "APPROVAL", 100, NOW - n * MINUTE) for n in range(1, 100)))
        both = building.settings()
        with open_pipeline(both) as doors, open_pipeline(both.of("merchants")) as merchants:
            for until in (NOW - 10 * MINUTE, NOW):
                judge(doors, until)
                judge(merchants, until)
            assert [key[:2] for key in incidents(doors)] == [("forced_entry", "back")]
            assert incidents(merchants) == []
            assert merchants.state.publication().files
            assert not {f.path for f in merchants.state.publication().files} & {
                f.path for f in doors.state.publication().files
            }
            assert told(merchants) == ""
            assert "`back`" in told(doors)
            for pipeline in (doors, merchants):
                assert not find_faults(pipeline, pipeline.source, Span(NOW - timedelta(hours=1), NOW)).any
                pipeline.project_catalog()
        with duckdb.connect(both.catalog, read_only=True) as catalog:
            doors_rows = catalog.execute("SELECT count(*) FROM doors.door_minute").fetchone()
            merchants_rows = catalog.execute("SELECT sum(approval_count) FROM merchant_minute").fetchone()
        assert doors_rows == (3 * 180,)
        assert merchants_rows == (99,)
        checked = {finding["check"] for finding in building.command("check", "--no-sample")["findings"]}
        assert {"rights", "merchants: rights"} <= checked


def test_one_process_runs_both_until_it_is_stopped(building: Building, postgres_url: str) -> None:
    with trade_database(postgres_url) as trade, both_at_work(building, trade) as running:
        assert running.stderr is not None
        leads: set[str] = set()
        for line in running.stderr:
            event = json.loads(line) if line.startswith("{") else {}
            leads |= {event["pack"]} if event.get("event") == "run.started" else set()
            if leads == {"doors", "merchants"}:
                break
        running.send_signal(signal.SIGTERM)
        rest = running.communicate(timeout=250)[1]
        assert running.returncode == 0, rest
        assert leads == {"doors", "merchants"}


def test_two_packs_of_one_process_keep_one_pace_in_a_channel(
    building: Building, postgres_url: str, state_engine: Engine
) -> None:
    gap_s = 0.2
    with (
        SlackStandIn(Workspace(messages_per_second=1 / gap_s)) as standin,
        trade_database(postgres_url) as trade,
    ):
        names = {"TOKEN": "xoxb-any", "CHANNEL": "C0RISK", "BASE_URL": standin.url}
        building.environment.update({f"MINUTERISK_SLACK_{name}": value for name, value in names.items()})
        states = [State(state_engine, "", pack, "KRW", "C0RISK") for pack in ("doors", "merchants")]
        hurried = f"from pipeline.tell.channels import Slack; Slack.gap = timedelta(seconds={gap_s})\n"
        with both_at_work(building, trade, f"from datetime import timedelta; {hurried}"):
            for many in (1, 8):  # both are at work once the first of each is told
                for state in states:
                    open_incidents(state, load_pack(state.pack), many)
                wait_until_told(state_engine)
        posted = [stored.posted_at_s for stored in standin.workspace.stored]
        assert len(posted) == standin.requests["chat.postMessage"], "a message was refused: it came too soon"
        assert len(posted) == 2 * (1 + 8), [stored.message["text"] for stored in standin.workspace.stored]
        assert min(later - earlier for earlier, later in pairwise(posted)) >= gap_s


@contextmanager
def both_at_work(building: Building, trade: Trade, first: str = "") -> Iterator[subprocess.Popen[str]]:
    """One process that runs both packs, after these statements."""
    environment = {
        **os.environ,
        **building.environment,
        "MINUTERISK_PACKS": "doors,merchants",
        "MINUTERISK_MERCHANTS_SOURCE_URL": trade.source_url,
        "MINUTERISK_METRICS_PORT": "0",
        "MINUTERISK_LOG_FORMAT": "json",
    }
    start = first + "from pipeline.packs import PACKS; from pipeline.cli import main; import sys\n"
    start += "PACKS['doors'] = 'tests.doors'\nsys.exit(main(['run']))"
    running = subprocess.Popen(
        [sys.executable, "-c", start],
        cwd=DOORS.parents[1],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def wait_until_told(engine: Engine) -> None:
    deadline, query = time.monotonic() + 60, text("SELECT count(*) FROM outbox WHERE status <> 'sent'")
    while True:
        with engine.connect() as connection:
            waiting = connection.execute(query).scalar_one()
        if not waiting:
            return
        assert time.monotonic() < deadline, f"{waiting} messages were not told within a minute"
        time.sleep(0.1)


def test_an_unknown_pack_is_refused_by_name(building: Building) -> None:
    del building
    with pytest.raises(Exception, match="there is no pack 'windows'"):
        load_pack("windows")


def test_a_pack_under_another_one_s_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKS, "gates", "tests.doors")  # its files would be those of the doors
    with pytest.raises(SettingsError, match=r"'gates' of tests\.doors calls itself 'doors'"):
        load_pack("gates")


def test_a_pack_that_runs_alone_does_not_get_the_settings_of_the_first_one(
    building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    del building.environment["MINUTERISK_DOORS_SOURCE_URL"]
    environment = building.environment | {
        "MINUTERISK_PACKS": "merchants,doors",
        "MINUTERISK_METRICS_PORT": "0",
    }
    environment["MINUTERISK_SOURCE_URL"] = "postgresql://merchants/trade"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    seen = Mock()
    monkeypatch.setattr("pipeline.commands.work.stop_on_signals", Mock())
    monkeypatch.setattr("pipeline.commands.work._stand_and_lead", seen)
    assert main(["run", "--pack", "doors"]) == 0
    (call,) = seen.call_args_list
    assert (call.args[0].pack, call.args[0].source_url) == ("doors", None)
    assert main(["run", "--pack", "windows"]) != 0


def test_a_pack_whose_source_is_away_when_it_begins_does_not_end_the_others(
    building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in building.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MINUTERISK_PACKS", "merchants,doors")
    monkeypatch.setenv("MINUTERISK_METRICS_PORT", "0")
    asked: list[str] = []

    def lead(settings: Settings, _metrics: object, _paces: object, stopped: Event) -> None:
        asked.append(settings.pack)
        if settings.pack == "merchants":
            assert stopped.wait(PATIENCE_S)
        elif asked.count("doors") == 1:
            msg = "the source does not answer"
            raise SourceUnavailable(msg, "it is tried again")
        else:
            stopped.set()

    monkeypatch.setattr("pipeline.commands.work.stop_on_signals", Mock())
    monkeypatch.setattr("pipeline.commands.work.AWAY_S", 0.01)
    monkeypatch.setattr("pipeline.commands.work._stand_and_lead", lead)
    assert main(["run"]) == 0
    assert sorted(asked) == ["doors", "doors", "merchants"]


def test_a_signal_that_another_thread_gets_stops_the_run(
    building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (building.environment | {"MINUTERISK_METRICS_PORT": "0"}).items():
        monkeypatch.setenv(name, value)
    ended: list[bool] = []

    def lead(_settings: object, _metrics: object, _paces: object, stopped: Event) -> None:
        time.sleep(1)  # the main thread waits by now
        signal.pthread_kill(get_ident(), signal.SIGTERM)
        ended.append(stopped.wait(PATIENCE_S))

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr("pipeline.commands.work._stand_and_lead", lead)
    try:
        assert main(["run"]) == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert ended == [True]

"""What the command line shows: names of strangers, times, who acknowledged, terminals of every kind."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING

import click
import psycopg
import pytest

from pipeline.cli import LazyGroup, main
from pipeline.figures import width
from tests.integration.test_cli import NOON, START, stamp, working_home

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.test_cli import Home

HOSTILE = "\x1b]0;owned\x07\x1b[2J\nRED\u202e 튼튼 마트 " + "긴 이름 " * 30
MERCHANTS = """
    CREATE TABLE IF NOT EXISTS merchants (merchant_id text PRIMARY KEY, name text, category text,
        settlement_cycle_days int, opened_on date)
"""
ISO_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00|Z)")
A_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


@pytest.fixture(scope="module")
def work(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with one open incident, of a merchant whose name does what it can."""
    made = working_home(postgres_url, tmp_path_factory.mktemp("text"))
    with psycopg.connect(made.environment["MINUTERISK_STATE_URL"], autocommit=True) as state:
        state.execute("UPDATE incident SET entity_name = %s", [HOSTILE])
        state.execute(
            "UPDATE outbox SET message = jsonb_set(message, '{entity_name}', %s)", [json.dumps(HOSTILE)]
        )
        state.execute("UPDATE outbox SET last_error = %s", [HOSTILE])
    return made


def acting(text: str) -> list[str]:
    return [c for c in text if c != "\n" and unicodedata.category(c)[0] == "C"]


SHOWN = [
    ("incidents", "list"),
    ("incidents", "list", "--all"),
    ("incidents", "show", "1"),
    ("outbox", "list"),
    ("outbox", "show", "1"),
    ("incidents", "route", "--explain", "1"),
    ("explain", "shop", stamp(NOON)),
    ("backtest", "--from", stamp(NOON), "--to", stamp(NOON + timedelta(minutes=2))),
    ("reconcile", "--from", stamp(START), "--to", stamp(NOON)),
    (
        "sql",
        "-c",
        "SELECT chr(27) || ']0;owned' || chr(7) || chr(8238) AS name, TIMESTAMPTZ '2026-03-10' AS t",
    ),
    ("check",),
    ("budget",),
]


@pytest.mark.parametrize("command", SHOWN, ids=lambda c: " ".join(c[:2]))
def test_nothing_that_is_printed_acts_on_the_terminal_and_every_time_names_its_zone(
    work: Home, command: tuple[str, ...]
) -> None:
    ran = work.inside(*command)
    assert ran.code == 0, ran
    assert acting(ran.out + ran.err) == []
    if command[0] != "sql":
        times = [ran.out[m.end() : m.end() + 20] for m in A_TIME.finditer(ran.out)]
        assert [t for t in times if not re.match(r"(:\d\d)? KST|[\d:.]*(Z|\+00:00)", t)] == []


@pytest.mark.parametrize("command", SHOWN, ids=lambda c: " ".join(c[:2]))
def test_every_time_in_json_is_iso_in_utc(work: Home, command: tuple[str, ...]) -> None:
    ran = work.inside(*command, "--json")
    assert acting(ran.out) == []
    texts: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for part in value.values():
                walk(part)
        elif isinstance(value, list):
            for part in value:
                walk(part)
        elif isinstance(value, str):
            texts.append(value)

    walk(ran.last)
    times = [text for text in texts if A_TIME.match(text)]
    assert [text for text in times if not ISO_UTC.fullmatch(text)] == []
    assert times or command[0] in ("check", "budget")


def test_a_table_has_a_line_an_incident_and_its_name_is_cut(work: Home) -> None:
    head, line = work.inside("incidents", "list").out.splitlines()
    assert "]0;owned[2J RED 튼튼 마트 긴 이…" in line
    assert "2026-03-10 21:00 KST" in line
    assert width(head[: head.index("opened_minute")]) == width(line[: line.index("2026-03-10")])


def test_a_time_read_in_a_message_explains_the_minute_that_was_meant(work: Home) -> None:
    for spelling in ("2026-03-10 21:00", "2026-03-10 21:00 KST", stamp(NOON), "2026-03-10T21:00+09:00"):
        ran = work.inside("explain", "shop", spelling, "--json")
        assert ran.last["minute"] == NOON.isoformat()
        assert (spelling == "2026-03-10 21:00") == ("is taken in Asia/Seoul" in ran.err)
    ran = work.inside("explain", "shop", "2026-03-10 21:00")
    assert "2026-03-10 21:00 is taken in Asia/Seoul: 2026-03-10 21:00 KST, 2026-03-10T12:00Z" in ran.err
    assert "minute 2026-03-10 21:00 KST" in ran.out
    span = ("--from", "2026-03-10 20:50", "--to", "2026-03-10 21:01", "--json")
    assert work.inside("backtest", *span).last["from"] == (NOON - timedelta(minutes=10)).isoformat()


def test_a_business_zone_that_cannot_be_read_is_named_before_a_time_is_taken_in_it(work: Home) -> None:
    ran = work.inside("explain", "shop", "2026-03-10 21:00", business_timezone="Seoul")
    assert ran.code == 2
    assert "MINUTERISK_BUSINESS_TIMEZONE" in ran.err


@pytest.mark.parametrize("name", ["", "  ", "\n\t", "\u200b\u202e"])
def test_nobody_acknowledges_without_a_name(work: Home, name: str) -> None:
    ran = work.inside("incidents", "ack", "1", "--by", name)
    assert ran.code == 2
    assert "--by NAME" in ran.err
    assert work.inside("incidents", "ack", "1").code == 2
    assert work.inside("incidents", "--json").last["incidents"][0]["status"] == "open"


def test_who_acknowledged_is_told_and_nobody_acknowledges_again(work: Home) -> None:
    assert work.inside("incidents", "ack", "1", "--by", " 김위험\x1b[2J ").code == 0
    again = work.inside("incidents", "ack", "1", "--by", "lee")
    assert again.code == 2
    assert re.search(r"already acknowledged by 김위험\[2J at \d{4}-\d\d-\d\d \d\d:\d\d KST", again.err)
    assert "김위험[2J" in work.inside("incidents", "list").out
    told = work.inside("outbox", "show", "2", "--json").last["message"]
    assert (told["event"], told["acknowledged_by"]) == ("acknowledged", "김위험[2J")
    with psycopg.connect(work.environment["MINUTERISK_STATE_URL"], autocommit=True) as state:
        state.execute(
            "UPDATE incident SET status = 'resolved', resolved_at = now(),"
            " resolved_minute = last_breach_minute + interval '1 minute'"
        )
    late = work.inside("incidents", "ack", "1", "--by", "lee")
    assert late.code == 2
    assert "is resolved since 2026-03-10 21:05 KST; it was acknowledged by 김위험[2J" in late.err
    missing = work.inside("incidents", "ack", "99", "--by", "lee")
    assert "there is no incident 99" in missing.err


@pytest.mark.parametrize("encoding", ["ascii", "euc-kr", "utf-8"])
def test_a_terminal_that_does_not_know_a_letter_gets_an_escape(work: Home, encoding: str) -> None:
    environment = {**work.environment, "PYTHONIOENCODING": encoding, "LC_ALL": "C"}
    for arguments in (["incidents", "list", "--all"], ["incidents", "list", "--all", "--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *arguments],
            capture_output=True,
            cwd=work.folder,
            env=environment,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        if "--json" in arguments:
            found = json.loads(done.stdout.decode("ascii" if encoding != "utf-8" else "utf-8"))
            assert found["incidents"][0]["merchant_name"] == HOSTILE


def test_a_reader_that_has_gone_is_no_failure(work: Home) -> None:
    asked = "SELECT range FROM range(300000)"
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "sql", "-c", asked, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=work.folder,
        env=work.environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        os.close(os.dup(process.stdout.fileno()))
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_a_reader_that_goes_while_a_command_writes_is_no_failure_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def write() -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(LazyGroup, "get_command", lambda *_: click.Command("write", callback=write))
    monkeypatch.setattr("pipeline.cli._unread", lambda: 0)  # it takes the output of the whole process away
    assert main(["write"]) == 0


def test_an_error_shows_what_it_was_given_without_its_escapes(
    work: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in work.environment.items():
        if name.startswith("MINUTERISK_"):
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "\x1b]0;owned\x07shop\u202e", stamp(NOON)]) == 2
    assert acting(capsys.readouterr().err) == []

"""The same numbers wherever they are read: database, files, message, report, and every screen."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psycopg
import pytest
import streamlit as st
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from app.format import won_short
from app.merchants.words import WORDS
from app.texts import LANGUAGES
from pipeline.cli import main
from pipeline.minute import MINUTE, Span, business_date, business_day, floor_minute
from pipeline.packs.merchants import PACK
from pipeline.store.database import connect_state
from pipeline.tell.words import TEXTS
from tests.app.seen import SCRIPT, run_again, show_screen, text_of
from tests.integration.delivery import make_channel, make_standin, make_world
from tests.integration.morning import ordinary
from tests.integration.trade_home import pipeline_of, state_database, trade_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from tests.integration.trade_home import Trade

SEOUL = ZoneInfo("Asia/Seoul")
HISTORY = timedelta(hours=30)
JUDGED = 5 * MINUTE
RATES = ("approvals_hour", "cancels_hour", "approvals_week", "cancels_week")
#: What people read, as it is written; each finds its numbers in the order of the names.
SAID: Mapping[str, list[tuple[str, tuple[str, ...]]]] = {
    "ko": [
        (r"최근 1시간 취소 ([\d,]+)건 / 승인 ([\d,]+)건", ("cancels_hour", "approvals_hour")),
        (r"지난 7일 취소 ([\d,]+)건 / 승인 ([\d,]+)건", ("cancels_week", "approvals_week")),
        (r"사건 (\d+)", ("incident",)),
        (r"위험 금액 ([\d,]+)원|([\d,]+)원\s+위험 금액", ("at_risk",)),
    ],
    "en": [
        (r"([\d,]+) cancels to ([\d,]+) approvals in the last hour", ("cancels_hour", "approvals_hour")),
        (r"the 7-day rate of ([\d,]+) to ([\d,]+)", ("cancels_week", "approvals_week")),
        (r"Incident (\d+)", ("incident",)),
        (r"At risk KRW ([\d,]+)|₩([\d,]+)\s+(?:At risk|Money at risk)", ("at_risk",)),
    ],
}


@dataclass(frozen=True)
class Installation:
    """One that has judged five minutes, with a surge of cancels in the second."""

    engine: Engine
    trade: Trade
    start: datetime
    folder: Path

    def one(self, query: str) -> dict[str, Any]:
        with self.engine.connect() as connection:
            return dict(connection.execute(text(query)).mappings().one())


@pytest.fixture(scope="module")
def judged(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Trade, str, datetime, Path]]:
    """The last minutes of a real pipeline: the screens read the clock on the wall.

    Its trade database, its operational one that nobody uses, the first judged minute, and its folder.
    """
    start, folder = floor_minute(datetime.now(UTC)) - 2 * JUDGED, tmp_path_factory.mktemp("same")
    with trade_database(postgres_url) as trade, state_database(postgres_url) as state_url:
        ordinary(trade, start - HISTORY, start + JUDGED)
        settled, paid = (start - timedelta(days=3)).date(), start - timedelta(days=2)
        trade.execute(f"INSERT INTO settlements VALUES ('M0', '{settled}', 1000000, '{paid}')")
        trade.insert(*((900_000 + n, "M0", "CANCEL", 5001, start + MINUTE) for n in range(30)))
        with pipeline_of(trade, state_url, folder / "home") as pipeline:
            pipeline.backfill(Span(start - HISTORY, start))
            list(pipeline.catch_up(start + JUDGED))
        yield trade, urlsplit(state_url).path[1:], start, folder


@pytest.fixture
def made(
    postgres_url: str, judged: tuple[Trade, str, datetime, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """It, with an operational database of its own: nobody has been told yet."""
    trade, database, start, folder = judged
    with state_database(postgres_url, database) as state_url:
        given = {"home": str(folder / "home"), "state_url": state_url, "source_url": trade.source_url}
        for name, value in {**given, "policy": "supported"}.items():
            monkeypatch.setenv(f"MINUTERISK_{name.upper()}", value)
        st.cache_data.clear()
        engine = connect_state(state_url)
        yield Installation(engine, trade, start, folder)
        engine.dispose()
        st.cache_resource.clear()  # closes the doors


def read(language: str, said: str) -> dict[str, Any]:
    """The numbers that a text tells people, and the minute since when."""
    found: dict[str, Any] = {}
    for pattern, names in SAID[language]:
        match = re.search(pattern, said)
        assert match, (pattern, said)
        numbers = [int(one.replace(",", "")) for one in match.groups() if one is not None]
        found |= dict(zip(names, numbers, strict=True))
    return found


def of_snapshot(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The row of the newest published snapshot of the book."""
    names = ", ".join((*PACK.parts, *PACK.figures))
    asked = f"SELECT {names} FROM exposure WHERE merchant_id = 'M0' ORDER BY minute DESC LIMIT 1"
    (row,) = command(capsys, "sql", "-c", asked)["rows"]
    return dict(row)


def money_of_command(capsys: pytest.CaptureFixture[str], number: int) -> dict[str, Any]:
    shown = command(capsys, "incidents", "show", str(number))
    (listed,) = command(capsys, "incidents", "list")["incidents"]
    names = (*PACK.parts, *PACK.figures)
    assert {name: listed[name] for name in names} == {name: shown[name] for name in names}
    return {name: shown[name] for name in names}


def minute_of(said: str) -> datetime:
    match = re.search(r"(\d{4}-\d\d-\d\d \d\d:\d\d) KST", said)
    assert match, said
    return datetime.strptime(match[1], "%Y-%m-%d %H:%M").replace(tzinfo=SEOUL).astimezone(UTC)


def of_database(made: Installation) -> dict[str, Any]:
    row = made.one("SELECT incident_id, at_risk, opened_minute, latest_reason AS reason FROM incident")
    told = {"incident": row["incident_id"], "at_risk": int(row["at_risk"]), "opened": row["opened_minute"]}
    return {**told, **{name: row["reason"][name] for name in RATES}}


def command(capsys: pytest.CaptureFixture[str], *words: str) -> Any:  # noqa: ANN401 - JSON
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def of_sql(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The newest signal in the published files."""
    names = ", ".join(RATES)
    asked = f"SELECT {names}, min(minute) OVER () AS opened FROM signal ORDER BY minute DESC LIMIT 1"
    (row,) = command(capsys, "sql", "-c", asked)["rows"]
    return {**row, "opened": datetime.fromisoformat(row["opened"])}


def of_command(capsys: pytest.CaptureFixture[str], number: int) -> dict[str, Any]:
    shown = command(capsys, "incidents", "show", str(number))
    told = {"incident": shown["incident_id"], "at_risk": int(shown[PACK.at_risk_name])}
    opened = datetime.fromisoformat(shown["opened_minute"])
    return {**told, "opened": opened, **{name: shown["latest_reason"][name] for name in RATES}}


def message_of(made: Installation, language: str) -> str:
    """What stands in the channel."""
    with make_standin() as slack:
        world = make_world(made.engine, slack)
        channel = make_channel(slack.url, 10)
        channel._language = language
        replace(world, channel=channel).drain()
        (message,) = slack.messages
    return json.dumps(message["blocks"], ensure_ascii=False).replace("*", "").replace("\\n", "\n")


def of_message(said: str, language: str) -> dict[str, Any]:
    # Other times stand in it as well: until when an action helps.
    _, _, minute = said.rpartition(f"{TEXTS[language]['minute']}\n")
    return {**read(language, said), "opened": minute_of(minute)}


def money_in(said: str, language: str) -> dict[str, Any]:
    """Each part and figure by its word, with what stands behind it: an amount, a day, or None for unknown."""
    found: dict[str, Any] = {}
    value = r"(\d{4}-\d\d-\d\d|-?\d+(?:,\d{3})*|알 수 없음|unknown|not known)"
    for name in (*PACK.parts, *PACK.figures):
        match = re.search(rf"{re.escape(PACK.words[language][name])}\s+(?:KRW |₩)?{value}", said)
        if match is not None:
            text = match[1]
            unknown = not text[-1].isdigit()
            found[name] = None if unknown else text if "-" in text[1:] else int(text.replace(",", ""))
    return found


def daily_report(made: Installation, *, about: str) -> str:
    """The text of `minuterisk report`, and the whole file holds what was signed."""
    path = made.folder / f"report-{about}.html"
    assert main(["report", about, "--output", str(path)]) == 0
    assert main(["report", "--verify", str(path)]) == 0
    page = re.sub(r"<(script|style).*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def screen(name: str, **query: str) -> str:
    tested = AppTest.from_file(SCRIPT, default_timeout=60)
    show_screen(tested, name)
    for key, value in query.items():
        tested.query_params[key] = value
    return " ".join(text_of(run_again(tested)).split())


def of_incident_screen(language: str, number: int) -> dict[str, Any]:
    said = screen("incidents", incident=str(number))
    since = LANGUAGES[language]["incidents.since"].partition(" · ")[0]
    opened = re.search(since.format(time=r"(\d{4}-\d\d-\d\d \d\d:\d\d KST)"), said)
    assert opened, said
    words = {**LANGUAGES[language], **WORDS[language]}
    for name in RATES:  # the table of the stored reason, beside the sentence
        row = re.search(rf"{re.escape(words[f'number.{name}'])} ([\d,]+) ([\d,]+)", said)
        assert row, (name, said)
        assert read(language, said)[name] == int(row[2].replace(",", ""))
    return {**read(language, said), "opened": minute_of(opened[1])}


def of_report(made: Installation, capsys: pytest.CaptureFixture[str], language: str) -> dict[str, Any]:
    """What a backtest of the same minutes finds, as its report draws it and its file of signals says."""
    report, signals = made.folder / "report.html", made.folder / "signals.txt"
    span = ("--from", made.start.isoformat(), "--to", (made.start + JUDGED).isoformat())
    found = command(capsys, "backtest", *span, "--html", str(report), "--signals", str(signals))
    page = report.read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in page
    point = re.search(r'"text":\["\S+ M0"\],"x":\["([^"]+)"\],"y":\[([\d.]+)\]', page)
    assert point, "no point of the incident in the report"
    return {
        "opened": datetime.fromisoformat(point[1]).replace(tzinfo=SEOUL).astimezone(UTC),
        "times": float(point[2]),
        "incidents": found["incidents_opened"],
    }


@pytest.mark.parametrize("language", ["ko", "en"])
def test_an_incident_has_the_same_numbers_wherever_it_is_read(
    made: Installation, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAGE", language)
    kept = of_database(made)
    assert kept["at_risk"] == 1_000_000
    assert kept["cancels_hour"] >= 30
    assert of_command(capsys, kept["incident"]) == kept
    money = of_snapshot(capsys)
    assert money == money_of_command(capsys, kept["incident"])
    amounts = {value for value in money.values() if isinstance(value, int)}
    assert len(amounts) > 1
    for said in (screen("incidents", incident=str(kept["incident"])), screen("entity", id="M0")):
        assert [amount for amount in amounts if f"{amount:,}" not in said] == []
    assert of_sql(capsys) == {name: kept[name] for name in (*RATES, "opened")}
    message = message_of(made, language)
    assert of_message(message, language) == kept
    report = daily_report(made, about=str(kept["incident"]))
    assert money_in(report, language) == money
    # The interval and the day stand behind their figure there, under no word of their own.
    beside = ("_low", "_high", "_date")
    assert money_in(message, language) == {n: said for n, said in money.items() if not n.endswith(beside)}
    assert of_incident_screen(language, kept["incident"]) == kept
    reason = {name: kept[name] for name in RATES}
    assert PACK.deviation is not None
    found = of_report(made, capsys, language)
    assert (found["opened"], found["incidents"]) == (kept["opened"], 1)
    assert found["times"] == pytest.approx(PACK.deviation("cancel_surge", reason))
    short = won_short(kept["at_risk"], language)
    assert short in screen("")  # by money at risk, at a glance
    assert short in screen("entity", id="M0")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_counts_of_the_day_are_those_of_the_source_and_of_the_files(
    made: Installation, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAGE", language)
    day = business_day(business_date(datetime.now(UTC), SEOUL), SEOUL).start
    asked = (
        "SELECT coalesce(sum(approval_count), 0) AS approvals, coalesce(sum(cancel_count), 0) AS cancels"
        f" FROM merchant_minute WHERE minute >= TIMESTAMPTZ '{day.isoformat()}'"
    )
    (files,) = command(capsys, "sql", "-c", asked)["rows"]
    assert (files["approvals"], files["cancels"]) == of_source(made.trade, day, made.start + JUDGED)
    if not files["approvals"]:
        return  # midnight is a few minutes ago
    said = screen("")
    for number in (files["approvals"], files["cancels"]):
        assert f" {number:,} " in said


def of_source(trade: Trade, start: datetime, end: datetime) -> tuple[int, int]:
    """Approvals and cancels that the company's own table has."""
    counted = "count(*) FILTER (WHERE kind = '{}')"
    query = f"SELECT {counted.format('APPROVAL')}, {counted.format('CANCEL')} FROM transactions"
    with psycopg.connect(trade.owner_url) as connection:
        found = connection.execute(
            f"{query} WHERE occurred_at >= %s AND occurred_at < %s".encode(), (start, end)
        ).fetchone()
    assert found is not None
    return found[0], found[1]

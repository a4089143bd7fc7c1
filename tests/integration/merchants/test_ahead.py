"""A bankruptcy judged again, and a month foreseen: from a company's tables to commands and alarms."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from app.door import Door
from baselines.calendar import is_rest_day
from data.merchants.trade import insert_settlements, insert_transactions
from pipeline.alarms import open_alarms
from pipeline.catch_up import no_progress
from pipeline.cli import main
from pipeline.minute import MINUTE, Span, business_date, business_day
from pipeline.online.merchants.beside import look_ahead
from pipeline.replay.regret import keep, kept_in, labelled_true_in, live_regrets
from pipeline.replay.relived import relive
from pipeline.replay.score import LABEL
from pipeline.schema import UTC_TIME
from tests.integration.quiet import queries
from tests.integration.trade_home import pipeline_of, state_database, trade_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

SEOUL = ZoneInfo("Asia/Seoul")
TODAY = business_date(datetime.now(UTC), SEOUL)
DAYS = 6
PER_DAY = 400  # sales of each merchant and day, of 1,000 won


def before(day: date, business_days: int) -> date:
    while business_days:
        day -= timedelta(days=1)
        business_days -= not is_rest_day(day, "KR")
    return day


#: The shop fails on this day at 09:40; at 10:00 it is paid what it sold the day before.
FAILS = before(TODAY - timedelta(days=1), 1)
FAILS_AT = datetime.combine(FAILS, time(9, 40), SEOUL).astimezone(UTC)
END = FAILS_AT + timedelta(hours=8)
FIRST = min(TODAY.replace(day=1), FAILS - timedelta(days=DAYS))


@dataclass(frozen=True)
class Home:
    pipeline: Pipeline
    trade: Trade
    queries: Path


@pytest.fixture(scope="module")
def home(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    asked = queries(folder / "queries")
    with trade_database(postgres_url) as trade, state_database(postgres_url) as state_url:
        insert_transactions(trade.owner_url, transactions())
        insert_settlements(trade.owner_url, settlements())
        given = {"source_queries": str(asked)}
        with pipeline_of(trade, state_url, folder / "data", **given) as pipeline:
            start = business_day(FAILS - timedelta(days=DAYS), SEOUL).start
            pipeline.backfill(Span(start, END + 10 * MINUTE))
            yield Home(pipeline, trade, asked)


def transactions() -> pl.DataFrame:
    """Two shops that sell alike; buyers of one cancel 300 sales of the day before, from 09:40 on."""
    start = business_day(FAILS - timedelta(days=DAYS), SEOUL).start
    step = timedelta(days=1) / PER_DAY
    every = [start + n * step for n in range(DAYS * PER_DAY)]
    sold = [
        (f"{shop}{n}", shop, "APPROVAL", 1_000, at, None)
        for shop in ("fails", "lasts")
        for n, at in enumerate(every)
    ]
    day_before = business_day(FAILS - timedelta(days=1), SEOUL).start
    cancelled = [
        (f"c{n}", "fails", "CANCEL", 1_000, FAILS_AT + n * timedelta(seconds=30), day_before + n * MINUTE)
        for n in range(300)
    ]
    columns = pl.Schema(
        {
            "transaction_id": pl.String(),
            "merchant_id": pl.String(),
            "kind": pl.String(),
            "amount": pl.Int64(),
            "occurred_at": UTC_TIME,
            "original_occurred_at": UTC_TIME,
        }
    )
    frame = pl.DataFrame(sold + cancelled, columns, orient="row")
    return frame.with_columns(transaction_id=pl.Series(np.arange(1, frame.height + 1)))


def settlements() -> pl.DataFrame:
    """Each day is paid out the next at 10:00; the day of the failure is not, within what is looked at."""
    days = [FAILS - timedelta(days=n) for n in range(DAYS, 0, -1)]
    rows = [
        (
            shop,
            day,
            1_000 * PER_DAY,
            datetime.combine(day + timedelta(days=1), time(10), SEOUL).astimezone(UTC),
        )
        for shop in ("fails", "lasts")
        for day in days
    ]
    schema = pl.Schema(
        {
            "merchant_id": pl.String(),
            "business_date": pl.Date(),
            "amount": pl.Int64(),
            "settled_at": UTC_TIME,
        }
    )
    return pl.DataFrame(rows, schema, orient="row")


def labels() -> pl.DataFrame:
    row = {"label": "shop fails", "rule": "cancel_surge", "start": FAILS_AT, "end": END, "expected": "alarm"}
    return pl.DataFrame([{**row, "entity_id": "fails"}], LABEL)


def environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = home.pipeline.settings
    given = {
        "HOME": str(settings.home),
        "SOURCE_URL": settings.source_url,
        "STATE_URL": settings.state_url,
        "SOURCE_QUERIES": str(home.queries),
        "POLICY": "supported",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"MINUTERISK_{name}", value or "")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def kept_days(pipeline: Pipeline) -> list[dict[str, Any]]:
    """As the page reads them."""
    with closing(Door(pipeline.settings)) as door:
        return door.rows("ops/forecasts", {"at_most": 5})


def test_three_lines_of_a_bankruptcy(home: Home) -> None:
    """300,000 won were cancelled after their payout or just before it; that of 10:00 was 400,000."""
    pipeline = home.pipeline
    [found] = relive(pipeline.settings, pipeline.state, pipeline.lake, labels(), no_progress, jobs=1)
    assert found.told_at is not None
    assert FAILS_AT < found.told_at < FAILS_AT + 15 * MINUTE
    assert (found.without, found.at_once, found.hour_later, found.kept) == (300_000, 0, 300_000, 300_000)
    assert [lost for _, lost in found.curve] == [0, 300_000, 300_000]
    assert found.curve[1][0] == datetime.combine(FAILS, time(10, 1), SEOUL)  # held from 10:01 on: it is gone
    assert found.until == END


def test_what_was_judged_again_is_kept_for_reports(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment(home, monkeypatch)
    file = tmp_path / "labels.parquet"
    labels().rename({"entity_id": "merchant_id"}).write_parquet(file)
    [said] = run(capsys, "regret", "--labels", str(file), "--jobs", "1")["regrets"]
    state, lake = home.pipeline.state, home.pipeline.lake
    [kept] = kept_in(state, business_day(FAILS, SEOUL))
    assert kept.as_json() == said
    keep(state, [kept])  # again, instead of what was there
    assert len(kept_in(state, business_day(FAILS, SEOUL))) == 1
    assert kept_in(state, business_day(FAILS - timedelta(days=2), SEOUL)) == []
    assert labelled_true_in(state, business_day(FAILS, SEOUL)) == []
    assert live_regrets(state, lake, []) == []
    assert run(capsys, "regret", "--labels", "live")["regrets"] == []
    assert main(["regret", "--labels", str(file), "--jobs", "1"]) == 0
    shown = capsys.readouterr().out
    assert "nobody acts" in shown
    assert "300,000" in shown


def disputes(trade: Trade, per_day: int) -> None:
    trade.execute("TRUNCATE disputes")
    trade.execute(
        f"INSERT INTO disputes SELECT 'fails', day::date, 'dispute', {per_day}, {per_day} * 20.5"
        f" FROM generate_series('{FIRST}'::date, '{TODAY - timedelta(days=1)}'::date, '1 day') AS day"
    )
    month = (TODAY.replace(day=1) - timedelta(days=1)).replace(day=1)
    trade.execute(f"INSERT INTO disputes VALUES ('fails', '{month}', 'sales', 1000, NULL)")


def outlook(content: dict[str, Any], programme: str, merchant: str | None) -> dict[str, Any]:
    [found] = [
        one for one in content["outlooks"] if (one["programme"], one["merchant_id"]) == (programme, merchant)
    ]
    return dict(found)


def test_a_month_is_foreseen_once_a_day_kept_and_told(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = home.pipeline
    disputes(home.trade, 200)
    look_ahead(pipeline)
    [kept] = kept_days(pipeline)
    assert kept["day"] == TODAY
    hecm = outlook(kept["result"], "mastercard_hecm", "fails")
    if TODAY.day > 2:  # two days of 200 are 300 already
        assert (hecm["status"], hecm["sales"], hecm["counted"]) == ("breached", 1_000, 200 * (TODAY.day - 1))
    told = {alarm.subject for alarm in open_alarms(pipeline.state.engine, pipeline.state.url, "merchants")}
    assert {"mastercard_ecm", "mastercard_hecm"} <= told
    home.trade.execute("TRUNCATE disputes")
    look_ahead(pipeline)  # today's is there already
    assert kept_days(pipeline) == [kept]
    forget(pipeline)
    look_ahead(pipeline)
    assert not any(
        a.name == "limit.ahead" for a in open_alarms(pipeline.state.engine, pipeline.state.url, "merchants")
    )
    disputes(home.trade, 200)
    environment(home, monkeypatch)
    assert outlook(run(capsys, "forecast"), "mastercard_hecm", "fails")["sales"] == 1_000
    assert main(["forecast"]) == 0
    assert "mastercard_hecm" in capsys.readouterr().out


def forget(pipeline: Pipeline) -> None:
    with pipeline.state.changing() as connection:
        connection.exec_driver_sql("DELETE FROM forecast")


def failing(pipeline: Pipeline) -> dict[str, str]:
    found = open_alarms(pipeline.state.engine, pipeline.state.url, "merchants")
    return {alarm.subject: alarm.what for alarm in found if alarm.name == "ornament.failing"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 'm' AS merchant_id, 'fraud' AS kind, 1 AS count", "no column day"),
        ("SELECT * FROM no_such_table", "no_such_table"),
        (
            "SELECT 'm' AS merchant_id, now() AS day, 'gift' AS kind, 1 AS count",
            "kind_unknown (merchant_id m",
        ),
    ],
)
def test_a_query_that_is_wrong_is_an_alarm_and_is_tried_again(home: Home, query: str, said: str) -> None:
    forget(home.pipeline)
    file = home.queries / "disputes.sql"
    shipped = file.read_text(encoding="utf-8")
    try:
        file.write_text(query, encoding="utf-8")
        look_ahead(home.pipeline)
        assert said in failing(home.pipeline)["disputes"]
        file.write_text("-- nothing is given", encoding="utf-8")
        forget(home.pipeline)
        look_ahead(home.pipeline)
        assert "disputes" not in failing(home.pipeline)
        [kept] = kept_days(home.pipeline)
        assert kept["result"]["missing"] == ["disputes", "custody"]
    finally:
        file.write_text(shipped, encoding="utf-8")
        forget(home.pipeline)


def test_what_is_held_outside_is_held_against_the_book(home: Home) -> None:
    """The book of this home publishes no snapshot in history, so that what is owed is not known."""
    file = home.queries / "custody.sql"
    file.write_text("SELECT current_date AS day, 5 AS amount", encoding="utf-8")
    try:
        forget(home.pipeline)
        look_ahead(home.pipeline)
        [kept] = kept_days(home.pipeline)
        custody = outlook(kept["result"], "custody_ratio_kr", None)
        assert (custody["status"], custody["why"]) == ("unknown", "exposure")
        assert "custody" not in kept["result"]["missing"]
    finally:
        file.write_text("-- nothing is given", encoding="utf-8")

"""An ornament never stops the main thing: whatever is wrong with it, the incident goes out and says so."""

from __future__ import annotations

import shutil
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from sqlalchemy import text

from pipeline.alarms import open_alarms
from pipeline.alarms.ornaments import ORNAMENTS
from pipeline.commands import work
from pipeline.errors import LakeDamaged, SourceValueWrong
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.prove.corrector import Corrector
from pipeline.prove.proof import find_faults
from pipeline.service import Service
from pipeline.tell.channels import Console
from pipeline.tell.message import read_message, render_text
from tests.integration.trade_home import pipeline_of, state_database, trade_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

SHIPPED = Path(__file__).resolve().parents[2] / "queries" / "extract" / "postgresql"
SEOUL = ZoneInfo("Asia/Seoul")
START = floor_minute(datetime.now(UTC)) - timedelta(hours=4)
MERCHANTS = 150
UNKNOWN = "위험 금액 알 수 없음"


def gives(paid_out: str, settled_through: str = "current_date - 3", name: str = "'Shop'") -> str:
    """A query that gives every merchant asked for the same."""
    return (
        f"SELECT m AS merchant_id, {name} AS merchant_name, {settled_through} AS settled_through,"
        f" {paid_out} AS paid_out FROM unnest(%(merchants)s::text[]) AS m"
    )


PAID = 8_100_000_000
#: Other types than BIGINT and DATE that say the same.
GOOD = {
    "a sum without ::bigint": gives("8100000000.00::numeric"),
    "a float": gives("8.1e9::double precision"),
    "text": gives("'8100000000'", "'2026-01-02'"),
    "a timestamp": gives("8100000000", "'2026-01-02T00:00:00'::timestamp"),
    "a timestamp with a zone": gives("8100000000", "now() - interval '3 days'"),
    "a date before any year": gives("8100000000", "'0001-01-01'::date"),
    "more columns": gives("8100000000").replace(" FROM", ", 1 AS more FROM"),
    "a name of another type": gives("8100000000", name="42"),
    "a name without end": gives("8100000000", name="repeat('가', 100000)"),
    "every row twice": f"SELECT * FROM ({gives('8100000000')}) AS r, generate_series(1, 2)",
    "padded ids": gives("8100000000").replace("m AS", "rpad(m, 20) AS"),
}
#: What makes the money of a merchant not known, with a part of what the alarm says; None: nothing is wrong.
BAD: dict[str, tuple[str, str | None]] = {
    "no rows": (f"{gives('0')} WHERE false", None),
    "null": (gives("NULL::bigint", "NULL::date"), None),
    "null of a merchant that was paid": (gives("NULL::bigint"), None),
    "a column gone": (
        "SELECT m AS merchant_id FROM unnest(%(merchants)s::text[]) m",
        "no column merchant_name",
    ),
    "no such column": (gives("nothing"), "nothing"),
    "no such table": ("SELECT 1 FROM nowhere WHERE %(merchants)s IS NOT NULL", "nowhere"),
    "no query": ("SELEC", "SELEC"),
    "an empty file": ("", ""),
    "two queries": (f"{gives('0')}; SELECT 1", "cannot insert multiple commands"),
    "another parameter": (gives("%(minute)s"), "minute"),
    "a percent sign": (gives("5 % 3"), "%"),
    "it writes": ("DELETE FROM transactions RETURNING 1", "denied|read-only"),
    "a runtime error": (gives("1 / (length(m) - length(m))"), "division by zero"),
    "an infinite date": (gives("5", "'infinity'::date"), "settled_through is infinity"),
    "a date before all": (gives("5", "'-infinity'::date"), "settled_through is -infinity"),
    "a year of five digits": (gives("5", "'12345-01-01'::date"), "settled_through is 12345"),
    "a date to come": (gives("5", "current_date + 30"), "has not come yet"),
    "an infinite time": (gives("5", "'infinity'::timestamptz"), "settled_through is infinity"),
    "a date that is a number": (gives("5", "20260101"), "no date"),
    "not a number": (gives("'NaN'::numeric"), "NaN"),
    "a float that is none": (gives("'NaN'::float8"), "nan"),
    "an infinite number": (gives("'Infinity'::numeric"), "Infinity"),
    "negative": (gives("-5"), "negative"),
    "a fraction": (gives("0.5"), "whole number"),
    "past 64 bits": (gives("1e30::numeric"), "more than there is"),
    "past everything": (gives("1e1000::numeric"), "more than there is"),
    "true": (gives("true"), "type bool"),
    "an array": (gives("ARRAY[5]"), "type list"),
    "words": (gives("'5,000'"), "no exact number"),
    "paid, but not for which day": (gives("5", "NULL::date"), "settled_through is null"),
    "two rows that differ": (f"{gives('5')} UNION ALL {gives('6')}", "two rows that differ"),
    "other merchants": (gives("5").replace("m AS", "'other' AS"), "nobody asked for"),
    "merchants without an id": (gives("5").replace("m AS", "NULL AS"), "nobody asked for"),
    "too slow": (f"SELECT * FROM ({gives('5')}) AS r, pg_sleep(20)", "ended our query|took too long"),
}
WAYS = {**{name: (query, None) for name, query in GOOD.items()}, **BAD}


@dataclass
class Home:
    """A pipeline with many merchants of a quiet day, and queries that a test may break."""

    pipeline: Pipeline
    trade: Trade
    folder: Path
    used: int = 0

    def merchant(self) -> str:
        """One that no test has used."""
        self.used += 1
        return f"m{self.used}"

    def ask(self, query: str, name: str = "at_risk") -> None:
        """Let a query be this; one that is meant to take too long need not be waited for."""
        (self.folder / f"{name}.sql").write_text(query)
        self.pipeline.exposure._retry_at = 0.0
        limit = timedelta(seconds=1 if "pg_sleep" in query else 20)
        self.pipeline.source._timeout = limit  # type: ignore[attr-defined]

    def surge(self, merchant: str, minute: datetime) -> None:
        self.trade.execute(
            "INSERT INTO transactions (merchant_id, kind, amount, occurred_at)"
            f" SELECT '{merchant}', 'CANCEL', 900, '{minute.isoformat()}'::timestamptz"
            " FROM generate_series(1, 20)"
        )

    @property
    def next(self) -> datetime:
        found = self.pipeline.state.next_minute()
        assert found is not None
        return found

    def judge(self) -> None:
        list(self.pipeline.catch_up(self.next + MINUTE))

    def incident(self, merchant: str) -> dict[str, Any]:
        return rows(self.pipeline, f"SELECT * FROM incident WHERE merchant_id = '{merchant}'")[0]

    def told(self, merchant: str) -> list[tuple[str, str]]:
        """What people are told: events and their lines."""
        number = self.incident(merchant)["incident_id"]
        found = rows(self.pipeline, f"SELECT * FROM outbox WHERE incident_id = {number} ORDER BY outbox_id")
        return [(r["event"], render_text(read_message(r["message"], number), "ko", SEOUL)) for r in found]

    def end_all(self) -> None:
        statement = (
            "UPDATE incident SET status = 'resolved', resolved_at = now(),"
            " resolved_minute = last_breach_minute + interval '1 minute' WHERE status <> 'resolved'"
        )
        with self.pipeline.state.engine.begin() as connection:
            connection.execute(text(statement))


def rows(pipeline: Pipeline, query: str) -> list[dict[str, Any]]:
    with pipeline.state.engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def failing(pipeline: Pipeline) -> dict[str, str]:
    """The alarms of ornaments."""
    found = open_alarms(pipeline.state.engine, pipeline.state.url)
    assert {alarm.name for alarm in found} <= {"ornament.failing"}
    return {alarm.subject: alarm.what for alarm in found}


def fill(trade: Trade) -> None:
    trade.execute(
        "INSERT INTO transactions (merchant_id, kind, amount, occurred_at)"
        f" SELECT 'm' || m, 'APPROVAL', 1000, '{START.isoformat()}'::timestamptz - n * interval '150 seconds'"
        f" FROM generate_series(1, {MERCHANTS}) AS m, generate_series(1, 200) AS n"
    )


def queries(folder: Path) -> Path:
    shutil.copytree(SHIPPED, folder)
    return folder


@pytest.fixture(scope="module")
def home(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    asked = queries(folder / "queries")
    given = {"source_queries": str(asked)}
    with trade_database(postgres_url) as trade, state_database(postgres_url) as state_url:
        fill(trade)
        with pipeline_of(trade, state_url, folder / "data", **given) as pipeline:
            pipeline.backfill(Span(START - timedelta(hours=10), START))
            list(pipeline.catch_up(START + 3 * MINUTE))
            yield Home(pipeline, trade, asked)


@pytest.fixture
def quiet(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """The same, with whole queries and no incident before and after."""
    yield home
    monkeypatch.undo()
    home.end_all()
    for name in ("at_risk", "transactions", "categories", "without_time"):
        shutil.copy(SHIPPED / f"{name}.sql", home.folder)
    home.ask((SHIPPED / "at_risk.sql").read_text())
    home.judge()
    assert failing(home.pipeline) == {}


# ------------------------------------------------------------------ at_risk


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["live", "correction"])
def test_whatever_at_risk_gives_the_incident_opens(quiet: Home, how: str, way: str) -> None:
    (query, wrong), merchant = WAYS[way], quiet.merchant()
    quiet.ask(query)
    if how == "live":
        quiet.surge(merchant, quiet.next)
        quiet.judge()
    else:
        late = quiet.next - MINUTE
        quiet.surge(merchant, late)
        assert Corrector(quiet.pipeline).correct([late], "late_commit") == [late]
    found, told = quiet.incident(merchant), quiet.told(merchant)
    assert [event for event, _ in told] == ["opened"]
    if way in GOOD:
        assert found["krw_at_risk"] == PAID
        assert "8,100,000,000원" in told[0][1]
    else:
        assert found["krw_at_risk"] is None
        assert UNKNOWN in told[0][1]
        assert "0원" not in told[0][1]
    if wrong is None:
        assert failing(quiet.pipeline) == {}
    else:
        assert any(part in failing(quiet.pipeline)["at_risk"] for part in wrong.split("|"))


def test_what_at_risk_said_wrong_is_put_right_by_the_next_minute(quiet: Home) -> None:
    merchant = quiet.merchant()
    quiet.ask("SELEC")
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    before = quiet.incident(merchant)
    assert before["merchant_name"] is None
    quiet.ask(gives(str(PAID)))
    quiet.judge()
    found = quiet.incident(merchant)
    assert (found["krw_at_risk"], found["merchant_name"]) == (PAID, "Shop")
    assert found["paid_out_cancelable"] + found["cancelled_unrecovered"] == PAID
    assert found["severity"] == "critical"
    assert failing(quiet.pipeline) == {}


def test_money_that_becomes_known_escalates_and_says_so(quiet: Home) -> None:
    merchant = quiet.merchant()
    quiet.ask(gives("NULL::bigint"))
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    quiet.ask(gives(str(PAID)))
    quiet.pipeline.exposure._unanswered.clear()  # as after five minutes
    while quiet.incident(merchant)["krw_at_risk"] is None:  # fifty are priced a minute, others are before it
        with quiet.pipeline.state.engine.begin() as connection:
            connection.execute(text("UPDATE incident SET severity = 'medium' WHERE status <> 'resolved'"))
        quiet.judge()
    event, line = quiet.told(merchant)[-1]
    assert event == "escalated"
    assert "8,100,000,000원" in line


def test_a_bad_row_makes_only_its_merchant_unknown(quiet: Home) -> None:
    bad, good = quiet.merchant(), quiet.merchant()
    quiet.ask(gives(f"(CASE m WHEN '{bad}' THEN 'NaN' ELSE 20000::numeric END)"))
    for merchant in (bad, good):
        quiet.surge(merchant, quiet.next)
    quiet.judge()
    assert quiet.incident(good)["krw_at_risk"] == 20_000
    assert quiet.incident(bad)["krw_at_risk"] is None
    assert bad in failing(quiet.pipeline)["at_risk"]


class Picky:
    """A query that fails at run time for some merchants."""

    def __init__(self, bad: set[str]) -> None:
        self.bad = bad

    def payouts(self, merchants: list[str], *_: object) -> list[dict[str, Any]]:
        if self.bad.intersection(merchants):
            what = "division by zero"
            raise SourceValueWrong(what)
        paid = {"settled_through": START.date() - timedelta(days=3), "paid_out": 50_000}
        return [{"merchant_id": merchant, "merchant_name": "Shop", **paid} for merchant in merchants]


def test_the_merchant_that_makes_the_query_fail_is_found_and_the_others_are_priced(quiet: Home) -> None:
    many = [quiet.merchant() for _ in range(6)]
    quiet.pipeline.exposure._source = Picky({many[4]})  # type: ignore[assignment]
    for merchant in many:
        quiet.surge(merchant, quiet.next)
    quiet.judge()
    quiet.pipeline.exposure._source = quiet.pipeline.source
    known = [quiet.incident(merchant)["krw_at_risk"] for merchant in many]
    assert known == [50_000] * 4 + [None, 50_000]
    assert f"{many[4]}: the query fails: division by zero" in failing(quiet.pipeline)["at_risk"]


def test_a_slow_query_is_ended_soon_and_left_alone_for_a_while(quiet: Home) -> None:
    merchant = quiet.merchant()
    quiet.ask(BAD["too slow"][0])
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    asked: list[object] = []
    quiet.pipeline.exposure._source = Asked(asked)  # type: ignore[assignment]
    for _ in range(3):
        quiet.judge()
    assert asked == []
    quiet.pipeline.exposure._source = quiet.pipeline.source
    assert quiet.incident(merchant)["krw_at_risk"] is None


class Asked:
    """Notes that it is asked."""

    def __init__(self, notes: list[object]) -> None:
        self.notes = notes

    def payouts(self, *given: object) -> list[dict[str, Any]]:
        self.notes.append(given)
        return []


def test_a_merchant_the_query_knows_nothing_of_is_not_asked_about_each_minute(quiet: Home) -> None:
    merchant = quiet.merchant()
    quiet.ask(BAD["no rows"][0])
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    asked: list[object] = []
    quiet.pipeline.exposure._source = Asked(asked)  # type: ignore[assignment]
    for _ in range(3):
        quiet.judge()
    quiet.pipeline.exposure._source = quiet.pipeline.source
    assert asked == []


@pytest.mark.parametrize("way", ["a column gone", "no such table", "too slow", "a runtime error", None])
def test_a_start_does_not_need_at_risk(postgres_url: str, tmp_path: Path, way: str | None) -> None:
    folder = queries(tmp_path / "queries")
    file = folder / "at_risk.sql"
    if way is None:
        file.unlink()
    else:
        file.write_text(BAD[way][0])
    given = {"source_queries": str(folder), "source_timeout": "1"}
    with trade_database(postgres_url) as trade, state_database(postgres_url) as state_url:
        fill(trade)
        for turn in (1, 2):  # the first start, and another
            with pipeline_of(trade, state_url, tmp_path / "home", **given) as pipeline:
                if turn == 1:
                    pipeline.backfill(Span(START - timedelta(hours=10), START))
                found = Home(pipeline, trade, folder, used=turn)
                merchant = found.merchant()
                found.surge(merchant, found.next)
                pipeline.exposure._retry_at = 0.0
                found.judge()
                assert found.incident(merchant)["krw_at_risk"] is None
                assert "at_risk" in failing(pipeline)


def test_numbers_of_merchants_are_found_by_their_number(postgres_url: str, tmp_path: Path) -> None:
    folder = queries(tmp_path / "queries")
    (folder / "at_risk.sql").write_text(
        "SELECT m.merchant_id AS merchant_id, m.name AS merchant_name,"
        " max(s.business_date) AS settled_through, sum(s.amount)::bigint AS paid_out"
        " FROM merchants m LEFT JOIN settlements s USING (merchant_id)"
        " WHERE m.merchant_id = ANY(%(merchants)s) GROUP BY 1, 2"
    )
    with trade_database(postgres_url, "BIGINT") as trade, state_database(postgres_url) as state_url:
        trade.execute("INSERT INTO merchants (merchant_id, name) VALUES (1, 'Shop 1')")
        trade.execute(
            "INSERT INTO settlements"
            " SELECT 1, current_date - n, 900000000, now() FROM generate_series(2, 10) AS n"
        )
        trade.execute(
            "INSERT INTO transactions (merchant_id, kind, amount, occurred_at)"
            f" SELECT 1, 'APPROVAL', 1000, '{START.isoformat()}'::timestamptz - n * interval '150 seconds'"
            " FROM generate_series(1, 200) AS n"
        )
        with pipeline_of(trade, state_url, tmp_path / "home", source_queries=str(folder)) as pipeline:
            pipeline.backfill(Span(START - timedelta(hours=10), START))
            found = Home(pipeline, trade, folder)
            found.surge("1", found.next)
            found.judge()
            assert found.incident("1")["merchant_name"] == "Shop 1"
            assert found.incident("1")["krw_at_risk"] == PAID
            assert failing(pipeline) == {}


def test_an_old_file_of_the_lake_that_is_gone_does_not_hold_an_incident(
    quiet: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> dict[str, int]:
        what = "a published file is missing"
        raise LakeDamaged(what)

    monkeypatch.setattr("pipeline.store.exposure.Exposure._cancelled_before", damaged)
    merchant = quiet.merchant()
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    assert quiet.incident(merchant)["krw_at_risk"] is None
    assert "missing" in failing(quiet.pipeline)["at_risk"]


# ------------------------------------------------------------------ the others


def test_an_approval_time_of_another_type_is_not_known(quiet: Home) -> None:
    merchant = quiet.merchant()
    whole = (SHIPPED / "transactions.sql").read_text()
    assert "original_occurred_at AS approved_at" in whole
    for other in ("'soon'::text", "17", "now()::timestamp", "'{}'::jsonb"):
        quiet.ask(
            whole.replace("original_occurred_at AS approved_at", f"{other} AS approved_at"), "transactions"
        )
        quiet.judge()
        assert "approved_at" in failing(quiet.pipeline)["approved_at"]
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    assert quiet.incident(merchant)["status"] == "open"


@pytest.mark.parametrize(
    "query",
    ["SELEC", "SELECT 1 AS merchant_id", "SELECT m AS merchant_id, 5 AS category FROM unnest(ARRAY[1]) m"],
)
def test_categories_that_cannot_be_read_are_an_alarm_until_they_can(quiet: Home, query: str) -> None:
    quiet.ask(query, "categories")
    quiet.pipeline._categories_due = quiet.next
    quiet.judge()
    assert "categories" in failing(quiet.pipeline)
    shutil.copy(SHIPPED / "categories.sql", quiet.folder)
    quiet.pipeline._categories_due = quiet.next
    quiet.judge()
    assert failing(quiet.pipeline) == {}


def test_categories_that_cannot_be_stored_do_not_stop_a_minute(
    quiet: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        what = "the operational database refused a statement"
        raise ValueError(what)

    quiet.trade.execute("INSERT INTO merchants (merchant_id, category) VALUES ('m1', 'food')")
    monkeypatch.setattr(quiet.pipeline.state, "record_categories", refused)
    quiet.pipeline._categories_due = quiet.next
    before = quiet.next
    quiet.judge()
    quiet.judge()
    assert quiet.next == before + 2 * MINUTE
    assert "refused" in failing(quiet.pipeline)["categories"]
    monkeypatch.undo()
    quiet.pipeline._categories_due = quiet.next
    quiet.judge()


@pytest.fixture
def service(quiet: Home) -> Service:
    return Service(quiet.pipeline, Console("ko", SEOUL), Metrics(), Event())


def test_rows_without_a_time_that_nobody_can_count_do_not_stop_the_comparison(
    quiet: Home, service: Service
) -> None:
    quiet.ask("SELECT 'many' AS rows", "without_time")
    late = quiet.next - 2 * MINUTE
    quiet.surge(quiet.merchant(), late)
    service.reconcile()
    assert [asked.minute for asked in quiet.pipeline.state.repair_requests()] == [late]
    assert "without_time" in failing(quiet.pipeline)
    assert find_faults(quiet.pipeline, quiet.pipeline.source, Span(late, quiet.next)).without_time is None
    Corrector(quiet.pipeline).repair()
    shutil.copy(SHIPPED / "without_time.sql", quiet.folder)
    service.reconcile()


def test_metrics_that_raise_keep_no_minute_back(
    quiet: Home, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    end = quiet.next + 3 * MINUTE
    monkeypatch.setattr(service.metrics, "observe_minute", broken)
    service._judge_due(end)
    assert quiet.next == end
    assert "ZeroDivisionError" in failing(quiet.pipeline)["metrics.minute"]
    monkeypatch.undo()
    service._judge_due(end + MINUTE)
    assert failing(quiet.pipeline) == {}


def test_a_taken_port_of_the_metrics_is_an_alarm_until_it_is_free(quiet: Home, service: Service) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        work.serve_metrics(service.metrics, port)
        service.heartbeat()
        assert str(port) in failing(quiet.pipeline)["metrics"]
    service.heartbeat()
    assert failing(quiet.pipeline) == {}


@pytest.mark.parametrize(
    ("method", "error", "name"),
    [
        ("project", PermissionError(13, "denied"), "manifest"),
        ("project_catalog", duckdb.IOException("locked"), "analyst.duckdb"),
        ("project_catalog", OSError(28, "full"), "analyst.duckdb"),
    ],
)
def test_what_readers_find_files_by_is_made_after_the_commit_and_again(
    quiet: Home, service: Service, monkeypatch: pytest.MonkeyPatch, method: str, error: Exception, name: str
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(quiet.pipeline.lake, method, broken)
    merchant = quiet.merchant()
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    service.catalog()
    assert quiet.incident(merchant)["status"] == "open"
    assert name in failing(quiet.pipeline)
    monkeypatch.undo()
    service.catalog()
    assert failing(quiet.pipeline) == {}
    shown = quiet.pipeline.lake.shown()
    assert shown is not None
    assert shown.published_through == quiet.next


def test_a_budget_that_cannot_be_shown_or_measured_stops_no_other_job(
    quiet: Home, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("pipeline.service.measure_budget", broken)
    monkeypatch.setattr(quiet.pipeline.state, "budget", broken)
    service.measure_budget()
    service.housekeeping()
    assert set(failing(quiet.pipeline)) == {"budget", "budget.shown"}
    monkeypatch.undo()
    monkeypatch.setattr("pipeline.service.measure_budget", lambda _: None)
    service.measure_budget()


def test_the_table_of_the_room_names_every_ornament() -> None:
    told = (Path(__file__).resolve().parents[2] / "pipeline" / "README.md").read_text()
    table = told[told.index("## What may fail without stopping anything") :]
    assert [name for name in ORNAMENTS if f"`{name}`" not in table] == []

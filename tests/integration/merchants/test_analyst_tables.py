"""Tables of the operational database in the analysts' file: the same rows, and nobody's name."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest
from sqlalchemy import text

from pipeline.alarms import open_alarms
from pipeline.errors import LakeDamaged, MinuteriskError, NotChecked, StorageUnavailable
from pipeline.inspection.data import data_findings
from pipeline.minute import MINUTE, Span, business_date, business_day
from pipeline.prove.house import House
from pipeline.store.compact import GRACE, compact, sweep_orphans
from pipeline.store.views import checks as checks_module
from pipeline.store.views.analyst import Analyst
from pipeline.store.views.checks import Check, Checked, _run, checks_of, run_checks
from pipeline.store.views.snapshots import _oldest
from pipeline.store.views.tables import TABLES, read_index
from tests.integration.quiet import SEOUL, Home, rows

if TYPE_CHECKING:
    from pipeline.catch_up import Pipeline
    from pipeline.store.views.checks import Severity
    from tests.integration.trade_home import Trade

SECRET = "김비밀 called the shop"


@pytest.fixture(scope="module")
def read(home: Home) -> Home:
    """The same as `surged`, for the tests that change nothing; they stand before those that do."""
    return surge(home)


@pytest.fixture
def surged(quiet: Home) -> Home:
    """An incident that somebody has acknowledged and written about, and an action on it."""
    quiet.end_all()
    return surge(quiet)


def surge(quiet: Home) -> Home:
    with quiet.pipeline.state.engine.begin() as connection:
        connection.execute(text("DELETE FROM action"))
    merchant = quiet.merchant()
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    number = quiet.incident(merchant)["incident_id"]
    money = '{"paid_out_cancelable": 40, "unrecovered": 2}'
    said = f"jsonb_build_object('label', 'true_alarm', 'reason', '{SECRET}')"
    acknowledged = (
        f"acknowledged_at = now(), acknowledged_by = '{SECRET}', owner = '{SECRET}', parts = '{money}'"
    )
    note = f"({number}, 'note', '{SECRET}', 7, jsonb_build_object('text', '{SECRET}'))"
    label = f"({number}, 'label', '{SECRET}', 7, {said})"
    action = f"('merchants', {number}, '{merchant}', 'hold_payout', 5, '{SECRET}', '{SECRET}', 7)"
    columns = "pack, incident_id, entity_id, kind, amount, why, proposed_by, proposer_id"
    statements = [
        f"UPDATE incident SET status = 'acknowledged', {acknowledged} WHERE incident_id = {number}",
        f"INSERT INTO incident_act (incident_id, act, by, account_id, given) VALUES {note}, {label}",
        f"INSERT INTO action ({columns}) VALUES {action}",
    ]
    with quiet.pipeline.state.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    fresh(quiet.pipeline)
    return quiet


def fresh(pipeline: Pipeline) -> None:
    pipeline._catalog_version = -1
    assert pipeline.project_catalog()


def ask(pipeline: Pipeline, question: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(pipeline.settings.catalog), read_only=True) as analyst:
        analyst.execute("SET TimeZone = 'UTC'")
        found: pl.DataFrame = analyst.sql(question).pl()
        return found.rows()  # fetched as objects, times would want pytz


def paths(pipeline: Pipeline) -> dict[str, str]:
    return {p.table + p.part: p.path for p in read_index(pipeline.lake.folder, "merchants")}


def test_an_incident_is_the_same_as_in_the_database(read: Home) -> None:
    (stored,) = rows(read.pipeline, "SELECT * FROM incident ORDER BY incident_id DESC LIMIT 1")
    asked = "merchant_id, at_risk, unrecovered, status, label, assigned, epoch(opened_minute)::BIGINT, reason"
    (found,) = ask(read.pipeline, f"SELECT {asked} FROM incident ORDER BY incident_id DESC LIMIT 1")
    opened = int(stored["opened_minute"].timestamp())
    money = (stored["at_risk"], stored["parts"]["unrecovered"])
    assert found[:7] == (stored["entity_id"], *money, "acknowledged", "true_alarm", True, opened)
    assert f'"cancels_hour": {stored["reason"]["cancels_hour"]}' in found[7]
    events = ask(read.pipeline, "SELECT event, by_person, account_id, label FROM incident_event")
    assert {("note", True, 7, None), ("label", True, 7, "true_alarm"), ("opened", False, None, None)} <= set(
        events
    )
    assert ask(read.pipeline, "SELECT kind, amount, proposer_id FROM action WHERE by_person") == [
        ("hold_payout", 5, 7)
    ]
    (sent,) = rows(read.pipeline, "SELECT count(*) AS messages FROM outbox")
    assert ask(read.pipeline, "SELECT count(*) FROM message") == [(sent["messages"],)]


def test_the_ledger_is_the_same_minute_by_minute(read: Home) -> None:
    kept = rows(read.pipeline, "SELECT sums, rows, minute FROM minute_ledger ORDER BY minute")
    names = "approval_count, cancel_amount, row_count, epoch(minute)::BIGINT"
    asked = f"SELECT {names} FROM minute_ledger ORDER BY minute"
    assert ask(read.pipeline, asked) == [
        (r["sums"]["approval_count"], r["sums"]["cancel_amount"], r["rows"], int(r["minute"].timestamp()))
        for r in kept
    ]


def test_nobodys_name_and_no_text_of_theirs_is_in_any_file(read: Home) -> None:
    """Whoever may open the file sees all of it: no role is asked."""
    for path in paths(read.pipeline).values():
        frame = pl.read_parquet(read.pipeline.lake.folder / path)
        assert "김비밀" not in str(frame.write_json()), path


def test_every_merchant_that_is_known_has_a_row_and_what_is_usual_for_it(read: Home) -> None:
    windows = read.pipeline.newest_windows()
    assert windows is not None
    assert windows.last is not None
    asked = "SELECT merchant_id, week_approval_count, hour_cancel_count FROM baseline_now ORDER BY ALL"
    found = ask(read.pipeline, asked)
    expected = zip(windows.entities.ids, windows.week.approvals, windows.hour.cancels, strict=False)  # type: ignore[attr-defined]
    assert found == sorted((m, int(a), int(c)) for m, a, c in expected)
    assert ask(read.pipeline, "SELECT count(*) FROM merchant") == [(len(found),)]
    (minute,) = ask(read.pipeline, "SELECT DISTINCT epoch(minute)::BIGINT // 60 FROM baseline_now")
    assert minute == (windows.last,)


def test_every_table_says_since_when_it_is_complete(read: Home) -> None:
    found = dict(ask(read.pipeline, "SELECT table_name, horizon_days FROM published_table"))
    assert {table.name: table.horizon.days for table in TABLES}.items() <= found.items()
    (since,) = ask(read.pipeline, "SELECT complete_from FROM published_table WHERE table_name = 'message'")
    assert abs(since[0] - (datetime.now(UTC) - timedelta(days=400))) < timedelta(hours=1)


def test_every_view_and_every_column_says_what_it_is(read: Home) -> None:
    ours = "NOT internal AND schema_name = 'main' AND comment IS NULL"
    assert ask(read.pipeline, f"SELECT view_name FROM duckdb_views() WHERE {ours}") == []
    assert ask(read.pipeline, f"SELECT table_name, column_name FROM duckdb_columns() WHERE {ours}") == []


def test_a_business_day_and_its_minutes_are_those_of_the_zone(read: Home) -> None:
    day = business_date(datetime.now(UTC), SEOUL)
    span = business_day(day, SEOUL)
    ends = "epoch(min(minute))::BIGINT, epoch(max(minute))::BIGINT"
    asked = f"SELECT count(*), {ends}, count(DISTINCT business_day(minute)) FROM minutes_of(DATE '{day}')"
    first, last = (int(moment.timestamp()) for moment in (span.start, span.end - MINUTE))
    assert ask(read.pipeline, asked) == [(1440, first, last, 1)]


def test_a_table_that_did_not_change_keeps_its_file_and_a_file_that_was_replaced_is_kept_for_the_grace(
    surged: Home,
) -> None:
    pipeline, before = surged.pipeline, paths(surged.pipeline)
    surged.judge()
    fresh(pipeline)
    after = paths(pipeline)
    assert after["incident_event"] == before["incident_event"]
    assert after["merchant"] == before["merchant"]
    assert after["baseline_now"] != before["baseline_now"]
    old = pipeline.lake.folder / before["baseline_now"]
    now = datetime.now(UTC)
    os.utime(old, (now.timestamp(), now.timestamp()))
    pipeline.snapshots.sweep(now + GRACE - MINUTE)
    assert old.is_file()
    pipeline.snapshots.sweep(now + GRACE + MINUTE)
    assert not old.is_file()
    sweep_orphans(pipeline.lake, pipeline.state, now + timedelta(days=30))
    assert all((pipeline.lake.folder / path).is_file() for path in after.values())


def test_a_file_that_was_retired_long_after_it_was_written_is_kept_for_the_grace_from_then_on(
    surged: Home,
) -> None:
    pipeline = surged.pipeline
    old = pipeline.lake.folder / paths(pipeline)["incident"]
    os.utime(old, (0, 0))
    surged.surge(surged.merchant(), surged.next)
    surged.judge()
    fresh(pipeline)
    assert paths(pipeline)["incident"] not in str(old)
    pipeline.snapshots.sweep(datetime.now(UTC))
    assert old.is_file()


def test_a_book_and_the_tables_beside_it_are_of_one_moment_also_where_the_manifest_is_ahead(
    surged: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    surged.judge()  # and the manifest shows it; the tables are brought up to date later
    judged = "(SELECT max(minute) FROM minute_ledger WHERE judged_at IS NOT NULL)"
    asked = f"SELECT (SELECT max(minute) FROM exposure_now) = {judged} AS same"
    settings = surged.pipeline.settings
    assert Analyst.open(settings).ask(asked).rows() == [{"same": True}]
    # Tables that nobody brings up to date any more do not keep new minutes from analysts.
    monkeypatch.setattr("pipeline.store.views.catalog.FAR_BEHIND", timedelta(seconds=-1))
    assert Analyst.open(settings).ask(asked).rows() == [{"same": False}]


@pytest.mark.parametrize("damage", ["{", '{"parts": [{}]}', None])
def test_a_list_of_tables_that_is_damaged_is_written_again(surged: Home, damage: str | None) -> None:
    pipeline = surged.pipeline
    index = pipeline.lake.own / "tables.json"
    index.unlink() if damage is None else index.write_text(damage)
    assert read_index(pipeline.lake.folder, "merchants") == []
    fresh(pipeline)
    assert ask(pipeline, "SELECT count(*) FROM incident")[0][0] > 0


def test_more_rows_than_are_taken_say_from_when_on_they_are_all_there(
    surged: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = surged.pipeline
    monkeypatch.setattr("pipeline.store.views.snapshots.TABLES", tuple(_short(t) for t in TABLES))
    fresh(pipeline)
    for name, moment in (
        ("incident_event", "event_at"),
        ("message", "created_at"),
        ("incident", "opened_minute"),
    ):
        ((count, oldest),) = ask(pipeline, f"SELECT count(*), min({moment}) FROM {name}")
        assert count == 1
        asked = f"SELECT complete_from FROM published_table WHERE table_name = '{name}'"
        ((since,),) = ask(pipeline, asked)
        # Of the same moment another row may be left out: then it is complete after that one alone.
        assert since - oldest in (timedelta(0), timedelta(microseconds=1))


def test_since_when_no_row_is_left_out() -> None:
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC)
    moments = pl.Series("at", [noon, noon - MINUTE, noon - MINUTE], pl.Datetime("us", "UTC"))
    assert _oldest(moments, {"at": noon - 2 * MINUTE}) == noon - MINUTE
    assert _oldest(moments, {"at": noon - MINUTE}) == noon
    assert _oldest(moments, {"at": noon}) == noon + timedelta(microseconds=1)
    assert {table.moment for table in TABLES} >= {"opened_minute", "proposed_at", "created_at"}
    assert all(isinstance(table.columns[table.moment], pl.Datetime) for table in TABLES)


def _short(table: Any) -> Any:  # noqa: ANN401 - a table
    return table if table.by_day else replace(table, most_rows=1)


def test_sums_of_a_closed_day_are_those_of_its_minutes_also_after_a_correction(
    pipeline: Pipeline, trade: Trade
) -> None:
    day = business_day(business_date(datetime.now(UTC), SEOUL) - timedelta(days=2), SEOUL)
    trade.insert(*((n, f"M{n % 3}", "APPROVAL", 100 + n, day.start + n * MINUTE) for n in range(60)))
    pipeline.backfill(Span(day.start - MINUTE, day.end + timedelta(hours=1)))
    compact(pipeline.lake, pipeline.state, day.end + timedelta(hours=1))
    fresh(pipeline)
    asked = "SELECT merchant_id, approval_count, approval_amount, cancel_rate FROM merchant_day ORDER BY ALL"
    expected = [(f"M{m}", 20, sum(100 + n for n in range(m, 60, 3)), 0.0) for m in range(3)]
    assert ask(pipeline, asked) == expected
    name = f"merchant_day{business_date(day.start, SEOUL)}"
    assert pl.read_parquet(pipeline.lake.folder / paths(pipeline)[name])["approval_count"].sum() == 60
    # A file is replaced: until its sums are made again the minutes themselves are summed up.
    publication = pipeline.state.publication()
    (file,) = [f for f in publication.files if f.dataset == "merchant_minute"]
    rows_then = pipeline.lake.read([file], "merchant_minute", file.span)
    more = pipeline.lake.write(
        "merchant_minute", rows_then.with_columns(pl.col("approval_count") + 1), file.span
    )
    assert more is not None
    pipeline.state.swap_files([file], more)
    fresh(pipeline)
    assert [row[1] for row in ask(pipeline, asked)] == [40, 40, 40]
    assert name not in paths(pipeline)
    pipeline.snapshots._summed_at.clear()
    fresh(pipeline)
    assert name in paths(pipeline)
    assert [row[1] for row in ask(pipeline, asked)] == [40, 40, 40]


def test_the_data_of_a_pipeline_pass_all_checks_and_check_says_so(quiet: Home) -> None:
    fresh(quiet.pipeline)
    found = list(run_checks(quiet.pipeline.settings))
    assert len(found) == len(checks_of("merchants"))
    assert [(one.check.name, one.first) for one in found if one.rows] == []
    (finding,) = data_findings(quiet.pipeline.settings)
    assert finding.level == "ok"


def test_of_what_a_check_finds_duckdb_counts_the_rows_and_three_are_shown() -> None:
    check = Check(
        "many",
        "None.",
        "없다.",
        "error",
        "look",
        "SELECT 9999999 - range AS n FROM range(10000000) ORDER BY n",
    )
    with duckdb.connect() as connection:
        found = _run(connection, check)
    assert (found.rows, found.first) == (10_000_000, ("n 0", "n 1", "n 2"))


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("SELECT list(repeat('x', 1000000) || range) FROM range(5000)", NotChecked, "Out of Memory"),
        ("SELECT no_such_column FROM merchant_minute", NotChecked, "no_such_column"),
        ("SELECT 'x'::INTEGER", NotChecked, "Conversion Error"),
        ("FROM read_parquet('{home}/broken.parquet')", LakeDamaged, "too small to be a Parquet file"),
        ("FROM read_parquet('{home}/gone.parquet')", StorageUnavailable, "a published file cannot be read"),
        ("FROM read_csv('/nowhere/x.csv')", StorageUnavailable, "their own folder"),
    ],
)
def test_only_a_broken_file_is_a_damaged_lake(
    text: str, error: type[MinuteriskError], said: str, quiet: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = quiet.pipeline.settings
    fresh(quiet.pipeline)
    (settings.home / "broken.parquet").write_bytes(b"x")
    before = sorted(path.name for path in settings.home.iterdir())
    left = settings.home / ".checks.killed"
    left.mkdir()
    os.utime(left, (0, 0))
    check = Check("one", "One.", "하나.", "error", "look", text.replace("{home}", str(settings.home)))
    monkeypatch.setattr(checks_module, "checks_of", lambda _: [check])
    with pytest.raises(error, match=said) as met:
        list(run_checks(settings))
    assert type(met.value) is error
    assert sorted(path.name for path in settings.home.iterdir()) == before


@pytest.mark.parametrize(("severity", "alarm"), [("error", "data.wrong"), ("warning", "data.doubtful")])
def test_what_a_check_finds_is_an_alarm_with_its_rows_until_a_later_day_is_sound(
    quiet: Home, monkeypatch: pytest.MonkeyPatch, severity: Severity, alarm: str
) -> None:
    check = Check("sums", "The sums agree.", "합계가 같다.", severity, "look again", "")
    answers = [[Checked(check, 5, ("day 1", "day 2", "day 3"))], [Checked(check, 0, ())]]
    monkeypatch.setattr("pipeline.prove.house.run_checks", lambda _: answers.pop(0))
    house, pipeline = House(quiet.pipeline), quiet.pipeline
    house.check(quiet.next)
    said = failing(pipeline)
    assert said[alarm, "sums"] == "does not hold: The sums agree. day 1; day 2; day 3 (and 2 more)"
    house.check(quiet.next)  # the same business day: nobody asks again
    assert len(answers) == 1
    house.check(quiet.next + timedelta(days=1))
    assert (alarm, "sums") not in failing(pipeline)


def failing(pipeline: Pipeline) -> dict[tuple[str, str], str]:
    found = open_alarms(pipeline.state.engine, pipeline.state.url, "merchants")
    return {(one.name, one.subject): one.what for one in found}

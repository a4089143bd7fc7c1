"""Rows that are counted nowhere: an alarm while it lasts, ended by a reconciliation that counted them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.alarms import open_alarms
from pipeline.cli import main
from pipeline.minute import MINUTE, Span
from pipeline.prove.reconcile import reconcile
from pipeline.settings import load_settings
from tests.integration.trade_home import pipeline_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)

UNKNOWN = """SELECT transaction_id, merchant_id, amount, occurred_at,
CASE kind WHEN 'APPROVAL' THEN 'PAID' ELSE 'REFUNDED' END AS kind
FROM transactions WHERE occurred_at >= $1 AND occurred_at < $2"""
SHIFTED = """SELECT transaction_id, merchant_id, kind, amount, occurred_at + interval '9 hours' AS occurred_at
FROM transactions WHERE occurred_at >= $1 AND occurred_at < $2"""
BY_WRITING = """SELECT transaction_id, merchant_id, kind, amount, occurred_at
FROM transactions WHERE created_at >= $1 AND created_at < $2"""


def queries(folder: Path, **changed: str) -> Path:
    shutil.copytree(load_settings({}).source_queries, folder, dirs_exist_ok=True)
    for name, text in changed.items():
        (folder / f"{name}.sql").write_text(text)
    return folder


def fill(trade: Trade, start: datetime = NOON - timedelta(hours=2), minutes: int = 130) -> None:
    rows = [
        (2 * i + n, "shop", kind, 1000, start + i * MINUTE)
        for i in range(minutes)
        for n, kind in ((1, "APPROVAL"), (2, "CANCEL"))
    ]
    trade.insert(*rows)


def judge(pipeline: Pipeline, start: datetime | None, end: datetime) -> None:
    if start:
        pipeline.judge_from(start)
    for _ in pipeline.catch_up(end):
        pass


def alarms(pipeline: Pipeline) -> dict[tuple[str, str], str]:
    return {
        (a.name, a.subject): a.what
        for a in open_alarms(pipeline.state.engine, pipeline.state.url, pipeline.state.pack)
    }


def test_kinds_that_nobody_translated_are_an_alarm_at_the_first_start_and_live(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    fill(trade)
    folder = queries(tmp_path / "queries", transactions=UNKNOWN)
    with pipeline_of(trade, state_url, tmp_path / "home", source_queries=str(folder)) as pipeline:
        pipeline.start_history(NOON)
        found = alarms(pipeline)[("rows.set_aside", "history")]
        assert found.startswith("240 of 240 rows of 2 hours from 2026-03-10T10:00Z to 2026-03-10T12:00Z")
        assert "kind_unknown 240 (PAID, REFUNDED)" in found
        judge(pipeline, None, NOON + 2 * MINUTE)
        live = alarms(pipeline)[("rows.set_aside", "")]
        assert live.startswith("120 of 120 rows of the last hour were set aside")
        assert "kind_unknown 2 (PAID, REFUNDED)" in live


def test_check_live_fails_while_an_hour_is_set_aside(
    trade: Trade,
    state_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(trade)
    folder = queries(tmp_path / "queries", transactions=UNKNOWN)
    with pipeline_of(trade, state_url, tmp_path / "home", source_queries=str(folder)) as pipeline:
        judge(pipeline, NOON, NOON + 2 * MINUTE)
        pipeline.state.heartbeat()
        with pipeline.state.engine.begin() as connection:  # as if it were up to date
            connection.exec_driver_sql(
                "UPDATE watermark SET next_minute = date_trunc('minute', now(), 'UTC')"
            )
        for name, value in (("source", trade.source_url), ("state", state_url)):
            monkeypatch.setenv(f"MINUTERISK_{name.upper()}_URL", value)
        assert main(["check", "--live"]) == 1
    assert "rows.set_aside: 120 of 120 rows" in capsys.readouterr().out


def test_a_mapping_that_is_mended_ends_the_alarms_once_the_hours_are_counted_again(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    fill(trade)
    home = tmp_path / "home"
    folder = queries(tmp_path / "queries", transactions=UNKNOWN)
    with pipeline_of(trade, state_url, home, source_queries=str(folder)) as pipeline:
        judge(pipeline, NOON, NOON + 2 * MINUTE)
    queries(folder)
    with pipeline_of(trade, state_url, home, source_queries=str(folder)) as pipeline:
        judge(pipeline, None, NOON + 3 * MINUTE)
        assert set(alarms(pipeline)) == {("rows.set_aside", ""), ("rows.set_aside", "history")}
        with pipeline.state.engine.begin() as connection:  # what a reconciliation of these hours leaves
            connection.exec_driver_sql("UPDATE minute_ledger SET quarantined = 0, rows = rows + quarantined")
        judge(pipeline, None, NOON + 4 * MINUTE)
        pipeline.watch.look_at_past(NOON)
        assert alarms(pipeline) == {}


@pytest.mark.parametrize(("bad", "alarm"), [(0, False), (1, False), (2, True)])
def test_one_bad_row_of_a_quiet_hour_is_no_alarm_and_two_are(
    trade: Trade, state_url: str, tmp_path: Path, bad: int, *, alarm: bool
) -> None:
    trade.insert(*((i, "shop", "APPROVAL", 1000, NOON + timedelta(seconds=i)) for i in range(20)))
    trade.insert(*((100 + i, "shop", "APPROVAL", -1, NOON) for i in range(bad)))
    with pipeline_of(trade, state_url, tmp_path) as pipeline:
        judge(pipeline, NOON, NOON + MINUTE)
        assert (("rows.set_aside", "") in alarms(pipeline)) == alarm


def test_one_percent_of_an_hour_is_no_alarm_and_more_is(trade: Trade, state_url: str, tmp_path: Path) -> None:
    trade.insert(*((i, "shop", "APPROVAL", 1000, NOON + timedelta(milliseconds=i)) for i in range(297)))
    trade.insert(*((1000 + i, "shop", "APPROVAL", -1, NOON) for i in range(3)))
    trade.insert((2000, "shop", "APPROVAL", -1, NOON + MINUTE))
    with pipeline_of(trade, state_url, tmp_path) as pipeline:
        judge(pipeline, NOON, NOON + MINUTE)  # 3 of 300
        assert alarms(pipeline) == {}
        judge(pipeline, None, NOON + 2 * MINUTE)  # 4 of 301
        assert list(alarms(pipeline)) == [("rows.set_aside", "")]
        assert "amount_negative 1" in alarms(pipeline)[("rows.set_aside", "")]


def test_rows_of_another_zone_are_counted_in_no_minute_and_are_an_alarm(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    fill(trade)
    folder = queries(tmp_path / "queries", transactions=SHIFTED)
    with pipeline_of(trade, state_url, tmp_path / "home", source_queries=str(folder)) as pipeline:
        judge(pipeline, NOON, NOON + MINUTE)
        said = alarms(pipeline)[("rows.outside_span", "transactions")]
        assert "gave 240 of 240 rows outside it: from 2026-03-10T19:00:00Z to 2026-03-10T20:59:00Z" in said
        (minute,) = pipeline.state.minutes(Span(NOON, NOON + MINUTE))
        assert minute["source_rows"] == 0


def test_a_filter_by_the_time_of_writing_never_counts_a_row_in_another_minute(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    trade.insert((1, "shop", "APPROVAL", 1, NOON), (2, "shop", "APPROVAL", 1, NOON - 5 * MINUTE))
    trade.execute(f"UPDATE transactions SET created_at = '{NOON.isoformat()}'")
    folder = queries(tmp_path / "queries", transactions=BY_WRITING)
    with pipeline_of(trade, state_url, tmp_path / "home", source_queries=str(folder)) as pipeline:
        judge(pipeline, NOON, NOON + MINUTE)
        (minute,) = pipeline.state.minutes(Span(NOON, NOON + MINUTE))
        assert (minute["source_rows"], minute["quarantined"]) == (1, 0)
        assert "gave 1 of 2 rows outside it" in alarms(pipeline)[("rows.outside_span", "transactions")]
        judge(pipeline, None, NOON + 59 * MINUTE)
        assert list(alarms(pipeline)) == [("rows.outside_span", "transactions")]
        judge(pipeline, None, NOON + 61 * MINUTE)
        assert alarms(pipeline) == {}


def test_totals_that_speak_of_other_minutes_are_an_alarm_until_they_do_not(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    fill(trade)
    folder = queries(tmp_path / "queries")
    right = (folder / "totals.sql").read_text()
    with pipeline_of(trade, state_url, tmp_path / "home", source_queries=str(folder)) as pipeline:
        for text, expected in ((right.replace("$1", "$1 - interval '3 minutes'"), 1), (right, 0)):
            (folder / "totals.sql").write_text(text)
            found: list[object] = []
            reconcile(pipeline.source, pipeline.state, Span(NOON, NOON + MINUTE), pipeline.lake, found.append)
            pipeline.watch.see_totals(found)  # type: ignore[arg-type]
            assert len(alarms(pipeline)) == expected
            if found:
                assert "gave 3 of 4 minutes outside it" in alarms(pipeline)[("rows.outside_span", "totals")]

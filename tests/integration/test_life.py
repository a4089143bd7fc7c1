"""The life of incidents on a real PostgreSQL, told to a stand-in Slack: back, told again, one for all."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from pipeline.inspection.live import traffic
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants.schema import SIGNAL
from pipeline.prove.corrector import Corrector
from tests.integration.delivery import make_standin, make_world
from tests.integration.trade_home import pipeline_of, settings_of
from tests.people import do

if TYPE_CHECKING:
    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

SHIPPED = Path(__file__).resolve().parents[2] / "baselines" / "merchants" / "rules.toml"
NOON = datetime(2026, 3, 11, 3, tzinfo=UTC)  # in Seoul, a Wednesday with whole working days before it
HOUR = timedelta(hours=1)
MERCHANTS = 40


def rules_file(folder: Path, **numbers: int) -> str:
    """The shipped rules with other numbers."""
    content = SHIPPED.read_text(encoding="utf-8")
    for key, value in numbers.items():
        content, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", content)
        assert found == 1, key
    path = folder / "rules.toml"
    path.write_text(content, encoding="utf-8")
    return str(path)


def surge(trade: Trade, minute: datetime, first_id: int, cancels: int = 30) -> None:
    trade.insert(*((first_id + n, "M0", "CANCEL", 5000, minute) for n in range(cancels)))


def week(trade: Trade) -> None:
    """A merchant with approvals enough to be judged under `supported`."""
    at = NOON - 5 * HOUR
    trade.insert(*((n, "M0", "APPROVAL", 1000, at + n * MINUTE) for n in range(1, 241)))


def platform(trade: Trade, ends: datetime) -> None:
    """Every merchant has an approval a minute between 11:30 and 14:00 on nine days, until `ends`."""
    rows: list[Any] = []
    for day in range(8, -1, -1):
        start = NOON - timedelta(days=day, minutes=30)
        for minute in Span(start, min(start + 150 * MINUTE, ends)):
            rows += [
                (len(rows) + m, f"M{m}", "APPROVAL", 1000, minute + timedelta(seconds=m))
                for m in range(MERCHANTS)
            ]
    trade.insert(*rows)


def rows(pipeline: Pipeline, query: str) -> list[dict[str, Any]]:
    with pipeline.state.engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def incidents(pipeline: Pipeline) -> list[dict[str, Any]]:
    return rows(pipeline, "SELECT * FROM incident ORDER BY incident_id")


def told(pipeline: Pipeline) -> list[tuple[str, int]]:
    """Every event with its minute after noon."""
    found = rows(pipeline, "SELECT event, minute FROM outbox ORDER BY outbox_id")
    return [(row["event"], (row["minute"] - NOON) // MINUTE) for row in found]


def test_an_incident_that_comes_back_is_the_same_one_in_its_own_thread_and_told_again_until_taken(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    week(trade)
    surge(trade, NOON + 2 * MINUTE, 900_000)
    surge(trade, NOON + 75 * MINUTE, 910_000)
    surge(trade, NOON + 200 * MINUTE, 920_000)
    rules = rules_file(tmp_path, resolve_after_minutes=5, reopen_within_minutes=20, repeat_after_minutes=40)
    story, whole = list[tuple[str, int]](), list[dict[str, Any]]()
    # Stopped and started between everything that has to be remembered.
    for stop in (30, 43, 68, 76, 80, 210):
        with (
            pipeline_of(trade, state_url, tmp_path / "home", rules=rules) as pipeline,
            make_standin() as slack,
        ):
            if stop == 30:
                pipeline.judge_from(NOON)
            list(pipeline.catch_up(NOON + stop * MINUTE))
            if stop == 80:
                first, *_ = incidents(pipeline)
                assert (first["status"], first["times"], first["resolved_minute"]) == ("open", 2, None)
                assert first["told_minute"] == NOON + 75 * MINUTE
                world = make_world(pipeline.state.engine, slack)
                world.drain()
                root, *replies = slack.messages
                assert "다시 발생" in root["text"]
                assert "2번째" in str(root["blocks"])
                assert {m["thread_ts"] for m in replies} == {root["ts"]}
                # What came back and what is critical and untaken is worth a line in the channel.
                assert [m.get("subtype") for m in replies] == [
                    "thread_broadcast",
                    None,
                    "thread_broadcast",
                ]
            if stop == 210:
                story = told(pipeline)
                whole = incidents(pipeline)
    assert story == [
        ("opened", 2),
        ("repeated", 42),
        ("resolved", 66),
        ("reopened", 75),
        ("repeated", 115),
        ("resolved", 139),
        ("opened", 200),  # an hour after it resolved it is another one
    ]
    assert [(i["times"], i["status"]) for i in whole] == [(2, "resolved"), (1, "open")]


def test_what_somebody_has_taken_on_is_not_told_again_until_it_comes_back(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    week(trade)
    surge(trade, NOON + 2 * MINUTE, 900_000)
    surge(trade, NOON + 75 * MINUTE, 910_000)
    rules = rules_file(tmp_path, resolve_after_minutes=5, reopen_within_minutes=20, repeat_after_minutes=10)
    with pipeline_of(trade, state_url, tmp_path / "home", rules=rules) as pipeline:
        pipeline.judge_from(NOON)
        list(pipeline.catch_up(NOON + 5 * MINUTE))
        assert do(pipeline.state, "acknowledge", 1, by="김위험")["acknowledged_by"] == "김위험"
        list(pipeline.catch_up(NOON + 90 * MINUTE))
        events = [event for event, _ in told(pipeline)]
        assert events == ["opened", "acknowledged", "resolved", "reopened", "repeated"]
        assert incidents(pipeline)[0]["acknowledged_by"] is None


def test_a_correction_brings_a_resolved_incident_back_instead_of_opening_another(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    week(trade)
    surge(trade, NOON + 2 * MINUTE, 900_000)
    rules = rules_file(tmp_path, resolve_after_minutes=5, reopen_within_minutes=20, repeat_after_minutes=240)
    with pipeline_of(trade, state_url, tmp_path / "home", rules=rules) as pipeline:
        pipeline.judge_from(NOON)
        list(pipeline.catch_up(NOON + 80 * MINUTE))
        assert [i["status"] for i in incidents(pipeline)] == ["resolved"]
        surge(trade, NOON + 75 * MINUTE, 910_000)
        Corrector(pipeline).correct([NOON + 75 * MINUTE], "late_commit")
        (only,) = incidents(pipeline)
        assert (only["status"], only["times"], only["last_breach_minute"]) == (
            "open",
            2,
            NOON + 79 * MINUTE,
        )
        list(pipeline.catch_up(NOON + 90 * MINUTE))
        assert [event for event, _ in told(pipeline)] == ["opened", "resolved", "reopened"]


def test_an_outage_of_the_platform_is_one_incident_one_message_and_holds_the_merchants_back(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    platform(trade, NOON)
    # With so little traffic an hour of 60 approvals has to be enough to be silent in.
    rules = rules_file(tmp_path, minimum_expected_hour=20, resolve_after_minutes=30)
    settings = {"rules": rules, "policy": "budgeted"}
    only, signals = dict[str, Any](), SIGNAL.to_frame()
    for stop in (0, 4, 6, 65):  # stopped while it is pending, and while it lasts
        with (
            pipeline_of(trade, state_url, tmp_path / "home", **settings) as pipeline,
            make_standin() as slack,
        ):
            if stop == 0:
                pipeline.judge_from(NOON - 20 * MINUTE)
            list(pipeline.catch_up(NOON + stop * MINUTE))
            if stop == 6:
                (only,) = incidents(pipeline)
                assert (only["rule"], only["entity_id"], only["severity"]) == (
                    "platform_outage",
                    "*",
                    "critical",
                )
                # Half of the five newest minutes are gone at 12:02; two minutes later it is no stall.
                assert only["opened_minute"] == NOON + 4 * MINUTE
                make_world(pipeline.state.engine, slack).drain()
                (message,) = slack.messages
                told = traffic(settings_of(trade, state_url, tmp_path / "home", **settings))
                assert "the last 6 hold no row" in told
                assert f"incident {only['incident_id']}" in told
                assert "전체 가맹점" in message["text"]
                assert "`*`" not in str(message)
            if stop == 65:
                files, whole = pipeline.state.publication().files, Span(NOON, NOON + 65 * MINUTE)
                signals = pipeline.lake.read(files, "signal", whole)
                (only,) = incidents(pipeline)
    held = signals.filter(reason="inhibited_by_platform")
    assert held["entity_id"].n_unique() == MERCHANTS
    assert not held["passed"].any()
    assert only["latest_reason"]["merchants_held"] == MERCHANTS


def test_when_the_outage_ends_what_is_still_breached_opens_and_late_rows_take_an_outage_back(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    platform(trade, NOON)
    rules = rules_file(tmp_path, minimum_expected_hour=20, resolve_after_minutes=5)
    with pipeline_of(trade, state_url, tmp_path / "home", rules=rules, policy="budgeted") as pipeline:
        pipeline.judge_from(NOON - 20 * MINUTE)
        list(pipeline.catch_up(NOON + 62 * MINUTE))
        # Everybody is back, but for M0.
        trade.insert(
            *(
                (10**7 + n * 100 + m, f"M{m}", "APPROVAL", 1000, NOON + n * MINUTE)
                for n in range(62, 80)
                for m in range(1, MERCHANTS)
            )
        )
        list(pipeline.catch_up(NOON + 80 * MINUTE))
        found = incidents(pipeline)
        assert [(i["rule"], i["entity_id"], i["status"]) for i in found] == [
            ("platform_outage", "*", "resolved"),
            ("volume_drop", "M0", "open"),
        ]
        assert found[1]["opened_minute"] == found[0]["resolved_minute"]
        # The rows of the outage arrive after all: it was a stall of the source.
        trade.insert(
            *(
                (2 * 10**7 + n * 100 + m, f"M{m}", "APPROVAL", 1000, NOON + n * MINUTE)
                for n in range(62)
                for m in range(MERCHANTS)
            )
        )
        Corrector(pipeline).correct(list(Span(NOON, NOON + 62 * MINUTE)), "late_commit")
        assert [i["corrected_minute"] is not None for i in incidents(pipeline)] == [True, True]
        files = pipeline.state.publication().files
        signals = pipeline.lake.read(files, "signal", Span(NOON, NOON + 80 * MINUTE))
        assert signals.filter("passed").is_empty()

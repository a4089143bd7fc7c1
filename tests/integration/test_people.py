"""What people do, through the judged minutes of a real PostgreSQL, late commits and restarts."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from datetime import timedelta
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.cli import main
from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from pipeline.replay.backtest import backtest
from pipeline.replay.replay import whole_period
from tests.integration.delivery import make_standin, make_world
from tests.integration.test_life import HOUR, NOON, incidents, rows, rules_file, surge, told, week
from tests.integration.trade_home import pipeline_of
from tests.people import do

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

    Start = Callable[[], AbstractContextManager[Pipeline]]

NUMBERS = {"resolve_after_minutes": 5, "reopen_within_minutes": 20, "repeat_after_minutes": 10}
KIM: dict[str, Any] = {"by": "김위험"}


@pytest.fixture
def start(trade: Trade, state_url: str, tmp_path: Path) -> Start:
    """The installation, which can be stopped and started; a surge from 12:02 on that lasts for an hour."""
    return installed(trade, state_url, tmp_path)


@pytest.fixture
def mild(trade: Trade, state_url: str, tmp_path: Path) -> Start:
    """The same with more sales, and more cancels on other days: the surge is no critical one."""
    trade.insert(*((700_000 + n, "M0", "APPROVAL", 1000, NOON + (n - 30) * MINUTE) for n in range(60)))
    trade.insert(*((800_000 + n, "M0", "CANCEL", 1000, NOON - 4 * HOUR + n * MINUTE) for n in range(50)))
    return installed(trade, state_url, tmp_path)


def installed(trade: Trade, state_url: str, folder: Path) -> Start:
    week(trade)
    surge(trade, NOON + 2 * MINUTE, 900_000)
    rules = rules_file(folder, **NUMBERS)
    with pipeline_of(trade, state_url, folder / "home", rules=rules) as pipeline:
        pipeline.judge_from(NOON)
    return lambda: pipeline_of(trade, state_url, folder / "home", rules=rules)


def judge(pipeline: Pipeline, minutes: int) -> None:
    list(pipeline.catch_up(NOON + minutes * MINUTE))


def at(minutes: int) -> str:
    return (NOON + minutes * MINUTE).isoformat()


def said(pipeline: Pipeline, event: str) -> dict[str, Any]:
    (row,) = rows(pipeline, f"SELECT message FROM outbox WHERE event = '{event}'")
    message: dict[str, Any] = row["message"]
    return message


def test_a_snooze_is_kept_over_a_restart_ends_by_itself_and_says_what_moved(start: Start) -> None:
    with start() as pipeline:
        judge(pipeline, 5)
        do(pipeline.state, "snooze", 1, until=at(30), **KIM)
        judge(pipeline, 20)
    with start() as pipeline, make_standin() as slack:
        judge(pipeline, 45)
        assert told(pipeline) == [("opened", 2), ("snoozed", 4), ("snooze_ended", 30), ("repeated", 40)]
        ended = said(pipeline, "snooze_ended")
        assert (ended["by"], ended["said"]["minutes"], ended["said"]["breaches"]) == ("김위험", 26, 26)
        make_world(pipeline.state.engine, slack).drain()
        root, *replies = slack.messages
        assert {m["thread_ts"] for m in replies} == {root["ts"]}
        assert ["thread_broadcast" if m.get("subtype") else "" for m in replies][:2] == [
            "",
            "thread_broadcast",
        ]
        assert "26분 동안" in replies[1]["text"]


def test_more_money_than_the_limit_breaks_through_a_snooze(start: Start, trade: Trade) -> None:
    later = (NOON + timedelta(minutes=9, seconds=30)).isoformat()
    trade.execute(
        "INSERT INTO settlements VALUES ('M0', '2026-03-09', 1000000, '2026-03-09T16:00Z'),"
        f" ('M0', '2026-03-10', 9000000, '{later}')"
    )
    with start() as pipeline:
        judge(pipeline, 4)
        money = incidents(pipeline)[0]["at_risk"]
        assert do(pipeline.state, "snooze", 1, until=at(50), **KIM)["limit"] == money + money // 2
        judge(pipeline, 12)
        assert told(pipeline) == [("opened", 2), ("snoozed", 3), ("broke_through", 9)]
        through = said(pipeline, "broke_through")
        assert through["said"]["at_risk"] == money
        assert through["at_risk"] > through["said"]["limit"]
        assert incidents(pipeline)[0]["at_risk"] == through["at_risk"]


def test_what_a_person_resolved_stays_so_while_its_breach_goes_on_and_comes_back_when_it_has_been_quiet(
    start: Start, trade: Trade
) -> None:
    surge(trade, NOON + 70 * MINUTE, 910_000)
    with start() as pipeline:
        judge(pipeline, 5)
        do(pipeline.state, "resolve", 1, reason="held", **KIM)
        judge(pipeline, 40)
        assert told(pipeline) == [("opened", 2), ("resolved_by", 4)]
    with start() as pipeline:  # the breach ends at 13:02, is quiet, and comes back at 13:10
        judge(pipeline, 75)
        assert told(pipeline)[2:] == [("reopened", 70)]
        (only,) = incidents(pipeline)
        assert (only["status"], only["times"], only["dismissal"]) == ("open", 2, None)


def test_what_a_person_resolved_comes_back_when_it_turns_critical(mild: Start, trade: Trade) -> None:
    surge(trade, NOON + 20 * MINUTE, 910_000)
    with mild() as pipeline:
        judge(pipeline, 5)
        assert incidents(pipeline)[0]["severity"] == "high"
        do(pipeline.state, "resolve", 1, reason="known sale", **KIM)
        judge(pipeline, 30)
        assert told(pipeline) == [("opened", 2), ("resolved_by", 4), ("reopened", 20)]
        (only,) = incidents(pipeline)
        assert (only["status"], only["severity"], only["dismissal"]) == ("open", "critical", None)
        # Who resolves a critical one has seen that: it stays so however long it goes on.
        do(pipeline.state, "resolve", 1, reason="known sale", **KIM)
        judge(pipeline, 60)
        assert [event for event, _ in told(pipeline)][3:] == ["resolved_by"]


def test_a_late_commit_that_turns_critical_what_a_person_resolved_brings_it_back(
    mild: Start, trade: Trade
) -> None:
    with mild() as pipeline:
        judge(pipeline, 5)
        do(pipeline.state, "resolve", 1, reason="known sale", **KIM)
        judge(pipeline, 30)
        surge(trade, NOON + 10 * MINUTE, 950_000, cancels=2)  # more, but as severe as before
        Corrector(pipeline).correct([NOON + 10 * MINUTE], "late_commit")
        assert [event for event, _ in told(pipeline)] == ["opened", "resolved_by"]
        surge(trade, NOON + 20 * MINUTE, 960_000)
        Corrector(pipeline).correct([NOON + 20 * MINUTE], "late_commit")
        assert told(pipeline)[2:] == [("reopened", 20)]
        (only,) = incidents(pipeline)
        assert (only["status"], only["severity"], only["times"]) == ("open", "critical", 2)
        judge(pipeline, 40)
        assert [event for event, _ in told(pipeline)][3:] == ["repeated"]  # nobody takes it on


def test_what_a_person_opened_again_is_not_resolved_by_the_next_minute(start: Start) -> None:
    with start() as pipeline:
        judge(pipeline, 70)
        assert told(pipeline)[-1] == ("resolved", 66)
        do(pipeline.state, "reopen", 1, reason="not over", **KIM)
        judge(pipeline, 74)
        assert incidents(pipeline)[0]["status"] == "open"
        judge(pipeline, 80)
        assert incidents(pipeline)[0]["status"] == "resolved"


def test_a_late_commit_undoes_nothing_that_people_did(start: Start, trade: Trade) -> None:
    with start() as pipeline:
        judge(pipeline, 5)
        do(pipeline.state, "label", 1, label="false_alarm", reason="known sale", **KIM)
        do(pipeline.state, "assign", 1, to="lee", **KIM)
        do(pipeline.state, "resolve", 1, reason="known sale", **KIM)
        judge(pipeline, 30)
        before = incidents(pipeline)[0]
        surge(trade, NOON + 2 * MINUTE, 950_000, cancels=3)  # the minute that opened it has more cancels
        Corrector(pipeline).correct([NOON + 2 * MINUTE], "late_commit")
        judge(pipeline, 40)
        (after,) = incidents(pipeline)
        assert {n: after[n] for n in ("status", "owner", "dismissal", "resolved_minute")} == {
            n: before[n] for n in ("status", "owner", "dismissal", "resolved_minute")
        }
        assert [event for event, _ in told(pipeline)] == ["opened", "labelled", "assigned", "resolved_by"]


def command(pipeline: Pipeline, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - parsed JSON
    """What a command answers a machine, beside the installation at work."""
    out, settings = io.StringIO(), pipeline.settings
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        for name in ("home", "source_url", "state_url", "policy", "rules"):
            patch.setenv(f"MINUTERISK_{name.upper()}", str(getattr(settings, name)))
        assert main([*arguments, "--json"]) == code
    return json.loads(out.getvalue().strip().splitlines()[-1]) if code == 0 else None


def listed(pipeline: Pipeline, *filters: str) -> list[int]:
    found = command(pipeline, "incidents", "list", *filters)["incidents"]
    return [row["incident_id"] for row in found]


def test_the_command_line_does_every_act_and_lists_by_what_people_did(start: Start) -> None:
    with start() as pipeline:
        judge(pipeline, 5)
        act = ("incidents", "snooze", "1", "--by", "kim")
        assert command(pipeline, *act, "--until", at(30))["snoozed_until"] == at(30)
        command(pipeline, "incidents", "assign", "1", "--to", "lee", "--by", "kim")
        command(pipeline, "incidents", "note", "1", "called the shop", "--by", "kim")
        command(pipeline, "incidents", "label", "1", "false_alarm", "--reason", "sale", "--by", "lee")
        for narrow in (
            ("--state", "snoozed", "--owner", "lee"),
            ("--merchant", "M0", "--severity", "critical", "--rule", "cancel_surge"),
            ("--entity", "M0", "--from", at(2), "--to", at(3)),
        ):
            assert listed(pipeline, *narrow) == [1], narrow
        for other in (("--state", "resolved"), ("--owner", "kim"), ("--merchant", "M1"), ("--from", at(3))):
            assert listed(pipeline, *other) == [], other
        command(pipeline, "incidents", "resolve", "1", "--reason", "sale", "--by", "lee")
        assert listed(pipeline) == []
        assert listed(pipeline, "--state", "resolved") == [1]
        shown = command(pipeline, "incidents", "show", "1")
        assert (shown["owner"], shown["label"], shown["snooze"]) == ("lee", "false_alarm", None)
        assert [note["text"] for note in shown["notes"]] == ["called the shop"]
        assert [entry["what"] for entry in shown["timeline"]] == [
            "opened",
            *("snooze", "assign", "note", "label", "resolve"),
        ]
        assert command(pipeline, "incidents", "reopen", "1", "--reason", "no", "--by", "kim")
        command(pipeline, "incidents", "snooze", "1", "--for", "1h", code=2)  # nobody is named


def test_windows_and_exclusions_are_added_listed_and_ended_by_command(start: Start) -> None:
    with start() as pipeline:
        judge(pipeline, 1)
        add = ("windows", "add", "--merchant", "M0", "--from", at(2), "--until", at(60), "--reason", "move")
        number = command(pipeline, *add)["withheld_id"]
        command(pipeline, *add, code=2)
        assert [w["entity_id"] for w in command(pipeline, "windows")["windows"]] == ["M0"]
        shop = ("exclusions", "add", "M7", "--reason", "test shop")
        command(pipeline, *shop, code=2)  # for how long?
        assert command(pipeline, *shop, "--for", "30d")["end"] is not None
        judge(pipeline, 5)
        ended = command(pipeline, "windows", "end", str(number), "--reason", "done")
        assert ended["end"] == at(6)
        judge(pipeline, 8)
        assert told(pipeline) == [("opened", 6)]
        why = [command(pipeline, "explain", "M0", at(n)).get("held_back") for n in (4, 7)]
        assert why == [[{"reason": "maintenance", "rule": None}], None]
        assert command(pipeline, "windows", "list")["windows"] == []
        assert len(command(pipeline, "windows", "list", "--all")["windows"]) == 1
        assert [x["reason"] for x in command(pipeline, "exclusions", "list")["exclusions"]] == ["test shop"]


def test_labels_make_the_precision_and_score_a_backtest(start: Start) -> None:
    with start() as pipeline:
        judge(pipeline, 70)
        period = ("--from", at(0), "--to", at(70), "--labels", "live", "--jobs", "1")
        unknown = command(pipeline, "backtest", *period)["score"]
        assert (unknown["precision"], unknown["unlabelled_incidents"], unknown["false_incidents"]) == (
            None,
            1,
            0,
        )
        do(pipeline.state, "label", 1, label="true_alarm", reason="fraud", **KIM)
        true = command(pipeline, "backtest", *period)["score"]
        assert (true["recall"], true["precision"], true["unlabelled_incidents"]) == (1.0, 1.0, 0)
        do(pipeline.state, "label", 1, label="false_alarm", reason="it was a sale", **KIM)
        false = command(pipeline, "backtest", *period)["score"]
        assert (false["precision"], false["quiet_labels_broken"]) == (0.0, 1)


def signals(pipeline: Pipeline, first: int, last: int) -> list[tuple[int, str]]:
    files, span = pipeline.state.publication().files, Span(NOON + first * MINUTE, NOON + last * MINUTE)
    found = pipeline.lake.read(files, "signal", span).sort("minute").to_dicts()
    return [((row["minute"] - NOON) // MINUTE, row["reason"]) for row in found]


def test_a_window_holds_back_through_a_minute_a_late_commit_and_a_backtest(
    start: Start, trade: Trade, tmp_path: Path
) -> None:
    with start() as pipeline:
        judge(pipeline, 1)
        window: dict[str, Any] = {"from": at(2), "until": at(10), "reason": "planned work"}
        do(pipeline.state, "add_window", rule="cancel_surge", **window)
        judge(pipeline, 15)
        held = signals(pipeline, 2, 15)
        assert held == [(n, "maintenance" if n < 10 else "fires") for n in range(2, 15)]
        assert told(pipeline) == [("opened", 10)]
        surge(trade, NOON + 2 * MINUTE, 950_000, cancels=3)
        Corrector(pipeline).correct([NOON + 2 * MINUTE], "late_commit")
        assert signals(pipeline, 2, 15) == held
        assert told(pipeline) == [("opened", 10)]
        with TemporaryDirectory(dir=tmp_path) as folder:
            span = Span(NOON, NOON + 15 * MINUTE)
            given = pipeline.lake, pipeline.state, span, "supported", pipeline.versions
            result = backtest(whole_period(*given, tmp_path / folder), lambda *_: None, 1)
        assert [i.opened_minute for i in result.opened] == [NOON + 10 * MINUTE]


def test_an_excluded_shop_is_held_back_until_that_ends_and_what_it_had_open_resolves(
    start: Start,
) -> None:
    with start() as pipeline:
        judge(pipeline, 5)
        shop: dict[str, Any] = {"entity": "M0", "reason": "test shop", "from": at(6), "until": at(600)}
        made = do(pipeline.state, "add_exclusion", **shop)
        judge(pipeline, 20)
        assert told(pipeline) == [("opened", 2), ("resolved", 10)]
        do(pipeline.state, "end_exclusion", made["withheld_id"])
        judge(pipeline, 30)  # the end lies behind the minute that may be under judgement
        assert told(pipeline)[2:] == [("reopened", 21)]
        assert signals(pipeline, 5, 22) == [(n, "excluded" if 6 <= n < 21 else "fires") for n in range(5, 22)]

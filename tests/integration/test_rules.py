"""Tuned numbers that people change while it runs: each minute is judged by those of its own time."""

from __future__ import annotations

import io
import json
import os
import pwd
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from baselines.versions import always
from pipeline.catch_up import no_progress
from pipeline.cli import main
from pipeline.desk.roles import RULE_ADMIN, Actor
from pipeline.history import rebuild_windows
from pipeline.minute import MINUTE, Span, business_date, business_day, floor_minute
from pipeline.prove.corrector import Corrector
from pipeline.prove.proof import find_faults
from pipeline.prove.verify import repair_files
from pipeline.replay.backtest import backtest, settle
from pipeline.replay.candidate import measure_waiting
from pipeline.replay.replay import replay, stretches_of, whole_period
from tests.integration.delivery import SEOUL
from tests.integration.trade_home import pipeline_of, state_database, trade_database
from tests.people import do

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

NOW = floor_minute(datetime.now(UTC)) - timedelta(minutes=10)
START = NOW - timedelta(minutes=12)
LOWER = {"changes": "cancel_surge.minimum_cancels_hour=3", "reason": "three are enough"}


@dataclass
class Home:
    """An installation over a shop with a week of approvals and three cancels in its first judged minute."""

    trade: Trade
    state_url: str
    folder: Path

    def at_work(self) -> AbstractContextManager[Pipeline]:
        return pipeline_of(self.trade, self.state_url, self.folder)

    def command(self, *arguments: str) -> Any:  # noqa: ANN401 - parsed JSON
        return json.loads(self.said(*arguments, "--json").strip().splitlines()[-1])

    def said(self, *arguments: str) -> str:
        out = io.StringIO()
        given = {"home": self.folder, "source_url": self.trade.source_url, "state_url": self.state_url}
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
            for name, value in (given | {"policy": "supported"}).items():
                patch.setenv(f"MINUTERISK_{name.upper()}", str(value))
            assert main(arguments) == 0
        return out.getvalue()


@pytest.fixture
def home(postgres_url: str, tmp_path: Path) -> Iterator[Home]:
    with trade_database(postgres_url) as trade, state_database(postgres_url) as state_url:
        week = [
            (n, "shop", "APPROVAL", 1000, START - timedelta(hours=2, minutes=n % 600)) for n in range(1, 201)
        ]
        trade.insert(*week, *((500 + n, "shop", "CANCEL", 1000, START) for n in range(3)))
        yield Home(trade, state_url, tmp_path / "home")


def begin(pipeline: Pipeline, until: datetime) -> None:
    pipeline.backfill(Span(START - timedelta(days=1), START))
    list(pipeline.catch_up(until))


def person(pipeline: Pipeline, name: str) -> Actor:
    with pipeline.state.engine.begin() as connection:
        number = connection.exec_driver_sql(
            "INSERT INTO account (name, role) VALUES (%s, %s)"
            " ON CONFLICT (name) DO UPDATE SET role = excluded.role RETURNING account_id",
            (name, RULE_ADMIN),
        ).scalar_one()
    return Actor(number, name, RULE_ADMIN, "cli")


def in_force(pipeline: Pipeline, **given: str) -> datetime:
    """Draft, hand in and approve a change; gives the minute from which on it is in force."""
    state, ann, ben = pipeline.state, person(pipeline, "ann"), person(pipeline, "ben")
    version = do(state, "draft_rules", actor=ann, **given)["version"]
    do(state, "submit_rules", version, actor=ann)
    assert state.store_backtest(version, {})
    start: datetime = do(state, "approve_rules", version, actor=ben)["in_force_from"]
    return start


def versions(pipeline: Pipeline) -> list[int | None]:
    return [row["rules_version"] for row in pipeline.state.minutes(Span(START, NOW))]


def opened(pipeline: Pipeline) -> list[tuple[str, datetime]]:
    rows = pipeline.state.incidents_between(START, NOW)
    return [(row["rule"], row["opened_minute"]) for row in rows if row["corrected_minute"] is None]


def stored(pipeline: Pipeline) -> list[dict[str, Any]]:
    files = pipeline.state.publication().files
    return pipeline.lake.read(files, "signal", Span(START, NOW)).sort("minute", "rule").to_dicts()


def again(pipeline: Pipeline, folder: Path, numbers: Any = None) -> list[tuple[str, datetime]]:  # noqa: ANN401
    """What a backtest of the judged minutes opens; by default by the numbers of each minute."""
    folder.mkdir()
    found = numbers or pipeline.versions
    whole = whole_period(
        pipeline.lake, pipeline.state, Span(START, NOW), "supported", found, folder, whole=True
    )
    return [(incident.rule, incident.opened_minute) for incident in backtest(whole, no_progress, 1).opened]


def test_a_change_is_in_force_at_its_minute_without_a_restart_and_after_one(
    home: Home, tmp_path: Path
) -> None:
    with home.at_work() as pipeline:
        begin(pipeline, START + 4 * MINUTE)
        start = in_force(pipeline, **LOWER)
        assert start == START + 5 * MINUTE
        list(pipeline.catch_up(START + 8 * MINUTE))
        assert opened(pipeline) == [("cancel_surge", start)]
    with home.at_work() as pipeline:
        list(pipeline.catch_up(NOW))
        assert versions(pipeline) == 5 * [1] + 7 * [2]
        assert opened(pipeline) == [("cancel_surge", start)]
        # A backtest takes the numbers of each minute, or those it is given.
        assert again(pipeline, tmp_path / "own") == [("cancel_surge", start)]
        assert again(pipeline, tmp_path / "file", always(pipeline.tuned_at(START))) == []


def test_a_correction_takes_the_numbers_of_the_minute_it_corrects(home: Home, tmp_path: Path) -> None:
    with home.at_work() as pipeline:
        begin(pipeline, START + 4 * MINUTE)
        start = in_force(pipeline, **LOWER)
        list(pipeline.catch_up(NOW))
        Corrector(pipeline).poll()
        live = stored(pipeline)
        # A fourth cancel comes late: too few for the minutes before the change, as it was for three.
        home.trade.insert((900, "shop", "CANCEL", 1000, START + MINUTE))
        assert Corrector(pipeline).poll() == [START + MINUTE]
        assert opened(pipeline) == [("cancel_surge", start)]
        now = stored(pipeline)
        assert [row["reason"] for row in now] == [row["reason"] for row in live]
        assert [row["cancels_hour"] for row in now] == [3] + 11 * [4]
        assert versions(pipeline) == 5 * [1] + 7 * [2]
        # So does a file of signals that is built again, and whoever explains a minute.
        repair_files(pipeline, [f for f in pipeline.state.publication().files if f.dataset == "signal"])
        assert stored(pipeline) == now
        assert again(pipeline, tmp_path / "again") == [("cancel_surge", start)]
        assert not find_faults(pipeline, pipeline.source, Span(START, NOW)).any
    before, after = (home.command("explain", "shop", m.isoformat()) for m in (start - MINUTE, start))
    said = [(found["rules_version"], found["accounts"][0]["gates"][0]["right"]) for found in (before, after)]
    assert said == [(1, 5), (2, 3)]


def test_windows_that_another_version_asks_for_are_built_anew(home: Home, tmp_path: Path) -> None:
    with home.at_work() as pipeline:
        begin(pipeline, START + 4 * MINUTE)
        Corrector(pipeline).poll()
        in_force(pipeline, changes="volume_drop.baseline_days=3", reason="short memory")
        list(pipeline.catch_up(NOW))
        assert pipeline.state.minutes(Span(START, NOW))[-1]["rules_version"] == 2
        line = pipeline._line
        assert line is not None
        new: Any = rebuild_windows(pipeline.lake, pipeline.state, NOW, pipeline.tuned_at(NOW))[0]
        live: Any = line.windows
        assert live.history_minutes == new.history_minutes
        assert live.pacing.used_days == new.pacing.used_days
        assert opened(pipeline) == []
        home.trade.insert(*((900 + n, "shop", "CANCEL", 1000, START + 3 * MINUTE) for n in range(4)))
        assert Corrector(pipeline).poll() == [START + 3 * MINUTE]
        assert line.windows.history_minutes == new.history_minutes  # what live goes on with
        assert opened(pipeline) == [("cancel_surge", START + 3 * MINUTE)]
        whole = whole_period(
            pipeline.lake, pipeline.state, Span(START, NOW), "supported", pipeline.versions, tmp_path
        )
        parts = stretches_of(whole, 1)
        assert [part.span for part in parts] == [
            Span(START, START + 5 * MINUTE),
            Span(START + 5 * MINUTE, NOW),
        ]
        files = [file for part in parts for file in replay(part, lambda: None).files]
        found = [(incident.rule, incident.opened_minute) for incident in settle(whole, files).opened]
        assert found == opened(pipeline)


def test_drops_are_corrected_and_built_again_over_the_days_of_each_minutes_own_version(home: Home) -> None:
    """Two good days and a bad one: a drop against the last week, none against the day before alone."""
    # The day before: no business day begins while its minutes are judged, whatever the time is.
    today = business_day(business_date(NOW, SEOUL) - timedelta(days=1), SEOUL).start
    first, end = today + timedelta(hours=12), today + timedelta(hours=12, minutes=10)
    for days_ago, amount in ((1, 500), (2, 3_000), (3, 3_000)):
        at = today - timedelta(days=days_ago) + timedelta(hours=1)
        home.trade.insert((2000 + days_ago, "large", "APPROVAL", amount * 1_000_000, at))

    def drops(pipeline: Pipeline) -> list[tuple[datetime, int]]:
        rows = pipeline.lake.read(pipeline.state.publication().files, "signal", Span(first, end))
        return [(row["minute"], row["days"]) for row in rows.to_dicts() if row["rule"] == "volume_drop"]

    with home.at_work() as pipeline:
        pipeline.backfill(Span(today - timedelta(days=3), first))
        list(pipeline.catch_up(first + 4 * MINUTE))
        Corrector(pipeline).poll()
        start = in_force(pipeline, changes="volume_drop.baseline_days=1", reason="yesterday is enough")
        list(pipeline.catch_up(end))
        live = drops(pipeline)
        assert live == [(minute, 3) for minute in Span(first, start)]
        home.trade.insert((2900, "shop", "APPROVAL", 1000, first))
        assert Corrector(pipeline).poll() == [first]
        assert drops(pipeline) == live
        (file,) = (f for f in pipeline.state.publication().files if f.dataset == "signal")
        assert file.span == Span(first, end)  # of both versions
        repair_files(pipeline, [file])
        assert drops(pipeline) == live


def test_a_paused_rule_opens_nothing_what_is_open_goes_on_and_corrections_know_it(
    home: Home, tmp_path: Path
) -> None:
    with home.at_work() as pipeline:
        short: dict[str, Any] = {"for": "4m"}
        long: dict[str, Any] = {"for": "4h"}
        begin(pipeline, START + 2 * MINUTE)
        home.trade.insert(*((900 + n, "shop", "CANCEL", 1000, START + 4 * MINUTE) for n in range(4)))
        do(
            pipeline.state,
            "pause_rule",
            "cancel_surge",
            **short,
            reason="the feed doubles cancels",
        )
        list(pipeline.catch_up(START + 6 * MINUTE))
        assert opened(pipeline) == []
        assert [row["reason"] for row in stored(pipeline)][-2:] == ["paused", "paused"]
        list(pipeline.catch_up(START + 8 * MINUTE))
        assert opened(pipeline) == [("cancel_surge", START + 7 * MINUTE)]
        do(pipeline.state, "pause_rule", "cancel_surge", **long, reason="again")
        list(pipeline.catch_up(NOW))
        known = pipeline.state.unresolved()["cancel_surge", "shop"]
        assert known.last_breach_minute == NOW - MINUTE  # held back, and still breached
        Corrector(pipeline).poll()
        live = [row["reason"] for row in stored(pipeline)]
        home.trade.insert((950, "shop", "CANCEL", 1000, START + 3 * MINUTE))
        assert Corrector(pipeline).poll() == [START + 3 * MINUTE]
        assert [row["reason"] for row in stored(pipeline)] == live
        assert opened(pipeline) == [("cancel_surge", START + 7 * MINUTE)]
        assert again(pipeline, tmp_path / "again") == opened(pipeline)


def test_a_merchant_with_numbers_of_its_own_is_judged_by_them_alone(home: Home) -> None:
    other = [
        (5000 + n, "other", "APPROVAL", 1000, START - timedelta(hours=2, minutes=n % 600)) for n in range(200)
    ]
    home.trade.insert(*other, *((6000 + n, "other", "CANCEL", 1000, START) for n in range(3)))
    with home.at_work() as pipeline:
        begin(pipeline, START + 4 * MINUTE)
        in_force(pipeline, own="merchant=other", **LOWER)
        list(pipeline.catch_up(NOW))
        known = {entity: i.opened_minute for (_, entity), i in pipeline.state.unresolved().items()}
        assert known == {"other": START + 5 * MINUTE}
        found = {row["entity_id"]: row["reason"] for row in stored(pipeline)}
        assert found == {"shop": "few_cancels", "other": "fires"}
    why = home.command("explain", "other", (NOW - MINUTE).isoformat())
    assert why["accounts"][0]["gates"][0]["right"] == 3
    assert (
        home.command("explain", "shop", (NOW - MINUTE).isoformat())["accounts"][0]["gates"][0]["right"] == 5
    )


def test_what_was_handed_in_is_measured_beside_what_is_in_force(home: Home) -> None:
    with home.at_work() as pipeline:
        begin(pipeline, START + 4 * MINUTE)
        home.trade.insert(*((900 + n, "shop", "CANCEL", 1000, START + 6 * MINUTE) for n in range(2)))
        list(pipeline.catch_up(NOW))
        version = do(pipeline.state, "draft_rules", actor=person(pipeline, "ann"), **LOWER)["version"]
        assert measure_waiting(pipeline) is None  # nobody has handed it in
        do(pipeline.state, "submit_rules", version, actor=person(pipeline, "ann"))
        assert measure_waiting(pipeline) == version
        assert measure_waiting(pipeline) is None
        row = pipeline.state.rule_version(version)
        assert row is not None
        found = row["backtest"]
        numbers = {side: found[side]["incidents_opened"] for side in ("in_force", "candidate")}
        assert numbers == {"in_force": 1, "candidate": 1}
        assert found["version_in_force"] == 1
        assert [found[side]["live_found"] for side in ("in_force", "candidate")] == [1, 1]
        assert found["only_candidate"] == []


def test_a_draft_that_somebody_asked_about_is_measured_and_stays_a_draft(home: Home) -> None:
    with home.at_work() as pipeline:
        begin(pipeline, NOW)
        state, ann = pipeline.state, person(pipeline, "ann")
        version = do(state, "draft_rules", actor=ann, **LOWER)["version"]
        assert measure_waiting(pipeline) is None  # nobody wants to know
        do(state, "backtest_rules", version, actor=ann)
        asked = state.rule_version(version)
        assert asked is not None
        assert (asked["backtest_asked_at"] is None, asked["backtest_started_at"]) == (False, None)
        assert measure_waiting(pipeline) == version
        found = state.rule_version(version)
        assert found is not None
        assert (found["status"], found["backtest_asked_at"], found["backtest_started_at"]) == (
            *("draft", None),
            None,
        )
        assert found["backtest"]["candidate"]["incidents_opened"] == 1
        assert measure_waiting(pipeline) is None
        do(state, "backtest_rules", version, actor=ann)  # again, over the days of then
        assert measure_waiting(pipeline) == version


def test_it_is_seen_that_a_version_is_being_measured(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    with home.at_work() as pipeline:
        begin(pipeline, NOW)
        state, ann = pipeline.state, person(pipeline, "ann")
        version = do(state, "draft_rules", actor=ann, **LOWER)["version"]
        do(state, "backtest_rules", version, actor=ann)

        def measured(*_: object) -> dict[str, Any]:
            seen.append(state.rule_version(version))
            do(state, "withdraw_rules", version, actor=ann)  # meanwhile
            return {}

        monkeypatch.setattr("pipeline.replay.candidate.measure", measured)
        assert measure_waiting(pipeline) == version
        left = state.rule_version(version)
        assert left is not None
        assert seen[0]["backtest_started_at"] is not None
        assert (left["status"], left["backtest"], left["backtest_started_at"]) == ("withdrawn", None, None)


def test_what_somebody_measured_meanwhile_stays(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with home.at_work() as pipeline:
        begin(pipeline, NOW)
        state, ann = pipeline.state, person(pipeline, "ann")
        version = do(state, "draft_rules", actor=ann, **LOWER)["version"]
        do(state, "backtest_rules", version, actor=ann)
        by_hand = {"with": "labels of a file"}

        def measured(*_: object) -> dict[str, Any]:
            assert state.store_backtest(version, by_hand)
            return {"with": "labels of people"}

        monkeypatch.setattr("pipeline.replay.candidate.measure", measured)
        assert measure_waiting(pipeline) == version
        found = state.rule_version(version)
        assert found is not None
        assert (found["backtest"], found["backtest_asked_at"]) == (by_hand, None)


def test_the_command_line_takes_a_version_the_whole_way(home: Home) -> None:
    with home.at_work() as pipeline:
        begin(pipeline, START + 4 * MINUTE)
        person(pipeline, "ann")
        with pipeline.state.engine.begin() as connection:  # who starts the commands is she
            me = pwd.getpwuid(os.geteuid()).pw_name
            connection.exec_driver_sql("UPDATE account SET os_user = %s", (me,))
        reason = ("--reason", "three are enough")
        made = home.command("rules", "draft", "--set", "cancel_surge.minimum_cancels_hour=3", *reason)
        assert (made["version"], made["before"]) == (2, {"cancel_surge.minimum_cancels_hour": 5})
        differs = home.command("rules", "diff", "2")
        assert differs["numbers"] == {"cancel_surge.minimum_cancels_hour": [5, 3]}
        handed_in = home.command("rules", "submit", "2", "--jobs", "1")
        assert handed_in["backtest"]["candidate"]["incidents_opened"] == 1
        assert home.command("rules", "show", "2")["backtest"] == handed_in["backtest"]
        shown = home.said("rules", "show", "2")
        assert "only this one: cancel_surge shop\n" in shown
        assert f"{'incidents_opened':<28}{0:>20}{1:>20}\n" in shown
        ben = person(pipeline, "ben")
        do(pipeline.state, "approve_rules", 2, actor=ben)
        list(pipeline.catch_up(NOW))
    listed = home.command("rules")
    assert [(row["version"], row["in_force"]) for row in listed["versions"]] == [(2, True), (1, False)]
    assert "minimum_cancels_hour = 3\n" in home.said("rules", "export")
    checked = home.command("check", "--no-sample")["findings"]
    assert any("differs from version 2" in finding["what"] for finding in checked)

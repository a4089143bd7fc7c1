"""An action's whole way: proposed as its incident opens, approved, called, told, confirmed by payouts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from sqlalchemy import text

from data.action_standin import Standin
from pipeline.act.actions import Actions
from pipeline.alarms import open_alarms
from pipeline.judge.life import Changes, Event, Incident
from pipeline.judge.priced import as_told
from pipeline.minute import MINUTE, Span, business_day
from pipeline.money import AtRisk
from pipeline.packs.merchants.money.schema import SETTLEMENT
from pipeline.packs.merchants.schema import MERCHANT_MINUTE
from pipeline.store.state import MinuteCommit
from tests.integration.trade_home import pipeline_of, trade_database
from tests.people import do

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline

SEOUL = ZoneInfo("Asia/Seoul")
MONDAY = date(2090, 3, 6)
SECRET = "a secret that both sides know, and nobody else"
REASON = {"approvals_hour": 10, "cancels_hour": 6, "approvals_week": 1000, "cancels_week": 50}
FIGURES: dict[str, int | str | None] = {
    "pending_payout": 1_800,
    "next_payout": 900,
    "next_payout_date": (MONDAY + timedelta(days=3)).isoformat(),
    "expected_loss": None,
}


def at(day: int, hour: int) -> datetime:
    return datetime.combine(MONDAY + timedelta(days=day), time(hour), SEOUL).astimezone(UTC)


NOW = at(2, 12)  # Wednesday: the sales of Tuesday are due on Thursday


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin(SECRET) as standin:
        yield standin


@pytest.fixture
def pipeline(postgres_url: str, state_url: str, tmp_path: Path, standin: Standin) -> Iterator[Pipeline]:
    own = {"action_url": standin.url, "action_secret": SECRET}
    with (
        trade_database(postgres_url) as trade,
        pipeline_of(trade, state_url, tmp_path / "home", **own) as found,
    ):
        yield found


def publish(pipeline: Pipeline, until: datetime, payouts: dict[int, datetime]) -> None:
    """Sales of 1,000 and cancels of 100 a day, and payouts of 900; judged up to `until`."""
    files = []
    for day in range(-6, 7):
        opened = at(day, 10)
        if opened >= until:
            continue
        span = business_day(MONDAY + timedelta(days=day), SEOUL)
        sold = {"minute": [opened], "merchant_id": ["M1"], "approval_amount": [1000], "cancel_amount": [100]}
        rows = pl.DataFrame(sold).select(
            (pl.col(name) if name in sold else pl.lit(0)).cast(dtype).alias(name)
            for name, dtype in MERCHANT_MINUTE.items()
        )
        paid = [
            (when, "M1", MONDAY + timedelta(days=sale), 900, when, None)
            for sale, when in payouts.items()
            if span.start <= when < span.end and when < until
        ]
        frames = {"merchant_minute": rows, "settlement": pl.DataFrame(paid, SETTLEMENT, orient="row")}
        files += [
            pipeline.lake.write(name, frame, Span(span.start, span.end)) for name, frame in frames.items()
        ]
    known = {file.path for file in pipeline.state.publication().files}
    new = [file for file in files if file is not None and file.path not in known]
    with pipeline.state.changing() as connection:
        connection.execute(text("DELETE FROM lake_file"))
    pipeline.state.commit(MinuteCommit([], new, until))


def open_incident(pipeline: Pipeline) -> int:
    at_risk = AtRisk({"paid_out_cancelable": 4_000, "unrecovered": 500}, "Shop", FIGURES)
    opened = Incident(
        incident_id=None,
        rule="volume_drop",
        entity_id="M1",
        tier="top",
        severity="high",
        status="open",
        policy="budgeted",
        opened_minute=NOW - MINUTE,
        last_breach_minute=NOW - MINUTE,
        reason=REASON,
        at_risk=at_risk,
        told_minute=NOW - MINUTE,
    )
    changes = Changes(opened=[opened], events=[Event("opened", opened.opened_minute, opened)])
    pipeline.state.commit(MinuteCommit([], [], NOW, changes, NOW - MINUTE))
    return pipeline.state.unresolved()[opened.key].incident_id or 0


def rows(pipeline: Pipeline, query: str) -> list[dict[str, Any]]:
    with pipeline.state.reading() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def turn(pipeline: Pipeline) -> None:
    """One turn of a process that has just started."""
    Actions(pipeline.state, pipeline.lake, pipeline.settings, pipeline.ornaments, pipeline.tuned_at).turn()


PAID = {-6: at(-4, 10), -5: at(-3, 10), -4: at(0, 10), -3: at(1, 10), 0: at(2, 10)}


def test_an_incident_that_ends_keeps_the_money_of_its_end(pipeline: Pipeline) -> None:
    number = open_incident(pipeline)
    (known,) = pipeline.state.unresolved().values()
    ended = as_told(
        replace(known, at_risk=AtRisk({"paid_out_cancelable": 70}, None, {"expected_loss": 7})), NOW
    )
    pipeline.state.commit(MinuteCommit([], [], NOW + MINUTE, Changes(resolved=[ended]), NOW))
    (found,) = rows(pipeline, "SELECT incident_id, status, parts, figures, told_money FROM incident")
    assert found == {
        "incident_id": number,
        "status": "resolved",
        "parts": {"paid_out_cancelable": 70},
        "figures": {"expected_loss": 7},
        "told_money": {"minute": NOW.isoformat(), "shown": {"at_risk": 70, "expected_loss": 7}},
    }


def test_from_the_proposal_to_the_outcome(pipeline: Pipeline, standin: Standin) -> None:
    publish(pipeline, NOW, PAID)
    number = open_incident(pipeline)
    (action,) = rows(pipeline, "SELECT * FROM action")
    assert (action["kind"], action["amount"], action["helps_until"]) == ("hold_payout", 900, at(3, 0))
    opened = rows(pipeline, "SELECT message FROM outbox WHERE event = 'opened'")[0]["message"]
    assert (opened["action"]["kind"], opened["action"]["amount"]) == ("hold_payout", 900)
    do(pipeline.state, "approve_action", action["action_id"], by="kim")
    standin.plan.append(500)
    turn(pipeline)
    assert [row["status"] for row in rows(pipeline, "SELECT status FROM action")] == ["approved"]
    with pipeline.state.changing() as connection:
        connection.execute(text("UPDATE action_call SET next_attempt_at = now()"))
    turn(pipeline)
    assert [one.content["amount"] for one in standin.taken] == [900]
    assert [row["status"] for row in rows(pipeline, "SELECT status FROM action")] == ["told"]
    with pipeline.state.changing() as connection:  # the wall's clock is not the story's
        connection.execute(text("UPDATE action SET told_at = :told"), {"told": NOW})
    do(pipeline.state, "label", number, label="false_alarm", reason="moved to another bank", by="kim")
    publish(pipeline, at(4, 1), PAID)
    turn(pipeline)
    (confirmed,) = rows(pipeline, "SELECT status, outcome FROM action")
    assert confirmed["status"] == "confirmed"
    assert confirmed["outcome"]["kept"] == 900
    assert confirmed["outcome"]["false_alarm_amount_days"] == 900
    told = rows(pipeline, "SELECT message FROM outbox WHERE event = 'action' ORDER BY outbox_id")
    assert [row["message"]["said"]["status"] for row in told] == ["approved", "confirmed"]
    publish(pipeline, at(6, 1), {**PAID, 1: at(5, 10)})  # paid out after all, two days after its payday
    turn(pipeline)
    (kept,) = rows(pipeline, "SELECT status, outcome FROM action")
    assert kept["outcome"]["false_alarm_amount_days"] == 2 * 900
    assert kept["outcome"]["settled"]


def test_what_fails_in_a_turn_is_an_alarm_and_no_incident_waits_for_it(
    pipeline: Pipeline, standin: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    state = pipeline.state
    with monkeypatch.context() as patched:
        patched.setattr(state.proposer, "_tuned_at", broken)
        number = open_incident(pipeline)
        turn(pipeline)
    assert [a.subject for a in open_alarms(state.engine, state.url, state.pack)] == ["proposals"]
    assert rows(pipeline, "SELECT event FROM outbox") == [{"event": "opened"}]
    turn(pipeline)  # mended: what was not proposed is proposed now
    assert open_alarms(state.engine, state.url, state.pack) == []
    (action,) = rows(pipeline, "SELECT action_id, kind FROM action")
    do(state, "approve_action", action["action_id"], by="kim")
    standin.plan.append(404)
    turn(pipeline)
    (alarm,) = open_alarms(state.engine, state.url, state.pack)
    assert (alarm.subject, "HTTP 404" in alarm.what) == ("action_calls", True)
    assert f"retell {action['action_id']}" in alarm.hint
    assert state.rows("incident_timeline", id=number)[-1]["said"]["status"] == "failed"
    do(state, "retell_action", action["action_id"], reason="mended", by="kim")
    turn(pipeline)
    assert open_alarms(state.engine, state.url, state.pack) == []
    assert len(standin.taken) == 1

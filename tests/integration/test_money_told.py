"""A message whose money has moved is edited: nobody is called, nothing is answered, the newest shows."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from pipeline.tell.channels import Console
from tests.integration.delivery import (
    MINUTE,
    SEOUL,
    World,
    add_incident,
    change,
    content,
    make_standin,
    make_world,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

FIGURES = {
    "pending_payout": 9_000_000,
    "next_payout": 4_000_000,
    "next_payout_date": "2026-11-24",
    "expected_loss": 2_500_000,
    "expected_loss_low": 1_000_000,
    "expected_loss_high": 5_000_000,
}


def price(engine: Engine, incident_id: int, at_risk: int, loss: int, minute: int) -> None:
    """The outbox row of an incident whose money has moved."""
    at = MINUTE.replace(minute=minute)
    message = content("M1", "priced", at, tier="top", at_risk=at_risk)
    message["figures"] = {**FIGURES, "expected_loss": loss}
    insert = "INSERT INTO outbox (incident_id, event, minute, message) VALUES (:id, 'priced', :at, :message)"
    with engine.begin() as connection:
        given = {"id": incident_id, "at": at, "message": json.dumps(message)}
        connection.execute(text(insert.replace(":message", "CAST(:message AS jsonb)")), given)


def shown(world: World) -> list[dict[str, Any]]:
    return world.standin.messages


def test_slack_shows_the_new_money_in_the_same_message_and_nothing_in_its_thread(
    state_engine: Engine,
) -> None:
    number = add_incident(state_engine, "M1", at_risk=1_000_000, tier="top")
    with make_standin() as slack:
        world = make_world(state_engine, slack)
        world.drain()
        price(state_engine, number, 3_000_000, 2_500_000, 20)
        price(state_engine, number, 7_000_000, 3_500_000, 36)
        world.drain()
        (message,) = shown(world)
    said = json.dumps(message, ensure_ascii=False)
    assert "7,000,000원" in said
    assert "예상 손실 3,500,000원" in said
    assert "4,000,000원 (400만원), 2026-11-24" in said
    assert "1,000,000원 ~ 5,000,000원" in said
    assert world.statuses() == {"sent": 3}


def test_what_is_older_and_sent_late_does_not_turn_the_message_back(state_engine: Engine) -> None:
    number = add_incident(state_engine, "M1", ("opened", "escalated"), at_risk=1_000_000, tier="top")
    late = "UPDATE outbox SET status = '{}', last_error = 'x', attempts = 1 WHERE event = 'escalated'"
    with make_standin() as slack:
        world = make_world(state_engine, slack)
        change(state_engine, late.format("dead"))
        world.drain()
        price(state_engine, number, 7_000_000, 3_500_000, 20)
        world.drain()
        change(state_engine, late.format("pending"))
        world.drain()
        first = shown(world)[0]
    assert "7,000,000원" in json.dumps(first, ensure_ascii=False)


def test_what_calls_people_goes_before_an_edit(state_engine: Engine) -> None:
    number = add_incident(state_engine, "M1", tier="top")
    with make_standin() as slack:
        world = make_world(state_engine, slack)
        world.drain()
        price(state_engine, number, 3_000_000, 2_500_000, 20)
        later = add_incident(state_engine, "M2", tier="top")
        delivered = world.deliver()
    assert delivered is not None
    (sent,) = delivered.outbox_ids
    assert next(row for row in world.rows() if row["outbox_id"] == sent)["incident_id"] == later


def test_a_message_that_somebody_deleted_is_not_posted_again_for_its_money(state_engine: Engine) -> None:
    number = add_incident(state_engine, "M1", tier="top")
    with make_standin() as slack:
        world = make_world(state_engine, slack)
        world.drain()
        slack.workspace.stored.clear()
        price(state_engine, number, 3_000_000, 2_500_000, 20)
        world.drain()
        assert shown(world) == []
    assert world.statuses() == {"sent": 2}


def test_the_console_prints_what_opens_and_no_edit(state_engine: Engine) -> None:
    number = add_incident(state_engine, "M1", tier="top")
    price(state_engine, number, 3_000_000, 2_500_000, 20)
    printed = StringIO()
    with make_standin() as slack:
        world = make_world(state_engine, slack)
        world.channel = Console("ko", SEOUL, printed)  # type: ignore[assignment]
        world.drain()
    assert len(printed.getvalue().splitlines()) == 1
    assert world.statuses() == {"sent": 2}

"""A storm of incidents is one digest, and every one of them has its record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.packs.merchants import PACK as MERCHANTS
from pipeline.tell.render import render_text
from tests.integration.delivery import World, add_incident, change, judge, make_standin, make_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from sqlalchemy import Engine

    from pipeline.tell.message import Message


@pytest.fixture
def world(state_engine: Engine) -> Iterator[World]:
    with make_standin() as standin:
        yield make_world(state_engine, standin)


def test_a_storm_is_one_digest_and_every_row_has_its_record(world: World) -> None:
    for number in range(300):
        add_incident(world.engine, f"M{number}", at_risk=number * 1_000)
    (delivered,) = world.drain()
    assert (delivered.outcome, delivered.sent, len(delivered.outbox_ids)) == ("digest", 300, 300)
    (message,) = world.standin.messages
    assert "300건" in message["text"]
    assert sum("위험 금액" in str(b) and "`M" in str(b) for b in message["blocks"]) == 10
    assert "`M299`" in message["blocks"][3]["text"]["text"]
    assert {(r["status"], r["message_ts"]) for r in world.rows()} == {("sent", message["ts"])}
    assert judge(world).lost == []


def test_a_message_that_nobody_can_put_into_words_is_set_aside_and_the_others_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def render(message: Message, language: str, zone: ZoneInfo) -> str:
        if message.entity_id == "poison":
            raise OverflowError
        return render_text(message, language, zone)

    monkeypatch.setattr("pipeline.tell.deliver.render_text", render)
    add_incident(world.engine, "poison")
    add_incident(world.engine, "M1")
    assert [d.outcome for d in world.drain()] == ["dead", "sent"]


def test_a_poisoned_message_does_not_take_its_digest_along(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def render(message: Message, language: str, zone: ZoneInfo) -> str:
        if message.entity_id == "M9":
            raise OverflowError
        return render_text(message, language, zone)

    monkeypatch.setattr("pipeline.tell.deliver.render_text", render)
    for number in range(30):
        add_incident(world.engine, f"M{number}")
    world.drain()
    assert world.statuses() == {"sent": 29, "dead": 1}


def test_an_incident_of_the_platform_is_never_lost_in_a_digest(world: World) -> None:
    for number in range(30):
        add_incident(world.engine, f"M{number}")
    reason = dict.fromkeys(MERCHANTS.rule("platform_outage").numbers, 1)
    content = json.dumps({"rule": "platform_outage", "entity_id": "*", "reason": reason})
    change(
        world.engine,
        "UPDATE incident SET rule = 'platform_outage', entity_id = '*', tier = 'top' WHERE incident_id = 7;"
        f"UPDATE outbox SET message = message || '{content}' WHERE incident_id = 7",
    )
    assert sorted((d.outcome, d.sent) for d in world.drain()) == [("digest", 29), ("sent", 1)]


def test_twenty_at_once_are_no_storm_and_old_ones_do_not_join_it(world: World) -> None:
    for number in range(20):
        add_incident(world.engine, f"M{number}")
    assert {d.outcome for d in world.drain()} == {"sent"}
    for number in range(20, 45):
        add_incident(world.engine, f"M{number}")
    change(
        world.engine, "UPDATE outbox SET created_at = created_at - interval '2 minutes' WHERE outbox_id <= 22"
    )
    assert sorted(d.outcome for d in world.drain()) == ["digest", "sent", "sent"]


def test_a_storm_that_had_arrived_is_found_and_what_came_after_follows_in_its_thread(world: World) -> None:
    for number in range(30):
        add_incident(world.engine, f"M{number}", ("opened", "resolved") if number == 7 else ("opened",))
    world.standin.fail_next("reset_posted")
    outcomes = [(d.outcome, d.sent) for d in world.drain()]
    assert outcomes == [("retry", 0), ("found", 30), ("sent", 1)]
    digest, reply = world.standin.messages
    assert "edited" not in digest
    assert reply["thread_ts"] == digest["ts"]


def test_a_poison_row_does_not_take_the_storm_with_it(world: World) -> None:
    for number in range(30):
        add_incident(world.engine, f"M{number}")
    change(world.engine, "UPDATE outbox SET message = '{}' WHERE outbox_id = 5")
    assert world.drain()[0].sent == 29
    assert world.statuses() == {"sent": 29, "dead": 1}


def test_a_digest_names_no_more_than_its_metadata_holds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.tell.deliver.DIGEST_KEY_LENGTH", 80)
    for number in range(100):
        add_incident(world.engine, f"M{number}")
    change(world.engine, "DELETE FROM outbox WHERE incident_id % 2 = 0")  # no neighbours: the longest ranges
    done = world.drain()
    assert [(d.outcome, d.sent) for d in done if d.outcome == "digest"] == [("digest", 25), ("digest", 25)]
    assert world.statuses() == {"sent": 50}
    assert judge(world).lost == []

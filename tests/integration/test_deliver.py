"""Delivery, behaviour by behaviour, on a real PostgreSQL and a stand-in Slack over real HTTP."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from pipeline.desk.acts import act
from pipeline.errors import UsageError
from pipeline.packs.merchants import PACK as MERCHANTS
from pipeline.store.state import State
from pipeline.tell import outbox
from pipeline.tell.channels import read_ranges, write_ranges
from pipeline.tell.deliver import LIMITS, deliver_one
from pipeline.tell.slack import SlackClient
from tests.integration.delivery import (
    CHANNEL,
    EVENTS,
    MARK,
    MINUTE,
    PACK,
    TOKEN,
    World,
    add_incident,
    change,
    judge,
    make_standin,
    make_world,
)
from tests.people import OWNER, desk_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from pipeline.tell.outbox import Claimed


@pytest.fixture
def world(state_engine: Engine) -> Iterator[World]:
    with make_standin() as standin:
        yield make_world(state_engine, standin)


OPEN_ELSEWHERE = """
SELECT count(*) FROM pg_stat_activity
WHERE state LIKE 'idle in%' AND datname = current_database() AND pid <> pg_backend_pid()
"""


def test_an_empty_outbox_is_no_work(world: World) -> None:
    assert world.deliver() is None
    assert world.standin.requests == {}


def test_an_opened_incident_is_posted_and_recorded(world: World) -> None:
    add_incident(world.engine, "M1")
    delivered = world.deliver()
    (row,) = world.rows()
    assert delivered is not None
    assert (delivered.outcome, delivered.sent, delivered.message_ts) == ("sent", 1, row["message_ts"])
    assert (row["status"], row["attempts"], row["ambiguous"]) == ("sent", 1, False)
    assert delivered.delay_s is not None and delivered.delay_s < 5  # noqa: PT018 - one fact
    (message,) = world.standin.messages
    assert (
        message["metadata"]["event_payload"]["alert_key"] == f"test-{row['incident_id']}-opened-20261121T0903"
    )
    assert f"?incident={row['incident_id']}|" in message["blocks"][-1]["elements"][0]["text"]
    assert world.deliver() is None


def test_later_events_edit_the_message_and_answer_in_its_thread(world: World) -> None:
    add_incident(world.engine, "M1", EVENTS)
    assert [d.outcome for d in world.drain()] == ["sent"] * 7
    first, *replies = world.standin.messages
    assert "해소" in first["text"]
    assert "edited" in first
    assert first["metadata"]["event_payload"]["alert_key"].endswith("-opened-20261121T0903")
    assert [m["thread_ts"] for m in replies] == [first["ts"]] * 6
    assert judge(world).lost == []


def test_events_of_an_incident_keep_their_order_and_others_do_not_wait(world: World) -> None:
    add_incident(world.engine, "M1", ("opened", "resolved"))
    add_incident(world.engine, "M2")
    world.standin.fail_next("500_unposted")
    done = world.drain()
    assert [d.outbox_ids[0] for d in done if d.outcome != "retry"] == [3, 1, 2]


def test_top_merchants_are_told_first(world: World) -> None:
    for name, tier in (("M1", "tail"), ("M2", "tail"), ("M3", "top")):
        add_incident(world.engine, name, tier=tier)
    assert [d.outbox_ids[0] for d in world.drain()] == [3, 1, 2]


def test_the_sending_state_is_committed_and_no_transaction_is_open_during_the_call(world: World) -> None:
    seen: list[tuple[str, int]] = []

    def look(_method: str, _given: dict[str, Any]) -> None:
        with world.engine.connect() as connection:
            status = connection.execute(text("SELECT status FROM outbox")).scalar_one()
            seen.append((status, connection.execute(text(OPEN_ELSEWHERE)).scalar_one()))

    world.standin.on_message = look
    add_incident(world.engine, "M1")
    world.drain()
    assert seen == [("sending", 0)]


def test_one_message_a_second(world: World) -> None:
    for number in range(5):
        add_incident(world.engine, f"M{number}")
    world.drain()
    assert len(world.clock.slept) == 4
    assert all(0.5 < s <= 1 for s in world.clock.slept)


def test_rate_limit_pauses_the_channel_as_long_as_slack_asks_and_costs_no_try(world: World) -> None:
    add_incident(world.engine, "M1")
    add_incident(world.engine, "M2")
    world.standin.fail_next("limited", times=1)  # Retry-After: 2
    delivered = world.deliver()
    assert delivered is not None
    assert (delivered.outcome, delivered.error) == ("retry", "ratelimited")
    assert world.deliver() is None
    world.clock.sleep(1.5)
    assert world.deliver() is None
    assert world.standin.requests["chat.postMessage"] == 1
    world.clock.sleep(0.6)
    assert [d.outcome for d in world.drain()] == ["sent", "sent"]
    assert [(r["attempts"], r["ambiguous"]) for r in world.rows()] == [(1, False), (1, False)]


@pytest.mark.parametrize("fault", ["limited", "limited_garbage", "limited_200"])
def test_an_hour_of_rate_limits_kills_no_message(fault: str, world: World) -> None:
    add_incident(world.engine, "M1")
    world.standin.fail_next(fault, times=40)
    assert world.drain()[-1].outcome == "sent"
    assert len(world.standin.messages) == 1
    assert MARK not in world.standin.messages[0]["text"]


def test_garbage_retry_after_backs_off_longer_and_longer(world: World) -> None:
    world.pace._random.uniform = lambda _low, high: high  # type: ignore[method-assign, assignment]
    pauses = [world.pace.channel_away(None, LIMITS.back_off_most_s).total_seconds() for _ in range(11)]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@pytest.mark.parametrize("posted", [True, False])
def test_after_an_ambiguous_attempt_it_looks_twice_after_the_lease(posted: bool, world: World) -> None:  # noqa: FBT001
    add_incident(world.engine, "M1")
    world.standin.fail_next("close_posted" if posted else "close_unposted")
    start = world.clock.now()
    first = world.deliver()
    assert first is not None
    assert (first.outcome, first.error) == ("retry", "RemoteDisconnected")
    assert world.rows()[0]["ambiguous"]
    (delivered,) = world.drain()
    assert world.clock.now() - start > LIMITS.lease + LIMITS.margin
    assert world.standin.requests["conversations.history"] == (1 if posted else 2)
    assert world.standin.requests["chat.postMessage"] == (1 if posted else 2)
    assert delivered.outcome == ("found" if posted else "sent")
    (message,) = world.standin.messages
    assert (MARK in message["text"]) == (not posted)
    assert world.rows()[0]["message_ts"] == message["ts"]


def test_the_mark_stays_when_the_message_is_edited(world: World) -> None:
    add_incident(world.engine, "M1", ("opened", "resolved"))
    world.standin.fail_next("close_unposted")
    world.drain()
    first, reply = world.standin.messages
    assert "edited" in first
    assert MARK in first["text"]
    assert MARK not in reply["text"]


def test_a_failed_edit_is_repeated_without_a_mark(world: World) -> None:
    add_incident(world.engine, "M1", ("opened", "resolved"))
    world.standin.fail_next("500_posted", method="chat.update")
    assert [d.outcome for d in world.drain()] == ["sent", "retry", "sent"]
    assert not any(MARK in m["text"] for m in world.standin.messages)
    assert "conversations.history" not in world.standin.requests


def test_a_reply_that_had_arrived_is_found_in_its_thread(world: World) -> None:
    add_incident(world.engine, "M1", ("opened", "resolved"))
    world.deliver()
    world.standin.fail_next("html_posted")
    assert [d.outcome for d in world.drain()] == ["retry", "found"]
    assert len(world.standin.messages) == 2


@pytest.mark.parametrize("code", ["token_revoked", "is_archived", "invalid_blocks", "msg_too_long"])
def test_a_permanent_error_sets_the_message_aside_raises_an_alarm_and_the_next_moves_on(
    code: str, world: World
) -> None:
    add_incident(world.engine, "M1")
    add_incident(world.engine, "M2")
    world.standin.fail_next(code)
    with capture_logs() as logs:
        assert [d.outcome for d in world.drain()] == ["dead", "sent"]
    (alarm,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert (alarm["event"], alarm["alarm"], alarm["error"], alarm["outbox_id"]) == (
        "message_dead",
        True,
        code,
        1,
    )
    assert outbox.outbox_status(world.engine, PACK).dead == 1
    assert world.rows()[0]["last_error"] == code


def test_a_dead_message_can_be_put_back_and_does_not_turn_the_incident_back(world: World) -> None:
    add_incident(world.engine, "M1", ("opened", "escalated", "resolved"))
    world.standin.fail_next("is_archived")
    world.drain()
    assert world.statuses() == {"dead": 1, "sent": 2}
    desk = desk_of(State(world.engine, str(world.engine.url), PACK, "KRW"), world.clock.now)
    assert act(desk, OWNER, "requeue") == {"requeued": [1]}
    with pytest.raises(UsageError, match="no dead message 2"):
        act(desk, OWNER, "requeue", 2)
    world.drain()
    assert world.statuses() == {"sent": 3}
    first, *replies = world.standin.messages
    assert "해소" in first["text"]
    assert [m["thread_ts"] for m in replies] == [first["ts"]] * 2


@pytest.mark.parametrize("poison", ['\'{"event": "opened"}\'', "'[]'", "'7'", "'null'"])
def test_a_row_that_is_no_message_is_set_aside(poison: str, world: World) -> None:
    add_incident(world.engine, "M1")
    add_incident(world.engine, "M2")
    change(world.engine, f"UPDATE outbox SET message = {poison} WHERE outbox_id = 1")
    assert [d.outcome for d in world.drain()] == ["dead", "sent"]


def test_a_fault_of_ours_is_raised_and_the_row_does_not_stop_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_incident(world.engine, "M1")
    add_incident(world.engine, "M2")
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.tell.channels.render_blocks", lambda *_a, **_k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            world.deliver()
    assert [d.outbox_ids[0] for d in world.drain()] == [2, 1]


def test_dead_after_twenty_tries(world: World) -> None:
    add_incident(world.engine, "M1")
    world.standin.fail_next("internal_error_unposted", times=50)
    assert [d.outcome for d in world.drain()] == ["retry"] * 19 + ["dead"]
    (row,) = world.rows()
    assert (row["attempts"], row["last_error"]) == (20, "given up: internal_error")


def test_dead_by_age_also_when_slack_never_took_it(world: World) -> None:
    add_incident(world.engine, "M1")
    world.limits = replace(LIMITS, age=timedelta(hours=2))
    world.standin.fail_next("limited_200", times=10_000)
    start = world.clock.now()
    assert world.drain(step_s=60)[-1].outcome == "dead"
    assert timedelta(hours=2) <= world.clock.now() - start < timedelta(hours=2, minutes=10)


def test_a_sender_that_outlived_its_lease_changes_nothing(world: World) -> None:
    add_incident(world.engine, "M1")
    (stale,) = claim(world)
    world.clock.sleep(60)
    (fresh,) = claim(world)
    assert (stale.ambiguous, fresh.ambiguous) == (False, True)
    now = world.clock.now()

    def sent(row: Claimed) -> list[int]:
        return outbox.mark_sent(world.engine, [row], now, channel=CHANNEL, message_ts="1.0", repeat=False)

    assert sent(stale) == []
    assert outbox.mark_dead(world.engine, [stale], error="x") == []
    assert outbox.retry_later(world.engine, [stale], now, error="x", ambiguous=False, counted=True) == []
    assert sent(fresh) == [1]


def claim(world: World) -> list[Claimed]:
    return outbox.claim(
        world.engine, PACK, world.clock.now(), lease=LIMITS.lease, margin=LIMITS.margin, storm=20
    )


def test_a_sender_that_was_held_up_does_not_begin_a_call(world: World) -> None:
    add_incident(world.engine, "M1")
    world.channel._client.post = lambda *_a, **_k: pytest.fail("it called")  # type: ignore[method-assign]
    world.pace.wait_turn = lambda gap: world.clock.sleep(25 + gap.total_seconds())  # type: ignore[method-assign]
    delivered = world.deliver()
    assert delivered is not None
    assert delivered.outcome == "retry"
    assert not world.rows()[0]["ambiguous"]


def test_without_the_right_to_look_it_sends_again_with_the_mark(world: World) -> None:
    add_incident(world.engine, "M1")
    world.standin.fail_next("close_posted")
    world.standin.fail_next("missing_scope", method="conversations.history")
    with capture_logs() as logs:
        world.drain()
    assert [MARK in m["text"] for m in world.standin.messages] == [False, True]
    assert "cannot_look" in [entry["event"] for entry in logs]


def test_a_failed_look_costs_no_try_and_is_waited_for_only_so_long(world: World) -> None:
    add_incident(world.engine, "M1")
    world.standin.fail_next("close_posted")
    world.standin.fail_next("500_unposted", times=100, method="conversations.history")
    start = world.clock.now()
    done = world.drain()
    assert LIMITS.look_patience < world.clock.now() - start < 2 * LIMITS.look_patience
    assert (len(done) > 5, done[-1].outcome, done[-1].repeat) == (True, "sent", True)
    assert world.rows()[0]["attempts"] == 2
    assert [MARK in m["text"] for m in world.standin.messages] == [False, True]


def test_a_deleted_message_is_replaced_by_a_new_one(world: World) -> None:
    add_incident(world.engine, "M1", ("opened", "resolved"))
    world.deliver()
    world.standin.workspace.stored.clear()
    world.drain()
    (message,) = world.standin.messages
    assert "thread_ts" not in message
    assert "해소" in message["text"]


def test_two_deliverers_share_the_work(world: World) -> None:
    for number in range(20):
        add_incident(world.engine, f"M{number}", ("opened", "resolved"))
    world.channel.gap = timedelta()

    def work() -> None:
        while (
            deliver_one(world.engine, MERCHANTS, world.channel, world.pace, world.limits) or world.waiting()
        ):
            pass

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = judge(world)
    assert (found.lost, found.doubled) == ([], [])
    assert world.standin.requests["chat.postMessage"] == 40


def test_the_delay_of_what_opened_is_told_by_tier(world: World) -> None:
    add_incident(world.engine, "M1", ("opened", "resolved"))
    add_incident(world.engine, "M2", tier="top")
    opened = [delay for delivered in world.drain() for delay in delivered.opened]
    assert [delay.tier for delay in opened] == ["top", "tail"]  # the large merchant is told of first
    for delay in opened:
        assert delay.minute == MINUTE
        assert 0 <= delay.committed_s <= delay.delivered_s


def test_a_reminder_waits_for_news(world: World) -> None:
    add_incident(world.engine, "M1", ("repeated",))
    add_incident(world.engine, "M2")
    assert [d.outbox_ids for d in world.drain()] == [(2,), (1,)]


def test_nobody_is_named_in_the_logs(world: World) -> None:
    add_incident(world.engine, "M-SECRET-1", ("opened", "resolved"))
    add_incident(world.engine, "M-SECRET-2")
    for fault in ("close_posted", "limited", "token_revoked"):
        world.standin.fail_next(fault)
    with capture_logs() as logs:
        world.drain()
    assert {"message_sent", "message_found", "message_later", "message_dead"} <= {e["event"] for e in logs}
    assert not any(secret in str(logs) for secret in ("SECRET", "튼튼마트", TOKEN, "xoxb"))
    assert not any(secret in str(world.rows()) for secret in ("SECRET", TOKEN))


def test_the_outbox_can_be_listed_shown_and_counted(world: World) -> None:
    add_incident(world.engine, "M1", ("opened", "resolved"))
    add_incident(world.engine, "M2")
    world.deliver()
    status = outbox.outbox_status(world.engine, PACK)
    assert (status.pending, status.sending, status.dead) == (2, 0, 0)
    assert status.oldest_unsent_at is not None
    assert timedelta() <= world.clock.now() - status.oldest_unsent_at < timedelta(seconds=60)
    assert [r["outbox_id"] for r in outbox.list_messages(world.engine, PACK)] == [3, 2, 1]
    assert [
        r["outbox_id"] for r in outbox.list_messages(world.engine, PACK, status="pending", at_most=1)
    ] == [3]
    shown = outbox.show_message(world.engine, PACK, 3)
    assert shown is not None
    assert shown["message"]["entity_id"] == "M2"
    assert outbox.show_message(world.engine, PACK, 99) is None
    world.drain()
    assert outbox.outbox_status(world.engine, PACK).oldest_unsent_at is None


def test_a_clock_set_back_does_not_stop_delivery(world: World) -> None:
    add_incident(world.engine, "M1")
    world.standin.fail_next("limited")
    world.deliver()
    world.clock.ahead -= timedelta(hours=1)
    assert not world.pace.paused()
    world.pace.wait_turn(timedelta(seconds=1))
    assert world.clock.slept == []


def test_an_unreachable_slack_is_left_alone_for_longer_and_longer(world: World) -> None:
    add_incident(world.engine, "M1")
    world.channel._client = SlackClient(TOKEN, "http://127.0.0.1:1/api/", 0.2)
    outcomes = []
    for _ in range(40):
        world.clock.sleep(60)
        delivered = world.deliver()
        outcomes += [delivered.outcome] if delivered else []
    assert set(outcomes) == {"retry"}
    assert len(outcomes) < 35
    assert world.rows()[0]["last_error"] == "connection refused"


@pytest.mark.parametrize("numbers", [[], [3], [1, 2, 3], [1, 3, 4, 9], list(range(1, 50, 2))])
def test_ranges_read_back(numbers: list[int]) -> None:
    assert [n for r in read_ranges(write_ranges(numbers)) for n in r] == numbers


@pytest.mark.parametrize("garbage", ["", "x", "-", "1-x", "٣-٤", "1-2-3", "²"])
def test_garbage_ranges_are_passed_over(garbage: str) -> None:
    assert all(len(r) < 5 for r in read_ranges(garbage))

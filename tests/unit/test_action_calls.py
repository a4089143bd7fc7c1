"""What the company's systems are told of actions: what waits, is given up, is called off, has lapsed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.act.following import end_by_time, mark_told
from pipeline.packs.merchants import PACK
from pipeline.tell.message import read_message
from pipeline.tell.render import render_text
from pipeline.tell.slack import DeliveryError, NotPosted, PerhapsPosted, Refused
from tests.unit.money_office import SEOUL, Office, Receiver, call, emptied, opened

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shared(postgres_url: str, migrated: str) -> Iterator[Office]:
    yield from opened(postgres_url, migrated)


@pytest.fixture
def office(shared: Office) -> Office:
    return emptied(shared)


def test_an_approved_action_can_be_called_off_and_the_company_is_told_after_the_first_call(
    office: Office,
) -> None:
    action = office.proposed()
    office.do("ann", "approve_action", action)
    office.do("ben", "recall_action", action, reason="the shop has explained")
    receiver = Receiver(PerhapsPosted("HTTP 500"))
    assert call(office, receiver) == "later"
    assert call(office, receiver) is None  # the recall waits for what it recalls
    office.change("UPDATE action_call SET next_attempt_at = now() - interval '1 s'")
    assert [call(office, receiver), call(office, receiver), call(office, receiver)] == ["sent", "sent", None]
    assert [body["event"] for _, body in receiver.calls] == [*["action.approved"] * 2, "action.withdrawn"]
    assert receiver.calls[0] == receiver.calls[1]
    assert mark_told(office.state) == 0
    assert office.actions() == [("hold_payout", "withdrawn")]


#: What a call meets, how it stands then, and how many tries count.
MET: list[tuple[DeliveryError, str, int]] = [
    (NotPosted("connection refused"), "pending", 0),
    (NotPosted("HTTP 429", timedelta(seconds=30)), "pending", 0),
    (PerhapsPosted("HTTP 500"), "pending", 1),
    (Refused("HTTP 401", "compare the secret"), "dead", 1),
]


def test_a_call_that_fails_waits_or_is_set_aside(office: Office) -> None:
    action = office.proposed()
    office.do("ann", "approve_action", action)
    for error, status, attempts in MET:
        assert "was given up" in office.refused("ann", "retell_action", action, reason="mended")
        office.change("UPDATE action_call SET attempts = 0, next_attempt_at = now() - interval '1 s'")
        assert call(office, Receiver(error)) == ("dead" if status == "dead" else "later")
        (row,) = office.rows("SELECT status, attempts, last_error FROM action_call")
        assert (row["status"], row["attempts"], row["last_error"]) == (status, attempts, error.code)
        failed = office.rows("SELECT FROM outbox WHERE message -> 'said' ->> 'status' = 'failed'")
        assert len(failed) == (status == "dead")
    assert office.do("ann", "retell_action", action, reason="mended")["calls"] == 1
    assert call(office, Receiver()) == "sent"


def test_a_recall_that_is_not_taken_does_not_ask_people_for_what_was_called_off(office: Office) -> None:
    action = office.proposed()
    office.do("ann", "approve_action", action)
    assert call(office, Receiver()) == "sent"
    office.do("ben", "recall_action", action, reason="the shop has explained")
    assert call(office, Receiver(Refused("HTTP 404", "correct the address"))) == "dead"
    newest = office.rows("SELECT incident_id, message FROM outbox ORDER BY outbox_id DESC LIMIT 1")[0]
    told = read_message(newest["message"], newest["incident_id"], PACK)
    assert "called off" in render_text(told, "en", SEOUL)
    assert "철회" in render_text(told, "ko", SEOUL)
    (found,) = office.state.rows("calls_status")
    assert (found["dead"], found["dead_action"], found["dead_event"]) == (1, action, "withdrawn")


def test_a_call_is_given_up_after_its_tries_and_a_fault_of_ours_holds_up_nobody(office: Office) -> None:
    action = office.proposed()
    office.do("ann", "approve_action", action)
    with pytest.raises(ZeroDivisionError):
        call(office, Receiver(ZeroDivisionError()))
    assert office.rows("SELECT status FROM action_call") == [{"status": "pending"}]
    office.change("UPDATE action_call SET attempts = 19, next_attempt_at = now() - interval '1 s'")
    assert call(office, Receiver(PerhapsPosted("HTTP 500"))) == "dead"
    assert office.rows("SELECT last_error FROM action_call") == [{"last_error": "given up: HTTP 500"}]


def test_a_sender_that_lost_its_lease_changes_nothing(office: Office) -> None:
    office.do("ann", "approve_action", office.proposed())

    class Slow(Receiver):
        def send(self, key: str, body: bytes) -> None:
            office.change("UPDATE action_call SET leased_until = now() - interval '1 h'")  # taken over
            super().send(key, body)

    slow = Slow()
    assert call(office, slow) == "lost"
    quick = Receiver()
    assert call(office, quick) == "sent"
    assert slow.calls == quick.calls  # the receiver knows the repeat by its key


def test_without_an_address_the_message_is_what_tells(office: Office) -> None:
    action = office.proposed()
    office.do("ann", "approve_action", action)
    assert call(office, None) == "nowhere"
    assert mark_told(office.state) == 0  # the message still waits
    office.change("UPDATE outbox SET status = 'sent', sent_at = now(), channel = 'console'")
    assert mark_told(office.state) == 1
    office.do("ann", "retell_action", action, reason="it is set now")
    assert call(office, Receiver()) == "sent"
    assert office.actions() == [("hold_payout", "told")]


def dead(office: Office) -> tuple[int, int | None, str | None]:
    """What there is an alarm about."""
    (found,) = office.state.rows("calls_status")
    return found["dead"], found["dead_action"], found["dead_event"]


def test_an_order_that_is_over_is_not_given_again_and_is_no_alarm_for_ever(office: Office) -> None:
    action = office.proposed()
    office.do("ann", "approve_action", action)
    assert call(office, Receiver(Refused("HTTP 404", "correct the address"))) == "dead"
    assert dead(office) == (1, action, "approved")
    over(office)
    assert dead(office) == (0, None, None)
    assert "helps no more since" in office.refused("ann", "retell_action", action, reason="mended")
    assert end_by_time(office.state) == 1
    assert dead(office) == (0, None, None)
    again = office.refused("ann", "retell_action", action, reason="mended")
    assert f"action {action} is lapsed: what is over is not told again" in again
    assert call(office, Receiver()) is None


def test_of_what_was_called_off_the_recall_alone_is_told_again(office: Office) -> None:
    action = office.proposed()
    office.do("ann", "approve_action", action)
    refused = Receiver(*[Refused("HTTP 404", "correct the address")] * 2)
    assert call(office, refused) == "dead"
    office.do("ben", "recall_action", action, reason="the shop has explained")
    assert call(office, refused) == "dead"
    assert dead(office) == (1, action, "withdrawn")
    assert office.do("ann", "retell_action", action, reason="mended")["calls"] == 1
    receiver = Receiver()
    assert [call(office, receiver), call(office, receiver)] == ["sent", None]
    assert [body["event"] for _, body in receiver.calls] == ["action.withdrawn"]
    assert "is withdrawn" in office.refused("ann", "retell_action", action, reason="again")
    assert dead(office) == (0, None, None)


def over(office: Office) -> None:
    office.change("UPDATE action SET helps_until = now() - interval '1 s'")
    office.change("UPDATE action_call SET next_attempt_at = now() - interval '1 s'")


def test_what_has_lapsed_is_not_told_any_more(office: Office) -> None:
    office.do("ann", "approve_action", office.proposed())
    assert call(office, Receiver(NotPosted("connection refused"))) == "later"  # certainly not taken
    over(office)
    assert call(office, Receiver()) is None  # it helps no more, also before it has lapsed
    assert end_by_time(office.state) == 1
    assert call(office, Receiver()) is None
    assert office.actions() == [("hold_payout", "lapsed")]
    assert office.rows("SELECT event, status, last_error FROM action_call") == [
        {"event": "approved", "status": "dead", "last_error": "stopped: it helps no more"}
    ]


def test_what_was_perhaps_taken_and_has_lapsed_is_called_off(office: Office) -> None:
    office.do("ann", "approve_action", office.proposed())
    assert call(office, Receiver(PerhapsPosted("HTTP 500"))) == "later"
    over(office)
    assert end_by_time(office.state) == 1
    receiver = Receiver()
    assert [call(office, receiver), call(office, receiver)] == ["sent", None]
    ((_, body),) = receiver.calls
    assert (body["event"], body["why"]) == ("action.withdrawn", "it helps no more")


def test_what_is_being_sent_as_it_lapses_is_called_off_once_its_sender_is_done(office: Office) -> None:
    office.do("ann", "approve_action", office.proposed())

    class Slow(Receiver):
        def send(self, key: str, body: bytes) -> None:
            over(office)
            assert end_by_time(office.state) == 1
            super().send(key, body)

    assert call(office, Slow()) == "lost"
    assert call(office, Receiver()) is None  # the sender may still be at it
    office.change("UPDATE action_call SET next_attempt_at = now() WHERE status = 'pending'")
    receiver = Receiver()
    assert call(office, receiver) == "sent"
    assert [body["event"] for _, body in receiver.calls] == ["action.withdrawn"]


def test_what_was_given_up_is_called_off_only_where_it_was_perhaps_taken(office: Office) -> None:
    for error, attempts, called_off in (
        (Refused("HTTP 404", "correct the address"), 0, False),
        (Refused("HTTP 404", "correct the address"), 1, True),  # the try before it had no answer
        (PerhapsPosted("HTTP 500"), 19, True),
    ):
        office.change("DELETE FROM outbox")
        office.change("DELETE FROM incident")
        office.do("ann", "approve_action", office.proposed())
        office.change(f"UPDATE action_call SET attempts = {attempts}")
        assert call(office, Receiver(error)) == "dead"
        over(office)
        assert end_by_time(office.state) == 1
        assert call(office, Receiver()) == ("sent" if called_off else None)


def test_what_was_taken_does_not_lapse_before_it_is_marked_as_told(office: Office) -> None:
    office.do("ann", "approve_action", office.proposed())
    assert call(office, Receiver()) == "sent"
    over(office)
    assert end_by_time(office.state) == 0
    assert mark_told(office.state) == 1
    assert office.actions() == [("hold_payout", "told")]

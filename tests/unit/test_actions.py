"""What is done about money, in the database: proposed, approved by another, called, told, ended by time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from pipeline.act.calls import call_one
from pipeline.act.following import end_by_time, follow_money, mark_told
from pipeline.desk.roles import OPS_AGENT, READ_ONLY, RISK_ANALYST
from pipeline.errors import NotAllowed, UsageError
from pipeline.judge.life import Changes, Event, Incident
from pipeline.minute import MINUTE
from pipeline.money import AtRisk, Proposal
from pipeline.packs.merchants import PACK
from pipeline.store.database import connect_state
from pipeline.store.state import MinuteCommit, State
from pipeline.tell.message import read_message
from pipeline.tell.pace import real_pace
from pipeline.tell.render import render_text
from pipeline.tell.slack import DeliveryError, NotPosted, PerhapsPosted, Refused
from tests.people import do, insert_people
from tests.servers import create_database, drop_database, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.desk.roles import Actor
SEOUL = ZoneInfo("Asia/Seoul")
NOON = datetime(2026, 3, 10, 3, tzinfo=UTC)
REASON = {"approvals_hour": 10, "cancels_hour": 6, "approvals_week": 1000, "cancels_week": 50}
PEOPLE = {"ann": OPS_AGENT, "ben": OPS_AGENT, "ray": RISK_ANALYST, "eve": READ_ONLY}
FIGURES: dict[str, int | str | None] = {
    "pending_payout": 900,
    "next_payout": 700,
    "next_payout_date": "2090-03-12",
}
LATER = datetime(2090, 3, 11, 15, tzinfo=UTC)  # when that day begins in Seoul
HOLD = Proposal(kind="hold_payout", amount=700, until=LATER)
WHY = "cancels after the payout"


@dataclass
class Office:
    state: State
    people: dict[str, Actor]

    def open(
        self, entity: str = "M1", proposal: Proposal | None = None, **figures: int | str | None
    ) -> Incident:
        """An incident, about which we propose something ourselves where that is given."""
        self.state.proposer = lambda *_: proposal
        at_risk = AtRisk({"paid_out_cancelable": 800, "unrecovered": 200}, "Shop", {**FIGURES, **figures})
        opened = Incident(
            incident_id=None,
            rule="cancel_surge",
            entity_id=entity,
            tier="top",
            severity="high",
            status="open",
            policy="budgeted",
            opened_minute=NOON,
            last_breach_minute=NOON,
            reason=REASON,
            at_risk=at_risk,
            told_minute=NOON,
        )
        changes = Changes(opened=[opened], events=[Event("opened", NOON, opened)])
        self.state.commit(MinuteCommit([], [], NOON + MINUTE, changes, NOON))
        return self.state.unresolved()[opened.key]

    def do(self, who: str, name: str, thing: int | None, **given: Any) -> dict[str, Any]:  # noqa: ANN401
        return do(self.state, name, thing or 0, actor=self.people[who], **given)

    def refused(self, who: str, name: str, thing: int | None, **given: Any) -> str:  # noqa: ANN401
        with pytest.raises(UsageError) as caught:
            self.do(who, name, thing, **given)
        assert caught.value.hint
        return f"{caught.value.what} / {caught.value.hint}"

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.state.reading() as connection:
            return [dict(row) for row in connection.execute(text(query)).mappings()]

    def change(self, statement: str) -> None:
        with self.state.changing() as connection:
            connection.execute(text(statement))

    def actions(self) -> list[tuple[str, str]]:
        return [(row["kind"], row["status"]) for row in reversed(self.listed())]

    def listed(self) -> list[dict[str, Any]]:
        asked = {"incident_id": None, "statuses": None, "limit": 100}
        return [dict(row) for row in self.state.rows("actions_list", **asked)]

    def proposed(self, kind: str = "hold_payout", by: str = "ray", **given: Any) -> int:  # noqa: ANN401
        number = self.open().incident_id
        return int(self.do(by, "propose_action", number, kind=kind, reason=WHY, **given)["action_id"])


def office_of(state: State) -> Office:
    return Office(state, insert_people(state, PEOPLE))


@pytest.fixture(scope="module")
def shared(postgres_url: str, migrated: str) -> Iterator[Office]:
    """One database for these tests: a new one for each would take longer than all that they do."""
    name = create_database(postgres_url, "state", migrated)
    url = url_of(postgres_url, name)
    with State(connect_state(url), url, "merchants", "KRW") as state:
        state.lead()
        yield office_of(state)
    drop_database(postgres_url, name)


@pytest.fixture
def office(shared: Office) -> Office:
    """Nothing has happened yet, but for what the audit holds."""
    shared.change("DELETE FROM outbox")
    shared.change("DELETE FROM incident")
    return shared


class Receiver:
    """Takes calls, or does with them what is planned."""

    def __init__(self, *plan: DeliveryError | Exception) -> None:
        self.plan = list(plan)
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def send(self, key: str, body: bytes) -> None:
        self.calls.append((key, json.loads(body)))
        if self.plan:
            raise self.plan.pop(0)


def call(office: Office, receiver: Any) -> str | None:  # noqa: ANN401 - stands for a Receiver
    return call_one(office.state, receiver, real_pace())


def test_somebody_proposes_somebody_else_approves_and_everybody_is_told(office: Office) -> None:
    action = office.proposed()
    (row,) = office.listed()
    assert (row["amount"], row["helps_until"], row["by_machine"]) == (700, LATER, False)
    assert "ray's own proposal" not in office.refused("ann", "approve_action", 999)
    office.do("ann", "approve_action", action)
    receiver = Receiver()
    assert call(office, receiver) == "sent"
    ((key, body),) = receiver.calls
    assert body["id"] == key
    assert body | {"id": key} == body | {
        "event": "action.approved",
        "kind": "hold_payout",
        "amount": 700,
        "currency": "KRW",
        "entity_id": "M1",
        "helps_until": LATER.isoformat(),
        "proposed_by": "ray",
        "approved_by": "ann",
        "money": {"paid_out_cancelable": 800, "unrecovered": 200, **FIGURES},
    }
    assert mark_told(office.state) == 1
    assert office.actions() == [("hold_payout", "told")]
    messages = office.rows(
        "SELECT incident_id, message FROM outbox WHERE event = 'action' ORDER BY outbox_id"
    )
    read = [read_message(row["message"], row["incident_id"], PACK) for row in messages]
    assert [(m.by, m.said["status"], m.said["amount"]) for m in read] == [
        ("ray", "proposed", 700),
        ("ann", "approved", 700),
    ]
    acts = office.rows("SELECT act, outcome FROM audit ORDER BY number")
    assert [(a["act"], a["outcome"]) for a in acts][-3:] == [
        ("propose_action", "done"),
        ("approve_action", "refused"),
        ("approve_action", "done"),
    ]
    timeline = office.state.rows("incident_timeline", id=messages[0]["incident_id"])
    assert [row["said"].get("status") for row in timeline if row["what"] == "action"] == [
        "proposed",
        "approved",
    ]


def test_nobody_approves_what_is_their_own(office: Office) -> None:
    action = office.proposed(by="ann")
    with pytest.raises(NotAllowed, match="own proposal"):
        office.do("ann", "approve_action", action)
    with pytest.raises(NotAllowed):
        office.do("ray", "approve_action", action)  # who may propose may not approve
    office.change("UPDATE action SET proposer_id = NULL, proposed_by = 'ann'")  # had no account then
    assert "whose proposal" in office.refused("ann", "approve_action", action)
    assert "whose proposal" in office.refused("ben", "approve_action", action)
    assert office.actions() == [("hold_payout", "proposed")]


def test_what_we_propose_ourselves_anybody_allowed_may_approve_also_where_there_are_no_accounts(
    state: State,
) -> None:
    with state:
        state.lead()
        office = Office(state, {})
        office.open(proposal=HOLD)
        (row,) = office.listed()
        assert (row["by_machine"], row["proposed_by"], row["amount"]) == (True, "minuterisk", 700)
        opened = office.rows("SELECT message FROM outbox WHERE event = 'opened'")[0]["message"]
        assert opened["action"] | {"action_id": 0} == {
            "action_id": 0,
            "status": "proposed",
            "kind": "hold_payout",
            "percent": None,
            "amount": 700,
            "until": LATER.isoformat(),
            "reason": "",
        }
        do(office.state, "approve_action", row["action_id"], by="kim")
        assert office.actions() == [("hold_payout", "approved")]


def test_two_who_decide_at_once_decide_once(office: Office) -> None:
    action = office.proposed()
    office.do("ann", "approve_action", action)
    assert "is approved, by ann" in office.refused("ben", "approve_action", action)
    assert "is approved, by ann" in office.refused("ben", "decline_action", action, reason="late")
    assert "is approved" in office.refused("ray", "withdraw_action", action, reason="late")


#: What cannot be proposed, and what is said of it.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"kind": "burn"}, "there is no action 'burn'"),
    ({"kind": "rolling_reserve"}, "needs a share"),
    ({"kind": "rolling_reserve", "percent": 0}, "the share is 0 %"),
    ({"kind": "hold_payout", "percent": 10}, "has no share"),
    ({"kind": "hold_payout", "amount": -1}, "the amount is -1"),
    ({"kind": "hold_payout", "until": "2026-01-01T00:00Z"}, "is over already"),
    ({"kind": "hold_payout", "amount": "much"}, "no whole number"),
]


def test_what_cannot_be_proposed_says_why(office: Office) -> None:
    number = office.open().incident_id
    for given, why in REFUSED:
        assert why in office.refused("ray", "propose_action", number, reason=WHY, **given)
    assert office.listed() == []


def test_one_of_a_kind_is_under_way_at_a_time_and_none_about_what_is_over(office: Office) -> None:
    action = office.proposed()
    number = office.listed()[0]["incident_id"]
    again = office.refused("ann", "propose_action", number, kind="hold_payout", reason=WHY)
    assert f"action {action} is hold_payout already" in again
    office.do("ray", "propose_action", number, kind="rolling_reserve", percent=10, reason=WHY)
    assert [row["amount"] for row in office.listed()] == [70, 700]
    office.do("ann", "resolve", number, reason="over")
    assert "is resolved" in office.refused("ann", "propose_action", number, kind="call", reason=WHY)


def test_an_amount_that_is_not_known_stays_unknown(office: Office) -> None:
    number = office.open("M2", next_payout=None, next_payout_date=None, pending_payout=None).incident_id
    office.do("ray", "propose_action", number, kind="hold_payout", reason=WHY)
    assert [(row["amount"], row["helps_until"]) for row in office.listed()] == [(None, None)]


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


def test_time_ends_what_nobody_was_told_of(office: Office) -> None:
    action = office.proposed(until=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert end_by_time(office.state) == 0
    office.change("UPDATE action SET helps_until = now() - interval '1 s'")
    assert "helps no more" in office.refused("ann", "approve_action", action)
    assert end_by_time(office.state) == 1
    assert office.actions() == [("hold_payout", "lapsed")]
    assert end_by_time(office.state) == 0


def test_our_own_proposal_follows_the_money_until_somebody_decides(office: Office) -> None:
    incident = office.open(proposal=HOLD)

    def turn(amount: int | None, until: datetime = LATER) -> int:
        office.state.proposer = lambda *_: Proposal(kind="hold_payout", amount=amount, until=until)
        return follow_money(office.state, NOON)

    assert turn(710) == 0  # a few won are no news
    assert turn(1_000) == 1
    assert [row["amount"] for row in office.listed()] == [1_000]
    office.do("ann", "decline_action", office.listed()[0]["action_id"], reason="known to us")
    assert turn(1_400) == 0  # what was declined stays so until it is half as much again
    assert turn(1_500) == 1
    assert office.actions() == [("hold_payout", "declined"), ("hold_payout", "proposed")]
    office.do("ann", "approve_action", office.listed()[0]["action_id"])
    assert turn(9_000, LATER + timedelta(days=1)) == 0  # one thing at a time
    office.do("ann", "recall_action", office.listed()[0]["action_id"], reason="explained")
    assert turn(100, LATER + timedelta(days=1)) == 0  # the same payday, on the day itself
    assert turn(100, LATER + timedelta(days=2)) == 1  # the next payday is another matter
    office.do("ann", "resolve", incident.incident_id, reason="over")
    assert end_by_time(office.state) == 1
    assert [status for _, status in office.actions()] == ["declined", "withdrawn", "lapsed"]


def test_a_call_by_phone_is_confirmed_by_people_and_a_hold_is_not(office: Office) -> None:
    number = office.open().incident_id
    for kind in ("call", "hold_payout"):
        action = office.do("ray", "propose_action", number, kind=kind, reason=WHY)["action_id"]
        office.do("ann", "approve_action", action)
        assert call(office, Receiver()) == "sent"
    mark_told(office.state)
    hold, phone = (row["action_id"] for row in office.listed())
    assert "what the source shows" in office.refused("ray", "confirm_action", hold, reason="done")
    office.do("ray", "confirm_action", phone, reason="they explained it")
    assert office.actions() == [("call", "confirmed"), ("hold_payout", "told")]


def test_an_incident_opens_although_nothing_can_be_proposed_twice(office: Office) -> None:
    incident = office.open(proposal=HOLD)
    with office.state.committing() as connection:
        again = [(incident.incident_id or 0, incident)]
        assert office.state.propose_ourselves(connection, again, NOON) == 0
    assert office.actions() == [("hold_payout", "proposed")]

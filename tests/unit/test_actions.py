"""What is done about money, in the database: proposed, approved by another, called, told, ended by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.act.following import end_by_time, follow_money, mark_told
from pipeline.errors import NotAllowed
from pipeline.money import Proposal
from pipeline.packs.merchants import PACK
from pipeline.tell.message import read_message
from tests.people import do
from tests.unit.money_office import FIGURES, HOLD, LATER, NOON, WHY, Office, Receiver, call, emptied, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.store.state import State


@pytest.fixture(scope="module")
def shared(postgres_url: str, migrated: str) -> Iterator[Office]:
    yield from opened(postgres_url, migrated)


@pytest.fixture
def office(shared: Office) -> Office:
    return emptied(shared)


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


def test_until_when_it_helps_is_counted_now_and_not_at_the_last_breach(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = office.open(next_payout_date="2026-03-11").incident_id
    given = {"kind": "hold_payout", "reason": WHY}
    with monkeypatch.context() as patched:  # ten minutes past the midnight that the payday begins with
        patched.setattr(office.state, "now", lambda _: datetime(2026, 3, 10, 15, 10, tzinfo=UTC))
        office.do("ray", "propose_action", number, **given)
    (row,) = office.listed()
    assert row["helps_until"] == datetime(2026, 3, 11, 15, tzinfo=UTC)  # the payday's end
    office.change("DELETE FROM action")
    assert "it helps no more since 2026-03-12 00:00" in office.refused(
        "ray", "propose_action", number, **given
    )
    office.do("ray", "propose_action", number, until=LATER.isoformat(), **given)


def test_an_amount_that_is_not_known_stays_unknown(office: Office) -> None:
    number = office.open("M2", next_payout=None, next_payout_date=None, pending_payout=None).incident_id
    office.do("ray", "propose_action", number, kind="hold_payout", reason=WHY)
    assert [(row["amount"], row["helps_until"]) for row in office.listed()] == [(None, None)]


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


def test_what_was_declined_stays_so_though_something_else_was_declined_since(office: Office) -> None:
    office.open(proposal=HOLD)
    reserve = Proposal(kind="rolling_reserve", amount=70, until=LATER, percent=10)

    def turn(proposal: Proposal) -> int:
        office.state.proposer = lambda *_: proposal
        return follow_money(office.state, NOON)

    office.do("ann", "decline_action", office.listed()[0]["action_id"], reason="known to us")
    assert turn(reserve) == 1  # something else
    office.do("ann", "decline_action", office.listed()[0]["action_id"], reason="known to us")
    assert [turn(HOLD), turn(reserve)] == [0, 0]
    assert len(office.listed()) == 2


def test_what_keeps_nothing_is_not_proposed_again_each_minute(office: Office) -> None:
    nothing = Proposal(kind="rolling_reserve", amount=0, until=LATER, percent=1)
    office.open(proposal=nothing)
    office.do("ann", "decline_action", office.listed()[0]["action_id"], reason="known to us")
    assert follow_money(office.state, NOON) == 0


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

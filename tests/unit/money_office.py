"""An office where people decide on money, in a database: whoever tests what is done about it works in one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from pipeline.act.calls import call_one
from pipeline.desk.roles import OPS_AGENT, READ_ONLY, RISK_ANALYST
from pipeline.errors import UsageError
from pipeline.judge.life import Changes, Event, Incident
from pipeline.minute import MINUTE
from pipeline.money import AtRisk, Proposal
from pipeline.store.database import connect_state
from pipeline.store.state import MinuteCommit, State
from pipeline.tell.pace import real_pace
from tests.people import do, insert_people
from tests.servers import create_database, drop_database, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.desk.roles import Actor
    from pipeline.tell.slack import DeliveryError
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


def opened(postgres_url: str, migrated: str) -> Iterator[Office]:
    """One database for a file's tests: a new one for each would take longer than all that they do."""
    name = create_database(postgres_url, "state", migrated)
    url = url_of(postgres_url, name)
    with State(connect_state(url), url, "merchants", "KRW") as state:
        state.lead()
        yield office_of(state)
    drop_database(postgres_url, name)


def emptied(office: Office) -> Office:
    """Nothing has happened yet, but for what the audit holds."""
    office.change("DELETE FROM outbox")
    office.change("DELETE FROM incident")
    return office


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

"""What is done about the money of incidents: proposals of our own, and the actions as they are stored."""

from __future__ import annotations

import json
import uuid
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from pipeline.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from pipeline.judge.life import Incident
    from pipeline.money import AtRisk, Proposal

#: What we call ourselves where others have names.
OURSELVES: Final = "minuterisk"
#: Those that may still do something.
LIVE: Final = ("proposed", "approved", "told")
STATUSES: Final = (*LIVE, "confirmed", "lapsed", "declined", "withdrawn")


def nothing_proposed(*_: object) -> None:
    """Where nobody judges, nothing is proposed."""


def money_of(at_risk: AtRisk) -> dict[str, int | str | None]:
    """Parts and figures of an incident's money, as they are kept with an action."""
    return {**at_risk.parts, **at_risk.figures}


class Actions(Database):
    """Actions of one pack."""

    currency: str  # that of their amounts
    #: What we ourselves propose about an incident at a minute; set by whoever judges. It raises nothing.
    proposer: Callable[[Incident, datetime], Proposal | None] = staticmethod(nothing_proposed)

    def propose_ourselves(
        self, connection: Connection, incidents: Iterable[tuple[int, Incident]], minute: datetime | None
    ) -> int:
        """Propose what is to be done about incidents that have just opened; gives about how many.

        Nothing is proposed beside an action of ours that is under way.
        """
        made = 0
        for incident_id, incident in incidents:
            proposal = self.proposer(incident, minute or incident.last_breach_minute)
            if proposal is not None:
                given = (connection, incident_id, incident, proposal)
                number = self.add_action(*given, by=OURSELVES, account_id=None, by_machine=True)
                made += number is not None
        return made

    def add_action(  # noqa: PLR0913 - the columns that differ
        self,
        connection: Connection,
        incident_id: int,
        incident: Incident,
        proposal: Proposal,
        *,
        by: str,
        account_id: int | None,
        by_machine: bool = False,
        why: str = "",
    ) -> int | None:
        """Write a proposal down; its number, None where we have proposed something already."""
        given = {
            "incident_id": incident_id,
            "entity_id": incident.entity_id,
            "money": json.dumps(money_of(incident.at_risk)),
            "why": why,
            "proposed_by": by,
            "proposer_id": account_id,
            "by_machine": by_machine,
        }
        number: int | None = self.ask(connection, "action_add", **given, **_columns(proposal)).scalar()
        return number

    def follow_action(
        self, connection: Connection, action_id: int, proposal: Proposal, at_risk: AtRisk
    ) -> bool:
        """Bring a proposal of ours up to the money of now; False where somebody has decided meanwhile."""
        given = {"id": action_id, "money": json.dumps(money_of(at_risk)), **_columns(proposal)}
        return self.ask(connection, "action_follow", **given).first() is not None

    def end_action(
        self,
        connection: Connection,
        action_id: int,
        status: str,
        statuses: Sequence[str],
        *,
        by: str | None = None,
        why: str = "",
    ) -> bool:
        """End an action that is in one of `statuses`; False where it is in another one by now."""
        given = {"id": action_id, "status": status, "statuses": list(statuses), "by": by, "why": why}
        return self.ask(connection, "action_end", **given).first() is not None

    def add_call(
        self,
        connection: Connection,
        action: Mapping[str, Any],
        event: str,
        not_before: datetime | None = None,
    ) -> None:
        """Write what the company's own systems are told: the very bytes that each try sends."""
        key = str(uuid.uuid4())
        body = {
            "event": f"action.{event}",
            "id": key,
            "pack": self.pack,
            "action_id": action["action_id"],
            "incident_id": action["incident_id"],
            "entity_id": action["entity_id"],
            "kind": action["kind"],
            "percent": action["percent"],
            "amount": action["amount"],
            "currency": self.currency,
            "helps_until": _utc(action["helps_until"]),
            "money": action["money"],
            "proposed_by": action["proposed_by"],
            "approved_by": action["approved_by"],
            "approved": _utc(action["decided_at"]),
            "why": action["end_why"] if event == "withdrawn" else action["why"],
        }
        given = {"action_id": action["action_id"], "event": event, "not_before": not_before}
        sent = {"idempotency_key": key, "body": json.dumps(body, ensure_ascii=False)}
        self.ask(connection, "call_add", **given, **sent)

    def stop_call(self, connection: Connection, action: Mapping[str, Any], why: str) -> None:
        """Tell the company's systems of an action that has ended no more.

        Where they have perhaps taken it they are told that it is called off, once a sender that still has it
        is done: else they would do what everybody else reads has ended.
        """
        given = {"id": action["action_id"], "error": f"stopped: {why}"}
        call = self.ask(connection, "call_stop", **given).mappings().first()
        if call is not None and call["perhaps_taken"]:
            self.add_call(connection, action, "withdrawn", call["leased_until"])


def _utc(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _columns(proposal: Proposal) -> dict[str, Any]:
    return {
        "kind": proposal.kind,
        "percent": proposal.percent,
        "amount": proposal.amount,
        "helps_until": proposal.until,
    }


def said_of_action(row: Mapping[str, Any], status: str = "", why: str = "") -> dict[str, Any]:
    """An action as messages and the timeline hold it, plain JSON; `status` where it is another by now."""
    until = row["helps_until"]
    return {
        "action_id": row["action_id"],
        "status": status or row["status"],
        "kind": row["kind"],
        "percent": row["percent"],
        "amount": row["amount"],
        "until": until and until.isoformat(),
        "reason": why,
    }

"""Several channels of one stand-in Slack: routes, second channels, and what each channel was told."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from pipeline.desk.acts import act
from pipeline.desk.perform import Desk
from pipeline.judge.life import Changes, Event, Incident
from pipeline.minute import floor_minute
from pipeline.money import AtRisk
from pipeline.packs.merchants import PACK as MERCHANTS
from pipeline.settings import load_settings
from pipeline.store.incidents import incident_of
from pipeline.tell import outbox
from pipeline.tell.channels import read_ranges
from pipeline.tell.deliver import LIMITS, Delivered, Limits, deliver_one
from pipeline.tell.pace import Pace
from tests.integration.delivery import (
    CHANNEL,
    MARK,
    MINUTE,
    PACK,
    TOKEN,
    Clock,
    add_incident,
    content,
    make_channel,
)
from tests.people import OWNER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Engine

    from data.slack_standin import SlackStandIn
    from pipeline.pack import Pack
    from pipeline.store.state import State
    from pipeline.tell.channels import Channel

#: The settings under which the ids of Slack's channels mean something.
SLACK = {"slack_token": TOKEN, "slack_channel": CHANNEL}
ROWS = """
SELECT outbox_id, incident_id, event, minute, destination, status, attempts, ambiguous, message_ts,
       last_error, second, why, route, silence_id, instead_of
FROM outbox ORDER BY outbox_id
"""

REASON = """
UPDATE incident SET reason = CAST(:reason AS jsonb), latest_reason = CAST(:reason AS jsonb)
WHERE incident_id = :id
"""


def do_with(
    state: State, settings: Mapping[str, str], name: str, thing_id: str | int = "", **given: object
) -> dict[str, Any]:
    """Do an act under these settings."""
    said = {f"MINUTERISK_{key.upper()}": value for key, value in settings.items()}
    return act(Desk(state, load_settings(said).of(state.pack)), OWNER, name, thing_id, given)


def open_incidents(state: State, pack: Pack[Any, Any], many: int) -> None:
    """Open incidents of any pack, as the commit of a minute does, one that nobody judges again."""
    minute, rule = floor_minute(datetime.now(UTC)) - timedelta(minutes=5), next(iter(pack.rules))
    opened = [
        Incident(
            incident_id=None,
            rule=rule.name,
            entity_id=f"{many}-{number}",
            tier="tail",
            severity="high",
            status="open",
            policy="literal",
            opened_minute=minute,
            last_breach_minute=minute,
            reason=dict.fromkeys(rule.numbers, 1),
            at_risk=AtRisk(),
        )
        for number in range(many)
    ]
    changes = Changes(opened=opened, events=[Event("opened", minute, incident) for incident in opened])
    with state.changing() as connection:
        state.ask(connection, "enter_pack")  # one that has never run here
        state._write_changes(connection, changes, minute)


@dataclass
class Town:
    """One installation with several channels. Its clock jumps."""

    state: State
    standin: SlackStandIn
    limits: Limits = LIMITS
    timeout_s: float = 10
    seed: int = 0
    clock: Clock = field(default_factory=Clock)
    outlets: dict[str, tuple[Channel, Pace]] = field(default_factory=dict)

    @property
    def engine(self) -> Engine:
        return self.state.engine

    def route(self, name: str, channel: str, match: Any = "", **given: Any) -> None:  # noqa: ANN401
        do_with(self.state, SLACK, "add_route", name, channel=channel, match=match, **given)

    def silence(self, match: str, lasts: str = "1h", **given: Any) -> int:  # noqa: ANN401
        made = do_with(self.state, {}, "add_silence", match=match, reason="known", **{"for": lasts}, **given)
        return int(made["silence_id"])

    def open(self, entity: str, *, tier: str = "tail") -> int:
        incident_id = add_incident(self.engine, entity, (), tier=tier)
        reason = content(entity, "opened", MINUTE, tier=tier, at_risk=1)["reason"]
        with self.engine.begin() as connection:
            given = {"reason": json.dumps(reason), "id": incident_id}
            connection.execute(text(REASON), given)
        self.say(incident_id)
        return incident_id

    def say(self, *ids: int, event: str = "opened", at: int = 0) -> None:
        """Write an event of incidents as a minute does."""
        with self.state.changing() as connection:
            found = [self.state.ask(connection, "incident", id=one).mappings().one() for one in ids]
            minute = MINUTE + timedelta(minutes=at)
            events = [Event(event, minute, incident_of(dict(row))) for row in found]
            self.state.tell(connection, events)

    def outlet(self, destination: str) -> tuple[Channel, Pace]:
        if destination not in self.outlets:
            name = CHANNEL if destination == "default" else destination
            made = make_channel(self.standin.url, self.timeout_s, name)
            self.outlets[destination] = made, self.pace()
        return self.outlets[destination]

    def pace(self) -> Pace:
        return Pace(clock=self.clock.now, sleep=self.clock.sleep, random=Random(self.seed))

    def deliver(self, destination: str) -> Delivered | None:
        channel, pace = self.outlet(destination)
        return deliver_one(self.engine, MERCHANTS, channel, pace, self.limits, [destination])

    def restart(self) -> None:
        """What a new process knows: nothing."""
        self.seed += 1
        self.outlets = {name: (channel, self.pace()) for name, (channel, _) in self.outlets.items()}

    def due(self) -> list[str]:
        return outbox.destinations_due(self.engine, PACK, self.clock.now(), self.limits.margin)

    def drain(self, most: int = 2_000, step_s: float = 5) -> list[Delivered]:
        """Deliver in all channels until nothing waits; time passes when there is nothing to do."""
        done: list[Delivered] = []
        for _ in range(most):
            outbox.tell_overdue(self.engine, PACK, self.clock.now() - self.limits.overdue)
            found = [self.deliver(name) for name in self.due()]
            done += [delivered for delivered in found if delivered is not None]
            if not self.waiting():
                return done
            if not any(found):
                self.clock.sleep(step_s)
        msg = f"still waiting: {self.rows()[:3]}"
        raise AssertionError(msg)

    def waiting(self) -> bool:
        status = outbox.outbox_status(self.engine, PACK)
        return status.pending + status.sending > 0

    def rows(self) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(r) for r in connection.execute(text(ROWS)).mappings()]

    def posted(self, channel: str) -> list[dict[str, Any]]:
        """What stands in a channel, oldest first."""
        return [stored.message for stored in self.standin.workspace.stored if stored.channel == channel]

    def statuses(self) -> Counter[tuple[str, str]]:
        return Counter((row["destination"], row["status"]) for row in self.rows())


@dataclass(frozen=True)
class Told:
    """What channels show against what the rows say: each told once in its channel, a repeat with its mark."""

    lost: list[str]
    doubled: list[str]
    doubled_unmarked: list[str]
    strangers: list[str]


def judge_all(town: Town) -> Told:
    shown: dict[str, list[bool]] = {}
    for key, marked in _shown(town):
        shown.setdefault(key, []).append(marked)
    wanted = {_key(row): row["status"] for row in town.rows()}
    return Told(
        lost=[k for k, status in wanted.items() if status == "sent" and not shown.get(k)]
        + [k for k, status in wanted.items() if status in ("pending", "sending")],
        doubled=[k for k, marks in shown.items() if len(marks) > 1],
        doubled_unmarked=[k for k, marks in shown.items() if marks.count(False) > 1],
        strangers=[k for k in shown if k not in wanted],
    )


def _key(row: dict[str, Any]) -> str:
    minute = row["minute"].astimezone(UTC)
    channel = CHANNEL if row["destination"] == "default" else row["destination"]
    return f"{channel}/test-{row['incident_id']}-{row['event']}-{minute:%Y%m%dT%H%M}"


def _shown(town: Town) -> Iterator[tuple[str, bool]]:
    for stored in town.standin.workspace.stored:
        payload, marked = stored.message["metadata"]["event_payload"], MARK in stored.message["text"]
        if "incidents" not in payload:
            yield f"{stored.channel}/{payload['alert_key']}", marked
        for incident_id in _incidents(payload):
            event = f"{incident_id}-{payload['event']}-{payload['minute']}"
            yield f"{stored.channel}/test-{event}", marked


def _incidents(payload: dict[str, Any]) -> Sequence[int]:
    return [number for numbers in read_ranges(payload.get("incidents", "")) for number in numbers]

"""The harness of the delivery tests: an outbox on a real PostgreSQL, a stand-in Slack, a clock that jumps."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from data.slack_standin import SlackStandIn, Workspace
from pipeline.packs.merchants import PACK as MERCHANTS
from pipeline.tell import outbox
from pipeline.tell.channels import Slack, read_ranges
from pipeline.tell.deliver import LIMITS, Delivered, Limits, deliver_one
from pipeline.tell.pace import Pace
from pipeline.tell.slack import SlackClient
from pipeline.tell.words import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine

PACK = "merchants"
TOKEN = "xoxb-stand-in-secret"
CHANNEL = "C0RISK"
PATIENT_S = 10.0  # a busy machine must not look like a hanging Slack
TIMEOUT_S = 0.25  # where Slack is made to hang
SEOUL = ZoneInfo("Asia/Seoul")
MINUTE = datetime(2026, 11, 21, 9, 3, tzinfo=UTC)
EVENTS = ("opened", "escalated", "repeated", "acknowledged", "corrected", "reopened", "resolved")
MARK = TEXTS["ko"]["repeat"]

INCIDENT = """
INSERT INTO incident (pack, rule, entity_id, entity_name, tier, severity, policy,
                      opened_minute, last_breach_minute, currency, parts, reason, latest_reason)
VALUES ('merchants', 'cancel_surge', :merchant_id, '튼튼마트', :tier, 'high', 'supported', :minute,
        :minute, 'KRW',
        jsonb_build_object('paid_out_cancelable', CAST(:at_risk AS bigint), 'unrecovered', 0),
        '{}', '{}')
RETURNING incident_id
"""
OUTBOX = """
INSERT INTO outbox (incident_id, event, minute, message)
SELECT :incident_id, :event, :minute, CAST(:message AS jsonb)
RETURNING outbox_id
"""
ROWS = """
SELECT outbox_id, incident_id, event, minute, status, attempts, ambiguous, message_ts, last_error
FROM outbox ORDER BY outbox_id
"""


def content(merchant_id: str, event: str, minute: datetime, *, tier: str, at_risk: int) -> dict[str, Any]:
    """A message as the alert step writes it."""
    return {
        "incident_id": None,
        "event": event,
        "rule": "cancel_surge",
        "entity_id": merchant_id,
        "entity_name": "튼튼마트",
        "tier": tier,
        "severity": "high",
        "policy": "supported",
        "minute": minute.isoformat(),
        "opened_minute": MINUTE.isoformat(),
        "at_risk": at_risk,
        "parts": {"paid_out_cancelable": at_risk, "unrecovered": 0},
        "reason": {
            "approvals_hour": 120,
            "cancels_hour": 36,
            "approvals_week": 20_160,
            "cancels_week": 1_008,
        },
    }


def add_incident(
    engine: Engine,
    merchant_id: str,
    events: Sequence[str] = ("opened",),
    *,
    tier: str = "tail",
    at_risk: int = 1,
) -> int:
    """An incident and what people are to be told about it, one event a minute."""
    given = {"merchant_id": merchant_id, "minute": MINUTE, "tier": tier, "at_risk": at_risk}
    with engine.begin() as connection:
        incident_id = int(connection.execute(text(INCIDENT), given).scalar_one())
        for number, event in enumerate(events):
            minute = MINUTE + timedelta(minutes=number)
            message = json.dumps(content(merchant_id, event, minute, tier=tier, at_risk=at_risk))
            row = {"incident_id": incident_id, "event": event, "minute": minute, "message": message}
            connection.execute(text(OUTBOX), row)
    return incident_id


@dataclass
class Clock:
    """Real time plus what was slept, so that nobody sleeps."""

    ahead: timedelta = timedelta()
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ahead += timedelta(seconds=seconds)


@dataclass
class World:
    """One installation and its Slack."""

    engine: Engine
    standin: SlackStandIn
    clock: Clock
    channel: Slack
    pace: Pace
    limits: Limits = LIMITS

    def deliver(self) -> Delivered | None:
        delivered = deliver_one(self.engine, MERCHANTS, self.channel, self.pace, self.limits)
        if delivered is not None and delivered.error == "timeout":
            arrived(self.standin)  # the tests' clock would pass the lease before a slow request has
        return delivered

    def drain(self, most: int = 5_000, step_s: float = 5) -> list[Delivered]:
        """Deliver until nothing waits; time passes when there is nothing to do."""
        done = []
        for _ in range(most):
            delivered = self.deliver()
            if delivered is not None:
                done.append(delivered)
            elif not self.waiting():
                return done
            else:
                self.clock.sleep(step_s)
        msg = f"still waiting after {most} units: {self.rows()[:3]}"
        raise AssertionError(msg)

    def restart(self, seed: int = 0) -> None:
        """What a new process knows: nothing."""
        self.pace = Pace(clock=self.clock.now, sleep=self.clock.sleep, random=Random(seed))

    def rows(self) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(r) for r in connection.execute(text(ROWS)).mappings()]

    def waiting(self) -> bool:
        status = outbox.outbox_status(self.engine, PACK)
        return status.pending + status.sending > 0

    def statuses(self) -> Counter[str]:
        return Counter(row["status"] for row in self.rows())


def make_world(
    engine: Engine,
    standin: SlackStandIn,
    *,
    limits: Limits = LIMITS,
    seed: int = 0,
    timeout_s: float = PATIENT_S,
) -> World:
    clock = Clock()
    pace = Pace(clock=clock.now, sleep=clock.sleep, random=Random(seed))
    return World(engine, standin, clock, make_channel(standin.url, timeout_s), pace, limits)


def make_channel(url: str, timeout_s: float, name: str = CHANNEL) -> Slack:
    client = SlackClient(TOKEN, url, timeout_s)
    return Slack(
        client,
        name,
        installation="test",
        language="ko",
        zone=SEOUL,
        dashboard_url="http://127.0.0.1:8501/",
    )


def make_standin(**given: Any) -> SlackStandIn:  # noqa: ANN401
    return SlackStandIn(Workspace(token=TOKEN), hang_s=TIMEOUT_S * 2, **given)


def arrived(standin: SlackStandIn) -> None:
    """Wait until all that was sent by now has taken effect, also what nobody waits for any more."""
    server = standin._server
    connection = HTTPConnection("127.0.0.1", server.server_address[1])
    connection.request("GET", "/nothing")  # it is taken after all that came before it
    connection.getresponse().read()
    connection.close()
    before = set(server.at_work)
    while before & server.at_work:
        time.sleep(0.005)


@dataclass(frozen=True)
class Verdict:
    """What the history of the channel says about what people were told."""

    lost: list[str]
    doubled: list[str]
    doubled_unmarked: list[str]
    strangers: list[str]


def judge(world: World) -> Verdict:
    """Hold the rows against what Slack shows: each told once, a repeat only with its mark."""
    told: dict[str, list[bool]] = {}
    for key, marked in _told(world.standin.messages):
        told.setdefault(key, []).append(marked)
    wanted = {_key(row): row["status"] for row in world.rows()}
    return Verdict(
        lost=[key for key, status in wanted.items() if status == "sent" and not told.get(key)]
        + [key for key, status in wanted.items() if status != "sent"],
        doubled=[key for key, marks in told.items() if len(marks) > 1],
        doubled_unmarked=[key for key, marks in told.items() if marks.count(False) > 1],
        strangers=[key for key in told if key not in wanted],
    )


def _key(row: dict[str, Any]) -> str:
    minute = row["minute"].astimezone(UTC)
    return f"test-{row['incident_id']}-{row['event']}-{minute:%Y%m%dT%H%M}"


def _told(messages: list[dict[str, Any]]) -> Iterator[tuple[str, bool]]:
    for message in messages:
        payload = message["metadata"]["event_payload"]
        marked = MARK in message["text"]
        if "incidents" not in payload:
            yield payload["alert_key"], marked
        for numbers in read_ranges(payload.get("incidents", "")):
            for incident_id in numbers:
                yield f"test-{incident_id}-opened-{MINUTE:%Y%m%dT%H%M}", marked


def change(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))

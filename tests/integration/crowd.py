"""People who press buttons in Slack, and what has to be true of what they were told."""

from __future__ import annotations

import time
from collections import Counter
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from data.slack_blocks import buttons_of
from pipeline.tell.channels import alert_key
from tests.integration.delivery import MARK

if TYPE_CHECKING:
    from data.slack_socket import Envelope
    from data.slack_standin import SlackStandIn
    from pipeline.tell.outbox import Claimed
    from tests.integration.talking import Talking

IMPATIENT = 20  # so many presses without an answer: nobody presses more
LOOK_S = 0.3  # people look at the channel again after so long; a large one takes a while to copy
PEOPLE = ("U0OPS", "U0ANALYST")


class Crowd:
    """People who press whatever they see, sometimes twice, sometimes two at once, and again when warned."""

    def __init__(self, standin: SlackStandIn, seed: int) -> None:
        self.standin, self.random = standin, Random(seed)
        self.pressed: list[Envelope] = []
        self.warned = 0
        self._shown: list[tuple[str, dict[str, Any]]] = []
        self._looked_at = 0.0

    @property
    def taken(self) -> int:
        """So many presses have arrived, as Slack knows it."""
        return sum(envelope.acknowledged.is_set() for envelope in self.pressed)

    def press_something(self) -> None:
        if time.monotonic() - self._looked_at > LOOK_S:
            self._look()
        if not self._shown or len(self.pressed) - self.taken > IMPATIENT:
            return
        ts, button = self.random.choice(self._shown)
        user, other = self.random.sample(PEOPLE, 2)
        for who in self.random.choice([(user,), (user,), (user, user), (user, other)]):
            self.press(who, ts, button)

    def _look(self) -> None:
        self._shown = [
            (message["ts"], button)
            for message in self.standin.messages
            if message.get("thread_ts") is None
            for button in buttons_of(message.get("blocks", []))
        ]
        self._looked_at = time.monotonic()

    def press(self, user: str, ts: str, button: dict[str, Any]) -> None:
        self.pressed.append(self.standin.press(user, ts, button["action_id"], button=button))

    def press_again_where_warned(self) -> bool:
        """Was anybody warned? Then they press again, and everybody waits for the next answer."""
        warned = [e for e in self.pressed if e.warned and not e.acknowledged.is_set()]
        self.warned += len(warned)
        self.pressed = [e for e in self.pressed if e not in warned]
        for envelope in warned:
            payload = envelope.payload
            self.press(payload["user"]["id"], payload["message"]["ts"], payload["actions"][0])
        return bool(warned)


def assert_each_message_was_told_once(here: Talking) -> None:
    """Each row of the outbox is in the channel, and twice only where the second says so."""
    rows = here.rows("SELECT incident_id, event, minute, number, status FROM outbox")
    installation = here.state.installation()
    wanted = [alert_key(installation, cast("Claimed", SimpleNamespace(**row))) for row in rows]
    told = Counter(
        message["metadata"]["event_payload"]["alert_key"]
        for message in here.standin.messages
        if MARK not in message["text"]
    )
    marked = [m for m in here.standin.messages if MARK in m["text"]]
    again = {message["metadata"]["event_payload"]["alert_key"] for message in marked}
    assert {row["status"] for row in rows} == {"sent"}
    assert set(wanted) == set(told) | again
    assert max(told.values()) == 1

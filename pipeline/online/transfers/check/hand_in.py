"""Events that a client hands in over HTTP: all that can be are taken, and the answer tells."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from pipeline.alarms import Alarm
from pipeline.errors.phrases import phrase
from pipeline.online.transfers.check.read import MOST_EVENTS, TooLarge, Unfit, unfit
from pipeline.online.transfers.intake import HTTP, take
from pipeline.packs.transfers.screen import screen_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.alarms import Alarms
    from pipeline.online.transfers.check.counts import Counts
    from pipeline.store.state import State

#: More than one in a hundred of the last so many refused is worth an alarm.
_LOOKED_AT: Final = 10_000
_LEAST: Final = 100
#: In the place of two values: nothing that a field may hold.
_TWICE: Final = object()
_SUBJECT: Final = "POST /v1/events"


class HandIn:
    """One per process; threads share it."""

    def __init__(self, state: State, alarms: Alarms, counts: Counts) -> None:
        self._state = state
        self._alarms = alarms
        self._counts = counts
        self._lately: deque[tuple[int, int]] = deque()  # events and refused ones of a batch
        self._events = self._refused = 0

    def take(self, body: bytes, not_after: datetime) -> Mapping[str, Any]:
        """Write what is right and new; the same batch again changes nothing. Raises Unfit, TooLarge."""
        items = _items(body)
        events, refused = screen_json(items, not_after)
        with self._state.changing() as connection:
            taken = take(connection, events, HTTP)
        answer: dict[str, Any] = {name: len(getattr(taken, name)) for name in ("new", "equal", "corrected")}
        answer["conflicts"] = list(taken.conflicts)
        answer["refused"] = [_refusal(*one) for one in refused]
        for name, value in answer.items():
            self._counts.events.labels(name).inc(value if isinstance(value, int) else len(value))
        self._watch(len(items), len(refused))
        return answer

    def _watch(self, events: int, refused: int) -> None:
        self._lately.append((events, refused))
        self._events, self._refused = self._events + events, self._refused + refused
        while self._events > _LOOKED_AT and len(self._lately) > 1:
            gone = self._lately.popleft()
            self._events, self._refused = self._events - gone[0], self._refused - gone[1]
        if self._refused * 100 > self._events >= _LEAST:
            what = f"{self._refused} of the last {self._events} events handed in were refused"
            hint = "the answers of POST /v1/events name each with its reason"
            self._alarms.raise_alarm(Alarm("rows.set_aside", what, hint, _SUBJECT))
        elif self._refused * 100 <= self._events:
            self._alarms.end("rows.set_aside", _SUBJECT)


def _items(body: bytes) -> Sequence[Mapping[str, Any]]:
    try:
        found = json.loads(body, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        found = None
    items = found.get("events") if isinstance(found, dict) else found
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        msg = "the question is no list of events"
        raise Unfit(msg, 'send JSON, as {"events": [{"transfer_id": "t-1", …}]}', "events")
    if len(items) > MOST_EVENTS:
        msg = phrase("{count} events at once", count=len(items))
        raise TooLarge(msg, phrase("send at most {most}", most=MOST_EVENTS))
    return items


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that stands there twice has no value that could be read, so its event is refused with it."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        found[name] = _TWICE if name in found else value
    return found


def _refusal(index: int, reason: str, field: str) -> dict[str, Any]:
    error = unfit(reason, field)
    return {"index": index, "reason": reason, "field": field, "error": error.what}

"""What was sent, as an event: one that is plainly right at once, all others by the pack's screen.

Both come to the same; the one is for a thousand questions a second.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.packs.transfers.currencies import CURRENCIES
from pipeline.packs.transfers.schema import (
    COMPLETED,
    EVENT,
    INTENDED,
    KINDS,
    LONGEST_ID,
    MOST_AMOUNT,
    OPTIONAL,
    TEXTS,
)
from pipeline.packs.transfers.screen import screen_json

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The largest question, and the largest batch of events.
MOST_BYTES: Final = 16_384
MOST_BATCH_BYTES: Final = 1_048_576
MOST_EVENTS: Final = 1_000
#: A check asks about now. What is older would be judged by the rules of its own time: perhaps by none.
OLDEST: Final = timedelta(hours=1)
_LONGEST_TIME: Final = 32
#: What an event may say of itself.
FIELDS: Final = frozenset((*(name for name in EVENT if name not in ("lat_e6", "lon_e6")), "lat", "lon"))
_NEEDED: Final = frozenset(name for name in EVENT if name not in OPTIONAL)
_NOTHING: Final = dict.fromkeys(EVENT)
_KINDS: Final = frozenset(KINDS)


class Unfit(UsageError):
    """What was sent is no event; `field` is what stands against it."""

    def __init__(self, what: str, hint: str, field: str = "") -> None:
        super().__init__(what, hint)
        self.field = field


class TooLarge(UsageError):
    """More than is read."""


def object_of(body: bytes) -> dict[str, Any]:
    """One JSON object without a name twice. Raises Unfit."""
    try:
        found = json.loads(body, object_pairs_hook=_once, parse_constant=_no_number)
    except Unfit:
        raise
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        msg = "the question is no JSON object"
        raise Unfit(msg, 'send one, as {"transfer_id": "t-1", …}')
    return found


def intended(given: Mapping[str, Any], not_after: datetime) -> dict[str, Any]:
    """The event of a check. Raises Unfit with the field that stands against it."""
    strange = given.keys() - FIELDS
    if strange:
        name = min(strange)
        msg = phrase("an event has no {field}", field=name)
        raise Unfit(msg, phrase("known are {known}", known=", ".join(sorted(FIELDS))), name)
    if given.get("status") != INTENDED:
        msg = phrase("status is not {status}", status=INTENDED)
        hint = "a check asks about what has not happened; other events go to /v1/events"
        raise Unfit(msg, hint, "status")
    event = _plain(given, not_after) or _screened(given, not_after)
    if event["occurred_at"] < not_after - OLDEST:
        msg = phrase("occurred_at is {occurred_at}, long ago", occurred_at=event["occurred_at"].isoformat())
        raise Unfit(msg, "ask about what happens now; look whether your clock is right", "occurred_at")
    return event


def _plain(given: Mapping[str, Any], not_after: datetime) -> dict[str, Any] | None:
    """An event that is plainly right; None: look closely."""
    if not given.keys() >= _NEEDED or "lat" in given or "lon" in given:
        return None
    event: dict[str, Any] = {**_NOTHING, **given}
    if not _has_plain_values(event):
        return None
    occurred, opened = _time(event["occurred_at"]), event["account_opened"]
    event["occurred_at"], event["account_opened"] = occurred, _time(opened)
    if occurred is None or occurred > not_after or (opened is None) != (event["account_opened"] is None):
        return None
    event["user_id"] = event["user_id"] or event["account_id"]
    return event


def _has_plain_values(event: Mapping[str, Any]) -> bool:
    """Is everything right, beside the times?"""
    amount, currency = event["amount"], event["currency"]
    return (
        type(amount) is int
        and 0 <= amount <= MOST_AMOUNT
        and all(_is_plain(event[name]) or (event[name] is None and name in OPTIONAL) for name in TEXTS)
        and event["kind"] in KINDS
        and type(currency) is str
        and currency in CURRENCIES
        and event["payee_id"] != event["account_id"]
    )


def _screened(given: Mapping[str, Any], not_after: datetime) -> dict[str, Any]:
    """As the pack's screen has it."""
    good, refused = screen_json([{**given, "status": COMPLETED}], not_after)
    if refused:
        _, reason, field = refused[0]
        raise unfit(reason, field)
    (event,) = good.iter_rows(named=True)
    return {**event, "status": INTENDED}


def unfit(reason: str, field: str) -> Unfit:
    """Why an event was refused."""
    msg = phrase("{field} cannot be taken: {reason}", field=field or "event", reason=word(reason))
    return Unfit(msg, "correct it and ask again; nothing was recorded", field)


def _is_plain(text: object) -> bool:
    if not isinstance(text, str):
        return False
    return 0 < len(text) <= LONGEST_ID and text.isprintable() and text.strip() == text


def _no_number(text: str) -> object:
    raise ValueError(text)


def _time(text: object) -> datetime | None:
    """A moment in whole milliseconds; None where the text is not plainly one with a zone."""
    if not isinstance(text, str) or len(text) > _LONGEST_TIME:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return None
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(one for one in names if names.count(one) > 1)
        msg = phrase("{field} stands there twice", field=name)
        raise Unfit(msg, "say each once", name)
    return found

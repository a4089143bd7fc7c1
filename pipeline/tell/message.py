"""A message is data first, then rendered (render.py). Pure: no I/O library, no clock.

What happens to an incident writes the data into the outbox row, with every integer that led to the verdict.
Names, ids, who acted and what they wrote come from outside: `figures.clean` makes them harmless, and they
only ever stand in a code span.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import PermanentError, UsageError
from pipeline.judge.priced import PRICED
from pipeline.judge.verdicts import SEVERITIES, TIERS
from pipeline.minute import parse_time
from pipeline.money import DATE, AtRisk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.pack import Pack

#: What the judge tells of; then what people do, and how a snooze ends: each with what is said beside it.
_BY_ITSELF: Final = (
    "opened",
    "reopened",
    "escalated",
    "repeated",
    "corrected",
    "resolved",
    "unsilenced",
    PRICED,
)
_MOVED: Final = {
    "minutes": "number",
    "breaches": "number",
    "at_risk": "money",
    "limit": "money",
    "severity": "severity",
}
SAID: Final[Mapping[str, Mapping[str, str]]] = {
    "acknowledged": {},
    "assigned": {"to": "text"},
    "noted": {"text": "text"},
    "snoozed": {"until": "time", "limit": "money"},
    "snooze_ended": _MOVED,
    "broke_through": _MOVED,
    "resolved_by": {"reason": "text"},
    "reopened_by": {"reason": "text"},
    "labelled": {"label": "label", "reason": "text"},
    "action": {
        "status": "action_status",
        "kind": "text",
        "percent": "money",
        "amount": "money",
        "until": "moment",
        "reason": "text",
    },
}
EVENTS: Final = (*_BY_ITSELF, *SAID)
#: How an action stands; `failed` is told where the company's systems do not take it, `recall_failed` where
#: they do not take it that it is called off.
ACTION_STATUSES: Final = (
    *("proposed", "approved", "told", "confirmed", "lapsed", "declined", "withdrawn"),
    *("failed", "recall_failed"),
)
LABELS: Final = ("true_alarm", "false_alarm")
STATUSES: Final = ("open", "acknowledged", "resolved")


class MessageMalformed(PermanentError):
    """The outbox row holds something that is not a message; sending it again cannot help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What people are told of one event of an incident. Amounts in minor units, times aware UTC minutes."""

    pack: Pack[Any, Any] = field(hash=False, compare=False)
    incident_id: int
    event: str
    rule: str
    entity_id: str
    entity_name: str | None
    tier: str
    severity: str
    policy: str
    minute: datetime
    opened_minute: datetime
    at_risk: int | None  # None: not known
    parts: Mapping[str, int | None] = field(hash=False)
    reason: Mapping[str, Any] = field(hash=False)
    figures: Mapping[str, int | str | None] = field(default_factory=dict, hash=False)  # see `AtRisk.figures`
    times: int = 1  # how often the incident has opened
    by: str | None = None  # who acted
    said: Mapping[str, Any] = field(default_factory=dict, hash=False)  # see SAID
    visible: bool = False  # worth a line in the channel as well as in the thread
    before: str = "open"  # how the incident stood when it was told
    action: Mapping[str, Any] | None = field(default=None, hash=False)  # what is being done about its money

    def words(self, language: str) -> Mapping[str, str]:
        """The words of its domain."""
        return self.pack.words[language]

    @property
    def of_everybody(self) -> bool:
        """Is it about all entities together?"""
        return self.rule in self.pack.of_everybody

    @property
    def has_money(self) -> bool:
        """Can money be at risk in what it tells of? Of everybody together a book alone says it."""
        return self.pack.has_money and (bool(self.figures) or not self.of_everybody)

    @property
    def weight(self) -> int | None:
        """What it is ordered by, see `AtRisk.weight`; None: not known."""
        return self.at_risk if self.expected_loss is None else self.expected_loss

    @property
    def expected_loss(self) -> int | None:
        """What is likely to be lost; None: not known."""
        return AtRisk(figures=self.figures).expected_loss

    @property
    def only_edits(self) -> bool:
        """Does it bring a message up to date that stands there, and tell nothing by itself?"""
        return self.event == PRICED

    @property
    def is_over(self) -> bool:
        """Does it tell that the incident is over?"""
        return self.event in ("resolved", "resolved_by")

    @property
    def status(self) -> str:
        """How the incident stands with what this tells."""
        if self.is_over:
            return "resolved"
        now = {"opened": "open", "reopened": "open", "reopened_by": "open", "acknowledged": "acknowledged"}
        return now.get(self.event, self.before)

    @property
    def duration(self) -> timedelta:
        """From the opening to the minute this message is about, never negative."""
        return max(self.minute - self.opened_minute, timedelta())


def read_message(content: object, incident_id: int, pack: Pack[Any, Any]) -> Message:
    """Make a Message of the outbox row's JSON; MessageMalformed names the field that is wrong.

    The JSON's own incident_id may be null, written before the incident had one: the row's counts.
    """
    if not isinstance(content, dict):
        name = "content"
        raise _malformed(name, content, "an object")
    event = _known(content, "event", EVENTS)
    by = next((name for name in ("by", "acknowledged_by") if content.get(name) is not None), None)
    return Message(
        pack=pack,
        incident_id=incident_id,
        event=event,
        rule=_known(content, "rule", [rule.name for rule in pack.rules]),
        entity_id=_text(content, "entity_id"),
        entity_name=None if content.get("entity_name") is None else _text(content, "entity_name"),
        tier=_known(content, "tier", TIERS),
        severity=_known(content, "severity", SEVERITIES),
        policy=_text(content, "policy"),
        minute=_minute(content, "minute"),
        opened_minute=_minute(content, "opened_minute"),
        at_risk=_money(content, "at_risk"),
        parts=_parts(content, "parts", pack),
        reason=_reason(content, "reason", pack),
        figures=_figures(content, "figures", pack),
        times=_number(content, "times") if "times" in content else 1,
        visible=content.get("visible") is True,
        by=None if by is None else _text(content, by),
        said=_said(content, event),
        before=_known(content, "status", STATUSES) if "status" in content else "open",
        action=_action(content),
    )


def _malformed(name: str, value: object, wanted: str) -> MessageMalformed:
    # The value may be personal data in a damaged row: its type is enough to find the fault.
    what = f"the message's {name} is of type {type(value).__name__}; {wanted} is needed"
    return MessageMalformed(what, "correct the row, then `minuterisk outbox requeue`")


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise _malformed(name, value, "text")
    return value


def _known(content: Mapping[str, Any], name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    value = _text(content, name)
    if value not in known:
        raise _malformed(name, value, "one of " + ", ".join(known))
    return value


def _number(content: Mapping[str, Any], name: str) -> int:
    value = content.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _malformed(name, value, "a whole number")
    return value


def _money(content: Mapping[str, Any], name: str) -> int | None:
    """Null is not known; a field that is not there is a damaged row."""
    return None if name in content and content[name] is None else _number(content, name)


def _minute(content: Mapping[str, Any], name: str) -> datetime:
    try:
        return parse_time(_text(content, name))
    except UsageError:
        raise _malformed(name, content.get(name), "a time with its zone") from None


def _said(content: Mapping[str, Any], event: str) -> dict[str, Any]:
    """What an act says beside the incident; of other events nothing."""
    wanted = SAID.get(event)
    if not wanted:
        return {}
    given = content.get("said")
    if not isinstance(given, dict):
        name = "said"
        raise _malformed(name, given, "an object")
    return {name: _SAID_AS[kind](given, name) for name, kind in wanted.items()}


def _action(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is being done about the incident's money; most messages know of nothing."""
    given = content.get("action")
    if given is None:
        return None
    if not isinstance(given, dict):
        name = "action"
        raise _malformed(name, given, "an object")
    return {name: _SAID_AS[kind](given, name) for name, kind in SAID["action"].items()}


def _parts(content: Mapping[str, Any], name: str, pack: Pack[Any, Any]) -> dict[str, int | None]:
    """The parts of the money that the pack knows; none at all where nothing is known."""
    given = content.get(name)
    if not isinstance(given, dict):
        raise _malformed(name, given, "an object")
    return {part: _money(given, part) if given else None for part in pack.parts}


def _figures(content: Mapping[str, Any], name: str, pack: Pack[Any, Any]) -> dict[str, int | str | None]:
    """What is said of the money beside its parts; none where it was not priced by a book."""
    given = content.get(name, {})
    if not isinstance(given, dict):
        raise _malformed(name, given, "an object")
    return {figure: _figure(given, figure) for figure in pack.figures} if given else {}


def _figure(given: Mapping[str, Any], name: str) -> int | str | None:
    if given.get(name) is None:
        return None
    if not name.endswith(DATE):
        return _number(given, name)
    try:
        return date.fromisoformat(_text(given, name)).isoformat()
    except ValueError:
        raise _malformed(name, given[name], "a date") from None


def _reason(content: Mapping[str, Any], name: str, pack: Pack[Any, Any]) -> dict[str, Any]:
    """The reason as it is stored: the numbers that its rule needs are there, the others are as they are."""
    given = content.get(name)
    if not isinstance(given, dict):
        raise _malformed(name, given, "an object")
    rule = pack.rule(_text(content, "rule"))
    for number in rule.numbers:
        _number(given, number)
    for other in (n for n in given if n not in rule.numbers and given[n] is not None):
        if not isinstance(given[other], int | str | list):
            raise _malformed(other, given[other], "a whole number, a word or a list")
    return given


_SAID_AS: Final[Mapping[str, Callable[[Mapping[str, Any], str], Any]]] = {
    "text": _text,
    "number": _number,
    "money": _money,
    "time": _minute,
    "severity": lambda given, name: _known(given, name, SEVERITIES),
    "label": lambda given, name: _known(given, name, LABELS),
    "moment": lambda given, name: None if given.get(name) is None else _minute(given, name),
    "action_status": lambda given, name: _known(given, name, ACTION_STATUSES),
}

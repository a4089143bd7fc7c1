"""What an act needs to be told: each parameter with its kind, read the same at every door."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.minute import EPOCH, TIME_END

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION: Final = re.compile(r"(\d{1,5})\s*([mhdw])")
_MOST_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `kind`: text, integer, time, duration, flag or choice."""

    kind: str
    text: str  # for people: what it says
    required: bool = False
    choices: tuple[str, ...] = ()
    longest: int = 1_000
    secret: bool = False  # a password: shown and kept nowhere

    def read(self, name: str, value: Any) -> Any:  # noqa: ANN401 - text or JSON
        """The value as its kind; None where it was not given. Raises UsageError."""
        if value is None or value == "":
            if self.required:
                msg = phrase("{name} is missing", name=word(name))
                raise UsageError(msg, phrase("say it: {text}", text=word(self.text)))
            return None
        return _READ[self.kind](self, word(name), value)


def one_end(
    what: str,
    start: datetime,
    lasts: timedelta | None,
    until: datetime | None,
    longest: timedelta | None = None,
) -> datetime:
    """When something ends that people say the length or the end of. Raises UsageError on both, or neither.

    Neither is told how long it may last, where `longest` says so; whoever asks sees to it.
    """
    if lasts is not None and until is not None:
        msg = phrase("{what} has one end, and this has two", what=word(what))
        raise UsageError(msg, "say either for how long, as 2h, or until when")
    if lasts is not None:
        return start + lasts
    if until is None:
        hint = phrase("say for how long, as 2h, or until when")
        if longest is not None:
            hint = phrase("say for how long, as 2h, or until when; at most {days} days", days=longest.days)
        raise UsageError(phrase("{what} needs an end", what=word(what)), hint)
    return until


def storable(text: str) -> bool:
    """Is it text to a database: no NUL, no half of a letter? What acts is made plain where it is shown."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _text(parameter: Parameter, name: str, value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str) or not value.strip():
        met = phrase("{name} is {value!r}, which is no text", name=name, value=value)
        msg = phrase("{name} is no text", name=name) if parameter.secret else met
        raise UsageError(msg, phrase("say it: {text}", text=word(parameter.text)))
    if len(value) > parameter.longest:
        msg = phrase("{name} has {letters} characters", name=name, letters=len(value))
        raise UsageError(msg, phrase("at most {most}", most=parameter.longest))
    if not storable(value):
        msg = phrase("{name} holds what no database keeps as text", name=name)
        hint = phrase("leave NUL and broken letters out: {text}", text=word(parameter.text))
        raise UsageError(msg, hint)
    return value if parameter.secret else value.strip()


def _integer(parameter: Parameter, name: str, value: Any) -> int:  # noqa: ANN401
    said = str(value).replace(",", "").strip()
    if (
        isinstance(value, bool | float)
        or not re.fullmatch(r"-?\d+", said, re.ASCII)
        or len(said) > _MOST_DIGITS
    ):
        msg = phrase("{name} is {value!r}, which is no whole number", name=name, value=value)
        raise UsageError(msg, phrase("say it: {text}", text=word(parameter.text)))
    return int(said)


def _time(parameter: Parameter, name: str, value: Any) -> datetime:  # noqa: ANN401
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        msg = phrase("{name} is {value!r}, which is no time with its zone", name=name, value=str(value))
        hint = phrase("say it as 2026-11-21T09:00+09:00: {text}", text=word(parameter.text))
        raise UsageError(msg, hint)
    if not EPOCH <= found < TIME_END:  # a comparison leaves no calendar, whatever the zone
        msg = phrase("{name} is {value!r}", name=name, value=str(value))
        years = {"first": EPOCH.year, "last": TIME_END.year - 1}
        hint = phrase("say a time from {first} to {last}: {text}", **years, text=word(parameter.text))
        raise UsageError(msg, hint)
    return found.astimezone(UTC)


def _duration(parameter: Parameter, name: str, value: Any) -> timedelta:  # noqa: ANN401
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(str(value).strip())
    if found is None or int(found[1]) == 0:
        msg = phrase("{name} is {value!r}, which is no length of time", name=name, value=str(value))
        raise UsageError(msg, phrase("say it as 30m, 1h or 2d: {text}", text=word(parameter.text)))
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _flag(parameter: Parameter, name: str, value: Any) -> bool:  # noqa: ANN401
    said = {"true": True, "false": False}.get(str(value).lower())
    if said is None:
        msg = phrase("{name} is {value!r}", name=name, value=value)
        raise UsageError(msg, phrase("say true or false: {text}", text=word(parameter.text)))
    return said


def _choice(parameter: Parameter, name: str, value: Any) -> str:  # noqa: ANN401
    if value not in parameter.choices:
        msg = phrase("{name} is {value!r}", name=name, value=value)
        raise UsageError(msg, phrase("say one of {choices}", choices=", ".join(parameter.choices)))
    return str(value)


_READ: Final = {
    "text": _text,
    "integer": _integer,
    "time": _time,
    "duration": _duration,
    "flag": _flag,
    "choice": _choice,
}

#: What many acts ask.
WHY: Final = Parameter("text", "why", required=True)
PAUSE: Final = {
    "until": Parameter("time", "when it ends"),
    "for": Parameter("duration", "how long it lasts"),
    "reason": WHY,
}

"""The questions of analysts that have a name: queries/PACK/analyst/NAME.sql.

A file begins with, in this order:

    -- Question: an English sentence
    -- 질문: the Korean one
    -- Grain: one row per …
    -- Parameter: NAME TYPE [= DEFAULT] : text       (none, one or more)

TYPE is integer, number, text, date, time or texts (several, with commas between). DEFAULT is a value as
people write it, null, or one of today, yesterday, week_ago and now, which go by the newest published minute
and its business day. A file that does not begin with a question is none: those of the page, the views.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import UsageError
from pipeline.minute import MINUTE, parse_time_in
from queries import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

#: By parameter, its type and its value as JSON has it: what an analyst's process is told.
Values = dict[str, tuple[str, Any]]

TYPES: Final = ("integer", "number", "text", "date", "time", "texts")
_FIRST: Final = "-- Question: "
_HEADER: Final = re.compile(
    r"-- Question: (?P<english>\S.*)\n-- 질문: (?P<korean>\S.*)\n-- Grain: (?P<grain>\S.*)\n"
    r"(?P<rest>(?:--.*\n)*)"
)
_PARAMETER: Final = re.compile(
    rf"-- Parameter: (?P<name>[a-z][a-z0-9_]*) (?P<type>{'|'.join(TYPES)})"
    r"(?: = (?P<default>\S.*?))? : (?P<text>\S.*)"
)
_DAYS_BACK: Final = {"today": 0, "now": 0, "yesterday": 1, "week_ago": 7}
_BORDER: Final = 2**63


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a question takes. `default` as the file has it; None: it has to be given."""

    name: str
    type: str
    text: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question with a name."""

    name: str
    english: str
    korean: str
    grain: str
    parameters: tuple[Parameter, ...]
    sql: str

    def sentence(self, language: str) -> str:
        """What it asks."""
        return self.korean if language == "ko" else self.english


@dataclass(frozen=True, slots=True)
class Clock:
    """Up to when something is published (that moment excluded), the zone of business days, and since when."""

    through: datetime
    zone: ZoneInfo
    first: datetime | None = None  # None: nobody knows

    def day(self, word: str) -> date:
        """The business day that a word means."""
        newest = (self.through - MINUTE).astimezone(self.zone).date()
        return newest - timedelta(days=_DAYS_BACK[word])

    def moment(self, word: str) -> datetime:
        """The moment that a word means: `now` the end of the newest published minute, a day its beginning."""
        if word == "now":
            return self.through
        return datetime.combine(self.day(word), time.min, self.zone)


@cache
def questions(pack: str) -> Mapping[str, Question]:
    """The questions of a pack, by name. Raises ValueError for a header that is none: a fault of ours."""
    found = {}
    for path in sorted((FOLDER / pack / "analyst").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        if text.startswith(_FIRST):
            found[path.stem] = read_question(path.stem, text)
    return found


def read_question(name: str, text: str) -> Question:
    """One file as a question."""
    head = _HEADER.match(text)
    if head is None:
        msg = f"{name}.sql: a question, 질문 and a grain stand first, a line each"
        raise ValueError(msg)
    parameters = []
    for line in head["rest"].splitlines():
        if not line.startswith("-- Parameter:"):
            continue
        found = _PARAMETER.fullmatch(line)
        if found is None:
            msg = f"{name}.sql: {line!r} is not `-- Parameter: NAME TYPE [= DEFAULT] : text`"
            raise ValueError(msg)
        parameters.append(Parameter(found["name"], found["type"], found["text"], found["default"]))
    return Question(name, head["english"], head["korean"], head["grain"], tuple(parameters), text)


def question_of(pack: str, name: str) -> Question:
    """The question of that name. Raises UsageError with those that are called nearly so."""
    known = questions(pack)
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 3, 0.4)
    msg = f"no question is called {name}"
    said = f"did you mean {', '.join(near)}?" if near else "`minuterisk sql --list` lists them."
    raise UsageError(msg, f"{said} A text of SQL stands behind -c")


def values_of(question: Question, given: Mapping[str, str], clock: Clock) -> Values:
    """The value of each parameter, given or its default. Raises UsageError for a missing or wrong one."""
    known = [parameter.name for parameter in question.parameters]
    for name in given:
        if name not in known:
            msg = f"the question {question.name} has no parameter {name}"
            raise UsageError(msg, f"it has: {', '.join(known) or 'none'}")
    values = {
        parameter.name: _value(question, parameter, given.get(parameter.name, parameter.default), clock)
        for parameter in question.parameters
    }
    for name, text in given.items():
        _require_published(name, text, values[name], clock)
    return values


def _require_published(name: str, text: str, value: tuple[str, Any], clock: Clock) -> None:
    """Of a day that is not published nothing is known: answered, it would look like one without sales."""
    kind, found = value
    oldest = clock.first and clock.first.astimezone(clock.zone).date()
    if kind == "date":
        day = date.fromisoformat(found)
        inside = (oldest is None or day >= oldest) and day <= clock.day("today")
    elif kind == "time":
        moment = datetime.fromisoformat(found)
        inside = (clock.first is None or moment >= clock.first) and moment <= clock.through
    else:
        return
    if not inside:
        msg = f"{name}={text} is not published"
        raise UsageError(msg, f"what is published: {oldest or '…'} to {clock.day('today')}")


def _value(question: Question, parameter: Parameter, text: str | None, clock: Clock) -> tuple[str, Any]:
    if text is None:
        msg = f"the question {question.name} needs the parameter {parameter.name} ({parameter.type})"
        raise UsageError(msg, f"--param {parameter.name}=…: {parameter.text}")
    if text == "null" == parameter.default:
        return "nothing", None
    try:
        return parameter.type, _READ[parameter.type](text.strip(), clock)
    except (ValueError, InvalidOperation, UsageError) as error:
        msg = f"{parameter.name}={text} is no {parameter.type}"
        raise UsageError(msg, f"give {_EXAMPLES[parameter.type]}; {parameter.text}") from error


def _integer(text: str, _: Clock) -> int:
    found = int(text.replace("_", "").replace(",", ""))
    if not -_BORDER <= found < _BORDER:
        raise ValueError(text)
    return found


def _number(text: str, _: Clock) -> str:
    found = Decimal(text)
    if not found.is_finite():
        raise ValueError(text)
    return str(found)


def _text(text: str, _: Clock) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] == "'"
    return text[1:-1].replace("''", "'") if quoted else text


def _texts(text: str, clock: Clock) -> list[str]:
    return [_text(part.strip(), clock) for part in text.split(",") if part.strip()]


def _date(text: str, clock: Clock) -> str:
    return (clock.day(text) if text in _DAYS_BACK else date.fromisoformat(text)).isoformat()


def _time(text: str, clock: Clock) -> str:
    found = clock.moment(text) if text in _DAYS_BACK else parse_time_in(clock.zone, text)[0]
    return found.isoformat()


_READ: Final[dict[str, Any]] = {
    "integer": _integer,
    "number": _number,
    "text": _text,
    "date": _date,
    "time": _time,
    "texts": _texts,
}
_EXAMPLES: Final = {
    "integer": "a whole number, such as 20",
    "number": "a number, such as 0.5",
    "text": "a text",
    "date": "a day as 2026-11-21, or today, yesterday, week_ago",
    "time": "a time as 2026-11-21T00:00Z, or now, today, yesterday, week_ago",
    "texts": "texts with commas between them",
}

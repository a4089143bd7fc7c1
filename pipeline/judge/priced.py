"""What incidents are worth: whom to price, what is taken of it, who comes first, when people see it. Pure.

Money moves every minute, and a message that were edited each time would be read by nobody. So a message is
brought up to date when an amount that it shows has moved by half, has become known or is not known any more,
or when a date that it shows is another one: of one incident at most every MONEY_TOLD_EVERY, of all together
at most EDITED_AT_ONCE a minute, the most first. Whatever else is told of an incident shows the money of then.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.judge.people import limit_of, passes
from pipeline.judge.verdicts import SEVERITIES
from pipeline.minute import parse_time
from pipeline.money import AtRisk, shown_amounts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from pipeline.judge.life import Incident, Key
    from pipeline.pack import Pack

#: Of an entity whose money at risk nobody could say.
NOT_KNOWN: Final = AtRisk()
#: Told to bring a message up to date: it is edited, and nobody is called.
PRICED: Final = "priced"
MONEY_TOLD_EVERY: Final = timedelta(minutes=15)
EDITED_AT_ONCE: Final = 10
#: A change of less than one part in so many of the largest amount is none, whatever it is of its own.
_SMALL: Final = 100


def to_price(keys: Iterable[Key], pack: Pack[Any, Any]) -> list[str]:
    """Entities whose money at risk is needed for these; all of them together are priced as one."""
    return sorted({entity for rule, entity in keys if rule not in pack.of_everybody})


def priced_again(unresolved: Mapping[Key, Incident], pack: Pack[Any, Any]) -> list[str]:
    """Entities whose lasting incident is asked about again where no book says its money each minute."""
    return to_price((key for key, incident in unresolved.items() if _asks_again(incident)), pack)


def _asks_again(incident: Incident) -> bool:
    """It is not known so far, somebody snoozed it, or it is from a book that is no more."""
    return incident.at_risk.total is None or incident.snooze is not None or bool(incident.at_risk.figures)


def breached_by(keys: Iterable[Key], pack: Pack[Any, Any]) -> dict[str, list[str]]:
    """By entity the rules of its incidents, unresolved or about to open: what it is in decides its price."""
    found: dict[str, list[str]] = {}
    for rule, entity in sorted(keys):
        if rule not in pack.of_everybody:
            found.setdefault(entity, []).append(rule)
    return found


def priced(
    unresolved: Mapping[Key, Incident], at_risk: Mapping[str, AtRisk], booked: Collection[str]
) -> dict[Key, Incident]:
    """Incidents that last and whose money is another one now.

    What a book says (`booked`: of these) counts as it is. Of another answer, what was known once stays known.
    """
    found = {}
    for key, incident in unresolved.items():
        now = at_risk.get(key[1])
        if now is None:
            continue
        now = replace(now, name=now.name or incident.at_risk.name)
        counts = key[1] in booked or (
            _asks_again(incident) and (incident.at_risk.total is None or now.total is not None)
        )
        if counts and now != incident.at_risk:
            found[key] = replace(incident, at_risk=now)
    return found


def most_first(incident: Incident, pack: Pack[Any, Any]) -> tuple[bool, bool, int, Key]:
    """Those of everybody first, then those whose money nobody knows by severity, then by money."""
    amount = incident.at_risk.weight
    weight = SEVERITIES.index(incident.severity) if amount is None else amount
    return incident.rule not in pack.of_everybody, amount is not None, -weight, incident.key


def as_told(incident: Incident, minute: datetime) -> Incident:
    """The incident, with what people are shown of its money in `minute`."""
    shown = shown_amounts(incident.at_risk)
    return replace(incident, told_money={"minute": minute.isoformat(), "shown": shown})


def to_bring_up_to_date(
    minute: datetime, incidents: Iterable[Incident], pack: Pack[Any, Any]
) -> list[Incident]:
    """Of unresolved incidents those whose message shows money that is no longer so, as they are told now."""
    due = [i for i in incidents if i.snooze is None and _is_stale(i, minute)]
    due.sort(key=lambda incident: most_first(incident, pack))
    return [as_told(incident, minute) for incident in due[:EDITED_AT_ONCE]]


def _is_stale(incident: Incident, minute: datetime) -> bool:
    told, now = incident.told_money, shown_amounts(incident.at_risk)
    if told is None:  # of a version that knew of no figures
        return bool(incident.at_risk.figures)
    if {*told["shown"], *now} == {"at_risk"}:  # no book, then or now: it is priced when it opens
        return False
    if minute - parse_time(told["minute"]) < MONEY_TOLD_EVERY:
        return False
    return is_material(told["shown"], now)


def is_material(before: Mapping[str, int | str | None], now: Mapping[str, int | str | None]) -> bool:
    """Is what people would be shown now another thing than what they were shown?"""
    amounts = [abs(value) for value in now.values() if isinstance(value, int)]
    least = max(amounts, default=0) // _SMALL
    return any(_moved(before.get(name), now.get(name), least) for name in {**before, **now})


def _moved(before: int | str | None, now: int | str | None, least: int) -> bool:
    if not isinstance(before, int) or not isinstance(now, int):
        return before != now
    apart = abs(now - before) > least
    return apart and (passes(now, limit_of(before)) or passes(before, limit_of(now)))

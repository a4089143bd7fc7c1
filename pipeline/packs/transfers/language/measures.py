"""Reads the measures of a rule: what it asks about earlier events. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from baselines.transfers.measure import (
    ABOUT_OTHERS,
    COUNT,
    DISTINCT,
    FIRST_SEEN,
    LONGEST_MS,
    MEAN,
    PREVIOUS,
    SINCE_LAST,
    SPEED,
    SUM,
    Between,
    Measure,
    OneOf,
)
from pipeline.errors.phrases import phrase
from pipeline.packs.transfers.language.refused import refuse, shown
from pipeline.packs.transfers.language.strict import MOST_INTEGER
from pipeline.packs.transfers.language.words import (
    MOST_CONSTANTS,
    MOST_MATCHED,
    MOST_MEASURES,
    NAME,
    SHORTEST_MS,
    a_duration,
    a_list,
    a_name,
    an_integer,
    an_object,
    one_of,
    only_keys,
)
from pipeline.packs.transfers.schema import DERIVED, FIELDS, INTENDED, KINDS, MATCHABLE, STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a measure may be of: its operation -> the words that may follow it.
OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    COUNT: ("*",),
    SUM: ("amount",),
    MEAN: ("amount",),
    DISTINCT: MATCHABLE,
    SINCE_LAST: ("*",),
    FIRST_SEEN: ("*",),
    PREVIOUS: (*MATCHABLE, "amount"),
    SPEED: ("kmh", "km"),
}
CONDITIONAL: Final = tuple(name for name in FIELDS if name not in (*DERIVED, "transfer_id"))
#: Fields with few values, so that a slip of the pen is seen.
WORDS_OF: Final[Mapping[str, tuple[str, ...]]] = {"kind": KINDS, "status": (*STATUSES, INTENDED)}


def read_measures(given: Any, place: str) -> dict[str, Measure]:  # noqa: ANN401 - JSON
    """The measures by their names in the rule."""
    measures = an_object(given, place)
    if len(measures) > MOST_MEASURES:
        refuse(
            place,
            phrase(
                "has {number} parts; {fewest} to {most} fit",
                number=len(measures),
                fewest=0,
                most=MOST_MEASURES,
            ),
            phrase("write as many as fit"),
        )
    return {_name(name, place): _measure(inner, f"{place}.{name}") for name, inner in measures.items()}


def _name(name: str, place: str) -> str:
    a_name(name, f"{place}.{name}", NAME)
    if name in FIELDS:
        refuse(
            f"{place}.{name}",
            phrase("{name} is a field of the event already", name=name),
            phrase("give the measure another name"),
        )
    return name


def _measure(given: Any, place: str) -> Measure:  # noqa: ANN401 - JSON
    measure = an_object(given, place)
    named = [name for name in OPERATIONS if name in measure]
    if len(named) != 1:
        refuse(
            place,
            phrase("names {number} things to measure; it is one", number=len(named)),
            phrase("write one of {names}", names=", ".join(OPERATIONS)),
        )
    operation = named[0]
    bounded = operation not in ABOUT_OTHERS
    only_keys(
        measure,
        place,
        (operation, "match", *(("within",) if bounded else ())),
        ("where", "before", *(() if bounded else ("within",))),
    )
    value = one_of(measure[operation], f"{place}.{operation}", OPERATIONS[operation])
    within_ms = a_duration(measure["within"], f"{place}.within", SHORTEST_MS) if "within" in measure else None
    return Measure(
        of=operation,
        value=None if value == "*" else value,
        match=_match(measure["match"], f"{place}.match"),
        within_ms=within_ms,
        where=_where(measure.get("where", {}), f"{place}.where"),
        before_ms=_before(measure, place, within_ms),
    )


def _before(measure: dict[str, Any], place: str, within_ms: int | None) -> int:
    if "before" not in measure:
        return 0
    before_ms = a_duration(measure["before"], f"{place}.before", 1_000)
    if before_ms >= (within_ms or LONGEST_MS):
        refuse(
            f"{place}.before",
            phrase("the window ends before it begins"),
            phrase("write a shorter length of time than {within}", within=measure.get("within", "90d")),
        )
    return before_ms


def _match(given: Any, place: str) -> tuple[tuple[str, str], ...]:  # noqa: ANN401 - JSON
    match = an_object(given, place)
    if not 1 <= len(match) <= MOST_MATCHED:
        refuse(
            place,
            phrase(
                "has {number} parts; {fewest} to {most} fit", number=len(match), fewest=1, most=MOST_MATCHED
            ),
            phrase("write as many as fit"),
        )
    for earlier, this in match.items():
        one_of(earlier, f"{place}.{earlier}", MATCHABLE)
        one_of(this, f"{place}.{earlier}", MATCHABLE)
    return tuple(sorted(match.items()))


def _where(given: Any, place: str) -> tuple[tuple[str, OneOf | Between], ...]:  # noqa: ANN401 - JSON
    where = an_object(given, place)
    for name in where:
        one_of(name, f"{place}.{name}", CONDITIONAL)
    return tuple((name, _condition(where[name], name, f"{place}.{name}")) for name in sorted(where))


def _condition(given: Any, name: str, place: str) -> OneOf | Between:  # noqa: ANN401 - JSON
    if isinstance(given, dict):
        return _between(given, name, place)
    if isinstance(given, list):
        constants = a_list(given, place, 1, MOST_CONSTANTS)
        values = {_kept(name, one, f"{place}[{n}]") for n, one in enumerate(constants)}
    else:
        values = {_kept(name, given, place)}
    return OneOf(tuple(sorted(values, key=_in_order)))


def _kept(name: str, value: Any, place: str) -> int | str:  # noqa: ANN401 - JSON
    """A constant that an earlier event may have; those that are intended pass for completed."""
    return one_of(value, place, STATUSES) if name == "status" else constant_of(name, value, place)


def _in_order(value: int | str) -> tuple[str, int]:
    """Of one type they are anyway: numbers by size, texts by their characters."""
    return ("", value) if isinstance(value, int) else (value, 0)


def _between(given: dict[str, Any], name: str, place: str) -> Between:
    only_keys(given, place, ("between",))
    if FIELDS[name] is not int:
        refuse(
            place,
            phrase("{name} is text; it lies between nothing", name=name),
            phrase("write the texts that you mean as a list"),
        )
    low, high = a_list(given["between"], f"{place}.between", 2, 2)
    low = an_integer(low, f"{place}.between[0]", -MOST_INTEGER, MOST_INTEGER)
    return Between(low, an_integer(high, f"{place}.between[1]", low, MOST_INTEGER))


def constant_of(name: str, value: Any, place: str) -> int | str:  # noqa: ANN401 - JSON
    """A constant that this field may have."""
    if name in WORDS_OF:
        return one_of(value, place, WORDS_OF[name])
    if isinstance(value, bool) or not isinstance(value, int | str) or type(value) is not FIELDS[name]:
        refuse(
            place,
            phrase("{value} is of another type than {name}", value=shown(value), name=name),
            phrase("compare numbers with numbers and texts with texts"),
        )
    return value

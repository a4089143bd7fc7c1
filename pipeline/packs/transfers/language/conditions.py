"""Reads what a rule holds against an event: conditions and values, each with its type and its bounds. Pure.

Bounds are the smallest and greatest number that a value can come to. What could leave 64 bits is refused when
it is written, so that neither way of asking a rule has to look for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from baselines.transfers.measure import (
    COUNT,
    DISTINCT,
    FIRST_SEEN,
    LONGEST_MS,
    MEAN,
    MOST_DISTINCT,
    PREVIOUS,
    SINCE_LAST,
    SPEED,
    SUM,
)
from pipeline.errors.phrases import phrase
from pipeline.packs.transfers.language.measures import WORDS_OF, constant_of
from pipeline.packs.transfers.language.refused import refuse, shown
from pipeline.packs.transfers.language.strict import MOST_INTEGER
from pipeline.packs.transfers.language.tree import (
    All,
    Among,
    AnyOf,
    Compare,
    Constant,
    FieldOf,
    IsKnown,
    Listed,
    MeasureOf,
    Not,
    Sum,
    Times,
)
from pipeline.packs.transfers.language.words import (
    LIST_NAME,
    MOST_CONSTANTS,
    MOST_DEPTH,
    MOST_NODES,
    MOST_PARTS,
    MOST_TIMES,
    a_list,
    a_name,
    an_integer,
    one_of,
    only_entry,
)
from pipeline.packs.transfers.schema import FIELDS, MOST_AMOUNT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from baselines.transfers.measure import Measure
    from pipeline.packs.transfers.language.tree import Condition, Value

ORDERS: Final = ("gt", "ge", "lt", "le")
EQUALS: Final = ("eq", "ne")
CONDITIONS: Final = ("all", "any", "not", "known", *ORDERS, *EQUALS, "in", "listed")
VALUES: Final = ("field", "measure", "times", "plus", "minus")
#: A window past 24 h begins at a full hour.
_LONGEST_S: Final = LONGEST_MS // 1000 + 3600
_HALF_ROUND_KM: Final = 20_100  # half way around the earth
_FIELD_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "amount": (0, MOST_AMOUNT),
    "local_hour": (0, 23),
    "account_age_days": (-4_000_000, 4_000_000),  # of the years 1 to 9999
}
#: What measures come to at most; what is more reads as that.
MEASURE_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    COUNT: (0, MOST_INTEGER),
    SUM: (0, MOST_INTEGER),
    MEAN: (0, MOST_AMOUNT),
    DISTINCT: (0, MOST_DISTINCT),
    SINCE_LAST: (0, _LONGEST_S),
    FIRST_SEEN: (0, _LONGEST_S),
    PREVIOUS: (0, MOST_AMOUNT),
    SPEED: (0, _HALF_ROUND_KM * 3_600),
}
_WIDEST: Final = 2**63 - 1


class _Typed(NamedTuple):
    """A value as it was read, of which type it is, and between which numbers it lies."""

    node: Value
    type: type
    low: int = 0
    high: int = 0


@dataclass(slots=True)
class Reader:
    """Reads the conditions of one rule, with what it may name."""

    measures: Mapping[str, Measure]
    lists_known: Collection[str] | None = None  # None: not asked
    fields: set[str] = field(default_factory=set)  # that were named
    lists: set[str] = field(default_factory=set)
    nodes: int = 0

    def condition(self, given: Any, place: str, depth: int = 1) -> Condition:  # noqa: ANN401 - JSON
        """A condition with all that stands in it."""
        name, inner = only_entry(given, place)
        if name in VALUES:
            refuse(
                place,
                phrase("{name} is a value, where a condition is needed", name=name),
                phrase("compare it: one of {names}", names=", ".join((*ORDERS, *EQUALS, "in", "known"))),
            )
        one_of(name, place, CONDITIONS)
        self._enter(place, depth)
        place = f"{place}.{name}"
        if name in ("all", "any"):
            return self._joined(name, inner, place, depth)
        if name == "not":
            return Not(self.condition(inner, place, depth + 1))
        if name in ("known", "listed"):
            return self._known(inner, place, depth) if name == "known" else self._listed(inner, place, depth)
        return self._among(inner, place, depth) if name == "in" else self._compared(name, inner, place, depth)

    def _enter(self, place: str, depth: int) -> None:
        self.nodes += 1
        if depth > MOST_DEPTH:
            refuse(
                place,
                phrase("lies deeper than {most} levels", most=MOST_DEPTH),
                phrase("write a flatter rule"),
            )
        if self.nodes > MOST_NODES:
            refuse(
                place,
                phrase("the rule has more than {most} parts", most=MOST_NODES),
                phrase("write several rules"),
            )

    def _joined(self, name: str, inner: Any, place: str, depth: int) -> Condition:  # noqa: ANN401 - JSON
        parts = a_list(inner, place, 1, MOST_PARTS)
        of = tuple(self.condition(part, f"{place}[{n}]", depth + 1) for n, part in enumerate(parts))
        return All(of) if name == "all" else AnyOf(of)

    def _known(self, inner: Any, place: str, depth: int) -> Condition:  # noqa: ANN401 - JSON
        value = self._value(inner, place, depth + 1)
        self._refuse_constants([value], place)
        return IsKnown(value.node)

    def _compared(self, name: str, inner: Any, place: str, depth: int) -> Condition:  # noqa: ANN401 - JSON
        sides = a_list(inner, place, 2, 2)
        left, right = (self._value(side, f"{place}[{n}]", depth + 1) for n, side in enumerate(sides))
        self._refuse_constants([left, right], place)
        if left.type is not right.type:
            refuse(
                place,
                phrase("compares a number with a text"),
                phrase("compare numbers with numbers and texts with texts"),
            )
        if name in ORDERS and left.type is not int:
            refuse(
                place,
                phrase("texts have no order"),
                phrase("compare them by one of {names}", names=", ".join((*EQUALS, "in"))),
            )
        for value, other in ((left, right), (right, left)):
            self._look_at_words(value.node, other.node, place)
        self._look_at_distinct(name, left, right, place)
        return Compare(name, left.node, right.node)

    def _among(self, inner: Any, place: str, depth: int) -> Condition:  # noqa: ANN401 - JSON
        given, among = a_list(inner, place, 2, 2)
        value = self._value(given, f"{place}[0]", depth + 1)
        self._refuse_constants([value], place)
        constants: list[int | str] = []
        for n, one in enumerate(a_list(among, f"{place}[1]", 1, MOST_CONSTANTS)):
            if not isinstance(one, int | str) or type(one) is not value.type:
                refuse(
                    f"{place}[1][{n}]",
                    phrase("{value} is of another type than what is looked for", value=shown(one)),
                    phrase("compare numbers with numbers and texts with texts"),
                )
            self._look_at_words(value.node, Constant(one), f"{place}[1][{n}]")
            self._look_at_distinct("in", value, _Typed(Constant(one), value.type), place)
            constants.append(one)
        return Among(value.node, tuple(constants))

    def _listed(self, inner: Any, place: str, depth: int) -> Condition:  # noqa: ANN401 - JSON
        given, name = a_list(inner, place, 2, 2)
        value = self._value(given, f"{place}[0]", depth + 1)
        if not isinstance(value.node, FieldOf) or value.type is not str:
            refuse(
                f"{place}[0]",
                phrase("only a text field stands on a list"),
                phrase("write {example}", example='{"field":"payee_id"}'),
            )
        a_name(name, f"{place}[1]", LIST_NAME)
        if self.lists_known is not None and name not in self.lists_known:
            refuse(
                f"{place}[1]",
                phrase("there is no list {name}", name=name),
                phrase("add an entry to it first: `minuterisk lists add`"),
            )
        self.lists.add(name)
        return Listed(value.node, name)

    def _look_at_words(self, node: Value, other: Value, place: str) -> None:
        if isinstance(node, FieldOf) and isinstance(other, Constant) and node.name in WORDS_OF:
            constant_of(node.name, other.value, place)

    def _look_at_distinct(self, name: str, left: _Typed, right: _Typed, place: str) -> None:
        """Different values are told apart up to 32: a rule asks nothing that more of them would change."""
        if self._distinct(right.node):
            left, right, name = right, left, _MIRRORED.get(name, name)
        if not self._distinct(left.node):
            return
        asked = right.node.value if isinstance(right.node, Constant) else None
        if not isinstance(asked, int) or asked > MOST_DISTINCT - (name not in ("ge", "lt")):
            refuse(
                place,
                phrase("different values are counted up to {most} only", most=MOST_DISTINCT),
                phrase("ask if they are at least a constant number up to {most}", most=MOST_DISTINCT),
            )

    def _distinct(self, node: Value) -> bool:
        return isinstance(node, MeasureOf) and self.measures[node.name].of == DISTINCT

    def _refuse_constants(self, values: list[_Typed], place: str) -> None:
        if all(_constant(value.node) for value in values):
            refuse(
                place,
                phrase("compares constants: it is always the same"),
                phrase("name a field or a measure"),
            )

    def _value(self, given: Any, place: str, depth: int) -> _Typed:  # noqa: ANN401 - JSON
        self._enter(place, depth)
        if isinstance(given, str):
            return _Typed(Constant(given), str)
        if isinstance(given, int) and not isinstance(given, bool):
            return _Typed(Constant(given), int, given, given)
        if not isinstance(given, dict):
            refuse(
                place,
                phrase("{value} is no value", value=shown(given)),
                phrase("write a constant or one of {names}", names=", ".join(VALUES)),
            )
        name, inner = only_entry(given, place)
        one_of(name, place, VALUES)
        place = f"{place}.{name}"
        if name == "field":
            return self._field(inner, place)
        if name == "measure":
            return self._measure(inner, place)
        return self._times(inner, place, depth) if name == "times" else self._sum(name, inner, place, depth)

    def _field(self, inner: Any, place: str) -> _Typed:  # noqa: ANN401 - JSON
        name = one_of(inner, place, FIELDS)
        self.fields.add(name)
        return _Typed(FieldOf(name), FIELDS[name], *_FIELD_BOUNDS.get(name, (0, 0)))

    def _measure(self, inner: Any, place: str) -> _Typed:  # noqa: ANN401 - JSON
        if not isinstance(inner, str) or inner not in self.measures:
            refuse(
                place,
                phrase("there is no measure {name} in the rule", name=shown(inner)),
                phrase("write it under `measures`"),
            )
        measure = self.measures[inner]
        textual = measure.of == PREVIOUS and measure.value != "amount"
        node = MeasureOf(inner, measure.column)
        return _Typed(node, str if textual else int, *MEASURE_BOUNDS[measure.of])

    def _times(self, inner: Any, place: str, depth: int) -> _Typed:  # noqa: ANN401 - JSON
        given, factor = a_list(inner, place, 2, 2)
        by = an_integer(factor, f"{place}[1]", 1, MOST_TIMES)
        of = self._number(given, f"{place}[0]", depth)
        self._enter(f"{place}[1]", depth + 1)
        if not isinstance(of.node, FieldOf | MeasureOf):
            refuse(
                f"{place}[0]",
                phrase("only a field or a measure is multiplied"),
                phrase("multiply the parts, not the sum"),
            )
        return self._bounded(Times(of.node, by), of.low * by, of.high * by, place)

    def _sum(self, name: str, inner: Any, place: str, depth: int) -> _Typed:  # noqa: ANN401 - JSON
        sides = a_list(inner, place, 2, 2)
        left, right = (self._number(side, f"{place}[{n}]", depth) for n, side in enumerate(sides))
        node = Sum(name, left.node, right.node)
        if name == "plus":
            return self._bounded(node, left.low + right.low, left.high + right.high, place)
        return self._bounded(node, left.low - right.high, left.high - right.low, place)

    def _number(self, given: Any, place: str, depth: int) -> _Typed:  # noqa: ANN401 - JSON
        value = self._value(given, place, depth + 1)
        if value.type is not int:
            refuse(
                place,
                phrase("is text; a number is needed"),
                phrase("compute with numbers alone"),
            )
        if self._distinct(value.node):
            refuse(
                place,
                phrase("different values are counted up to {most} only", most=MOST_DISTINCT),
                phrase("ask if they are at least a constant number up to {most}", most=MOST_DISTINCT),
            )
        return value

    def _bounded(self, node: Value, low: int, high: int, place: str) -> _Typed:
        if max(abs(low), abs(high)) > _WIDEST:
            refuse(
                place,
                phrase("could come to {number}, past 64 bits", number=max(low, high, key=abs)),
                phrase("compute with smaller numbers"),
            )
        return _Typed(node, int, low, high)


_MIRRORED: Final = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}


def _constant(node: Value) -> bool:
    if isinstance(node, Sum):
        return _constant(node.left) and _constant(node.right)
    return isinstance(node, Constant)

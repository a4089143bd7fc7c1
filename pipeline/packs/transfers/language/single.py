"""A rule as a function of one event: closures that were made once. Pure.

None is unknown. It answers what `bulk` answers: a property test holds them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.packs.transfers.language.bulk import COMPARED
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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.packs.transfers.language.bulk import Lists
    from pipeline.packs.transfers.language.tree import Answer, Condition, Known, RuleText, Value

    Asked = Callable[[Mapping[str, Known]], Answer]
    Valued = Callable[[Mapping[str, Any]], Any]  # of a type that was looked at when the rule was read


def single(rule: RuleText, lists: Lists) -> Asked:
    """A function of the values of one event by their columns, as `bulk` names them."""
    on, when = frozenset(rule.on), _condition(rule.when, lists)
    return lambda values: when(values) if values["kind"] in on else False


def _condition(node: Condition, lists: Lists) -> Asked:
    match node:
        case All(parts):
            return _joined([_condition(part, lists) for part in parts], decides=False)
        case AnyOf(parts):
            return _joined([_condition(part, lists) for part in parts], decides=True)
        case Not(part):
            return _opposite(_condition(part, lists))
        case _:
            return _asked(node, lists)


def _asked(node: IsKnown | Compare | Among | Listed, lists: Lists) -> Asked:
    match node:
        case IsKnown(of):
            value = _value(of)
            return lambda values: value(values) is not None
        case Compare():
            return _compared(node)
        case Among(of, constants):
            return _among(_value(of), frozenset(constants))
        case Listed(of, name):
            return _among(_value(of), lists.get(name, frozenset()))


def _joined(parts: list[Asked], *, decides: bool) -> Asked:
    """Kleene's all and any: one answer decides, else unknown wins."""

    def ask(values: Mapping[str, Known]) -> Answer:
        unknown = False
        for part in parts:
            answer = part(values)
            if answer is decides:
                return decides
            unknown |= answer is None
        return None if unknown else not decides

    return ask


def _opposite(part: Asked) -> Asked:
    def ask(values: Mapping[str, Known]) -> Answer:
        answer = part(values)
        return None if answer is None else not answer

    return ask


def _compared(node: Compare) -> Asked:
    left, right, holds = _value(node.left), _value(node.right), COMPARED[node.op]

    def ask(values: Mapping[str, Known]) -> Answer:
        one = left(values)
        if one is None:
            return None
        other = right(values)
        return None if other is None else holds(one, other)

    return ask


def _among(value: Valued, constants: Any) -> Asked:  # noqa: ANN401 - a set of texts or numbers
    def ask(values: Mapping[str, Known]) -> Answer:
        found = value(values)
        return None if found is None else found in constants

    return ask


def _value(node: Value) -> Valued:
    match node:
        case Constant(constant):
            return lambda _: constant
        case FieldOf() | MeasureOf():
            column = node.column
            return lambda values: values[column]
        case Times(of, by):
            multiplied = of.column
            return lambda values: None if (n := values[multiplied]) is None else n * by
        case Sum():
            return _sum(node)


def _sum(node: Sum) -> Valued:
    left, right, sign = _value(node.left), _value(node.right), 1 if node.op == "plus" else -1

    def add(values: Mapping[str, Any]) -> int | None:
        one, other = left(values), right(values)
        return None if one is None or other is None else one + sign * other

    return add

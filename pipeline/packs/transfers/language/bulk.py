"""A rule as an expression of Polars, for all events of a batch at once. Pure.

Null is unknown, and Polars joins Booleans as Kleene does, so nothing here looks for it.
"""

from __future__ import annotations

import operator
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any, Final

import polars as pl

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
    from collections.abc import Set as AbstractSet

    from pipeline.packs.transfers.language.tree import Condition, RuleText, Value

    Lists = Mapping[str, AbstractSet[str]]

COMPARED: Final[Mapping[str, Callable[..., Any]]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
    "eq": operator.eq,
    "ne": operator.ne,
}


def bulk(rule: RuleText, lists: Lists) -> pl.Expr:
    """Boolean: the rule is about the event and holds; null: unknown.

    Its columns are the fields of `rule.fields` and, of each measure, `Measure.column`.
    """
    return pl.col("kind").is_in(rule.on) & _condition(rule.when, lists)


def on_list(lists: Lists, name: str) -> pl.Expr:
    """The values on a list, as `is_in` takes them; a list that nobody has is empty."""
    return _list(frozenset(lists.get(name, ())))


@lru_cache(64)
def _list(values: frozenset[str]) -> pl.Expr:
    """Made once for each set of values: a list may be long."""
    return pl.lit(pl.Series([list(values)], dtype=pl.List(pl.String)))


def _condition(node: Condition, lists: Lists) -> pl.Expr:
    match node:
        case All(parts):
            return reduce(operator.and_, (_condition(part, lists) for part in parts))
        case AnyOf(parts):
            return reduce(operator.or_, (_condition(part, lists) for part in parts))
        case Not(part):
            return ~_condition(part, lists)
        case _:
            return _asked(node, lists)


def _asked(node: IsKnown | Compare | Among | Listed, lists: Lists) -> pl.Expr:
    match node:
        case IsKnown(of):
            return _value(of).is_not_null()
        case Compare(op, left, right):
            compared: pl.Expr = COMPARED[op](_value(left), _value(right))
            return compared
        case Among(of, values):
            return _value(of).is_in(list(values))
        case Listed(of, name):
            return _value(of).is_in(on_list(lists, name))


def _value(node: Value) -> pl.Expr:
    match node:
        case Constant(value):
            return pl.lit(value, pl.Int64 if isinstance(value, int) else pl.String)
        case FieldOf() | MeasureOf():
            return pl.col(node.column)
        case Times(of, by):
            return pl.col(of.column) * by
        case Sum(op, left, right):
            return _value(left) + _value(right) if op == "plus" else _value(left) - _value(right)

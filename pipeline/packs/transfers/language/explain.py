"""Why a rule fired, or did not: its tree with the value of every node. Pure.

It holds all that was known and all that was said, so a hit is explained later without its rule: the same
bytes, whatever became of rule, lists and events since.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.packs.transfers.language.bulk import COMPARED
from pipeline.packs.transfers.language.rule import LANGUAGES
from pipeline.packs.transfers.language.say import say
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
    from collections.abc import Mapping, Sequence

    from pipeline.packs.transfers.language.bulk import Lists
    from pipeline.packs.transfers.language.tree import Answer, Condition, Known, RuleText, Value

    Node = dict[str, Any]


def explain(rule: RuleText, lists: Lists, values: Mapping[str, Known]) -> dict[str, Any]:
    """Every node with its value; `value` at the top is the answer of the rule.

    `values` are those of one event by their columns, as `bulk` names them. A node has `op`, `value` and,
    where it has parts, `of`; fields and measures have `name`.
    """
    on = values["kind"] in rule.on
    when = _condition(rule.when, lists, values)
    return {
        "rule": rule.rule,
        "sha256": rule.sha256,
        "value": when["value"] if on else False,
        "on": {"op": "on", "kinds": list(rule.on), "value": on},
        "when": when,
        "measures": {name: values[measure.column] for name, measure in rule.measures.items()},
        "fields": {name: values[name] for name in rule.fields},
        "say": {language: say(rule, language, values) for language in LANGUAGES},
    }


def explanation_text(explanation: Mapping[str, Any]) -> str:
    """The same as canonical JSON: equal explanations are equal bytes."""
    return json.dumps(explanation, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _condition(node: Condition, lists: Lists, values: Mapping[str, Known]) -> Node:
    match node:
        case All(parts):
            return _joined("all", [_condition(part, lists, values) for part in parts])
        case AnyOf(parts):
            return _joined("any", [_condition(part, lists, values) for part in parts])
        case Not(part):
            inner = _condition(part, lists, values)
            answer = None if inner["value"] is None else not inner["value"]
            return {"op": "not", "value": answer, "of": [inner]}
        case _:
            return _asked(node, lists, values)


def _joined(op: str, parts: Sequence[Node]) -> Node:
    answers = [part["value"] for part in parts]
    decides = op == "any"
    answer: Answer = decides if decides in answers else None if None in answers else not decides
    return {"op": op, "value": answer, "of": list(parts)}


def _asked(node: IsKnown | Compare | Among | Listed, lists: Lists, values: Mapping[str, Known]) -> Node:
    match node:
        case IsKnown(of):
            inner = _value(of, values)
            return {"op": "known", "value": inner["value"] is not None, "of": [inner]}
        case Compare(op, left, right):
            sides = [_value(left, values), _value(right, values)]
            known = [side["value"] for side in sides if side["value"] is not None]
            answer = COMPARED[op](*known) if len(known) == len(sides) else None
            return {"op": op, "value": answer, "of": sides}
        case Among(of, constants):
            inner = _value(of, values)
            return {"op": "in", "value": _found(inner, constants), "of": [inner], "among": list(constants)}
        case Listed(of, name):
            inner = _value(of, values)
            return {"op": "listed", "value": _found(inner, lists.get(name, ())), "of": [inner], "list": name}


def _found(inner: Node, among: Any) -> Answer:  # noqa: ANN401 - texts or numbers
    return None if inner["value"] is None else inner["value"] in among


def _value(node: Value, values: Mapping[str, Known]) -> Node:
    match node:
        case Constant(constant):
            return {"op": "constant", "value": constant}
        case FieldOf(name):
            return {"op": "field", "name": name, "value": values[name]}
        case MeasureOf(name, column):
            return {"op": "measure", "name": name, "value": values[column]}
        case Times(of, by):
            inner = _value(of, values)
            product = None if inner["value"] is None else inner["value"] * by
            return {"op": "times", "by": by, "value": product, "of": [inner]}
        case Sum(op, left, right):
            sides = [_value(left, values), _value(right, values)]
            one, other = (side["value"] for side in sides)
            unknown = one is None or other is None
            total = None if unknown else one + other if op == "plus" else one - other
            return {"op": op, "value": total, "of": sides}

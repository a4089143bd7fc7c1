"""The tree of a rule as people read it, with the value of every node where there are any. Pure.

The same drawing serves a stored explanation of a hit, one that was just asked for, and the text of a rule.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from app.format import count
from app.markup import Markup, join, tag, visible
from pipeline.packs.transfers.language.measures import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.texts import Texts

_LONGEST: Final = 64
_SIGNS: Final = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤", "eq": "=", "ne": "≠", "plus": "+", "minus": "−"}
_JOINED: Final = ("all", "any", "not", "learned")
_ANSWERS: Final = {True: "true", False: "false", None: "unknown"}
#: A text that is deeper was written by no rule of ours.
_DEEPEST: Final = 40
_AMONG_SHOWN: Final = 12


class _Nothing:
    """No value was asked for: it is the text of a rule, not what it answered."""


NOTHING: Final = _Nothing()


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a rule: what it does, its parts, and its value (`NOTHING`: a text has none)."""

    op: str
    value: Any = NOTHING
    of: Sequence[Node] = ()
    said: Mapping[str, Any] = field(default_factory=dict)  # name, by, among, list


def node_of(given: Mapping[str, Any], depth: int = 0) -> Node:
    """A node of a stored explanation. Raises ValueError where it is none."""
    if depth > _DEEPEST or not isinstance(given, dict) or not isinstance(given.get("op"), str):
        msg = "it is no explanation of a rule"
        raise ValueError(msg)
    said = {name: given[name] for name in ("name", "by", "among", "list") if name in given}
    of = tuple(node_of(part, depth + 1) for part in given.get("of", ()))
    return Node(given["op"], given.get("value"), of, said)


def written(given: Any) -> Node:  # noqa: ANN401 - JSON that a rule's reader has taken
    """The same of the text of a rule, without values."""
    if not isinstance(given, dict):
        return Node("constant", given)
    ((op, inner),) = given.items()
    if op in ("field", "measure"):
        return Node(op, said={"name": inner})
    if op == "times":
        return Node(op, of=(written(inner[0]),), said={"by": inner[1]})
    if op == "in":
        return Node(op, of=(written(inner[0]),), said={"among": inner[1]})
    if op == "listed":
        return Node(op, of=(written(inner[0]),), said={"list": inner[1]})
    parts = inner if isinstance(inner, list) else [inner]
    return Node(op, of=tuple(written(part) for part in parts))


def tree(node: Node, texts: Texts) -> Markup:
    """A condition with all below it, as a list in lists."""
    return tag("ul", _condition(node, texts), cls="mr-tree")


def _condition(node: Node, texts: Texts) -> Markup:
    if node.op in _JOINED:
        below = tag("ul", *(_condition(part, texts) for part in node.of))
        return tag("li", _answer(node, texts), tag("span", texts(f"tree.{node.op}")), below)
    return tag("li", _answer(node, texts), _line(node, texts))


def _answer(node: Node, texts: Texts) -> Markup:
    """Did it hold? A sign and a word, never a colour alone. A text has no answer."""
    if node.value is NOTHING or not (node.value is None or isinstance(node.value, bool)):
        return Markup("")
    name = _ANSWERS[node.value]
    return tag("span", texts(f"tree.{name}"), cls=f"mr-answer mr-is-{name}")


def _line(node: Node, texts: Texts) -> Markup:
    """A comparison on one line."""
    if node.op in _SIGNS:
        left, right = (value_of(part, texts) for part in node.of)
        return tag("span", left, _sign(_SIGNS[node.op]), right)
    inner = value_of(node.of[0], texts) if node.of else Markup("")
    if node.op == "in":
        return tag("span", inner, _sign("∈"), tag("code", _among(node.said.get("among", ()))))
    if node.op == "listed":
        name = visible(str(node.said.get("list")), _LONGEST)
        return tag("span", inner, _sign(texts("tree.listed", name=name)))
    if node.op == "known":
        return tag("span", inner, _sign(texts("tree.known")))
    return value_of(node, texts)


def value_of(node: Node, texts: Texts) -> Markup:
    """A value: what it is called, and behind it what it was."""
    if node.op == "constant":
        return tag("b", shown(node.value, texts))
    if node.op in ("field", "measure"):
        name = str(node.said.get("name"))
        called = texts.word("field", name) if node.op == "field" else visible(name, _LONGEST)
        return join([tag("span", called, cls=f"mr-{node.op}"), *_was(node, texts)])
    if node.op == "times" and node.of:
        by = tag("b", shown(node.said.get("by"), texts))
        return join([value_of(node.of[0], texts), _sign("×"), by, *_came_to(node, texts)])
    if node.op in ("plus", "minus") and len(node.of) > 1:
        left, right = (value_of(part, texts) for part in node.of)
        return join(["(", left, _sign(_SIGNS[node.op]), right, ")", *_came_to(node, texts)])
    return tag("code", visible(node.op, _LONGEST))


def _sign(text: str) -> Markup:
    """What stands between two values, with room on both sides."""
    return tag("span", text, cls="mr-sign")


def _was(node: Node, texts: Texts) -> Sequence[Markup]:
    return () if node.value is NOTHING else (tag("span", shown(node.value, texts), cls="mr-was"),)


def _came_to(node: Node, texts: Texts) -> Sequence[Markup]:
    was = _was(node, texts)
    return (_sign("="), *was) if was else ()


def shown(value: object, texts: Texts) -> str:
    """A value as people read it."""
    if value is None:
        return texts("tree.not_known")
    if isinstance(value, int) and not isinstance(value, bool):
        return count(value)
    return f"“{visible(str(value), _LONGEST)}”"


def _among(values: Sequence[object]) -> str:
    said = ", ".join(visible(str(value), _LONGEST) for value in list(values)[:_AMONG_SHOWN])
    return f"{{{said}{', …' if len(values) > _AMONG_SHOWN else ''}}}"


def measure_said(asked: Mapping[str, Any], texts: Texts) -> str:
    """What a measure asks of earlier payments, in a sentence; `asked` is its text in a rule."""
    of, value = next((of, asked[of]) for of in OPERATIONS if of in asked)
    parts = [texts(f"measure.{of}", value=texts.word("field", str(value)))]
    parts += [_matched(theirs, ours, texts) for theirs, ours in asked.get("match", {}).items()]
    if "within" in asked:
        parts.append(texts("measure.within", span=asked["within"]))
    if "before" in asked:
        parts.append(texts("measure.before", span=asked["before"]))
    parts += [
        f"{texts.word('field', name)} {_wanted(wanted)}" for name, wanted in asked.get("where", {}).items()
    ]
    return " · ".join(parts)


def _matched(theirs: str, ours: str, texts: Texts) -> str:
    if theirs == ours:
        return texts("measure.same", field=texts.word("field", ours))
    return texts("measure.crossed", theirs=texts.word("field", theirs), ours=texts.word("field", ours))


def _wanted(wanted: Any) -> str:  # noqa: ANN401 - JSON that a rule's reader has taken
    if isinstance(wanted, dict):
        low, high = wanted["between"]
        return f"{count(low)}–{count(high)}"
    values = wanted if isinstance(wanted, list) else [wanted]
    return "= " + ", ".join(count(v) if isinstance(v, int) else v for v in values)


def read(explanation: str) -> Mapping[str, Any] | None:
    """A stored explanation; None where the row holds none that can be read."""
    try:
        found = json.loads(explanation)
        node_of(found["when"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return dict(found)

"""The explanation of a rule at a payment as lines of text: every node with its value. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.figures import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ANSWERS: Final = {True: "fires", False: "does not fire", None: "does not fire: not all is known"}
_NOT_KNOWN: Final = "not known"


def tree_text(explanation: Mapping[str, Any]) -> str:
    """A line a node; what a node has below it is set in."""
    on = explanation["on"]
    lines = [f"{explanation['rule']} {_ANSWERS[explanation['value']]}"]
    lines += [one_line(explanation["say"]["en"])] if explanation["value"] else []
    lines += [] if on["value"] else [f"  it is asked of {', '.join(on['kinds'])} alone"]
    return "\n".join([*lines, *_lines(explanation["when"], 1)])


def _lines(node: Mapping[str, Any], depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}{_name(node)}: {_value(node['value'])}"
    for below in node.get("of", ()):
        if below["op"] != "constant":
            yield from _lines(below, depth + 1)
    constants = [_value(below["value"]) for below in node.get("of", ()) if below["op"] == "constant"]
    if constants:
        yield f"{'  ' * (depth + 1)}against {', '.join(constants)}"


def _name(node: Mapping[str, Any]) -> str:
    match node["op"]:
        case "field" | "measure":
            return f"{node['op']} {node['name']}"
        case "times":
            return f"times {node['by']}"
        case "listed":
            return f"on the list {node['list']}"
        case "in":
            return f"one of {', '.join(map(_value, node['among']))}"
        case op:
            return str(op)


def _value(value: object) -> str:
    if value is None:
        return _NOT_KNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    return one_line(str(value))

"""What Slack refuses about the blocks of a message. The limits are those of Slack's Block Kit reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Json = dict[str, Any]


def block_problem(blocks: object) -> str | None:
    """What Slack would refuse about these blocks, with its place, or None."""
    if not isinstance(blocks, list) or not 0 < len(blocks) <= 50:  # noqa: PLR2004
        return "blocks must be a list of 1 to 50"
    for number, block in enumerate(blocks):
        if not isinstance(block, dict):
            return f"/blocks/{number} is not an object"
        known = _BLOCKS.get(str(block.get("type")))
        problem = "unsupported type" if known is None else known(block)
        if len(str(block.get("block_id", ""))) > 255:  # noqa: PLR2004
            problem = "block_id is too long"
        if problem:
            return f"/blocks/{number}: {problem}"
    return None


def _text_problem(text: object, most: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> str | None:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        return f"text must be an object of type {' or '.join(kinds)}"
    if not isinstance(text.get("text"), str) or not 0 < len(text["text"]) <= most:
        return f"text must have 1 to {most} characters"
    allowed = {"type", "text", "emoji" if text["type"] == "plain_text" else "verbatim"}
    return None if set(text) <= allowed else f"unknown text fields {sorted(set(text) - allowed)}"


def _header_problem(block: Json) -> str | None:
    return _text_problem(block.get("text"), 150, ("plain_text",))


def _section_problem(block: Json) -> str | None:
    texts, fields = block.get("text"), block.get("fields")
    if texts is None and fields is None:
        return "a section needs text or fields"
    if texts is not None and (problem := _text_problem(texts, 3_000)):
        return problem
    if fields is None:
        return None
    if not isinstance(fields, list) or not 0 < len(fields) <= 10:  # noqa: PLR2004
        return "fields must be a list of 1 to 10"
    return _first(_text_problem(f, 2_000) for f in fields)


def _context_problem(block: Json) -> str | None:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 0 < len(elements) <= 10:  # noqa: PLR2004
        return "elements must be a list of 1 to 10"
    return _first(_text_problem(e, 3_000) for e in elements)


def _actions_problem(block: Json) -> str | None:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 0 < len(elements) <= 25:  # noqa: PLR2004
        return "elements must be a list of 1 to 25"
    return _first(_button_problem(e) for e in elements)


def _button_problem(element: object) -> str | None:
    if not isinstance(element, dict) or element.get("type") != "button":
        return "only buttons are known here"
    if len(str(element.get("url", ""))) > 3_000:  # noqa: PLR2004
        return "url is too long"
    return _text_problem(element.get("text"), 75, ("plain_text",))


def _first(problems: Iterable[str | None]) -> str | None:
    return next((p for p in problems if p), None)


_BLOCKS: Final[Mapping[str, Callable[[Json], str | None]]] = {
    "header": _header_problem,
    "section": _section_problem,
    "context": _context_problem,
    "actions": _actions_problem,
    "divider": lambda _: None,
}

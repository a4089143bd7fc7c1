"""What Slack refuses about the blocks of a message or view. The limits are those of its reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Json = dict[str, Any]


def block_problem(blocks: object, at_most: int = 50) -> str | None:
    """What Slack would refuse about these blocks, with its place, or None."""
    if not isinstance(blocks, list) or not 0 < len(blocks) <= at_most:
        return f"blocks must be a list of 1 to {at_most}"
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


def buttons_of(blocks: Sequence[Json]) -> Iterator[Json]:
    """Every button of these blocks."""
    for block in blocks:
        if block.get("type") == "actions":
            yield from block["elements"]
        if block.get("accessory"):
            yield block["accessory"]


def images_of(blocks: Sequence[Json]) -> Iterator[str]:
    """The ids of uploaded files that these blocks show."""
    for block in blocks:
        if block.get("type") == "image" and "slack_file" in block:
            yield str(block["slack_file"].get("id", ""))


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
    if "accessory" in block and (problem := _button_problem(block["accessory"])):
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
    names = [e["action_id"] for e in elements if isinstance(e, dict) and "action_id" in e]
    if len(set(names)) < len(names):
        return "two buttons have one action_id"
    return _first(_button_problem(e) for e in elements)


def _button_problem(element: object) -> str | None:
    if not isinstance(element, dict) or element.get("type") != "button":
        return "only buttons are known here"
    if len(str(element.get("url", ""))) > 3_000:  # noqa: PLR2004
        return "url is too long"
    for name, most in (("action_id", 255), ("value", 2_000)):
        if not 0 < len(str(element.get(name, "-"))) <= most:
            return f"{name} must have 1 to {most} characters"
    if element.get("style") not in (None, "primary", "danger"):
        return "style must be primary or danger"
    return _text_problem(element.get("text"), 75, ("plain_text",))


def _image_problem(block: Json) -> str | None:
    if not 0 < len(str(block.get("alt_text", ""))) <= 2_000:  # noqa: PLR2004
        return "alt_text must have 1 to 2000 characters"
    if ("image_url" in block) == ("slack_file" in block):
        return "an image needs image_url or slack_file"
    if "slack_file" in block and not isinstance(block["slack_file"], dict):
        return "slack_file must be an object"
    return _text_problem(block["title"], 2_000, ("plain_text",)) if "title" in block else None


def _first(problems: Iterable[str | None]) -> str | None:
    return next((p for p in problems if p), None)


_BLOCKS: Final[Mapping[str, Callable[[Json], str | None]]] = {
    "header": _header_problem,
    "section": _section_problem,
    "context": _context_problem,
    "actions": _actions_problem,
    "image": _image_problem,
    "divider": lambda _: None,
}

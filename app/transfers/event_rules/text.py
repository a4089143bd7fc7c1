"""The text of a rule as lines that people read and compare, and where in it a place is. Pure."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from app.markup import Markup, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: What is longer than a line is opened up.
_WIDTH: Final = 96
_INDENT: Final = 2
_STEP: Final = re.compile(r"\.?([A-Za-z0-9_]+)|\[(\d+)\]")
_SCALAR: Final = re.compile(r"[^\s,\]}]+")
_DECODER: Final = json.JSONDecoder()
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_COLUMN: Final = re.compile(r"\b(?:line|줄) ?(\d+)\D+(\d+)|(\d+)(?:번째 )?줄\D+(\d+)")
#: In this order a rule is written; the stored text is sorted by the alphabet.
_ORDER: Final = ("rule", "on", "severity", "score", "action", "measures", "when", "say")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of what differs: kept, out or in."""

    sign: str  # " ", "-" or "+"
    text: str


def pretty(content: str) -> str:
    """A stored text as somebody would write it; what is no JSON stays as it is."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return content
    if isinstance(found, dict):
        known = {name: found[name] for name in _ORDER if name in found}
        found = {**known, **{name: value for name, value in found.items() if name not in known}}
    return _opened(found, 0)


def _opened(value: object, depth: int) -> str:
    """On one line where it fits, else its parts below each other."""
    flat = json.dumps(value, ensure_ascii=False)
    if (len(flat) + depth * _INDENT <= _WIDTH and depth) or not isinstance(value, dict | list) or not value:
        return flat
    inner, outer = " " * ((depth + 1) * _INDENT), " " * (depth * _INDENT)
    if isinstance(value, dict):
        parts = [
            f"{inner}{json.dumps(key, ensure_ascii=False)}: {_opened(one, depth + 1)}"
            for key, one in value.items()
        ]
        return "{\n" + ",\n".join(parts) + f"\n{outer}}}"
    parts = [f"{inner}{_opened(one, depth + 1)}" for one in value]
    return "[\n" + ",\n".join(parts) + f"\n{outer}]"


def difference(before: str, after: str) -> tuple[Line, ...]:
    """The lines of two stored texts, with what went and what came."""
    lines = difflib.ndiff(pretty(before).splitlines(), pretty(after).splitlines())
    return tuple(Line(line[0], line[2:]) for line in lines if line[0] in " +-")


def difference_shown(lines: Iterable[Line]) -> Markup:
    """They are told apart by a sign as well as by a colour."""
    cls = {" ": "", "-": "mr-out", "+": "mr-in"}
    return tag(
        "ol", *(tag("li", Markup(_kept(line.text)), cls=cls[line.sign]) for line in lines), cls="mr-text"
    )


def span_of(text: str, place: str) -> tuple[int, int] | None:
    """From where to where a place such as `when.all[1].gt[0]` stands in a text; None where it does not.

    The nearest place above it, where it is no part itself: a name that is missing is refused at its object.
    """
    steps = [found[1] or int(found[2]) for found in _STEP.finditer(place)]
    reader = _Reader(text)
    try:
        return reader.find(0, steps)
    except (ValueError, IndexError, RecursionError):
        return None


def line_column(reason: str) -> tuple[int, int] | None:
    """The line and column that a sentence about a text names."""
    found = _COLUMN.search(reason)
    if found is None:
        return None
    line, column = (part for part in found.groups() if part is not None)
    return int(line), int(column)


def shown_at(text: str, span: tuple[int, int] | None) -> Markup:
    """A text line by line; what stands in the span is marked."""
    lines, at, shown = text.split("\n"), 0, []
    start, stop = span or (-1, -1)
    for number, line in enumerate(lines, 1):
        end = at + len(line)
        if span and start <= end and stop > at:
            first, last = max(start, at) - at, min(stop, end) - at
            marked = [
                Markup(_kept(line[:first])),
                tag("mark", Markup(_kept(line[first:last]))),
                Markup(_kept(line[last:])),
            ]
            shown.append(tag("li", *marked, cls="mr-bad-line", **{"data-line": str(number)}))
        else:
            shown.append(tag("li", Markup(_kept(line)), **{"data-line": str(number)}))
        at = end + 1
    return tag("ol", *shown, cls="mr-text")


def _kept(text: str) -> str:
    """Escaped with its spaces: the text of a rule is shown as it is."""
    return escape("".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text))


class _Reader:
    """Walks a JSON text to a place and gives where its value stands."""

    def __init__(self, text: str) -> None:
        self._text = text

    def find(self, at: int, steps: list[str | int]) -> tuple[int, int]:
        """Where the value at the end of the steps stands; that of the last step that is there."""
        at = self._skip(at)
        if not steps or self._text[at] not in "{[":
            return at, self._end(at)
        for name, start, _ in self._parts(at):
            if name == steps[0]:
                return self.find(start, steps[1:])
        return at, self._end(at)

    def _parts(self, at: int) -> Iterator[tuple[str | int, int, int]]:
        """The parts of an object or list: name or place, start and stop."""
        opened, at = self._text[at], self._skip(at + 1)
        number = 0
        while self._text[at] not in "}]":
            name: str | int = number
            if opened == "{":
                name, at = self._string(at)
                at = self._skip(self._skip(at) + 1)
            stop = self._end(at)
            yield name, at, stop
            number += 1
            at = self._skip(stop)
            if self._text[at] == ",":
                at = self._skip(at + 1)

    def _end(self, at: int) -> int:
        """Behind the value that begins there."""
        if self._text[at] == '"':
            return self._string(at)[1]
        if self._text[at] not in "{[":
            found = _SCALAR.match(self._text, at)
            return found.end() if found else at + 1
        stops = [stop for _, _, stop in self._parts(at)]
        return self._skip(stops[-1] if stops else at + 1) + 1

    def _string(self, at: int) -> tuple[str, int]:
        """The text that begins there, and where it ends."""
        found: tuple[str, int] = _DECODER.raw_decode(self._text, at)
        return found

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

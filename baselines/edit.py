"""A rules.toml with one number changed, line by line, so that its comments stay. Pure.

Whoever changes a text reads it again with the pack's own `read_tuned`: here nobody knows what a number means.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: A section's name and a key; of some entities ("own", KIND, NAME, section, key).
Path = tuple[str, ...]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def with_number(text: str, path: Path, value: int | str) -> str:
    """The text with this number in its place: changed where it stands, else put at the end of its section."""
    lines = text.splitlines()
    said = f"{_written(path[-1:])} = {_quoted(value)}"
    if (at := _place(lines, path)) is not None:
        lines[at] = said
    elif (end := _end_of(lines, path[:-1])) is not None:
        lines.insert(end, said)
    else:
        lines += ["", f"[{_written(path[:-1])}]", said]
    return "\n".join(lines) + "\n"


def without_number(text: str, path: Path) -> str:
    """The text without this number, and without its section where nothing else stands there."""
    lines = text.splitlines()
    at = _place(lines, path)
    if at is None:
        return text
    del lines[at]
    sections = list(_sections(lines))
    for (header, section), end in zip(sections, [*(n for n, _ in sections[1:]), len(lines)], strict=True):
        if section == path[:-1] and not any(line.strip() for line in lines[header + 1 : end]):
            del lines[header:end]
    return "\n".join(lines).rstrip("\n") + "\n"


def numbers_of(text: str) -> dict[Path, int | str]:
    """Every number of a text that is TOML, by its path, in order."""
    return dict(_leaves((), tomllib.loads(text)))


def completed(text: str, file: str) -> tuple[str, list[Path]]:
    """A text that an earlier program took, as this one takes it, and the paths of what had to change.

    What it lacks comes from `file`, and what `file` does not know goes. What is said of some entities stays.
    """
    mine, theirs = numbers_of(text), numbers_of(file)
    other = [path for path in mine if path not in theirs and path[0] != "own"]
    for path in other:
        text = without_number(text, path)
    missing = [path for path in theirs if path not in mine and path[0] != "own"]
    for path in missing:
        text = with_number(text, path, theirs[path])
    return text, [*other, *missing]


def shown(path: Path) -> str:
    """A path as people write and read it."""
    return _written(path)


def _leaves(path: Path, content: Any) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401 - parsed TOML
    if not isinstance(content, dict):
        yield path, content
        return
    for name, inner in content.items():
        yield from _leaves((*path, name), inner)


def _written(path: Path) -> str:
    return ".".join(part if _BARE.fullmatch(part) else _quoted(part) for part in path)


def _quoted(value: str | int) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML wants it so


def _sections(lines: Sequence[str]) -> Iterator[tuple[int, Path]]:
    """Where each section begins, and its name."""
    for number, line in enumerate(lines):
        if line.lstrip().startswith("["):
            yield number, _names(line)


def _names(line: str) -> Path:
    """The path on a line; nothing where it is only a part of something longer."""
    names: list[str] = []
    try:
        content: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    while isinstance(content, dict) and len(content) == 1:
        ((name, content),) = content.items()
        names.append(name)
    return tuple(names)


def _place(lines: Sequence[str], path: Path) -> int | None:
    """The line of a number."""
    section: Path = ()
    for number, line in enumerate(lines):
        bare = line.strip()
        if bare.startswith("["):
            section = _names(line)
        elif bare and not bare.startswith("#") and (*section, *_names(line)) == path:
            return number
    return None


def _end_of(lines: Sequence[str], section: Path) -> int | None:
    """Behind the last number of a section."""
    end, inside = None, False
    for number, line in enumerate(lines):
        bare = line.strip()
        if bare.startswith("["):
            inside = _names(line) == section
            end = number + 1 if inside else end
        elif inside and bare and not bare.startswith("#"):
            end = number + 1
    return end

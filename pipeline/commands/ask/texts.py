"""Where a question of a text of SQL ends."""

from __future__ import annotations

import re
from typing import Final

#: What a semicolon may stand in without ending a question: texts, names, dollar quotes, comments. An open one
#: reaches to the end.
_PIECES: Final = re.compile(
    r"""
      '(?:[^']|'')*(?:'|$)
    | "(?:[^"]|"")*(?:"|$)
    | (?P<dollar>\$\w*\$).*?(?:(?P=dollar)|$)
    | --[^\n]*
    | /\*.*?(?:\*/|$)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)


def questions_of(text: str) -> list[str]:
    """The questions of a text, cut at the semicolons that end one."""
    cuts = [found.start() for found in _PIECES.finditer(text) if found["end"]]
    parts = [text[a:b] for a, b in zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(text)], strict=True)]
    return [part for part in parts if _PIECES.sub(_without_comments, part).strip()]


def is_ended(text: str) -> bool:
    """Whether a semicolon ends a question of it."""
    return any(found["end"] for found in _PIECES.finditer(text))


def _without_comments(found: re.Match[str]) -> str:
    return " " if found[0].startswith(("--", "/*")) else found[0]

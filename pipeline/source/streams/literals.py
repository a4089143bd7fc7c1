"""A query with its times written out. Pure.

ADBC streams an answer by COPY, which takes no parameters. So where all parameters of a query are times, they
become literals, which this module makes of `datetime` and of nothing else. Wherever the text could mean
something else than it says here, it is left as it is, and goes to the server with its parameters.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: The tokens of PostgreSQL (manual, 4.1), as far as it depends on them what is a parameter and what ends it.
#: A name may hold a dollar and a digit, and every character beyond ASCII is a letter of one.
_LETTER: Final = r"A-Za-z_\x80-\U0010ffff"
_TOKEN: Final = re.compile(
    rf"""
      (?P<space> [ \t\n\r\f\v]+ | --[^\r\n]* )
    | (?P<block> /\* )
    | (?P<escaped> [eE]'(?:[^'\\]|\\.|'')*' )
    | (?P<text> '(?:[^']|'')*' )
    | (?P<name> "(?:[^"]|"")*" )
    | (?P<quoted> (\$(?:[{_LETTER}][{_LETTER}0-9]*)?\$) .*? \7 )
    | (?P<parameter> \$\d+ (?![{_LETTER}0-9]) )
    | (?P<word> [{_LETTER}][{_LETTER}0-9$]* )
    | (?P<end> ; )
    | (?P<unclear> ['"$] )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK: Final = re.compile(r"/\*|\*/")
#: What COPY takes: everything else that gives rows is a command of its own.
_COPIED: Final = ("SELECT", "WITH", "VALUES", "TABLE", "(")
_LITERAL: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00")


class _UnclearError(ValueError):
    """A text that cannot be told apart for certain."""


def literal(moment: datetime) -> str:
    """A time as PostgreSQL reads it, whatever its settings. Raises TypeError for whatever else it is."""
    if type(moment) is not datetime or moment.tzinfo is None:
        msg = f"only a time with its zone is written into a query, not {type(moment).__name__}"
        raise TypeError(msg)
    text = moment.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")
    if not _LITERAL.fullmatch(text):
        msg = f"{text} is no time"
        raise TypeError(msg)
    return f"('{text}'::timestamptz)"  # alone in its parentheses: nothing around it binds into it


def as_copied(query: str, times: Sequence[datetime]) -> str | None:
    """`query` as COPY takes it, with the literals of `times` in place of $1, $2 and so on.

    None where it is no query that COPY takes, wants more than these, or cannot be told for certain.
    Raises TypeError where one of `times` is no time. Its lines stay where they are.
    """
    literals = {f"${n}": literal(moment) for n, moment in enumerate(times, start=1)}
    parts: list[str] = []
    first, last, ended = "", 0, False  # the first word; how many parts belong to the query
    try:
        for kind, text in _tokens(query):
            if kind in ("space", "block"):
                parts.append(text)
                continue
            ended = ended or kind == "end"
            if kind == "end":
                continue
            if ended:  # another command follows
                return None
            parts.append(literals[text] if kind == "parameter" else text)
            first, last = first or text, len(parts)
    except (_UnclearError, KeyError):
        return None
    return "".join(parts[:last]) if first.upper() in _COPIED else None


def _tokens(query: str) -> Iterator[tuple[str, str]]:
    """The tokens of a query with their kinds; all of them together are its text."""
    at = 0
    while at < len(query):
        found = _TOKEN.match(query, at)
        kind, text = (str(found.lastgroup), found[0]) if found else ("unclear", "")
        if kind == "block":
            text = query[at : _end_of_block(query, at)]
        # Whether a backslash before a quote escapes it is a setting of the server.
        if kind == "unclear" or (kind == "text" and "\\'" in text):
            raise _UnclearError
        yield kind, text
        at += len(text)


def _end_of_block(query: str, at: int) -> int:
    """Comments in blocks lie within each other."""
    depth = 0
    for mark in _BLOCK.finditer(query, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise _UnclearError

"""sql: questions of analysts to the published files."""

from __future__ import annotations

import math
import re
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import click

from pipeline.commands.actor import do, open_desk
from pipeline.commands.common import json_option, read_settings, report
from pipeline.errors import MinuteriskError
from pipeline.store.views.analyst import Analyst

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import duckdb

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


@click.command()
@click.option(
    "-c", "--command", "question", help="Answer this and exit; otherwise questions are read until Ctrl-D."
)
@click.option("--reason", help="Why; asked for, and kept, where there are accounts.")
@json_option
def sql(question: str | None, reason: str | None, *, as_json: bool) -> int:
    """Ask the published data in SQL (DuckDB); nothing can be changed. `SHOW ALL TABLES` lists the views."""
    settings = read_settings()
    analyst = Analyst.open(settings)
    with open_desk(settings) as desk:

        def answer(asked: str) -> None:
            do(desk, "query", given={"what": asked, "reason": reason})
            _answer(analyst.ask(asked), as_json=as_json)

        if question is not None:
            answer(question)
            return 0
        return _each(_questions(), answer)


def _each(questions: Iterable[str], answer: Callable[[str], None]) -> int:
    """Answer one after the other; what one of them meets stops no other."""
    worst = 0
    for asked in questions:
        try:
            answer(asked)
        except MinuteriskError as error:
            click.echo(str(error), err=True)
            worst = max(worst, error.exit_code)
    # A person at the prompt has seen it; a script has only the exit code to see it by.
    return 0 if sys.stdin.isatty() else worst


def _questions() -> Iterable[str]:
    return _Prompt() if sys.stdin.isatty() else questions_of(sys.stdin.read())


def questions_of(text: str) -> list[str]:
    """The questions of a text, cut at the semicolons that end one."""
    cuts = [found.start() for found in _PIECES.finditer(text) if found["end"]]
    parts = [text[a:b] for a, b in zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(text)], strict=True)]
    return [part for part in parts if _PIECES.sub(_without_comments, part).strip()]


def _without_comments(found: re.Match[str]) -> str:
    return " " if found[0].startswith(("--", "/*")) else found[0]


class _Prompt:
    """Questions typed on a terminal, each ended by a semicolon."""

    def __iter__(self) -> _Prompt:
        return self

    def __next__(self) -> str:
        lines: list[str] = []
        while not any(found["end"] for found in _PIECES.finditer("\n".join(lines))):
            try:
                lines.append(input("sql> " if not lines else "...> "))
            except EOFError:
                raise StopIteration from None
        return "\n".join(lines).rstrip().rstrip(";")


def _answer(found: duckdb.DuckDBPyRelation, *, as_json: bool) -> None:
    try:
        frame = _readable(found).pl()
    except Exception as error:
        msg = f"the question failed: {str(error).splitlines()[0]}"
        raise MinuteriskError(msg, "SHOW ALL TABLES lists the views, DESCRIBE view their columns") from error
    rows = (
        [{name: _plain(value) for name, value in row.items()} for row in frame.to_dicts()] if as_json else []
    )
    report({"rows": rows}, as_json=as_json, text="" if as_json else str(found))


def _readable(found: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Intervals as text: months and days have no one length, so nothing outside of DuckDB holds them."""
    if not any("INTERVAL" in str(kind) for kind in found.types):
        return found
    quoted = ['"' + name.replace('"', '""') + '"' for name in found.columns]
    shown = [
        f"CAST({name} AS VARCHAR) AS {name}" if "INTERVAL" in str(kind) else name
        for name, kind in zip(quoted, found.types, strict=True)
    ]
    return found.project(", ".join(shown))


def _plain(value: object) -> object:
    """A value as strict JSON knows it: whole decimals are numbers, what is no number is null."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value

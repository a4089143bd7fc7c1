"""sql: questions of analysts to the published files."""

from __future__ import annotations

import math
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from pipeline.analyst import Analyst
from pipeline.commands.common import json_option, read_settings, report
from pipeline.errors import MinuteriskError, UsageError

if TYPE_CHECKING:
    import duckdb


@click.command()
@click.option(
    "-c", "--command", "question", help="Answer this and exit; otherwise questions are read until Ctrl-D."
)
@json_option
def sql(question: str | None, *, as_json: bool) -> None:
    """Ask the published data in SQL (DuckDB); nothing can be changed. `SHOW TABLES` lists the views."""
    analyst = Analyst.open(read_settings())
    if question is not None:
        _answer(analyst.ask(question), as_json=as_json)
        return
    for asked in _questions():
        try:
            _answer(analyst.ask(asked), as_json=as_json)
        except UsageError as error:
            click.echo(str(error), err=True)


def _questions() -> list[str] | _Prompt:
    if sys.stdin.isatty():
        return _Prompt()
    return [part for part in sys.stdin.read().split(";") if part.strip()]


class _Prompt:
    """Questions typed on a terminal, each ended by a semicolon."""

    def __iter__(self) -> _Prompt:
        return self

    def __next__(self) -> str:
        lines: list[str] = []
        while not (lines and lines[-1].rstrip().endswith(";")):
            try:
                lines.append(input("sql> " if not lines else "...> "))
            except EOFError:
                raise StopIteration from None
        return "\n".join(lines).rstrip().rstrip(";")


def _answer(found: duckdb.DuckDBPyRelation, *, as_json: bool) -> None:
    try:
        frame = found.pl()
    except Exception as error:
        msg = f"the question failed: {str(error).splitlines()[0]}"
        raise MinuteriskError(msg, "SHOW TABLES lists the views, DESCRIBE view their columns") from error
    rows = (
        [{name: _plain(value) for name, value in row.items()} for row in frame.to_dicts()] if as_json else []
    )
    report({"rows": rows}, as_json=as_json, text="" if as_json else str(found))


def _plain(value: object) -> object:
    """A value as strict JSON knows it: whole decimals are numbers, what is no number is null."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value

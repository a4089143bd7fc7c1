"""The shell on a terminal: each question is answered from the newest files; words after a point steer it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

import click

from pipeline.commands.ask.forms import FORMS
from pipeline.commands.ask.prompt import Prompt, history_file
from pipeline.errors import MinuteriskError, UsageError
from pipeline.figures import harmless

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.store.views.analyst import Analyst

#: Names to complete, of the views and of what stands in them.
_NAMES: Final = "SELECT DISTINCT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
_HELP: Final = """\
SQL ends with a semicolon and may have several lines; Tab completes, Ctrl-C stops a question, Ctrl-D leaves.
  .list             the questions that have a name
  .show NAME        one of them: what it asks, its parameters, its SQL
  .ask NAME k=v …   answer it
  .format FORM      table, csv or json
  .help  .quit"""


class Shell:
    """One session. `answer` takes SQL and a form; `named` a question's name, its parameters and a form."""

    def __init__(
        self,
        answer: Callable[[str, str], None],
        named: Callable[[str, list[str], str], None],
        told: Callable[[str | None], str],
        form: str,
    ) -> None:
        self._answer = answer
        self._named = named
        self._told = told
        self._form = form

    def run(self, analyst: Analyst, names: list[str]) -> None:
        """Until Ctrl-D or .quit. What a question meets is said, and the next one may follow."""
        commands = [".list", ".show", ".ask", ".format", ".help", ".quit"]
        click.echo(".help says what there is beside SQL")
        for line in Prompt([*names_of(analyst), *names], commands, history_file()):
            try:
                if line == ".quit":
                    return
                self._one(line)
            except MinuteriskError as error:
                click.echo(harmless(str(error)), err=True)
            except KeyboardInterrupt:
                click.echo("the question was ended", err=True)

    def _one(self, line: str) -> None:
        if not line.startswith("."):
            self._answer(line, self._form)
            return
        word, *given = _words(line)
        if word in (".list", ".show"):
            click.echo(self._told(given[0] if given else None))
        elif word == ".ask" and given:
            self._named(given[0], given[1:], self._form)
        elif word == ".format" and given and given[0] in FORMS[:3]:
            self._form = given[0]
        else:
            click.echo(_HELP)


def names_of(analyst: Analyst) -> list[str]:
    """The names of views and columns."""
    return [name for row in analyst.ask(_NAMES).rows() for name in row.values()]


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        msg = f"{line} is not understood: {error}"
        raise UsageError(msg, "close the quote") from error

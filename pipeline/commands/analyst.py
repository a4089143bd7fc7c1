"""sql: questions of analysts to the published files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.commands.actor import do, open_desk
from pipeline.commands.ask.forms import FORMS, form_of, show, write
from pipeline.commands.ask.shell import Shell
from pipeline.commands.ask.texts import questions_of
from pipeline.commands.common import json_option, read_settings, report, require_place
from pipeline.errors import MinuteriskError, UsageError
from pipeline.store.views.analyst import Analyst
from pipeline.store.views.questions import question_of, questions, values_of
from pipeline.store.views.walls.kernel import missing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.desk.perform import Desk
    from pipeline.settings import Settings
    from pipeline.store.views.questions import Question, Values

_WALLS: Final = {
    "limits": "memory and processor time are limited, no file can be written",
    "rights": "no right of root's but to read, none to get more; it ends with whoever asked",
    "files": "the published files can be read, and no other one (Landlock)",
    "calls": "no network, no other program, no new process (seccomp)",
}


@click.command()
@click.argument("name", required=False)
@click.option(
    "-c", "--command", "text", help="Answer this and exit; otherwise questions are read until Ctrl-D."
)
@click.option("--param", "given", multiple=True, metavar="NAME=VALUE", help="A parameter of the question.")
@click.option("--list", "listed", is_flag=True, help="The questions that have a name, or all of one.")
@click.option("--format", "form", type=click.Choice(FORMS), help="How to write the answer; table.")
@click.option("--output", type=click.Path(path_type=Path), help="Write the answer into this file.")
@click.option("--reason", help="Why; asked for, and kept, where there are accounts.")
@click.option("--walls", is_flag=True, help="What keeps a question in on this machine; exit.")
@json_option
def sql(name: str | None, text: str | None, *, listed: bool, walls: bool, **options: Any) -> int:  # noqa: ANN401 - click's
    """Ask the published data in SQL (DuckDB); nothing can be changed. `SHOW ALL TABLES` lists the views.

    With NAME one of the questions that come with minuterisk: --list tells them.
    """
    settings = read_settings()
    if listed:
        return _list(settings, name, as_json=options["as_json"])
    if walls:
        return _walls(settings, as_json=options["as_json"])
    _require_one(name, text, options["given"])
    asking = _Asking(settings, **options)
    asking.analyst()  # where nothing is published nothing is asked: no database is made, nothing kept
    if name is not None:
        asking.prepared(name, options["given"])  # what is wrong with it is said before any database is asked
    with open_desk(settings) as desk:
        asking.desk = desk
        if name is not None:
            return asking.named(name, list(options["given"]), asking.form)
        if text is not None:
            return asking.text(text, asking.form)
        if sys.stdin.isatty():
            return asking.shell()
        asking.require_no_file()
        return _each(questions_of(sys.stdin.read()), asking)


def _require_one(name: str | None, text: str | None, given: Iterable[str]) -> None:
    if name is not None and text is not None:
        msg = f"{name} and -c are two questions"
        raise UsageError(msg, "ask one: NAME with --param, or -c SQL")
    if given and name is None:
        msg = "--param is for a question that has a name"
        raise UsageError(msg, "name it: minuterisk sql NAME --param …; or write the value into the SQL")


class _Asking:
    """One command: who asks and why, and in which form the answer leaves."""

    def __init__(self, settings: Settings, *, form: str | None, **options: Any) -> None:  # noqa: ANN401 - click's
        self.desk: Desk | None = None
        self._settings = settings
        self._reason: str | None = options["reason"]
        self._output: Path | None = options["output"]
        self._as_json: bool = options["as_json"]
        self.form = form_of("json" if self._as_json and not self._output and not form else form, self._output)
        if self._output is not None:
            require_place(self._output, settings)
        self._analyst: Analyst | None = None
        self._told = False

    def text(self, asked: str, form: str) -> int:
        """Answer a text of SQL."""
        self._keep(asked)
        self._give(asked, None, form)
        return 0

    def named(self, name: str, given: list[str], form: str) -> int:
        """Answer a question that has a name."""
        question, values = self.prepared(name, given)
        self._keep(" ".join([name, *given]))
        self._give(question.sql, values, form)
        return 0

    def prepared(self, name: str, given: Iterable[str]) -> tuple[Question, Values]:
        """The question of that name, with the values of its parameters."""
        question = question_of(self._settings.pack, name)
        return question, values_of(question, dict(map(_pair, given)), self.analyst().clock)

    def analyst(self) -> Analyst:
        """What is published when the command first asks; a shell asks for the newest each time."""
        if self._analyst is None:
            self._analyst = Analyst.open(self._settings)
        return self._analyst

    def shell(self) -> int:
        """Questions typed on a terminal."""
        self.require_no_file()
        self._tell(self.analyst().walls())

        def newest(asked: str, form: str) -> None:
            self._analyst = None
            self.text(asked, form)

        def named(name: str, given: list[str], form: str) -> None:
            self._analyst = None
            self.named(name, given, form)

        def told(name: str | None) -> str:
            return _told(self._settings, name)

        known = list(questions(self._settings.pack))
        Shell(newest, named, told, self.form).run(self.analyst(), known)
        return 0

    def require_no_file(self) -> None:
        """Several answers do not go into one file."""
        if self._output is not None:
            msg = "several answers do not go into one file"
            raise UsageError(msg, "ask one question with -c SQL, or by its NAME")

    def _keep(self, asked: str) -> None:
        assert self.desk is not None  # noqa: S101 - the command opens it before it asks
        do(self.desk, "query", given={"what": asked, "reason": self._reason})

    def _give(self, asked: str, values: Values | None, form: str) -> None:
        analyst = self.analyst()
        try:
            self._answer(asked, values, form)
        finally:
            self._tell(analyst.stood)

    def _tell(self, walls: dict[str, str | None]) -> None:
        """Say once which wall the process of a question did not have."""
        for one in () if self._told else missing(walls):
            self._told = True
            click.echo(f"this question has one wall less: {one}", err=True)

    def _answer(self, asked: str, values: Values | None, form: str) -> None:
        if self._output is None:
            show(self.analyst(), asked, values, form)
            return
        rows = write(self.analyst(), asked, values, form, self._output)
        content = {"file": str(self._output), "rows": rows}
        counted = "" if rows is None else f" with {rows} rows"
        report(content, as_json=self._as_json, text=f"{self._output}{counted}")


def _each(asked: Iterable[str], asking: _Asking) -> int:
    """Answer one after the other; what one of them meets stops no other."""
    worst = 0
    for text in asked:
        try:
            asking.text(text, asking.form)
        except MinuteriskError as error:
            click.echo(str(error), err=True)
            worst = max(worst, error.exit_code)
    return worst


def _pair(text: str) -> tuple[str, str]:
    name, is_pair, value = text.partition("=")
    if not is_pair or not name.strip():
        msg = f"--param {text} names no value"
        raise UsageError(msg, "write --param NAME=VALUE")
    return name.strip(), value


def _list(settings: Settings, name: str | None, *, as_json: bool) -> int:
    known = questions(settings.pack).values() if name is None else [question_of(settings.pack, name)]
    report({"questions": [_described(one) for one in known]}, as_json=as_json, text=_told(settings, name))
    return 0


def _described(question: Question) -> dict[str, Any]:
    parameters = [
        {"name": one.name, "type": one.type, "default": one.default, "text": one.text}
        for one in question.parameters
    ]
    return {
        "name": question.name,
        "question": question.english,
        "question_ko": question.korean,
        "grain": question.grain,
        "parameters": parameters,
    }


def _told(settings: Settings, name: str | None) -> str:
    """The questions with their parameters; one of them whole, as its file has it."""
    if name is not None:
        return question_of(settings.pack, name).sql.rstrip()
    lines = []
    for question in questions(settings.pack).values():
        given = " ".join(
            one.name if one.default is None else f"[{one.name}={one.default}]" for one in question.parameters
        )
        lines += [f"{question.name} {given}".rstrip(), f"    {question.sentence(settings.language)}"]
    return "\n".join(lines) or "none"


def _walls(settings: Settings, *, as_json: bool) -> int:
    found = Analyst.open(settings).walls()
    lines = [f"{'stands' if found[one] is None else 'MISSING':8}{text}" for one, text in _WALLS.items()]
    text = "\n".join([*lines, *(f"  {one}" for one in missing(found))])
    report({"walls": {one: why or "stands" for one, why in found.items()}}, as_json=as_json, text=text)
    return 0

"""Questions typed on a terminal: lines until a semicolon, a history, names of views to complete."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pipeline.commands.ask.texts import is_ended

try:
    import readline
except ImportError:  # pragma: no cover - a Python that was built without it
    readline = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Lines that are kept; the oldest go first.
_KEPT: Final = 2000
_WORDS: Final = (
    *(
        "SELECT",
        "FROM",
        "WHERE",
        "GROUP BY ALL",
        "ORDER BY",
        "LIMIT",
        "WITH",
        "JOIN",
        "LEFT JOIN",
        "USING",
        "ON",
    ),
    *("HAVING", "QUALIFY", "UNION ALL", "DISTINCT", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE", "END", "OVER"),
    *(
        "PARTITION BY",
        "DESCRIBE",
        "SUMMARIZE",
        "EXPLAIN",
        "SHOW ALL TABLES",
        "DESC",
        "NULLS LAST",
        "AND",
        "OR",
    ),
)
_BREAKS: Final = " \t\n,()=<>+-*/%'\""


def history_file() -> Path:
    """Where this user's lines are kept, as the base directories of XDG have it."""
    state = os.environ.get("XDG_STATE_HOME")
    folder = Path(state) if state and Path(state).is_absolute() else Path.home() / ".local" / "state"
    return folder / "minuterisk" / "sql_history"


class Prompt:
    """Questions as somebody types them. A line that begins with a point is a word to the shell itself."""

    def __init__(self, names: Iterable[str], commands: Sequence[str], history: Path) -> None:
        self._known = sorted({*names, *_WORDS}, key=str.lower)
        self._commands = sorted(commands)
        self._history = history
        if readline is not None:
            self._begin()

    def __iter__(self) -> Prompt:
        return self

    def __next__(self) -> str:
        lines: list[str] = []
        while not is_ended("\n".join(lines)):
            try:
                lines.append(input("sql> " if not lines else "...> "))
            except EOFError:
                click.echo()
                raise StopIteration from None
            except KeyboardInterrupt:  # as in other shells: what was typed is forgotten
                click.echo()
                lines = []
                continue
            if len(lines) == 1 and lines[0].lstrip().startswith("."):
                break
            lines = [] if not "".join(lines).strip() else lines
        asked = "\n".join(lines).strip()
        self._keep()
        return asked if asked.startswith(".") else asked.rstrip(";")

    def matches(self, text: str) -> list[str]:
        """What `text` may be the beginning of, whatever its case."""
        known = self._commands if text.startswith(".") else self._known
        return [name for name in known if name.lower().startswith(text.lower())]

    def _begin(self) -> None:
        """The history may hold what people asked about somebody: it is this user's alone."""
        with suppress(OSError):
            self._history.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._history.touch(mode=0o600)
            readline.read_history_file(self._history)
        readline.set_history_length(_KEPT)
        readline.set_completer_delims(_BREAKS)
        readline.set_completer(self._complete)
        by_bsd = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if by_bsd else "tab: complete")

    def _complete(self, text: str, number: int) -> str | None:
        found = self.matches(text)
        return found[number] if number < len(found) else None

    def _keep(self) -> None:
        if readline is not None:
            with suppress(OSError):
                readline.write_history_file(self._history)

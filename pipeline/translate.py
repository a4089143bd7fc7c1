"""Driver errors to ours, at this one place. Each says what was met and what to do next."""

from __future__ import annotations

import errno
import re
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import adbc_driver_manager
import psycopg
import pymysql
import sqlalchemy.exc

from pipeline.errors import (
    ConfigurationError,
    MinuteriskError,
    Overtaken,
    SourceChanged,
    SourceTooSlow,
    SourceUnavailable,
    SourceValueWrong,
    StateUnavailable,
    StorageUnavailable,
)
from pipeline.settings import dialect, mask_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STORAGE_ERRORS = {
    errno.ENOSPC: (
        "the disk is full",
        "free space on it, then start again: nothing half-written was published",
    ),
    errno.EDQUOT: ("the disk quota is used up", "raise the quota or free space, then start again"),
    errno.EROFS: ("the disk is read-only", "mount it writable, then start again"),
    errno.EACCES: ("access is denied", "give this user write access to the folder, or set MINUTERISK_HOME"),
    errno.EPERM: ("access is denied", "give this user write access to the folder, or set MINUTERISK_HOME"),
    errno.EIO: ("the disk reports a fault", "check the disk; the next start rebuilds what was not published"),
    errno.ENOTDIR: ("a file stands where a folder is needed", "set MINUTERISK_HOME to a folder"),
}

#: MySQL's error numbers as the SQLSTATE by which PostgreSQL says the same. Its own SQLSTATEs are too coarse:
#: 42000 is a typing error, a missing right and a full server.
_MYSQL_STATES = {
    **dict.fromkeys((1044, 1045, 1130, 1251, 1524, 1698, 1820, 1862, 2059), "28000"),  # log in
    **dict.fromkeys((1046, 1049), "3D000"),  # database
    **dict.fromkeys((1142, 1143, 1227, 1370), "42501"),  # right
    1146: "42P01",  # table
    **dict.fromkeys((1052, 1054, 1055, 1064, 1109, 1176, 1267, 1292, 1305, 1356, 1525, 1630), "42000"),
    **dict.fromkeys((1205, 1317, 1969, 3024), "57014"),  # ended by the server
    **dict.fromkeys((1264, 1690), "22003"),  # out of range
    1365: "22012",  # division by zero
    1242: "21000",  # a subquery gives more than one row
    **dict.fromkeys((1411, 3141), "22007"),  # a text that is no time, or no JSON
    1792: "25006",  # writes in a READ ONLY transaction
}


@contextmanager
def source_errors(url: str) -> Iterator[None]:
    """Translate what psycopg, ADBC and PyMySQL raise about the trade database."""
    try:
        yield
    except (psycopg.Error, adbc_driver_manager.Error, pymysql.err.Error) as error:
        raise _source_error(error, url) from error


@contextmanager
def state_errors(url: str) -> Iterator[None]:
    """Translate what SQLAlchemy and psycopg raise about the operational database."""
    try:
        yield
    except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
        raise _state_error(error, url) from error


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Translate what the operating system says about files under the home."""
    try:
        yield
    except OSError as error:
        what, hint = _STORAGE_ERRORS.get(error.errno or 0, (str(error.strerror or error), "check the folder"))
        msg = f"cannot write {path}: {what}"
        raise StorageUnavailable(msg, hint) from error


def _source_error(error: Exception, url: str) -> MinuteriskError:
    state, text = _sqlstate(error), _first_line(error)
    refusal = _refusal(state, text, url)
    if refusal is not None:
        return refusal
    shown = mask_url(url)
    if _is_configuration(state, text) or _host_is_unknown(error):
        msg = f"cannot open the trade database {shown}: {text}"
        return ConfigurationError(msg, "check MINUTERISK_SOURCE_URL: user, password, host, database")
    if state == "57014":
        msg = f"the trade database ended our query: {text}"
        return SourceTooSlow(msg, "see the source's load, or raise MINUTERISK_SOURCE_TIMEOUT")
    msg = f"the trade database {shown} does not answer: {text}"
    return SourceUnavailable(
        msg, "it is tried again at the next tick; check MINUTERISK_SOURCE_URL if it stays away"
    )


def _refusal(state: str, text: str, url: str) -> MinuteriskError | None:
    """What the trade database says against a query of ours; None when it says nothing against it."""
    shown = mask_url(url)
    if state == "42P01":
        msg = f"the trade database {shown} has no such table: {text}"
        ours = "create it (`minuterisk demo`, `load` or `simulate`), or " * (dialect(url) == "postgresql")
        return ConfigurationError(msg, f"{ours}adapt MINUTERISK_SOURCE_QUERIES")
    if state == "42501":
        msg = f"the role may not read the trade database {shown}: {text}"
        return ConfigurationError(
            msg, "GRANT SELECT on the table to this role; minuterisk needs nothing else"
        )
    if state == "25006":
        msg = f"an extraction query writes: {text}"
        return ConfigurationError(msg, "let every query in MINUTERISK_SOURCE_QUERIES only SELECT")
    if _is_value(state, text):
        msg = f"a value in the trade database cannot be read: {text}"
        return SourceValueWrong(
            msg, "correct the value at the source, or let the query give it without a cast"
        )
    if state[:2] == "42":  # the text of the query and the table disagree
        msg = f"the extraction query does not fit the table: {text}"
        return SourceChanged(msg, "adapt the query in MINUTERISK_SOURCE_QUERIES to the table's columns")
    return None


def is_value_error(error: BaseException) -> bool:
    """Does a driver's error speak of one value? The connection and the query are good then."""
    return _is_value(_sqlstate(error), _first_line(error))


def _is_value(state: str, text: str) -> bool:
    """Is one value wrong, and not the query? PostgreSQL says some of it under states of other things."""
    return (
        state[:2] == "22"
        or state == "21000"  # a subquery gives more than one row
        or (state == "0A000" and text.startswith("cannot convert"))  # NaN or infinity to an integer
        or (state == "54000" and "null character" in text)
    )


def _state_error(error: Exception, url: str) -> MinuteriskError:
    original = getattr(error, "orig", None) or error
    state, text = _sqlstate(original), _first_line(original)
    shown = mask_url(url)
    if state in ("53100", "58030"):
        msg = f"the operational database has no room: {text}"
        return StorageUnavailable(msg, "free space on its disk; nothing half-written was published")
    if state == "23P01":  # compaction covered a minute that a correction was just writing, or the reverse
        msg = f"another job of ours published the same minutes meanwhile: {text}"
        return Overtaken(msg, "nothing was changed; it starts anew with the new files")
    if state == "42501" or _is_configuration(state, text):
        msg = f"cannot open the operational database {shown}: {text}"
        return ConfigurationError(msg, "check MINUTERISK_STATE_URL; its role must own the database")
    if isinstance(original, psycopg.OperationalError):
        msg = f"the operational database {shown} does not answer: {text}"
        return StateUnavailable(
            msg, "it is tried again at the next tick; check MINUTERISK_STATE_URL if it stays away"
        )
    msg = f"the operational database refused a statement: {text}"
    return MinuteriskError(msg, "this is a fault of minuterisk; report it with the log around it")


def _is_configuration(state: str, text: str) -> bool:
    if state[:2] == "28" or state == "3D000":
        return True
    # libpq gives no SQLSTATE when the connection itself fails.
    known = (
        "does not exist",
        "authentication failed",
        "could not translate host name",
        "failed to resolve host",  # psycopg resolves by itself
        "no password supplied",
        "invalid ",
    )
    return not state and any(part in text for part in known)


def _host_is_unknown(error: Exception) -> bool:
    return isinstance(getattr(error, "original_exception", None), socket.gaierror)  # PyMySQL keeps it there


def _sqlstate(error: BaseException) -> str:
    if isinstance(error, pymysql.err.Error):
        return _MYSQL_STATES.get(error.args[0], "") if error.args else ""
    state = getattr(error, "sqlstate", None) or ""
    return state if re.fullmatch(r"[0-9A-Z]{5}", state) and state != "00000" else ""


def _first_line(error: BaseException) -> str:
    mysql = isinstance(error, pymysql.err.Error) and len(error.args) > 1
    text = str(error.args[1] if mysql else error).strip() or type(error).__name__
    text = re.sub(r"^[A-Z_]+: (\[libpq\] )?", "", text)  # the driver manager's own prefix
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wanted = next((line for line in lines if "FATAL" in line or "ERROR" in line), lines[0])
    return mask_url(re.sub(r"^.*?(FATAL|ERROR):\s*", "", wanted))

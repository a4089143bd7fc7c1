"""What a driver's error says: its code, its text in one line, the query's line; from these its cause."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Final

import adbc_driver_manager
import polars as pl
import psycopg
import pymysql

from pipeline.errors.causes import Cause, adbc_cause, mysql_cause, postgresql_cause, psycopg_cause
from pipeline.errors.secrets import mask_url

_LINE: Final = re.compile(r"\bLINE (\d+):|\bat line (\d+)")
#: A name or a value that MySQL quotes.
_NAMED: Final = re.compile(r"'([^']+)'|`([^`]+)`")
#: Errors of PyArrow by the name of their class: importing it only to name them would cost every start.
_ARROW_QUERY: Final = ("ArrowNotImplementedError", "ArrowTypeError", "ArrowKeyError")
#: A parameter that the server could not take for what the query makes of it: the query is wrong, no row is.
_OUR_PARAMETER: Final = re.compile(r"portal.*parameter")
#: The drivers' own classes of DB-API 2, the special ones first.
_KINDS: Final = (
    "InterfaceError",
    "DataError",
    "OperationalError",
    "IntegrityError",
    "InternalError",
    "ProgrammingError",
    "NotSupportedError",
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A driver's error, understood."""

    cause: Cause
    code: str  # SQLSTATE, or MySQL's number; empty where the driver speaks for itself
    text: str  # one line
    line: int | None = None  # of the query, where the server gives one
    named: str = ""  # what the text names, where the server gives no line
    writes: bool = False


def driver_failure(error: BaseException, *, decoding: bool = False) -> Failure | None:
    """What `error` says; None if no driver raised it. `decoding`: values of rows are being read."""
    if isinstance(error, psycopg.Error):
        return _psycopg(error)
    if isinstance(error, adbc_driver_manager.Error):
        return _adbc(error)
    if isinstance(error, pymysql.err.Error):
        return _pymysql(error)
    if isinstance(error, ConnectionError | TimeoutError):
        return Failure(Cause.UNREACHABLE, "", one_line(error))
    return _decoder(error) if decoding else None


def one_line(error: BaseException) -> str:
    """The line of a text that says most; without passwords."""
    text = str(error).strip() or type(error).__name__
    text = re.sub(r"^[A-Z_]+: (\[libpq\] )?", "", text)  # the driver manager's own prefix
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wanted = next((line for line in lines if "FATAL" in line or "ERROR" in line), lines[0])
    return mask_url(re.sub(r"^.*?(FATAL|ERROR):\s*", "", wanted))


def _psycopg(error: psycopg.Error) -> Failure:
    text, told = str(error), error.diag.message_primary
    shown = mask_url(told) if told and error.sqlstate else one_line(error)
    if not error.sqlstate:
        cause = psycopg_cause(_kind(error), text)
        return Failure(cause, "", shown, writes="didn't produce records" in text)
    place = error.diag.statement_position or _OUR_PARAMETER.search(error.diag.context or "")
    cause = postgresql_cause(error.sqlstate, text, in_text=bool(place))
    return Failure(cause, error.sqlstate, shown, _line(text))


def _adbc(error: adbc_driver_manager.Error) -> Failure:
    text, told = str(error), _details(error)
    state = error.sqlstate or ""
    if not re.fullmatch(r"[0-9A-Z]{5}", state) or state == "00000":
        status = adbc_driver_manager.AdbcStatusCode(error.status_code).name
        return Failure(adbc_cause(status, text), "", one_line(error))
    primary = told.get("PG_DIAG_MESSAGE_PRIMARY")
    shown = mask_url(primary) if primary else one_line(error)
    place = "PG_DIAG_STATEMENT_POSITION" in told or _OUR_PARAMETER.search(told.get("PG_DIAG_CONTEXT", ""))
    return Failure(postgresql_cause(state, text, in_text=bool(place)), state, shown, _line(text))


def _details(error: adbc_driver_manager.Error) -> dict[str, str]:
    return {_as_text(name): _as_text(value) for name, value in error.details or ()}


def _as_text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _pymysql(error: pymysql.err.Error) -> Failure:
    number = error.args[0] if error.args else None
    if not isinstance(number, int) or not number:  # a closed connection, packets out of order
        return Failure(Cause.UNREACHABLE, "", one_line(error) if number else "the connection is closed")
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    cause = mysql_cause(number, getattr(error, "sqlstate", None) or "", text)
    origin = getattr(error, "original_exception", None)  # PyMySQL keeps it there
    if isinstance(origin, socket.gaierror) and origin.errno != socket.EAI_AGAIN:
        cause = Cause.REFUSED
    named = _NAMED.search(re.sub(r"'[^']*'@'[^']*'", "", text))  # whoever was refused is no place in a query
    shown = mask_url(" ".join(text.split()))
    return Failure(cause, str(number), shown, _line(text), (named[1] or named[2]) if named else "")


def _decoder(error: BaseException) -> Failure | None:
    """A value that came and could not be read: by PyArrow, Polars or Python."""
    name = type(error).__name__
    if isinstance(error, pl.exceptions.PolarsError):
        shape = (pl.exceptions.DuplicateError, pl.exceptions.ColumnNotFoundError, pl.exceptions.SchemaError)
        return Failure(Cause.QUERY if isinstance(error, shape) else Cause.VALUE, "", one_line(error))
    if any(base.__name__ == "ArrowException" for base in type(error).__mro__):
        return Failure(Cause.QUERY if name in _ARROW_QUERY else Cause.VALUE, "", one_line(error))
    if isinstance(error, UnicodeDecodeError | OverflowError):
        return Failure(Cause.VALUE, "", one_line(error))
    return None


def _kind(error: psycopg.Error) -> str:
    names = [base.__name__ for base in type(error).__mro__]
    return next((kind for kind in _KINDS if kind in names), "")


def _line(text: str) -> int | None:
    found = _LINE.search(text)
    return int(found[1] or found[2]) if found else None

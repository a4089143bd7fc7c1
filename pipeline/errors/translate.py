"""Driver errors to ours, at this one place. Each says its cause, what was met and what to do next.

Which failure has which cause is a table: pipeline/errors/causes.py.
"""

from __future__ import annotations

import errno
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import sqlalchemy.exc

from pipeline.errors import (
    ConfigurationError,
    Fault,
    MinuteriskError,
    Overtaken,
    SourceChanged,
    SourceRefused,
    SourceTooSlow,
    SourceUnavailable,
    SourceValueWrong,
    StateUnavailable,
    StorageUnavailable,
)
from pipeline.errors.causes import Cause
from pipeline.errors.failure import Failure, driver_failure
from pipeline.errors.phrases import phrase, word
from pipeline.errors.secrets import dialect, mask_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.source.plan import PlanReason

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

_REPORT = "this is a fault of minuterisk; report it with the log around it"
#: Whoever waited for a lock learns nothing from the plan, and asking for it would wait for the same lock.
_LOCKED = ("55P03", "1205", "3572")


@contextmanager
def source_errors(
    url: str, query: Path | None = None, plan: Callable[[], PlanReason] | None = None
) -> Iterator[None]:
    """Translate what the drivers of the source database raise; with `query` also what reading its rows does.

    `query` is the file of the query that runs, and `plan` asks for its plan once it was too slow.
    """
    try:
        yield
    except MinuteriskError as error:
        error.query = error.query or (query.name if query else "")
        raise
    except Exception as error:
        failure = driver_failure(error, decoding=query is not None)
        if failure is None:
            raise
        raise _Asked(url, query, plan).error(failure) from error


def is_value_error(error: BaseException) -> bool:
    """Does a driver's error speak of one value? The connection and the query are good then."""
    failure = driver_failure(error)
    return failure is not None and failure.cause is Cause.VALUE


@contextmanager
def state_errors(url: str) -> Iterator[None]:
    """Translate what SQLAlchemy and psycopg raise about the operational database."""
    try:
        yield
    except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
        failure = driver_failure(getattr(error, "orig", None) or error)
        raise _state_error(failure or Failure(Cause.FAULT, "", str(error)), url) from error
    except sqlalchemy.exc.TimeoutError as error:  # all of our own connections are in use
        msg = phrase("the operational database keeps all of our connections busy")
        raise StateUnavailable(msg, "it is tried again at the next tick") from error


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Translate what the operating system says about files under the home."""
    try:
        yield
    except OSError as error:
        what, hint = _STORAGE_ERRORS.get(error.errno or 0, (str(error.strerror or error), "check the folder"))
        msg = phrase("cannot write {path}: {what}", path=str(path), what=word(what))
        raise StorageUnavailable(msg, hint) from error


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the source database was asked when it failed."""

    url: str
    query: Path | None
    plan: Callable[[], PlanReason] | None

    def error(self, failure: Failure) -> MinuteriskError:
        """The failure as ours; it knows its query."""
        of_cause = {
            Cause.UNREACHABLE: self._unreachable,
            Cause.REFUSED: self._refused,
            Cause.QUERY: self._query_wrong,
            Cause.VALUE: self._value_wrong,
            Cause.SLOW: self._too_slow,
            Cause.FAULT: self._fault,
        }
        error = of_cause[failure.cause](failure)
        error.query = self.query.name if self.query else ""
        return error

    @property
    def _shown(self) -> str:
        return mask_url(self.url)

    def _place(self, failure: Failure) -> str:
        """Such as "extraction query transactions.sql line 7"."""
        if self.query is None:
            return "statement"
        line = failure.line or _line_naming(self.query, failure.named)
        return f"extraction query {self.query.name}{f' line {line}' if line else ''}"

    def _mend(self) -> str:
        folder = "in MINUTERISK_SOURCE_QUERIES"
        return f"mend {self.query} {folder}" if self.query else f"adapt the queries {folder}"

    def _unreachable(self, failure: Failure) -> MinuteriskError:
        msg = f"the source database {self._shown} does not answer: {failure.text}"
        hint = "it is tried again at the next tick; check MINUTERISK_SOURCE_URL if it stays away"
        return SourceUnavailable(msg, hint)

    def _refused(self, failure: Failure) -> MinuteriskError:
        if failure.code in ("42501", "1142", "1143", "1227"):
            at = f" ({self._place(failure)})" if self.query else ""
            msg = f"the role may not read the source database {self._shown}: {failure.text}{at}"
            return SourceRefused(msg, "GRANT SELECT on the table to this role; minuterisk needs nothing else")
        msg = f"cannot open the source database {self._shown}: {failure.text}"
        return SourceRefused(msg, "check MINUTERISK_SOURCE_URL: user, password, host, database, TLS")

    def _query_wrong(self, failure: Failure) -> MinuteriskError:
        place = self._place(failure)
        if failure.code in ("25006", "1792", "1290", "1142") or failure.writes:
            msg = f"the {place} writes: {failure.text}"
            return SourceChanged(msg, f"let it only SELECT: {self._mend()}")
        if failure.code in ("42P01", "1146"):
            msg = f"the source database {self._shown} has no such table: {failure.text} ({place})"
            ours = "create it (`minuterisk demo`, `load` or `simulate`), or " * (
                dialect(self.url) == "postgresql"
            )
            error = SourceChanged(msg, ours + self._mend())
            # No table at all: the address or the folder is wrong.
            error.exit_code = ConfigurationError.exit_code
            return error
        msg = f"the {place} does not fit the table: {failure.text}"
        return SourceChanged(msg, f"adapt it to the table's columns and to its parameters: {self._mend()}")

    def _value_wrong(self, failure: Failure) -> MinuteriskError:
        msg = f"the {self._place(failure)} meets a value that cannot be read: {failure.text}"
        hint = f"the other rows are right; let the query give null for such a value: {self._mend()}"
        return SourceValueWrong(msg, hint)

    def _too_slow(self, failure: Failure) -> MinuteriskError:
        reason = ""
        if self.plan is not None and failure.code not in _LOCKED:
            with suppress(Exception):  # without a plan the failure is told all the same
                reason = self.plan().text
        ours = f"our query {self.query.name}" if self.query else "our query"
        msg = f"the source database ended {ours}: {failure.text}{f'; its plan: {reason}' if reason else ''}"
        index = "give its time column an index, " if "no index" in reason else ""
        return SourceTooSlow(
            msg, f"it is tried again; {index}see the source's load, or raise MINUTERISK_SOURCE_TIMEOUT"
        )

    def _fault(self, failure: Failure) -> MinuteriskError:
        msg = f"the source database refused the {self._place(failure)}: {failure.text}"
        return Fault(msg, _REPORT)


def _line_naming(query: Path, name: str) -> int | None:
    """The first line of the query that has the name, comments aside; for servers that give no line."""
    lines: list[str] = []
    with suppress(OSError, UnicodeDecodeError):
        lines = [line.partition("--")[0].lower() for line in query.read_text(encoding="utf-8").splitlines()]
    for wanted in filter(None, (name.lower(), name.lower().rpartition(".")[2])):  # as it is, and unqualified
        for number, line in enumerate(lines, start=1):
            if wanted in line:
                return number
    return None


def _state_error(failure: Failure, url: str) -> MinuteriskError:
    code, text = failure.code, failure.text
    met = {"shown": mask_url(url), "text": text}
    if code in ("53100", "58030"):
        msg = phrase("the operational database has no room: {text}", text=text)
        return StorageUnavailable(msg, "free space on its disk; nothing half-written was published")
    if code == "23P01":  # compaction covered a minute that a correction was just writing, or the reverse
        msg = phrase("another job of ours published the same minutes meanwhile: {text}", text=text)
        return Overtaken(msg, "nothing was changed; it starts anew with the new files")
    if failure.cause is Cause.REFUSED:
        msg = phrase("cannot open the operational database {shown}: {text}", **met)
        return ConfigurationError(msg, "check MINUTERISK_STATE_URL; its role must own the database")
    if code == "25006":
        msg = phrase("the operational database {shown} takes no writes: {text}", **met)
        return ConfigurationError(msg, "let MINUTERISK_STATE_URL name the primary, not a standby")
    if failure.cause in (Cause.UNREACHABLE, Cause.SLOW):
        msg = phrase("the operational database {shown} does not answer: {text}", **met)
        return StateUnavailable(
            msg, "it is tried again at the next tick; check MINUTERISK_STATE_URL if it stays away"
        )
    msg = phrase("the operational database refused a statement: {text}", text=text)
    return Fault(msg, _REPORT)

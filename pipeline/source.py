"""What the pipeline asks of a trade database, whichever dialect it speaks.

One class per dialect keeps these questions (`extract`: PostgreSQL, `extract_mysql`: MySQL and MariaDB). They
answer alike, except in one promise: how late a commit may be and still be found by `changed`. Each class
says its own in `promise`, and the reconciliation catches for both what is later than that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from pipeline.amounts import known_amount
from pipeline.errors import ConfigurationError, MinuteriskError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal
    from pathlib import Path

    import polars as pl

    from pipeline.minute import Span


class TooManyRows(Exception):
    """A span holds more rows than were asked for at most. No failure: the caller asks for a shorter one."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """Rows of a span (columns of TRANSACTION) and the snapshot they were read from."""

    rows: pl.DataFrame
    xmin: int  # pg_snapshot_xmin: every transaction below it had ended; 0 where the dialect has none
    clock: datetime  # the source's clock
    not_known: Mapping[str, str] = field(default_factory=dict)  # optional columns that do not fit, and why


@dataclass(frozen=True, slots=True)
class Totals:
    """What one side counts for a minute, set-aside rows included."""

    rows: int
    cancels: int
    amount: int | Decimal | None  # None: a row's amount could not be read, or is no number

    @classmethod
    def of_ledger(cls, row: Mapping[str, Any]) -> Totals:
        """What a ledger row says the source held."""
        return cls(row["source_rows"], row["source_cancels"], known_amount(row["source_amount"]))

    @classmethod
    def of_source(cls, row: Mapping[str, Any]) -> Totals | None:
        """What a row of the query `totals` says; None where the minute's totals could not be read."""
        if row["rows"] is None:
            return None
        return cls(int(row["rows"]), int(row["cancels"]), known_amount(row["amount"]))


@dataclass(frozen=True, slots=True)
class KnownMinute:
    """What the ledger knows of a published minute: its totals, and the snapshot it was read from."""

    totals: Totals
    xmin: int


@dataclass(frozen=True, slots=True)
class Fence:
    """A snapshot of the source, to ask what has changed since; xmin and xmax are 0 where it has none."""

    xmin: int  # every transaction below it had ended
    xmax: int  # no transaction at or above it had begun
    clock: datetime  # the source's clock
    started: datetime | None = None  # since when the server runs, where that is known

    def of_another_start(self, later: Fence) -> bool:
        """Did the server begin anew between this and `later`? Perhaps it is another one."""
        return None not in (self.started, later.started) and self.started != later.started


@dataclass(frozen=True, slots=True)
class KnownFence:
    """A fence that everything found so far lies before, and from when on rows may still be unseen."""

    fence: Fence
    look_back: datetime  # rows written since then are looked at again
    open_since: datetime  # no transaction that was open at the fence took its id before


@dataclass(frozen=True, slots=True)
class Changed:
    """Minutes that may have changed, in order, and the fence of the very snapshot that said so."""

    minutes: tuple[datetime, ...]
    fence: Fence


#: Money at risk is worth so many seconds of a minute with an incident, and no more.
AT_RISK_S: Final = 3.0


def read_query(folder: Path, name: str, dialect: str) -> str:
    """The text of an extraction query, read anew each time: people change it while the pipeline runs."""
    path = folder / f"{name}.sql"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"cannot read the extraction query {path}: {error.strerror}"
        hint = f"point MINUTERISK_SOURCE_QUERIES at a copy of queries/extract/{dialect}"
        raise ConfigurationError(msg, hint) from error
    except UnicodeDecodeError as error:
        msg = f"the extraction query {path} is not UTF-8: byte {error.start} cannot be read"
        raise ConfigurationError(msg, "save the file as UTF-8") from error


def has_query(folder: Path, name: str, dialect: str) -> bool:
    """Is there such a query? Only an optional one may be missing, or say nothing."""
    if not (folder / f"{name}.sql").exists():
        return False
    lines = read_query(folder, name, dialect).splitlines()
    return any(line.strip() and not line.strip().startswith("--") for line in lines)


def failures_of(asks: Mapping[str, Callable[[], object]]) -> dict[str, MinuteriskError]:
    """Ask each by itself and keep what is wrong, by name."""
    failures: dict[str, MinuteriskError] = {}
    for name, ask in asks.items():
        try:
            ask()
        except MinuteriskError as error:
            failures[name] = error
    return failures


class TradeSource(Protocol):
    """A trade database that is read and nothing else, through at most two connections."""

    url: str

    @property
    def promise(self) -> str:
        """In a sentence for people: which commits are certain to be counted."""
        ...

    def __enter__(self) -> Self:
        """Open nothing yet; `close` at the end."""
        ...

    def __exit__(self, *_: object) -> None:
        """Close."""
        ...

    def again(self) -> TradeSource:
        """The same database through connections of its own, for another thread."""
        ...

    def close(self) -> None:
        """Give the connections back; the next read opens new ones."""
        ...

    def clock(self) -> datetime:
        """The source's clock: only it decides which minute is due."""
        ...

    def fence(self) -> Fence:
        """The snapshot of this moment."""
        ...

    def extract(self, span: Span, at_most: int | None = None) -> Extracted:
        """Rows of `span` with the fence of the very snapshot they come from.

        Raises TooManyRows where there are more than `at_most`, without holding many more.
        """
        ...

    def changed(self, since: Fence, look_back: Span, known: Mapping[datetime, KnownMinute]) -> Changed:
        """A superset of the closed minutes that changed since the fence, from one snapshot.

        `look_back` bounds the search by the time rows were written, where the dialect has such a column, else
        by their own time. `known` are the published minutes of the horizon. A minute that `known` lacks is
        given too: it is older than the horizon, or its row lies in the future. A dialect that sees which
        transactions are new compares them with the minute's own snapshot; another compares totals.
        """
        ...

    def totals(self, span: Span) -> pl.DataFrame:
        """Rows, cancels and amount (text: it may leave 64 bits) per minute, counted by the source itself."""
        ...

    def rows_without_time(self) -> int:
        """Transactions that no minute will ever count because their time is missing."""
        ...

    def payouts(
        self, merchants: Sequence[str], today: date, cancelable_days: int, moment: datetime
    ) -> list[dict[str, Any]]:
        """Rows of `at_risk` for a few merchants, values as they come: for `payouts.read_payouts`.

        Takes at most AT_RISK_S. Raises SourceChanged where a column is missing, and as the other reads do.
        """
        ...

    def categories(self) -> pl.DataFrame | None:
        """Every merchant's category (CATEGORY) where it is known; None where there is no query `categories`.

        Raises as the other reads do; there is no part of an answer.
        """
        ...

    def check(self) -> None:
        """Read nothing, but prove that everything that is counted can be read.

        Raises ConfigurationError or SourceChanged.
        """
        ...

    def check_ornaments(self) -> dict[str, MinuteriskError]:
        """What is wrong with the queries that nothing is counted by, by query; they never stop a start."""
        ...

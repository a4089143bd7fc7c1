"""What the pipeline asks of a trade database, whichever dialect it speaks.

One class per dialect keeps these questions (`extract`: PostgreSQL, `extract_mysql`: MySQL and MariaDB). They
answer alike, except in one promise: how late a commit may be and still be found by `changed`. Each class
says its own in `promise`, and the reconciliation catches for both what is later than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

from pipeline.amounts import known_amount
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal
    from pathlib import Path

    import polars as pl

    from pipeline.minute import Span


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The smallest piece of a span that a query cannot read, as a value in it is wrong."""

    query: str
    start: datetime
    end: datetime
    rows: int | None  # set aside; None: nobody knows how many
    reason: str  # what the database says of the value
    ids: tuple[str, ...] = ()  # of these rows, where they are known


@dataclass(frozen=True, slots=True)
class Extracted:
    """Rows of a span (columns of TRANSACTION) and the snapshot they were read from.

    Rows that cannot be read or counted say why in a further column, `wrong`.
    """

    rows: pl.DataFrame
    xmin: int  # pg_snapshot_xmin: every transaction below it had ended; 0 where the dialect has none
    clock: datetime  # the source's clock
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(frozen=True, slots=True)
class Payout:
    """What the source knows of a merchant's payouts; KRW."""

    merchant_name: str | None
    settled_through: date | None
    paid_out: int


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
    unreadable: str | None = (
        None  # the value that kept the query from being read; totals were compared instead
    )


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

    def extract(self, span: Span) -> Extracted:
        """Rows of `span` with the fence of the very snapshot they come from."""
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
    ) -> dict[str, Payout]:
        """Names and payouts of a few merchants; those the source does not know are left out."""
        ...

    def categories(self) -> pl.DataFrame | None:
        """Every merchant's category (CATEGORY) where it is known; None where there is no query `categories`.

        Raises as the other reads do; there is no part of an answer.
        """
        ...

    def check(self) -> None:
        """Read nothing, but prove that everything can be read; raises ConfigurationError or SourceChanged."""
        ...

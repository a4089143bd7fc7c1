"""What the pipeline asks of a source database, whichever dialect it speaks.

One class per dialect keeps these questions (postgresql.py; mysql.py: MySQL and MariaDB). They
answer alike, except in one promise: how late a commit may be and still be found by `changed`. Each class
says its own in `promise`, and the reconciliation catches for both what is later than that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from pipeline.amounts import known_amount
from pipeline.errors import ConfigurationError, MinuteriskError, SourceChanged
from pipeline.minute import EPOCH, TIME_END

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from decimal import Decimal
    from pathlib import Path

    import polars as pl

    from pipeline.minute import Span
    from pipeline.pack import Pack


class TooManyRows(Exception):
    """A span holds more rows than were asked for at most. No failure: the caller asks for a shorter one."""


class NotShared(Exception):
    """No other connection can read in a snapshot, or it has ended. No failure: the caller reads otherwise."""


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
class ReadBeside:
    """What the optional queries of `Pack.beside` gave of a span, by dataset.

    A dataset is in neither where there is no such query, or where another has failed before it.
    """

    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)  # conformed, each row of the span
    failed: Mapping[str, Exception] = field(default_factory=dict)
    outside: Mapping[str, int] = field(default_factory=dict)  # rows that lie outside of what was asked for


@dataclass(frozen=True, slots=True)
class Extracted:
    """Rows of a span (columns of the pack's rows) and the snapshot they were read from.

    Rows that cannot be read or counted say why in a further column, `wrong`.
    """

    rows: pl.DataFrame
    xmin: int  # pg_snapshot_xmin: every transaction below it had ended; 0 where the dialect has none
    clock: datetime  # the source's clock
    not_known: Mapping[str, str] = field(default_factory=dict)  # optional columns that do not fit, and why
    unreadable: tuple[Unreadable, ...] = ()
    beside: ReadBeside = field(default_factory=ReadBeside)  # from the same snapshot


@dataclass(frozen=True, slots=True)
class Totals:
    """What one side counts for a minute, set-aside rows included."""

    rows: int
    sums: Mapping[str, int | Decimal | None]  # None: a value of a row could not be read, or is no number

    @classmethod
    def of_ledger(cls, row: Mapping[str, Any]) -> Totals:
        """What a ledger row says the source held."""
        return cls(row["source_rows"], {name: known_amount(n) for name, n in row["source_sums"].items()})

    @classmethod
    def of_source(cls, row: Mapping[str, Any], names: Iterable[str]) -> Totals | None:
        """What a row of the query `totals` says; None where the minute's totals could not be read."""
        if row["rows"] is None:
            return None
        return cls(int(row["rows"]), {name: known_amount(row[name]) for name in names})


@dataclass(frozen=True, slots=True)
class KnownMinute:
    """What the ledger knows of a published minute: its totals, and the snapshot it was read from."""

    totals: Totals
    xmin: int


#: A row this far ahead of the source's clock is a wrong time; its minute is counted when its time comes.
AHEAD_ALARM = timedelta(minutes=5)
#: What a standby that has replayed nothing since its start may be behind; nobody knows.
UNKNOWN_LAG = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Standby:
    """How far a standby has come with replaying its primary's log."""

    replayed: datetime | None  # when the newest transaction committed that was replayed; None: not known
    caught_up: bool  # everything that the primary has sent is replayed, and it is sending
    why: str  # what holds it back, in words


@dataclass(frozen=True, slots=True)
class Fence:
    """A snapshot of the source, to ask what has changed since; xmin and xmax are 0 where it has none.

    What only some servers and readers see is None elsewhere.
    """

    xmin: int  # every transaction below it had ended
    xmax: int  # no transaction at or above it had ended; it may have begun
    clock: datetime  # the source's clock
    started: datetime | None = None  # since when the server runs
    next_xid: int | None = None  # no transaction had taken this id yet
    in_progress: frozenset[int] | None = None  # ids of transactions that had not ended
    open: tuple[datetime, ...] | None = None  # when transactions began that were open after the snapshot
    standby: Standby | None = None

    @property
    def untaken(self) -> int:
        """No transaction had taken this id; where that is not known, none at or above it had ended."""
        return self.xmax if self.next_xid is None else self.next_xid

    @property
    def complete_until(self) -> datetime:
        """No transaction that committed before this is missing: by it a minute is due, not by the clock."""
        if self.standby is None or self.standby.caught_up:
            return self.clock
        return min(self.standby.replayed or EPOCH, self.clock)

    @property
    def replayed_until(self) -> datetime:
        """The newest moment from which something was seen; a primary shows everything up to its clock.

        A standby that looks caught up may be cut off without having noticed yet.
        """
        if self.standby is None:
            return self.clock
        return min(self.standby.replayed or self.clock - UNKNOWN_LAG, self.clock)

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
    unreadable: str | None = None  # a value that keeps the query from being read; totals were compared


@dataclass(frozen=True, slots=True)
class Arrived:
    """Rows that were written lately, in the pack's columns, and the fence of the snapshot that gave them."""

    rows: pl.DataFrame
    fence: Fence


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a part of a span, in the pack's columns; `wrong` says of a row why it cannot be counted.

    Rows outside of what was asked for may be in another part as well: then the span has to be read whole.
    """

    rows: pl.DataFrame
    not_known: Mapping[str, str] = field(default_factory=dict)  # optional columns that do not fit, and why
    outside: int = 0  # rows that have no time, or one that was not asked for


class Shared(Protocol):
    """One snapshot that several connections read at once, each a part of a span; it ends with its context.

    Nothing is read around a value that cannot be read: `rows` raises SourceValueWrong, and the snapshot is of
    no more use. Whoever meets it reads the span anew by `Source.extract`.
    """

    name: str | None  # to `Source.part` of another connection; None: only this one reads in the snapshot

    def fence(self) -> Fence:
        """The snapshot."""
        ...

    def rows(self, start: datetime, end: datetime) -> Part:
        """Rows of [start, end), on the connection that holds the snapshot."""
        ...

    def beside(self, span: Span) -> ReadBeside:
        """What is read beside the rows; asked last, as a failure there may end the snapshot."""
        ...


def only_fence(rows: Sequence[Mapping[str, Any]], query: Path) -> Fence:
    """The answer of the query `fence`: exactly one row. Raises SourceChanged for anything else it gives."""
    if len(rows) != 1:
        msg = f"the extraction query {query} gives {len(rows)} rows; exactly one is needed"
        raise SourceChanged(msg, "select without a FROM, or with a filter that leaves one row")
    row = rows[0]
    for name in ("xmin", "xmax"):
        if name in row and not (isinstance(row[name], int) and row[name] >= 0):
            msg = f"the extraction query {query} gives {name} as {row[name]}; a whole number is needed"
            raise SourceChanged(
                msg, f"write pg_snapshot_{name}(pg_current_snapshot())::text::bigint AS {name}"
            )
    clock = row.get("clock")
    if not (isinstance(clock, datetime) and clock.tzinfo and EPOCH <= clock < TIME_END):
        msg = f"the extraction query {query} gives clock as {clock}; a time with its zone is needed"
        raise SourceChanged(msg, "write clock_timestamp() AS clock (MySQL: UTC_TIMESTAMP(6) AS clock_utc)")
    try:
        return fence_of(row)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        msg = f"the extraction query {query} gives a column that is not what it has to be: {error}"
        raise SourceChanged(msg, "take the optional columns away, or copy the shipped query anew") from error


def fence_of(row: Mapping[str, Any]) -> Fence:
    """What the query `fence` gives; a company's own may be older than all of its columns but the clock."""
    snapshot = row.get("snapshot")
    opened = row.get("open")
    replayed = row.get("replayed")
    standby = None
    if row.get("standby") or replayed:
        standby = _standby(row)
    in_progress = None
    next_xid = row.get("next_xid")
    if (
        snapshot is not None and next_xid is not None and standby is None
    ):  # one that is made in recovery lists nothing
        # The list ends at the newest transaction that has ended; younger ones are in progress, too.
        listed = (int(xid) for xid in snapshot.split(":")[2].split(",") if xid)
        in_progress = frozenset((*listed, *range(row["xmax"], next_xid)))
    return Fence(
        xmin=row.get("xmin") or 0,
        xmax=row.get("xmax") or 0,
        clock=row["clock"].astimezone(UTC),
        started=_utc(row.get("started")),
        next_xid=next_xid,
        in_progress=in_progress,
        open=None if opened is None or standby else tuple(moment.astimezone(UTC) for moment in opened),
        standby=standby,
    )


def _standby(row: Mapping[str, Any]) -> Standby:
    """Equal positions say nothing while nothing is received, and a paused one receives on."""
    paused, receiving = bool(row.get("paused")), bool(row.get("receiving"))
    why = "its replay is paused" if paused else "its replay is behind"
    if "receiving" in row and not receiving and not paused:
        why = "it receives nothing from its primary"
    return Standby(_utc(row.get("replayed")), bool(row.get("received")) and receiving and not paused, why)


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(UTC)


#: Money at risk is worth so many seconds of a minute with an incident, and no more.
AT_RISK_S: Final = 3.0


def read_query(folder: Path, name: str, dialect: str) -> str:
    """The text of an extraction query, read anew each time: people change it while the pipeline runs."""
    path = folder / f"{name}.sql"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"cannot read the extraction query {path}: {error.strerror}"
        hint = f"point MINUTERISK_SOURCE_QUERIES at a copy of the shipped folder extract/{dialect}"
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


@dataclass(frozen=True, slots=True)
class Known:
    """What the query of facts gives of every entity; both as FACT."""

    facts: pl.DataFrame
    names: pl.DataFrame  # their value is the name


class Source(Protocol):
    """A source database that is read and nothing else, through at most two connections."""

    pack: Pack[Any, Any]
    url: str
    on_query: Callable[[str, float], None]  # told the name of each query that was answered, and its seconds

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

    def again(self) -> Source:
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

    def shared(self) -> AbstractContextManager[Shared]:
        """A snapshot whose rows other connections read as well, wherever the server lets them."""
        ...

    def part(self, name: str, start: datetime, end: datetime) -> Part:
        """Rows of [start, end) in a snapshot that another connection shares under `name` (`Shared.name`).

        Raises NotShared where the server does not know the snapshot or shares none, else as `Shared.rows`.
        """
        ...

    def beside(self, datasets: Collection[str], span: Span) -> ReadBeside:
        """What the optional queries of some of `Pack.beside` give of `span`, from a snapshot of its own."""
        ...

    def beside_prints(self, dataset: str, span: Span) -> dict[datetime, tuple[int, str]]:
        """Of each minute with rows of an optional query their number and a checksum of them, by the source.

        The same rows give the same checksum each time, on one server. Raises as the query itself does.
        """
        ...

    def has_beside(self, dataset: str) -> bool:
        """Is there a query for a dataset of `Pack.beside`? One that follows from the rows needs none."""
        ...

    def changed(
        self,
        since: Fence,
        floor: Callable[[Fence], datetime],
        known: Mapping[datetime, KnownMinute],
        until: datetime = TIME_END,
    ) -> Changed:
        """A superset of the closed minutes that changed since the fence, from one snapshot.

        `floor` says, given the fence of the new snapshot, how far to look back by the time rows were
        written, where the dialect has such a column, else by their own time. `known` are the published
        minutes of the horizon. A minute that `known` lacks is given too: it is older than the horizon, or its
        row lies in the future. Minutes from `until` on are not published yet and are left out up to
        AHEAD_ALARM past the clock. A dialect that sees which transactions are new compares them with the
        minute's own snapshot; another compares totals.

        It may run in a thread beside all other questions. Raises Overtaken where it gave way to one of them.
        """
        ...

    def arrived(self, query: str, since: Fence, floor: Callable[[Fence], datetime]) -> Arrived:
        """Rows that `query` gives: written since the floor, by transactions that ended after the fence.

        A superset: rows that the fence's own snapshot showed already may be among them.
        """
        ...

    def totals(self, span: Span) -> pl.DataFrame:
        """Rows and the pack's totals (text: they may leave 64 bits) per minute, as the source counts them."""
        ...

    def rows_without_time(self) -> int:
        """Rows that no minute will ever count because their time is missing."""
        ...

    def ask(
        self,
        query: str,
        parameters: Mapping[str, object],
        check: Callable[[Collection[str], str], None] = lambda *_: None,
    ) -> list[dict[str, Any]]:
        """Rows of a query about a few entities, values as they come.

        Takes at most AT_RISK_S. `check` sees the names of its columns, and the file, before values are read.
        """
        ...

    def whole(self, query: str) -> tuple[pl.DataFrame, str] | None:
        """All rows of an optional query without parameters, and its file; None where there is none."""
        ...

    def known(self) -> Known | None:
        """What is known of every entity; None where there is no such query.

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

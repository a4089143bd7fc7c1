"""A span of rows to what is published of it: counts by minute and entity, rows set aside, ledger. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from pipeline.outside import within
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.judge.verdicts import Integers
    from pipeline.minute import Span
    from pipeline.outside import Outside
    from pipeline.pack import Pack, Screened
    from pipeline.store.manifest import LakeFile


class Held(Protocol):
    """Counts of a span that shards hold, each those of its entities: they write the files."""

    @property
    def datasets(self) -> Collection[str]:
        """Their names."""
        ...

    def publish(self, span: Span) -> list[LakeFile]:
        """Have the files of these datasets written."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """A span, counted."""

    span: Span
    rows: pl.DataFrame  # the pack's counted rows, sorted by minute and entity
    quarantine: pl.DataFrame  # the pack's quarantine
    ledger: Sequence[Mapping[str, Any]]  # one row per minute of the span, in order
    published: bool = False  # True when these numbers were read back from the lake
    outside: Outside | None = None  # rows of other minutes that the query gave; counted nowhere here
    positions: Integers | None = None  # of `rows` in the windows, where they were looked up beforehand
    #: `Pack.beside` by dataset; one that is missing was not read, as there is no such query.
    beside: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    held: Held | None = None  # None: nobody but us has it

    def read(self, pack: Pack[Any, Any]) -> int:
        """How many rows of the source the span has, set-aside ones included."""
        good = self.rows.select(pl.sum_horizontal(pl.col(name).sum() for name in pack.row_sums))
        return int(good.item()) + self.quarantine.height


def count(
    rows: pl.DataFrame,
    span: Span,
    xmin: int,
    clock: datetime,
    pack: Pack[Any, Any],
    zone: ZoneInfo | None = None,
    beside: Mapping[str, pl.DataFrame] | None = None,
) -> Counted:
    """Screen and count the rows of `span`; every minute gets a ledger row, also an empty one.

    `beside` is what queries of `Pack.beside` gave, `zone` that of the business day; without it nothing is
    counted beside the rows.

    Rows of other minutes are left to these: they are said in `outside`.
    """
    rows, outside = within(rows, span, pack)
    # A span that is read has closed: a source clock that was stepped back since does not make it future.
    screened = pack.bad(rows, max(clock, span.end))
    counted = pack.count(screened.good, span)
    published = _beside(screened.good, span, pack, zone, beside or {})
    ledger, quarantine = _said(counted, screened, span, pack, xmin, clock)
    return Counted(span, counted, quarantine, ledger, outside=outside, beside=published)


def put_together(
    span: Span,
    rows: pl.DataFrame,
    beside: Mapping[str, pl.DataFrame],
    xmin: int,
    clock: datetime,
    pack: Pack[Any, Any],
    held: Held,
) -> Counted:
    """The same of rows that shards have counted, and that are good without exception."""
    nothing = pack.bad(pack.row.to_frame(), span.end)
    ledger, quarantine = _said(rows, nothing, span, pack, xmin, clock)
    return Counted(span, rows, quarantine, ledger, beside=beside, held=held)


def _said(
    counted: pl.DataFrame, screened: Screened, span: Span, pack: Pack[Any, Any], xmin: int, clock: datetime
) -> tuple[list[dict[str, Any]], pl.DataFrame]:
    """The ledger's rows of a span, and what of it is set aside."""
    quarantine = screened.bad.with_columns(minute=pl.col("occurred_at").dt.truncate("1m"))
    given = screened.given.with_columns(minute=pl.col("occurred_at").dt.truncate("1m"))
    constant = {"source_xmin": xmin, "source_clock": clock.isoformat(), "policy": None}
    return [row | constant for row in _ledger(counted, quarantine, given, span, pack)], quarantine


def _beside(
    good: pl.DataFrame,
    span: Span,
    pack: Pack[Any, Any],
    zone: ZoneInfo | None,
    read: Mapping[str, pl.DataFrame],
) -> dict[str, pl.DataFrame]:
    """What is published beside the rows; a dataset whose query was not read is left out."""
    if zone is None:
        return {}
    given = {name: good if one.query is None else read.get(name) for name, one in pack.beside.items()}
    return {
        name: pack.beside[name].count(frame, span, zone) for name, frame in given.items() if frame is not None
    }


def _ledger(
    counted: pl.DataFrame, quarantine: pl.DataFrame, given: pl.DataFrame, span: Span, pack: Pack[Any, Any]
) -> list[dict[str, Any]]:
    """Of each minute the sums of the good rows, and of all rows as the source itself counts them."""
    every = pl.DataFrame({"minute": pl.Series(list(span), dtype=UTC_TIME)})
    sums = counted.group_by("minute").agg(pl.col(name).sum() for name in pack.sums)
    aside = quarantine.group_by("minute").agg(quarantined=pl.len().cast(pl.Int64))
    for part in (sums, aside):
        every = every.join(part, on="minute", how="left", maintain_order="left")
    every = every.with_columns(pl.exclude("minute").fill_null(0))
    totals = pack.sum_up(every, quarantine, given).select(pack.totals).rows()
    return [
        _ledger_row(row, dict(zip(pack.totals, total, strict=True)), pack)
        for row, total in zip(every.iter_rows(named=True), totals or [()] * every.height, strict=True)
    ]


def _ledger_row(row: dict[str, Any], totals: dict[str, Any], pack: Pack[Any, Any]) -> dict[str, Any]:
    rows = sum(row[name] for name in pack.row_sums)
    return {
        "minute": row["minute"].isoformat(),
        "rows": rows,
        "quarantined": row["quarantined"],
        "sums": {name: row[name] for name in pack.sums},
        "source_rows": rows + row["quarantined"],
        "source_sums": totals,
    }

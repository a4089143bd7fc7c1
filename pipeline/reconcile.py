"""Source against ledger, minute by minute: rows, cancels and amount as the source itself counts them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import structlog

from pipeline.count import count
from pipeline.minute import format_minute, split_by_day
from pipeline.source import Totals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from pipeline.lake import Lake, LakeFile
    from pipeline.minute import Span
    from pipeline.source import TradeSource
    from pipeline.state import State

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Difference:
    """A minute on which source and ledger disagree; None: that side does not have the minute."""

    minute: datetime
    source: Totals | None
    ledger: Totals | None

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        sides = {"source": _as_json(self.source), "ledger": _as_json(self.ledger)}
        return {"minute": self.minute.isoformat(), **sides}


NOTHING = Totals(0, 0, 0)


def _as_json(totals: Totals | None) -> dict[str, Any] | None:
    if totals is None:
        return None
    amount = totals.amount
    return {**asdict(totals), "amount": str(amount) if isinstance(amount, Decimal) else amount}


def reconcile_exactly(source: TradeSource, state: State, lake: Lake, span: Span) -> list[Difference]:
    """Every minute of `span` on which any merchant's counts or amounts differ from the published files.

    Reads all rows of the span from the source again, a business day at a time: it also finds a change that
    leaves a minute's totals as they were, for example another merchant. Raises LakeDamaged for a file that
    cannot be read.
    """
    files = state.publication().files
    days = split_by_day(span, lake.zone)
    return [difference for day in days for difference in _compare_day(source, state, lake, files, day)]


def _compare_day(
    source: TradeSource, state: State, lake: Lake, files: Sequence[LakeFile], span: Span
) -> Iterator[Difference]:
    extracted = source.extract(span)
    counted = count(extracted.rows, span, extracted.xmin, extracted.clock)
    theirs = {datetime.fromisoformat(row["minute"]): Totals.of_ledger(row) for row in counted.ledger}
    ours = {row["minute"]: Totals.of_ledger(row) for row in state.minutes(span)}
    unlike = _unlike(counted.merchant_minutes, lake.read(files, "merchant_minute", span))
    unlike |= _unlike(counted.quarantine, lake.read(files, "quarantine", span))
    for minute in span:
        if minute in unlike or theirs[minute] != ours.get(minute):
            yield Difference(minute, theirs[minute], ours.get(minute))


def _unlike(one: pl.DataFrame, other: pl.DataFrame) -> set[datetime]:
    """Minutes whose rows are not the same on both sides."""
    sides = (one.select(other.columns).with_columns(side=1), other.with_columns(side=-1))
    both = pl.concat(sides).group_by(other.columns).agg(pl.col("side").sum())
    return set(both.filter(pl.col("side") != 0)["minute"])


def reconcile(source: TradeSource, state: State, span: Span, zone: ZoneInfo) -> list[Difference]:
    """Every minute of `span` on which source and ledger differ; a minute missing in the ledger does too."""
    return [
        difference for day in split_by_day(span, zone) for difference in _reconcile_day(source, state, day)
    ]


def _reconcile_day(source: TradeSource, state: State, span: Span) -> Iterator[Difference]:
    counted = source.totals(span).iter_rows(named=True)
    theirs = {row["minute"]: Totals.of_source(row) for row in counted}
    ours = {row["minute"]: Totals.of_ledger(row) for row in state.minutes(span)}
    incomparable = [minute for minute in span if _incomparable(theirs.get(minute, NOTHING), ours.get(minute))]
    if incomparable:  # what their rows say is compared by `reconcile_exactly`
        minutes = [format_minute(minute) for minute in incomparable]
        log.warning("reconcile.not_comparable", minutes=len(minutes), first=minutes[0], last=minutes[-1])
    for minute in span:
        if minute not in incomparable and theirs.get(minute, NOTHING) != ours.get(minute):
            yield Difference(minute, theirs.get(minute), ours.get(minute))


def _incomparable(theirs: Totals | None, ours: Totals | None) -> bool:
    """Is a published minute's amount not known on either side, as a value of its rows cannot be read?"""
    return ours is not None and (theirs is None or None in (theirs.amount, ours.amount))

"""Source against ledger, minute by minute: rows, cancels and amount as the source itself counts them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.count import count
from pipeline.minute import split_by_day
from pipeline.outside import outside_minutes
from pipeline.source import Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from pipeline.lake import Lake, LakeFile
    from pipeline.minute import Span
    from pipeline.outside import Outside
    from pipeline.source import TradeSource
    from pipeline.state import State


@dataclass(frozen=True, slots=True)
class Difference:
    """A minute on which source and ledger disagree; None: that side does not have the minute."""

    minute: datetime
    source: Totals | None
    ledger: Totals | None

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {**asdict(self), "minute": self.minute.isoformat()}


NOTHING = Totals(0, 0, 0)


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


def reconcile(
    source: TradeSource,
    state: State,
    span: Span,
    zone: ZoneInfo,
    on_outside: Callable[[Outside], object] = lambda _: None,
) -> list[Difference]:
    """Every minute of `span` on which source and ledger differ; a minute missing in the ledger does too.

    `on_outside` is told of minutes that the source gave outside of what it was asked for.
    """
    days = split_by_day(span, zone)
    return [difference for day in days for difference in _reconcile_day(source, state, day, on_outside)]


def _reconcile_day(
    source: TradeSource, state: State, span: Span, on_outside: Callable[[Outside], object]
) -> Iterator[Difference]:
    counted = source.totals(span)
    if outside := outside_minutes(counted, span, "totals"):
        on_outside(outside)
    theirs = {
        row["minute"]: _totals(row, "rows", "cancels", "amount") for row in counted.iter_rows(named=True)
    }
    ours = {
        r["minute"]: _totals(r, "source_rows", "source_cancels", "source_amount") for r in state.minutes(span)
    }
    for minute in span:
        if theirs.get(minute, NOTHING) != ours.get(minute):
            yield Difference(minute, theirs.get(minute), ours.get(minute))


def _totals(row: Mapping[str, Any], *names: str) -> Totals:
    return Totals(*(int(row[name]) for name in names))

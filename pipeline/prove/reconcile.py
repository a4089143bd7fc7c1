"""Source against ledger, minute by minute: rows and sums as the source itself counts them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import structlog

from pipeline.count import count
from pipeline.minute import format_minute
from pipeline.outside import outside_minutes
from pipeline.prove.unlike import unlike_minutes
from pipeline.source.asked import Totals
from pipeline.source.pieces import COUNTED_ROWS, Pieces, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import polars as pl

    from pipeline.count import Counted
    from pipeline.minute import Span
    from pipeline.outside import Outside
    from pipeline.source.asked import Source
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile
    from pipeline.store.state import State

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


def _as_json(totals: Totals | None) -> dict[str, Any] | None:
    if totals is None:
        return None
    sums = {name: str(n) if isinstance(n, Decimal) else n for name, n in totals.sums.items()}
    return {"rows": totals.rows, **sums}


def reconcile_exactly(source: Source, state: State, lake: Lake, span: Span) -> list[Difference]:
    """Every minute of `span` on which any entity's counts or amounts differ from the published files.

    Reads all rows of the span from the source again, piece by piece: it also finds a change that leaves a
    minute's totals as they were, for example another entity. Raises LakeDamaged for a file that cannot be
    read.
    """
    files = state.publication().files

    def compare(piece: Span) -> tuple[int, list[Difference]]:
        extracted = source.extract(piece, at_most(piece))
        of_snapshot = (extracted.xmin, extracted.clock, lake.pack, lake.zone)
        counted = count(extracted.rows, piece, *of_snapshot, extracted.beside.frames)
        return extracted.rows.height, list(_compare_exactly(counted, state, lake, files))

    return [d for _, found in Pieces(lake.zone).work_through(span, compare) for d in found]


def _compare_exactly(
    counted: Counted, state: State, lake: Lake, files: Sequence[LakeFile]
) -> Iterator[Difference]:
    span = counted.span
    theirs = {datetime.fromisoformat(row["minute"]): Totals.of_ledger(row) for row in counted.ledger}
    ours = {row["minute"]: Totals.of_ledger(row) for row in state.minutes(span)}
    unlike = unlike_minutes(counted.rows, lake.read(files, lake.pack.dataset, span))
    unlike |= unlike_minutes(counted.quarantine, lake.read(files, "quarantine", span))
    for name, rows in counted.beside.items():
        unlike |= unlike_minutes(rows, lake.read(files, name, span))
    for minute in span:
        if minute in unlike or theirs[minute] != ours.get(minute):
            yield Difference(minute, theirs[minute], ours.get(minute))


def reconcile(
    source: Source,
    state: State,
    span: Span,
    lake: Lake,
    on_outside: Callable[[Outside], object] = lambda _: None,
) -> list[Difference]:
    """Every minute of `span` on which source and ledger differ; a minute missing in the ledger does too.

    `on_outside` is told of minutes that the source gave outside of what it was asked for.
    """

    def compare(piece: Span) -> tuple[int, list[Difference]]:
        counted = source.totals(piece)
        if outside := outside_minutes(counted, piece, "totals"):
            on_outside(outside)
        return int(counted["rows"].sum()), list(_compare(counted, state, piece, lake.pack.totals))

    return [d for _, found in Pieces(lake.zone, COUNTED_ROWS).work_through(span, compare) for d in found]


def _compare(counted: pl.DataFrame, state: State, span: Span, names: Sequence[str]) -> Iterator[Difference]:
    nothing = Totals(0, dict.fromkeys(names, 0))
    theirs = {row["minute"]: Totals.of_source(row, names) for row in counted.iter_rows(named=True)}
    ours = {row["minute"]: Totals.of_ledger(row) for row in state.minutes(span)}
    incomparable = [minute for minute in span if _incomparable(theirs.get(minute, nothing), ours.get(minute))]
    if incomparable:  # what their rows say is compared by `reconcile_exactly`
        minutes = [format_minute(minute) for minute in incomparable]
        log.warning("reconcile.not_comparable", minutes=len(minutes), first=minutes[0], last=minutes[-1])
    for minute in span:
        if minute not in incomparable and theirs.get(minute, nothing) != ours.get(minute):
            yield Difference(minute, theirs.get(minute), ours.get(minute))


def _incomparable(theirs: Totals | None, ours: Totals | None) -> bool:
    """Is a sum of a published minute not known on either side, as a value of its rows cannot be read?

    Where even its rows or another sum differ it is compared: the value or the query was mended since.
    """
    if ours is None:
        return False
    if theirs is None:
        return True
    unknown = [n for n in theirs.sums if None in (theirs.sums[n], ours.sums.get(n))]
    known = (n for n in theirs.sums if n not in unknown)
    return bool(unknown) and theirs.rows == ours.rows and all(theirs.sums[n] == ours.sums[n] for n in known)


def totals_text(totals: Totals | None) -> str:
    """One side's totals in words."""
    if totals is None:
        return "nothing"
    sums = (f"{name} {'not known' if n is None else f'{n:,}'}" for name, n in totals.sums.items())
    return ", ".join([f"{totals.rows:,} rows", *sums])

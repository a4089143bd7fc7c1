"""Source against ledger, minute by minute: rows, cancels and amount as the source itself counts them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipeline.minute import split_by_day
from pipeline.source import Totals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.extract import Source
    from pipeline.minute import Span
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


def reconcile(source: Source, state: State, span: Span, zone: ZoneInfo) -> list[Difference]:
    """Every minute of `span` on which source and ledger differ; a minute missing in the ledger does too."""
    return [
        difference for day in split_by_day(span, zone) for difference in _reconcile_day(source, state, day)
    ]


def _reconcile_day(source: Source, state: State, span: Span) -> Iterator[Difference]:
    counted = source.totals(span).iter_rows(named=True)
    theirs = {row["minute"]: _totals(row, "rows", "cancels", "amount") for row in counted}
    ours = {
        r["minute"]: _totals(r, "source_rows", "source_cancels", "source_amount") for r in state.minutes(span)
    }
    for minute in span:
        if theirs.get(minute, NOTHING) != ours.get(minute):
            yield Difference(minute, theirs.get(minute), ours.get(minute))


def _totals(row: Mapping[str, Any], *names: str) -> Totals:
    return Totals(*(int(row[name]) for name in names))

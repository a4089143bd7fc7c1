"""The two sources of counts: the trade database for what is new, the lake for what is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.count import Counted, count
from pipeline.minute import business_date, business_day
from pipeline.schema import DATASETS, MERCHANT_MINUTE

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.lake import Lake
    from pipeline.minute import Span
    from pipeline.source import TradeSource
    from pipeline.state import State
    from pipeline.steps import Steps


class SourceFeed:
    """Extract from the trade database, then screen and aggregate."""

    def __init__(self, source: TradeSource) -> None:
        self._source = source

    def count(self, span: Span, steps: Steps) -> Counted:
        """Read the rows of `span` in one snapshot and count them."""
        with steps.time("extract"):
            extracted = self._source.extract(span)
        with steps.time("aggregate"):
            return count(extracted.rows, span, extracted.xmin, extracted.clock)


class LakeFeed:
    """Published counts, read a business day at a time and handed out by the minute."""

    def __init__(self, lake: Lake, state: State) -> None:
        self._lake = lake
        self._state = state
        self._files = state.publication().files
        self._day: Span | None = None
        self._rows = MERCHANT_MINUTE.to_frame()

    def count(self, span: Span, steps: Steps) -> Counted:
        """The published merchant-minutes of `span`; the ledger rows keep their numbers."""
        with steps.time("read"):
            self._load(span)
            minute = self._rows["minute"]
            first, last = minute.search_sorted(span.start, "left"), minute.search_sorted(span.end, "left")
            rows = self._rows.slice(int(first), int(last) - int(first))
        return Counted(span, rows, DATASETS["quarantine"].to_frame(), [], published=True)

    def _load(self, span: Span) -> None:
        if self._day and self._day.start <= span.start and span.end <= self._day.end:
            return
        zone = self._lake.zone
        self._day = business_day(business_date(span.start, zone), zone)
        self._rows = self._lake.read(self._files, "merchant_minute", self._day)


class CatchUpFeed:
    """Minutes up to `published_through` from the lake, later ones from the trade database."""

    def __init__(self, published: LakeFeed, source: SourceFeed, published_through: datetime) -> None:
        self._published = published
        self._source = source
        self._through = published_through

    def count(self, span: Span, steps: Steps) -> Counted:
        """Count `span` where it can be counted without asking the source twice."""
        feed = self._published if span.end <= self._through else self._source
        return feed.count(span, steps)

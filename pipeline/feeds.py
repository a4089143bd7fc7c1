"""The two sources of counts: the company's database for what is new, the lake for what is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.count import Counted, count
from pipeline.minute import MINUTE_US, business_date, business_day, to_index
from pipeline.source.look_back import HORIZON
from pipeline.source.pieces import pieces_of_files
from pipeline.source.unreadable import unreadable_alarms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import polars as pl

    from baselines.entities import EntityIndex
    from pipeline.alarms import Alarms
    from pipeline.alarms.ornaments import Ornaments
    from pipeline.minute import Span
    from pipeline.pack import Pack
    from pipeline.run import Feed
    from pipeline.source.asked import Extracted, ReadBeside, Source
    from pipeline.steps import Steps
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile


class SourceFeed:
    """Extract from the source, then screen and count."""

    def __init__(
        self, pack: Pack[Any, Any], source: Source, ornaments: Ornaments, alarms: Alarms, zone: ZoneInfo
    ) -> None:
        self._pack = pack
        self._zone = zone
        self._source = source
        self._ornaments = ornaments
        self._alarms = alarms

    def count(self, span: Span, steps: Steps, at_most: int | None = None) -> Counted:
        """Read the rows of `span` in one snapshot and count them; TooManyRows where there are more."""
        with steps.time("extract"):
            extracted = self._source.extract(span, at_most)
        self.tell(extracted)
        with steps.time("aggregate"):
            of_snapshot = (extracted.xmin, extracted.clock, self._pack, self._zone)
            return count(extracted.rows, span, *of_snapshot, extracted.beside.frames)

    def tell(self, extracted: Extracted) -> None:
        """Alarms of what could not be read."""
        for alarm in unreadable_alarms(extracted.unreadable, self._pack.key[0]):
            self._alarms.raise_alarm(alarm, HORIZON)
        for name in self._pack.optional:
            if name in extracted.not_known:
                self._ornaments.fails(
                    name, extracted.not_known[name], "cast it in the query, or leave it out"
                )
            else:
                self._ornaments.works(name)
        tell_beside(extracted.beside, self._pack, self._ornaments)


def tell_beside(read: ReadBeside, pack: Pack[Any, Any], ornaments: Ornaments) -> None:
    """What is wrong with the queries beside the rows, or that nothing is."""
    for dataset, beside in pack.beside.items():
        query = beside.query
        if query is None:
            continue
        if dataset in read.failed:
            ornaments.raised(query, read.failed[dataset], f"{query}.sql")
        elif dataset in read.outside:
            what = f"{query}.sql gives {read.outside[dataset]:,} rows outside of the time asked for"
            ornaments.fails(query, what, f"it must give rows whose {beside.time} lies in [start, end)")
        elif dataset in read.frames:
            ornaments.works(query)


class LakeFeed:
    """Published counts, read a business day (or a part of it) at a time and handed out by the minute."""

    def __init__(
        self, lake: Lake, files: Sequence[LakeFile], entities: EntityIndex, *, beside: bool = False
    ) -> None:
        self._lake = lake
        self._with_beside = beside  # what is published beside the rows is handed out, too
        self._files = files
        self._entities = entities
        self._piece: Span | None = None
        self._rows = lake.pack.counted.to_frame()
        self._positions = np.zeros(0, np.int64)
        self._first = 0
        self._borders = np.zeros(0, np.int64)  # of the minutes of `_piece` in `_rows`
        self._beside: dict[str, dict[datetime, pl.DataFrame]] = {}  # by dataset and minute

    def count(self, span: Span, steps: Steps) -> Counted:
        """The published rows of `span`; the ledger rows keep their numbers."""
        with steps.time("read"):
            self._load(span)
            first, last = (int(self._borders[to_index(end) - self._first]) for end in (span.start, span.end))
            rows = self._rows.slice(first, last - first)
            positions = self._positions[first:last]
        aside = self._lake.pack.quarantine.to_frame()
        beside = {
            name: by_minute.get(span.start, self._lake.pack.datasets[name].to_frame())
            for name, by_minute in self._beside.items()
        }
        return Counted(span, rows, aside, [], published=True, positions=positions, beside=beside)

    def _load(self, span: Span) -> None:
        if self._piece and self._piece.start <= span.start and span.end <= self._piece.end:
            return
        zone = self._lake.zone
        day = business_day(business_date(span.start, zone), zone)
        pieces = pieces_of_files(self._files, self._lake.pack.dataset, day, zone)
        self._piece = piece = next((p for p in pieces if p.start <= span.start and span.end <= p.end), day)
        rows = self._lake.read(self._files, self._lake.pack.dataset, piece)
        # Looked up for all at once: a look-up of its own for each minute costs as much as its judgement.
        self._rows, self._positions = rows, self._entities.positions(rows[self._lake.pack.entity])
        self._first = to_index(piece.start)
        index = rows["minute"].dt.epoch("us").to_numpy() // MINUTE_US
        self._borders = np.searchsorted(index, np.arange(self._first, to_index(piece.end) + 1))
        if self._with_beside:
            self._beside = {name: self._by_minute(name, piece) for name in self._lake.pack.beside}

    def _by_minute(self, dataset: str, piece: Span) -> dict[datetime, pl.DataFrame]:
        rows = self._lake.read(self._files, dataset, piece)
        return {key[0]: part for key, part in rows.partition_by("minute", as_dict=True).items()}


class CatchUpFeed:
    """Minutes up to `published_through` from the lake, later ones from the source."""

    def __init__(self, published: LakeFeed, source: Feed, published_through: datetime) -> None:
        self._published = published
        self._source = source
        self._through = published_through

    def count(self, span: Span, steps: Steps) -> Counted:
        """Count `span` where it can be counted without asking the source twice."""
        feed = self._published if span.end <= self._through else self._source
        return feed.count(span, steps)

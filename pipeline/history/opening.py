"""What lies before the minutes that have a dataset beside them: read once, published before they are judged.

At the first start that is what is older than history, after an upgrade or with a new query all that the book
of exposure is made of. One commit names all files of it; what is interrupted begins anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from pipeline.count import count
from pipeline.errors import MinuteriskError, PassingError, SourceTooSlow, SourceValueWrong
from pipeline.minute import MINUTE, Span, business_date, business_day, split_by_day
from pipeline.source.beside import read_around
from pipeline.source.pieces import Pieces, at_most
from pipeline.source.unreadable import tell_unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime, timedelta

    import polars as pl

    from baselines.slots import Slots
    from pipeline.alarms import Alarms
    from pipeline.alarms.ornaments import Ornaments
    from pipeline.count import Counted
    from pipeline.source.asked import Source
    from pipeline.store.lake import Lake
    from pipeline.store.ledger import KnownDataset
    from pipeline.store.manifest import LakeFile
    from pipeline.store.state import State

log = structlog.get_logger()


class Opening:
    """Opens the datasets of `Pack.beside` that are not known yet, in the thread that judges."""

    def __init__(
        self, source: Source, lake: Lake, state: State, ornaments: Ornaments, alarms: Alarms
    ) -> None:
        self._source = source
        self._lake = lake
        self._state = state
        self._ornaments = ornaments
        self._alarms = alarms

    def begin(self, first: datetime) -> None:
        """Before the first minute is published: from then on each has all datasets that there are."""
        if self._lake.pack.beside:
            self._state.begin_datasets(filter(self._source.has_beside, self._lake.pack.beside), first)

    def without(self, counted: Counted) -> Counted:
        """A piece of history to be published, without what an opening has published of it already."""
        opened = [name for name, known in self._state.datasets_known().items() if known.opened]
        if not opened or not counted.beside:
            return counted
        files = self._state.publication().files
        there = {f.dataset for f in files if f.dataset in opened and f.span.overlaps(counted.span)}
        beside = {name: rows for name, rows in counted.beside.items() if name not in there}
        return replace(counted, beside=beside)

    def open(self, next_minute: datetime, reach: timedelta) -> bool:
        """Open what can be opened, and forget what has no query any more; says whether anything changed.

        What fails is said, and tried again by a later call. `reach` is how far back the book goes.
        """
        known, changed = self._state.datasets_known(), False
        for name in self._lake.pack.beside:
            if not self._source.has_beside(name):
                if name in known:
                    self._state.forget_dataset(name)
                    log.warning("dataset.forgotten", dataset=name)
                    changed = True
            else:
                span = self._span(name, known.get(name), next_minute, reach)
                if name not in known or not known[name].opened or span.minutes:  # the book goes further back
                    changed |= self._open(name, span)
        return changed

    def _span(self, name: str, known: KnownDataset | None, next_minute: datetime, reach: timedelta) -> Span:
        """What is to be read of a dataset."""
        beside, published, zone = self._lake.pack.beside[name], self._state.published(), self._lake.zone
        end = max(next_minute, (published.last_minute or next_minute - MINUTE) + MINUTE)
        until = end if known is None else known.known_from
        start = business_day(business_date(next_minute - max(beside.opening, reach), zone), zone).start
        if beside.query is None:
            start = max(start, published.first_minute or until)  # the rows before were never counted
            if known is not None and known.opened and self._is_published_before(name, until):
                start = until  # older history, published with it
        return Span(min(start, until), until)

    def _is_published_before(self, name: str, until: datetime) -> bool:
        files = self._state.publication().files
        return any(file.dataset == name and file.span.start < until for file in files)

    def _open(self, name: str, span: Span) -> bool:
        log.info("dataset.opening", dataset=name, span=str(span))
        query = self._lake.pack.beside[name].query
        try:
            pieces = self._of_rows(name, span) if query is None else self._of_query(name, span)
            written = [self._lake.write(name, rows, piece) for piece, rows in pieces]
        except MinuteriskError as error:
            if query is None or (isinstance(error, PassingError) and not isinstance(error, SourceTooSlow)):
                raise
            self._ornaments.raised(query, error, f"{query}.sql")
            return False
        published = [f for f in self._state.publication().files if f.dataset == name]
        old = [f for f in published if span.minutes and f.span.overlaps(span)]
        written += [self._lake.write(name, *outside) for outside in self._outside(name, old, span)]
        new: list[LakeFile] = [file for file in written if file is not None]
        self._state.open_dataset(name, span.start, [file.path for file in old], new)
        log.info("dataset.opened", dataset=name, span=str(span), rows=sum(file.rows for file in new))
        return True

    def _outside(
        self, name: str, old: Sequence[LakeFile], span: Span
    ) -> Iterator[tuple[pl.DataFrame, Span, Slots]]:
        """What files to be retired hold outside of `span`: it was not read again, and stays published."""
        for file in old:
            before = Span(file.span.start, max(file.span.start, span.start))
            after = Span(min(file.span.end, span.end), file.span.end)
            for piece in (before, after):
                if piece.minutes:
                    self._lake.require_whole([file])
                    yield self._lake.read([file], name, piece), piece, file.slots

    def _of_query(self, name: str, span: Span) -> Iterable[tuple[Span, pl.DataFrame]]:
        beside, zone = self._lake.pack.beside[name], self._lake.zone
        for piece, read in read_around(self._source, name, split_by_day(span, zone)):
            if not isinstance(read, Exception):
                yield piece, beside.count(read, piece, zone)
            elif isinstance(read, SourceValueWrong):
                tell_unreadable(self._alarms, str(beside.query), piece, read)
            else:
                raise read

    def _of_rows(self, name: str, span: Span) -> Iterable[tuple[Span, pl.DataFrame]]:
        """Counted from the rows again, as minutes were published without it."""
        pack, zone = self._lake.pack, self._lake.zone

        def read(piece: Span) -> tuple[int, pl.DataFrame]:
            found = self._source.extract(piece, at_most(piece))
            counted = count(found.rows, piece, found.xmin, found.clock, pack, zone)
            return found.rows.height, counted.beside[name]

        return Pieces(zone).work_through(span, read)

"""A closed minute, read by all shards: each a slice of its time, all of them in one snapshot.

What is odd is left to the process that leads, which then counts as it does without shards: rows that may not
be counted just so are screened all together, and what cannot be read is read anew around it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import structlog

from pipeline.count import Counted, count, put_together
from pipeline.errors import SourceValueWrong
from pipeline.shards import tasks
from pipeline.shards.parts import added, as_frame, repeats
from pipeline.source.asked import Extracted
from pipeline.source.streams.whole import Whole

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.feeds import SourceFeed
    from pipeline.minute import Span
    from pipeline.pack import Pack
    from pipeline.shards.carrier import Answer
    from pipeline.shards.leader import Shards
    from pipeline.source.asked import Shared, Source
    from pipeline.steps import Steps
    from pipeline.store.manifest import LakeFile

log = structlog.get_logger()

#: A shard has so much longer for its slice than the source has for the query.
_SPARE_S = 30.0


@dataclass(frozen=True, slots=True)
class Held:
    """The counts of a minute in the shards, each those of its entities."""

    shards: Shards
    datasets: Collection[str]

    def publish(self, span: Span) -> list[LakeFile]:
        """Have every shard write its files."""
        return [file for files in self.shards.tell(tasks.Publish(span)) for file in files]


class ShardFeed:
    """Extract and count through the shards."""

    def __init__(
        self, pack: Pack[Any, Any], source: Source, alone: SourceFeed, shards: Shards, zone: ZoneInfo
    ) -> None:
        self._pack = pack
        self._source = source
        self._alone = alone
        self._shards = shards
        self._zone = zone
        self._refused = False  # a shard could not read in the snapshot
        self._whole = Whole()

    def count(self, span: Span, steps: Steps) -> Counted:
        """Read the rows of the minute `span` in one snapshot and count them."""
        self._shards.taken = None
        with steps.time("extract"):
            extracted, answers = self._read(span)
        if extracted is None:
            return self._alone.count(span, steps)
        self._alone.tell(extracted)
        with steps.time("aggregate"):
            if not extracted.rows.is_empty():
                given = extracted.xmin, extracted.clock, self._pack, self._zone, extracted.beside.frames
                return count(extracted.rows, span, *given)
            return self._taken(span, extracted, answers)

    def _read(self, span: Span) -> tuple[Extracted | None, Sequence[Answer]]:
        """What the slices say, and of the snapshot; its rows only where they have to be screened together.

        None where the source shares no snapshot, or a value in it cannot be read.
        """
        limit_s = self._shards.config.source_timeout.total_seconds() + _SPARE_S
        try:
            with self._source.shared() as shared:
                if shared.name is None or self._refused:
                    return None, ()
                fence = shared.fence()
                asked = [
                    tasks.Read(span, *cut, shared.name, fence.clock) for cut in _cuts(span, len(self._shards))
                ]
                answers = self._shards.tell_each(asked, timeout_s=limit_s)
                if self._refuses(answers) or not self._same(answers, shared, span):
                    return None, ()
                beside = shared.beside(span)  # last: a failure there may end the snapshot
        except SourceValueWrong:
            return None, ()
        rows = self._rows(answers)
        not_known = {name: why for answer in answers for name, why in answer.body.not_known.items()}
        return Extracted(rows, fence.xmin, fence.clock, not_known, (), beside), answers

    def _refuses(self, answers: Sequence[Answer]) -> bool:
        """Could a shard not read in the snapshot? Nobody tries again until windows are built anew."""
        why = next((answer.body for answer in answers if isinstance(answer.body, str)), None)
        if why is not None:
            self._refuse(why)
        return self._refused

    def _refuse(self, why: str) -> None:
        self._refused = True
        log.warning("shards.not_shared", reason=why, hint="each minute is read by one connection")

    def _same(self, answers: Sequence[Answer], shared: Shared, span: Span) -> bool:
        """Are the slices together what the query gives of the whole minute?"""
        slices = [answer.body for answer in answers]
        read = sum(one.rows for one in slices)
        if repeats(slices):
            return False
        if self._whole.is_due(read):
            whole = shared.rows(span.start, span.end).rows.height
            if not self._whole.equals(read, whole):
                self._refuse("the query gives other rows of a whole minute than of its slices")
                return False
        return True

    def _rows(self, answers: Sequence[Answer]) -> pl.DataFrame:
        """All rows of the minute, where one of them is odd; else none."""
        if not any(answer.body.suspicious for answer in answers):
            return self._pack.row.to_frame()
        raw = [as_frame(rows) for rows in self._shards.tell(tasks.Raw())]
        return pl.concat(raw, how="diagonal_relaxed")

    def _taken(self, span: Span, extracted: Extracted, answers: Sequence[Answer]) -> Counted:
        """Every shard adds up what was counted for it; gives the counts of all."""
        parts = list(zip(*(answer.parts for answer in answers), strict=True))
        own = self._shards.tell(tasks.Take(), parts=parts)
        frames = {name: added([as_frame(frames[name]) for frames in own]) for name in own[0]}
        held = Held(self._shards, frozenset(frames))
        for name, read in extracted.beside.frames.items():
            frames[name] = self._pack.beside[name].count(read, span, self._zone)
        rows = frames.pop(self._pack.dataset)
        self._shards.taken = rows
        return put_together(span, rows, frames, extracted.xmin, extracted.clock, self._pack, held)


def _cuts(span: Span, number: int) -> list[tuple[datetime, datetime]]:
    """The time of a span in equal slices."""
    whole = span.end - span.start
    borders = [span.start + whole * n // number for n in range(number + 1)]
    return list(itertools.pairwise(borders))

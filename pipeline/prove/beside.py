"""What is published beside the counted rows is kept equal to the source, and the book of exposure with it.

A minute of which only this differs is corrected without judging it anew: its files are replaced, and the book
takes the old rows out and the new ones in. Rows that were written, changed or deleted after their minute was
read are found by comparing: the last hour each minute by checksums of the source, then whatever of it has
changed, and longer spans row by row, hourly and at night.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl
import structlog

from pipeline.alarms import Alarm
from pipeline.errors import MinuteriskError, PassingError, SourceTooSlow, SourceValueWrong
from pipeline.figures import plain
from pipeline.judge.life import Changes
from pipeline.minute import MINUTE, Span, one_minute, runs_of, split_by_day
from pipeline.prove.rejudge import replace_files
from pipeline.prove.unlike import unlike_minutes
from pipeline.source.beside import read_around
from pipeline.source.look_back import HORIZON
from pipeline.source.turns import again_at
from pipeline.source.unreadable import tell_unreadable
from pipeline.store.book import as_json
from pipeline.store.state import Correction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.catch_up import Pipeline
    from pipeline.count import Counted
    from pipeline.source.asked import Source
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile

    Pairs = list[tuple[list[LakeFile], list[LakeFile]]]  # new files, and the ones they replace
    #: What is beside some minutes, by dataset.
    Frames = Mapping[datetime, Mapping[str, pl.DataFrame]]

log = structlog.get_logger()

#: Each minute this much is looked at by checksums.
LOOKED_AT: Final = timedelta(hours=1)


def beside_differs(counted: Counted, lake: Lake, files: Sequence[LakeFile]) -> bool:
    """Does what is beside a minute, counted anew, differ from what is published of it?"""
    return any(
        unlike_minutes(rows, lake.read(files, name, counted.span)) for name, rows in counted.beside.items()
    )


def replace_beside(lake: Lake, files: Sequence[LakeFile], frames: Frames) -> Pairs:
    """Write files for what is beside the minutes, of the datasets that differ."""
    pairs: Pairs = []
    for name in lake.pack.beside:
        given = {minute: of_minute[name] for minute, of_minute in frames.items() if name in of_minute}
        differ = {
            minute: rows
            for minute, rows in given.items()
            if unlike_minutes(rows, lake.read(files, name, one_minute(minute)))
        }
        if differ:
            pairs.append(replace_files(lake, files, name, differ))
    return pairs


@contextmanager
def exposures_revised(
    pipeline: Pipeline,
    files: Sequence[LakeFile],
    frames: Frames,
    rows: Mapping[datetime, pl.DataFrame] | None = None,
) -> Iterator[None]:
    """The line's book with these in the place of what is published; `rows` of minutes counted anew.

    Where what follows fails, the line is dropped: its book is built from the lake again.
    """
    rewritten = [_rewritten(pipeline, files, name, frames) for name in pipeline.pack.beside]
    try:
        exposed, entered = pipeline.exposed, pipeline.entered()
        if exposed is not None and entered is not None:
            lake, nothing = pipeline.lake, pipeline.pack.counted.to_frame()
            for minute, beside in frames.items():
                if not entered.start <= minute < entered.end:
                    continue
                span, anew = one_minute(minute), (rows or {}).get(minute)
                old = nothing if anew is None else lake.read(files, lake.pack.dataset, span)
                exposed.enter(old, {name: lake.read(files, name, span) for name in beside}, times=-1)
                exposed.enter(nothing if anew is None else anew, beside)
        yield
    except BaseException:
        pipeline.drop_line()
        raise
    for alarm in rewritten:
        if alarm is not None:
            pipeline.alarms.raise_alarm(alarm, HORIZON)


def _rewritten(pipeline: Pipeline, files: Sequence[LakeFile], name: str, frames: Frames) -> Alarm | None:
    """Rows that a query gave and does not give any more: somebody changed or deleted them."""
    beside, lake = pipeline.pack.beside[name], pipeline.lake
    if beside.query is None:
        return None
    gone = []
    for minute, of_minute in frames.items():
        if name in of_minute:
            old, new = lake.read(files, name, one_minute(minute)), of_minute[name]
            keys = [column for column in old.columns if column != "wrong"]
            gone += old.join(new, on=keys, how="anti", nulls_equal=True).select(keys).rows(named=True)
    if not gone:
        return None
    first = ", ".join(f"{key} {plain(value)}" for key, value in gone[0].items() if key != "minute")
    rows = "1 row" if len(gone) == 1 else f"{len(gone):,} rows"
    what = f"{rows} of {name} changed or deleted at the source after they were published; first was {first}"
    hint = f"ask whoever keeps what {beside.query}.sql reads why; minutes and book follow it as it is now"
    return Alarm("rows.rewritten", what, hint, name)


def correct_beside(
    pipeline: Pipeline, frames: Frames, cause: str, ledger: Sequence[Mapping[str, object]] | None = None
) -> None:
    """Publish what is beside minutes of which only this differs; nothing is judged anew.

    `ledger` are their rows where they were counted anew; those of the ledger stay otherwise.
    """
    if not frames:
        return
    files = pipeline.state.publication().files
    pipeline.lake.require_whole(_holding(files, frames))
    pairs = replace_beside(pipeline.lake, files, frames)
    if ledger is None:
        known = pipeline.state.minutes(Span(min(frames), max(frames) + MINUTE))
        ledger = [as_json(row) for row in known if row["minute"] in frames]
    with pipeline.turn, exposures_revised(pipeline, files, frames):
        pipeline.state.correct(
            Correction(
                cause=cause,
                minutes=ledger,
                retired=[file.path for _, replaced in pairs for file in replaced],
                files=[file for new, _ in pairs for file in new],
                changes=Changes(),
                corrected=(),
                at=max(frames),
            )
        )
    pipeline.project()


def _holding(files: Sequence[LakeFile], frames: Frames) -> Iterator[LakeFile]:
    """The files that are read and written again for `frames`; of others no byte is looked at."""
    span = Span(min(frames), max(frames) + MINUTE)
    for file in files:
        if file.span.overlaps(span) and any(
            file.dataset in of_minute and file.span.start <= minute < file.span.end
            for minute, of_minute in frames.items()
        ):
            yield file


class BesideCheck:
    """Compares what is beside the rows with the source. Only the thread of the tick corrects."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._seen: dict[str, dict[datetime, tuple[int, str] | None]] = {}  # checksums by dataset and minute
        self._asked: dict[str, set[datetime]] = {}  # found by other threads, by dataset
        self._looked_before: datetime | None = None  # the hour before it was looked at
        self._again: dict[str, float] = {}  # by dataset whose query took time and failed: when to ask again

    @property
    def datasets(self) -> list[str]:
        """Those that have a query of their own, and it is there."""
        pipeline = self._pipeline
        return [
            name
            for name, beside in pipeline.pack.beside.items()
            if beside.query is not None and pipeline.source.has_beside(name)
        ]

    def look(self) -> list[datetime]:
        """Compare the checksums of the last hour, and correct what has changed; gives these minutes.

        Once for each minute that was judged.
        """
        next_minute = self._pipeline.state.next_minute()
        if next_minute is None or next_minute == self._looked_before:
            return []
        hour = Span(next_minute - LOOKED_AT, next_minute)
        corrected = [minute for name in self.datasets for minute in self._look(name, hour)]
        self._looked_before = next_minute
        return corrected

    def _look(self, name: str, hour: Span) -> list[datetime]:
        began = self._pipeline.monotonic()
        if began < self._again.get(name, -math.inf):
            return []
        try:
            prints = self._pipeline.source.beside_prints(name, hour)
        except MinuteriskError as error:
            if isinstance(error, PassingError) and not isinstance(error, SourceTooSlow):
                raise
            self._not_looked(name, error, began)
            return []
        before, now = self._seen.get(name, {}), {minute: prints.get(minute) for minute in hour}
        changed = [minute for minute in hour if minute not in before or before[minute] != now[minute]]
        corrected: list[datetime] = []
        for run in runs_of(changed):
            found, failure = self._correct(name, run, "late_commit")
            corrected += found
            if failure is not None:
                self._not_looked(name, failure, began)
                return corrected
        self._seen[name] = now
        return corrected

    def _not_looked(self, name: str, error: Exception, began: float) -> None:
        """All of the hour is to be read once the query works again: nobody knows what changes till then."""
        self._seen.pop(name, None)
        if isinstance(error, SourceTooSlow):  # what fails at once costs nothing
            self._again[name] = again_at(began, self._pipeline.monotonic())
        self._tell(name, error)

    def take(self, deadline: float = math.inf) -> list[datetime]:
        """Correct what other threads have found, until the deadline; gives these minutes. The rest waits."""
        corrected: list[datetime] = []
        for name in self.datasets:
            asked = self._asked.get(name, set())
            for run in runs_of(sorted(asked)):
                began = self._pipeline.monotonic()
                if began >= deadline or began < self._again.get(name, -math.inf):
                    break
                found, error = self._correct(name, run, "reconciliation")
                corrected += found
                if error is not None:
                    self._again[name] = again_at(began, self._pipeline.monotonic())
                    self._tell(name, error)
                    break
                asked.difference_update(run)
        return corrected

    def compare_recent(self, source: Source) -> list[datetime]:
        """Compare the horizon row by row and leave what differs to the tick; gives these minutes.

        For a thread of its own, with a source of its own.
        """
        return self._compare(source, HORIZON)

    def compare_all(self, source: Source) -> list[datetime]:
        """The same for all that the book of exposure is made of."""
        pipeline, exposures = self._pipeline, self._pipeline.pack.exposures
        next_minute = pipeline.state.next_minute()
        if next_minute is None or exposures is None:
            return []
        return self._compare(source, exposures.reach(pipeline.tuned_at(next_minute)))

    def _compare(self, source: Source, back: timedelta) -> list[datetime]:
        next_minute = self._pipeline.state.next_minute()
        if next_minute is None:
            return []
        every: set[datetime] = set()
        for name in self.datasets:
            found, error = self._differing(source, name, Span(next_minute - back, next_minute))
            self._asked.setdefault(name, set()).update(found)
            every.update(found)
            if error is not None:
                self._tell(name, error)
        if every:
            log.warning("beside.differs", minutes=len(every), first=min(every).isoformat())
        return sorted(every)

    def _correct(self, name: str, span: Span, cause: str) -> tuple[list[datetime], Exception | None]:
        """Correct what differs of a dataset; gives these minutes, and why the rest could not be read."""
        found, error = self._differing(self._pipeline.source, name, span)
        correct_beside(self._pipeline, {minute: {name: rows} for minute, rows in found.items()}, cause)
        for minute in found:
            log.info("minute.corrected", minute=minute.isoformat(), cause=cause, beside=True)
        return list(found), error

    def _differing(
        self, source: Source, name: str, span: Span
    ) -> tuple[dict[datetime, pl.DataFrame], Exception | None]:
        """What the source now gives of minutes that are not as they are published.

        A value that cannot be read leaves out its minute and is an alarm of its own. Any other error is about
        the query and ends the reading: every further piece would say the same.
        """
        pipeline, beside = self._pipeline, self._pipeline.pack.beside[name]
        found: dict[datetime, pl.DataFrame] = {}
        files = pipeline.state.publication().files
        for piece, read in read_around(source, name, split_by_day(span, pipeline.lake.zone)):
            if isinstance(read, SourceValueWrong):
                tell_unreadable(pipeline.alarms, str(beside.query), piece, read)
                continue
            if isinstance(read, Exception):
                return dict(sorted(found.items())), read
            rows = beside.count(read, piece, pipeline.lake.zone)
            for minute in unlike_minutes(rows, pipeline.lake.read(files, name, piece)):
                found[minute] = rows.filter(pl.col("minute") == minute)
        return dict(sorted(found.items())), None

    def _tell(self, name: str, error: Exception) -> None:
        query = str(self._pipeline.pack.beside[name].query)
        self._pipeline.ornaments.raised(query, error, f"{query}.sql")

"""What of the past is published, and the windows that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from baselines.facts import Facts
from baselines.slots import EVERY
from pipeline.history.labelled import Labelled
from pipeline.judge.hold import past_minutes, past_of
from pipeline.minute import MINUTE, Span, business_date, business_day, from_index, to_index
from pipeline.source.pieces import pieces_of_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime, timedelta
    from zoneinfo import ZoneInfo

    import polars as pl

    from baselines.rules import Tuned
    from baselines.slots import Slots
    from baselines.versions import Versions
    from pipeline.judge.hold import Past
    from pipeline.judge.withheld import Withheld
    from pipeline.money import ExposureBook
    from pipeline.pack import Windows
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile
    from pipeline.store.state import State


@dataclass(slots=True)
class Exposed:
    """The line's book of exposure, and what it was built by."""

    book: ExposureBook
    start: datetime  # minutes from here on are entered
    reach: timedelta
    tuned: Tuned
    facts: Facts
    first: date  # the oldest business day that it holds
    labelled: Labelled
    known: frozenset[str]  # datasets that are known without a gap as far back as it goes

    def enter(self, rows: pl.DataFrame, beside: Mapping[str, pl.DataFrame], *, times: int = 1) -> None:
        """Add minutes, without datasets that are not known: the days before would count as without any."""
        taken = {name: frame for name, frame in beside.items() if name in self.known}
        self.book.add(rows, taken, times=times)

    def fits(self, minute: datetime, zone: ZoneInfo, reach: timedelta, tuned: Tuned, facts: Facts) -> bool:
        """Go on with a minute's rules and facts; False where the book has to be built anew for them."""
        if reach > self.reach:
            return False
        if tuned is not self.tuned or facts is not self.facts:
            self.book.know(tuned, facts)
            self.tuned, self.facts = tuned, facts
            self.labelled.tell(self.book, minute)
        first = business_date(minute - self.reach, zone)
        if first > self.first:
            self.book.forget(first)
            self.first, self.start = first, business_day(first, zone).start
            self.labelled.tell(self.book, minute)  # a business day has begun
        return True


@dataclass(frozen=True, slots=True)
class History:
    """What the ledger says of a period, as plain data: another process can read the lake by it."""

    files: Sequence[LakeFile]
    first_minute: datetime | None
    missing: frozenset[datetime]  # minutes of the period that are not published
    facts: pl.DataFrame  # FACT_CHANGE, of all time
    withheld: Withheld  # what people hold back, of all time
    told: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)  # see `Pack.told`


@runtime_checkable
class Elsewhere(Protocol):
    """Windows that shards hold: each reads its own files."""

    def rebuild(self, history: History, next_minute: datetime, tuned: Tuned) -> None:
        """Build them right before `next_minute`."""
        ...

    def look_up(self, facts: Facts, minute: datetime) -> None:
        """Have the facts of all entities at hand at `minute`."""
        ...


def look_up(facts: Facts, minute: datetime, windows: Windows) -> None:
    """Look all facts up beforehand, so that the day's first minute does not wait for them."""
    if isinstance(windows, Elsewhere):
        windows.look_up(facts, minute)
    else:
        facts.codes(to_index(minute), windows.entities)


def history_of(
    state: State, until: datetime, minutes: int, told: Mapping[str, Sequence[Mapping[str, Any]]]
) -> History:
    """The ledger's word on the `minutes` before `until`, and the pack's own tables' (`told`)."""
    first = state.published().first_minute
    start = from_index(to_index(until) - minutes)
    span = Span(until if first is None else min(max(start, first), until), until)
    files, missing = state.publication().files, frozenset(state.unpublished(span))
    return History(files, first, missing, state.facts(), state.withheld(), told)


def rebuild_windows(
    lake: Lake, state: State, next_minute: datetime, tuned: Tuned, entity_id: str | None = None
) -> tuple[Windows, Facts]:
    """Windows right before `next_minute`, read from the lake, and facts; of one entity where one is named."""
    told = state.told(lake.pack.told, next_minute)
    history = history_of(state, next_minute, reach_of(lake, tuned, told, next_minute), told)
    return windows_from(lake, history, next_minute, tuned, entity_id)


def reach_of(
    lake: Lake, tuned: Tuned, told: Mapping[str, Sequence[Mapping[str, Any]]], since: datetime
) -> int:
    """How many minutes before `since` the windows have to read."""
    windows: Windows = lake.pack.windows(lake.zone, tuned)
    lake.pack.know(windows, told, since)
    return windows.history_minutes


def windows_from(
    lake: Lake,
    history: History,
    next_minute: datetime,
    tuned: Tuned,
    entity_id: str | None = None,
    slots: Slots | None = None,
) -> tuple[Windows, Facts]:
    """The same from a history that reaches far enough back.

    `slots` are those of a shard, whose windows are made (see `Together`); None: everybody's, in one process.
    """
    windows = _windows_of(lake, tuned, slots)
    lake.pack.know(windows, history.told, next_minute)
    facts = Facts(history.facts)
    if isinstance(windows, Elsewhere):
        windows.rebuild(history, next_minute, tuned)
        return windows, facts
    if history.first_minute is None:
        return windows, facts
    start = max(from_index(to_index(next_minute) - windows.history_minutes), history.first_minute)
    whole, named = Span(start, max(next_minute, start)), None if entity_id is None else [entity_id]
    held = slots or EVERY
    for piece in pieces_of_files(history.files, lake.pack.dataset, whole, lake.zone, held):
        missing = [minute for minute in history.missing if piece.start <= minute < piece.end]
        rows = lake.read(history.files, lake.pack.dataset, piece, named, slots=held)
        windows.fill(piece.start, piece.end, rows, missing)
    windows.settle()
    return windows, facts


def _windows_of(lake: Lake, tuned: Tuned, slots: Slots | None) -> Windows:
    together = lake.pack.together if slots is not None else None
    make: Callable[[ZoneInfo, Tuned], Windows] = lake.pack.windows if together is None else together.windows
    return make(lake.zone, tuned)


def exposures_from(
    lake: Lake, state: State, next_minute: datetime, tuned: Tuned, facts: Facts
) -> Exposed | None:
    """The book of exposure right before `next_minute`, from what is published; None: the pack has none."""
    exposures = lake.pack.exposures
    if exposures is None:
        return None
    book: ExposureBook = exposures.book(lake.zone, tuned, facts)
    book.begins(state.published().first_minute or next_minute)
    first = business_date(next_minute - exposures.reach(tuned), lake.zone)
    start, files = business_day(first, lake.zone).start, state.publication().files
    known = frozenset(name for name in state.datasets_known() if name in lake.pack.beside)
    for piece in pieces_of_files(files, lake.pack.dataset, Span(start, next_minute), lake.zone):
        beside = {name: lake.read(files, name, piece) for name in known}
        book.add(lake.summed(files, piece), beside)
    labelled = Labelled(lake, state)
    labelled.tell(book, next_minute)
    return Exposed(book, start, exposures.reach(tuned), tuned, facts, first, labelled, known)


def read_past(lake: Lake, state: State, next_minute: datetime, versions: Versions[Any]) -> Past:
    """What the gates remember right before `next_minute`, read back from the published signals."""
    reach = max(past_minutes(version.tuned) for version in versions.within(next_minute))
    span = Span(next_minute - reach * MINUTE, next_minute)
    return past_of(lake.read(state.signal_files(span), "signal", span), span.start, span.end)

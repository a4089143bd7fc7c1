"""The whole way of one minute: `run_minute`; corrections and backtests take its two halves."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from baselines.facts import Facts
from pipeline.judge.life import Changes, Known, changes_of, confirmed, keys_to_open
from pipeline.judge.priced import NOT_KNOWN, breached_by, priced_again, to_price
from pipeline.judge.verdicts import EVERYBODY
from pipeline.minute import one_minute

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    import polars as pl

    from pipeline.count import Counted
    from pipeline.history import Exposed
    from pipeline.judge.hold import Gates
    from pipeline.judge.life import Incident, Key
    from pipeline.judge.verdicts import Verdicts
    from pipeline.minute import Span
    from pipeline.money import AtRisk, ExposureBook
    from pipeline.pack import Pack, Windows
    from pipeline.steps import Steps


class Feed(Protocol):
    """Where the counts of a minute come from: the source, or the lake for a replay."""

    def count(self, span: Span, steps: Steps) -> Counted:
        """Extract and count `span`."""
        ...


class Incidents(Protocol):
    """What is known of incidents before a minute."""

    def unresolved(self) -> Mapping[Key, Incident]:
        """Incidents that are not resolved."""
        ...

    def resolved_since(self, since: datetime) -> Mapping[Key, Incident]:
        """The newest incident of each rule and entity that has resolved after `since` and may come back."""
        ...

    def dismissed(self, since: datetime) -> Mapping[Key, Incident]:
        """Incidents that a person resolved and whose rule was breached after `since`."""
        ...

    def at_risk(
        self,
        entities: Sequence[str],
        minute: datetime,
        windows: Windows,
        again: Collection[str] | None = None,
    ) -> Mapping[str, AtRisk]:
        """Money at risk at the end of `minute` of `entities`, and some of `again`; no entry: not known."""
        ...

    def names(self, entities: Sequence[str]) -> Mapping[str, str]:
        """Names of some entities, as far as the source has given them."""
        ...


class Book(Incidents, Protocol):
    """Where results go: the operational database and the lake."""

    def record(
        self,
        minute: datetime,
        counted: Counted,
        signals: pl.DataFrame,
        changes: Changes,
        steps: Steps,
        judged: pl.DataFrame | None = None,
        exposure: pl.DataFrame | None = None,
    ) -> None:
        """Publish the files and commit everything the minute changed, as one.

        `exposure` is the snapshot of the book of exposure that is published of the minute.
        """
        ...


@dataclass(slots=True)
class Line:
    """What a minute needs on its way; put together in catch_up.py."""

    feed: Feed
    book: Book
    windows: Windows
    gates: Gates
    steps: Steps
    facts: Facts = field(default_factory=Facts)
    #: The book of exposure as it stands after the newest minute; None: the pack has none.
    exposed: Exposed | None = None
    #: Is its snapshot of a minute published? Not while minutes are caught up with.
    shows: bool = True
    #: Held while incidents are read and changed: what is told within the second changes them, too.
    turn: AbstractContextManager[Any] = field(default_factory=nullcontext)
    #: Held while the windows move: others read them.
    moving: AbstractContextManager[Any] = field(default_factory=nullcontext)

    @property
    def exposures(self) -> ExposureBook | None:
        """The book by itself."""
        return None if self.exposed is None else self.exposed.book


@dataclass(frozen=True, slots=True)
class Settled:
    """What a minute's signals have done to the incidents."""

    signals: pl.DataFrame  # held or passed
    changes: Changes
    breached: Mapping[str, Collection[str]]  # rules of unresolved or just opening incidents, by entity


@dataclass(frozen=True, slots=True)
class Judged:
    """What came out of one minute."""

    minute: datetime
    counted: Counted
    signals: pl.DataFrame
    changes: Changes


def run_minute(minute: datetime, line: Line) -> Judged:
    """Take one closed minute of a pack from its source to incidents and published files.

    Either everything of the minute is committed or nothing is. If this raises, the windows may have moved
    without the ledger: drop the line and rebuild its windows from the lake.
    """
    counted = line.feed.count(one_minute(minute), line.steps)  # extract, screen, count
    if line.exposed is not None:
        with line.steps.time("money"):
            line.exposed.enter(counted.rows, counted.beside)
    with line.steps.time("judge"), line.moving:
        found = judge_minute(counted, line.windows, line.gates, line.facts)
        signals = found.frame()
    with line.turn:
        settled = settle_minute(  # settle, money
            minute, signals, line.gates, line.book, line.windows, line.exposures, line.steps
        )
        signals, changes = settled.signals, settled.changes
        exposure = _shown(minute, line, settled.breached)
        line.book.record(  # publish, commit
            minute, counted, signals, changes, line.steps, found.judged, exposure
        )
    return Judged(minute, counted, signals, changes)


def _shown(minute: datetime, line: Line, breached: Mapping[str, Collection[str]]) -> pl.DataFrame | None:
    """The snapshot of the book that is published of the minute."""
    if line.exposures is None or not line.shows:
        return None
    with line.steps.time("money"):
        return line.exposures.snapshot(minute, breached)


def judge_minute(
    counted: Counted,
    windows: Windows,
    gates: Gates,
    facts: Facts,
    *,
    whole: bool = True,
) -> Verdicts:
    """The first half: which entities the minute makes stand out; the windows move by it.

    Where not `whole`, an entity whose verdict can change no incident is counted and left out.
    """
    minute = counted.span.start
    windows.add(minute, counted.rows, counted.positions)
    return gates.pack.judge(windows, gates.tuned_at(minute), gates.policy_of(minute), facts, whole)


def settle_minute(
    minute: datetime,
    signals: pl.DataFrame,
    gates: Gates,
    book: Incidents,
    windows: Windows,
    exposures: ExposureBook | None = None,
    steps: Steps | None = None,
) -> Settled:
    """The second half: which signals are held back, and what the others do to the incidents.

    With `exposures` every open incident has the money of this minute. `steps` are told what it took.
    """
    timed = nullcontext if steps is None else steps.time
    with timed("settle"):
        signals = gates.hold(minute, signals)
        unresolved, incident = book.unresolved(), gates.tuned_at(minute).incident
        opening = keys_to_open(signals, unresolved)
        since = minute - timedelta(minutes=incident.reopen_within_minutes)
        resolved = book.resolved_since(since) if opening else {}
        quiet_since = minute - timedelta(minutes=incident.resolve_after_minutes)
        dismissed = {} if signals.is_empty() else book.dismissed(quiet_since)
    with timed("money"):
        at_risk, booked = prices_of(minute, unresolved, opening, gates.pack, book, windows, exposures)
    with timed("settle"):
        known = Known(unresolved, resolved, at_risk, dismissed, booked)
        changes = changes_of(minute, signals, known, gates)
        if gates.pack.watch is not None:
            changes = confirmed(minute, signals, unresolved, changes)
    return Settled(signals, changes, breached_by({*unresolved, *opening}, gates.pack))


def prices_of(
    minute: datetime,
    unresolved: Mapping[Key, Incident],
    opening: Collection[Key],
    pack: Pack[Any, Any],
    book: Incidents,
    windows: Windows,
    exposures: ExposureBook | None,
) -> tuple[Mapping[str, AtRisk], Collection[str]]:
    """Money at risk by entity, and whose of them the book of exposure says.

    Of all who have an incident, and of everybody where one is about everybody. Where there is no book, or it
    does not know somebody, the pack's query is asked, as far as it is needed.
    """
    wanted, again = to_price(opening, pack), priced_again(unresolved, pack)
    if exposures is None:
        return book.at_risk(wanted, minute, windows, again), ()
    keys = {*unresolved, *opening}
    breached = breached_by(keys, pack)
    said = exposures.of(minute, breached, to_price(keys, pack))
    named = [entity for entity in wanted if entity in said]
    names = book.names(named) if named else {}
    said = {entity: replace(money, name=money.name or names.get(entity)) for entity, money in said.items()}
    if any(rule in pack.of_everybody for rule, _ in keys):
        together = exposures.all_together(minute, breached)
        said[EVERYBODY] = together if together.weight is not None else NOT_KNOWN  # of nobody it is known
    others, asked_again = ([entity for entity in some if entity not in said] for some in (wanted, again))
    return {**book.at_risk(others, minute, windows, asked_again), **said}, said

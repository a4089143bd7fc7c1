"""Which minutes are due and in what order: history in bulk, then every minute, oldest first.

The tick only says "catch up"; the ledger says what is missing. Nothing here remembers anything that
the ledger does not know, so a restart goes on exactly where the last commit ended.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from baselines.facts import Facts
from pipeline.act.proposing import Proposer
from pipeline.alarms import Alarms
from pipeline.alarms.ornaments import Ornaments
from pipeline.alarms.row_watch import RowWatch
from pipeline.errors import LakeDamaged, PassingError, UsageError
from pipeline.feeds import CatchUpFeed, LakeFeed, SourceFeed
from pipeline.figures import moment
from pipeline.history import exposures_from, look_up, read_past, rebuild_windows
from pipeline.history.opening import Opening
from pipeline.history.standing import Standing
from pipeline.judge.hold import Gates
from pipeline.judge.life import Changes
from pipeline.judge.seconds import Written
from pipeline.minute import (
    MINUTE,
    Span,
    business_date,
    business_day,
    from_index,
    last_due,
    runs_of,
    split_by_day,
    to_index,
)
from pipeline.run import Judged, Line, run_minute
from pipeline.source.look_back import first_fence
from pipeline.source.pieces import Pieces, at_most
from pipeline.steps import Steps
from pipeline.store.book import StateBook
from pipeline.store.exposure import Exposure
from pipeline.store.facts import refresh_facts
from pipeline.store.rules import RulesReader
from pipeline.store.state import MinuteCommit
from pipeline.store.views.snapshots import Snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from baselines.rules import Tuned
    from baselines.versions import Versions
    from pipeline.history import Exposed
    from pipeline.money import ExposureBook
    from pipeline.pack import Windows
    from pipeline.prove.rejudge import Rejudged
    from pipeline.run import Feed
    from pipeline.settings import Settings
    from pipeline.shards.leader import Shards
    from pipeline.source.asked import Fence, Source
    from pipeline.store.lake import Lake
    from pipeline.store.rules import RulesFile
    from pipeline.store.state import State

log = structlog.get_logger()

#: The first start publishes this many whole business days before it: the windows need 7 days and an hour.
HISTORY_DAYS = 8
#: After an outage longer than this the older minutes are published in bulk, unjudged: nobody acts on them.
JUDGED_OUTAGE = timedelta(hours=48)
#: What was told of rows is remembered so long after their minute has closed, not to be written again.
REMEMBERED = 2 * MINUTE
#: Facts that the source did not give are asked for again after so long.
FACTS_RETRY = timedelta(hours=1)
#: A dataset beside the rows that could not be opened is tried again after so long.
OPENED_EVERY_S = 300.0
#: While catching up, readers get a new version this often; at the end they always do.
PROJECT_EVERY_S = 1.0


class Progress(Protocol):
    """Told about each finished piece of long work."""

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """`done` of `total` units are finished (None: nobody knows how many); `what` names the newest."""
        ...


def no_progress(done: int, total: int | None, what: str) -> None:
    """For callers without a terminal."""


class Pipeline:
    """One installation at work: it owns the windows and knows what is due."""

    def __init__(
        self,
        settings: Settings,
        file: RulesFile,
        source: Source,
        lake: Lake,
        state: State,
        monotonic: Callable[[], float],
        shards: Shards | None = None,  # None: all windows are here
    ) -> None:
        self.settings = settings
        self.source = source
        self.lake = lake
        self.pack = lake.pack
        self.state = state
        self.monotonic = monotonic
        self.shards = shards
        self.alarms = Alarms(state.engine, state.url, state.pack)
        self.watch = RowWatch(self.alarms, state, self.pack.rows_query, monotonic)
        self.ornaments = Ornaments(self.alarms, self.pack.ornaments)
        self.rules = RulesReader(state, self.pack, file)
        self.exposure = Exposure(source, state, lake, self.ornaments, self.tuned_at, monotonic)
        self.opening = Opening(source, lake, state, self.ornaments, self.alarms)
        state.proposer = Proposer(self.pack, lake.zone, self.tuned_at, self.ornaments)
        self._line: Line | None = None
        self._shape: object = None  # what of the tuned numbers the line's windows hold
        self.standing = Standing(self.pack)  # for whoever reads the windows beside us
        self.turn = Lock()  # held while incidents are read and changed
        #: What was written of rows before their minute has closed; None: the pack writes nothing of them.
        watch = self.pack.watch
        self.written = None if watch is None else Written(watch.key, watch.beside)
        self._projected_at: float | None = None
        self._projecting = Lock()
        self._catalog_version = -1
        self.snapshots = Snapshots(lake, state)
        self._facts_due: datetime | None = None  # when they are asked for again
        self._opened_at = -math.inf  # when it was last asked whether a dataset is to be opened

    @property
    def versions(self) -> Versions[Any]:
        """The tuned numbers and pauses in force at each minute, as they were changed a moment ago."""
        return self.rules.read()

    def tuned_at(self, minute: datetime) -> Tuned:
        """The numbers that a minute is judged by, up to the one that is judged now."""
        found: Tuned = self.rules.newest().tuned(minute)
        return found

    def due_until(self, fence: Fence | None = None) -> datetime:
        """The end of the newest due minute, by the source's clock; on a standby by what it has replayed."""
        complete = (fence or self.source.fence()).complete_until
        return last_due(complete, self.settings.close_delay) + MINUTE

    def backfill(self, span: Span, progress: Progress = no_progress, *, first_start: bool = False) -> int:
        """Publish `span` in pieces, without judging; published minutes are left as they are.

        Each piece is committed by itself: what is interrupted goes on behind the last one. The first commit
        of a `first_start` records the end of its span. Returns how many minutes were published.
        """
        closed = self.due_until()
        if span.end > closed:
            newest = moment(closed, self.lake.zone)
            msg = f"minutes from {newest} on have not closed yet by the source's clock"
            raise UsageError(msg, f'end at "{newest}" or earlier')
        missing = list(self._missing(span))
        if not missing:
            return 0
        minutes, rows, began = 0, 0, self.monotonic()
        total, pieces = sum(part.minutes for part in missing), Pieces(self.settings.business_timezone)
        if self.state.next_minute() is None:
            self.opening.begin(span.start)
        until = span.end if first_start else None
        for part in missing:
            for piece, found in pieces.work_through(part, lambda piece: self._publish(piece, until)):
                minutes, rows = minutes + piece.minutes, rows + found
                rate = rows / max(self.monotonic() - began, 0.001)
                reached = moment(piece.end, self.lake.zone)
                progress(minutes, total, f"{rows:,} rows, {rate:,.0f} a second, {reached}")
        self.drop_line()  # the windows are rebuilt from what is published now
        self.project()
        return minutes

    def start_history(self, until: datetime, progress: Progress = no_progress) -> None:
        """Publish, unjudged, the days before `until` at the first start, or an outage's oldest minutes."""
        next_minute = self.state.next_minute()
        if next_minute is None:
            zone = self.settings.business_timezone
            first = business_day(business_date(until, zone) - timedelta(days=HISTORY_DAYS), zone).start
            self.backfill(Span(first, until), progress, first_start=True)
            return
        next_minute = self.finish_history(next_minute, until, progress)
        if until - next_minute > JUDGED_OUTAGE:
            span = Span(next_minute, until - JUDGED_OUTAGE)
            log.warning("outage.too_long_to_judge", span=str(span), published_without_verdicts=span.minutes)
            self.backfill(span, progress)

    def finish_history(
        self, next_minute: datetime, until: datetime, progress: Progress = no_progress
    ) -> datetime:
        """Publish the rest of a first start that was interrupted; gives the next minute to judge."""
        wanted = self.state.history_until()
        if wanted is None or min(wanted, until) <= next_minute:
            return next_minute
        rest = Span(next_minute, min(wanted, until))
        log.info("history.goes_on", span=str(rest))
        self.backfill(rest, progress)
        return rest.end

    def due(self, until: datetime) -> Span | None:
        """The minutes to judge before `until`; None before the first publication."""
        next_minute = self.state.next_minute()
        return Span(next_minute, max(until, next_minute)) if next_minute else None

    def catch_up(self, until: datetime, progress: Progress = no_progress) -> Iterator[Judged]:
        """Judge and commit every minute before `until`, oldest first, each as soon as it is asked for."""
        due = self.due(until)
        if due is None or not due.minutes:
            return
        for done, minute in enumerate(due, start=1):
            judged = self._judge(minute, last=done == due.minutes)
            yield judged
            self.watch.see(judged.counted)
            progress(done, due.minutes, moment(minute, self.lake.zone))
            if self._line is not None:  # after the results are out
                self._keep(self._line)
                self._read_facts(minute + MINUTE)

    def _keep(self, line: Line) -> None:
        """Keep what whoever tells of newer rows begins from."""
        self.standing.keep(line.windows, line.gates.past)
        if self.written is not None and line.windows.last is not None:
            with self.turn:
                self.written.forget(from_index(line.windows.last) - REMEMBERED)

    def gates_now(self) -> Gates:
        """Gates as they stand after the newest judged minute, for whoever tells of newer rows."""
        versions = self.rules.newest()
        tuned, held = versions.versions[-1].tuned, self.state.withheld()
        return Gates(self.pack, tuned, self.settings.policy, self.standing.past(), {}, held, versions)

    def prepare(self) -> None:
        """Rebuild the windows before the first minute is due, so that it does not wait for them."""
        next_minute = self.state.next_minute()
        if self._line is None and next_minute is not None:
            self._line = self._start_line(next_minute)
            if self.pack.watch is not None:  # it does not wait for a minute to be judged
                self._keep(self._line)

    def judge_from(self, start: datetime) -> None:
        """Set the next minute to judge; history before it is published first where it is missing.

        Only minutes that were never judged can be judged: `start` has to lie after the last judged one.
        """
        published, zone = self.state.published(), self.lake.zone
        if published.last_judged and start <= published.last_judged:
            msg = f"{moment(start, zone)} is judged already, up to {moment(published.last_judged, zone)}"
            raise UsageError(
                msg, f'start from "{moment(published.last_judged + MINUTE, zone)}", or use backtest'
            )
        if published.first_minute is None:
            self.start_history(start)
        elif published.last_minute and published.last_minute + MINUTE < start:
            self.backfill(Span(published.last_minute + MINUTE, start))
        elif published.last_minute and published.first_minute <= start <= published.last_minute:
            self.backfill(Span(start, published.last_minute + MINUTE))  # holes must not be judged as silence
        elif start < published.first_minute:
            first = moment(published.first_minute, zone)
            msg = f"{moment(start, zone)} lies before the published history ({first})"
            raise UsageError(msg, "backfill from an empty home to begin earlier")
        self.state.commit(MinuteCommit([], [], start))
        self.drop_line()

    def ensure_fence(self) -> None:
        """Set the first fence before the first row is read: the search then finds what commits later."""
        if self.state.source_fence() is None:
            self.state.record_fence(first_fence(self.source.fence()))

    def book(self, among: Sequence[str] | None = None) -> StateBook:
        """Where judged minutes are written; it may know of the incidents of some entities alone."""
        policy, newest = self.settings.policy, self.rules.newest
        return StateBook(self.state, self.lake, self.exposure, policy, newest, self.written, among)

    def newest_windows(self) -> Windows | None:
        """The windows as they stood after the newest judged minute, for reading and copying alone."""
        return self.standing.windows()

    @property
    def money(self) -> ExposureBook | None:
        """The book of exposure after the newest judged minute, for the thread that judges.

        None where the pack has none, and until the line has started again.
        """
        return None if self._line is None else self._line.exposures

    @property
    def exposed(self) -> Exposed | None:
        """The same book with what it was built by."""
        return None if self._line is None else self._line.exposed

    def entered(self) -> Span | None:
        """The minutes that the book of exposure holds; None where there is none now."""
        next_minute = self.state.next_minute()
        if self.exposed is None or next_minute is None:
            return None
        return Span(min(self.exposed.start, next_minute), next_minute)

    def drop_line(self) -> None:
        """Have windows and book built from the lake again before they are needed."""
        self._line = None
        if self.shards is not None:
            self.shards.standing = None

    def windows_before(self, minute: datetime) -> tuple[Windows, Facts] | None:
        """A copy of the windows as they stood right before `minute`, if it was a moment ago; and facts."""
        line = self._line
        windows = None if line is None else line.windows.at(to_index(minute) - 1)
        if line is None or windows is None:
            return None
        return (windows, line.facts) if self.know(windows, minute) else None

    def take_windows(self, rejudged: Rejudged | None, changed_from: datetime) -> None:
        """Go on with what a correction left (None: rebuild it when it is needed)."""
        if rejudged is None or self._line is None:
            self.drop_line()
            self.standing.cut(to_index(changed_from))
            return
        self._line.windows, self._line.gates.past = rejudged.windows, rejudged.past
        self._keep(self._line)

    def recognise_restore(self) -> None:
        """A ledger older than the readers' list was restored from a backup: its minutes are judged again."""
        shown = self.lake.shown()
        if shown is not None and self.state.go_past(shown.version, shown.published_through):
            log.error("state.restored", version_seen=shown.version, alarm=True)

    def project(self) -> None:
        """Make the manifest show what the ledger says; where that fails, `project_catalog` tries again."""
        with self._projecting, self.ornaments.beside("manifest"):
            self.lake.project(self.state.publication())  # under the lock: an older version must not come last
        self._projected_at = self.monotonic()

    def project_catalog(self) -> bool:
        """Bring the analysts' catalog up to the newest version; says whether there was anything to do.

        A manifest or catalog that somebody deleted or damaged is made again on the way. Raises LakeDamaged.
        """
        with self._projecting:
            publication = self.state.publication()
            with self.ornaments.beside("manifest"):
                shown = self.lake.shown()
                if publication.published_through and (shown is None or shown.version != publication.version):
                    self.lake.project(publication)
            with self.ornaments.beside("analyst.duckdb", but=(LakeDamaged,)):
                if publication.version == self._catalog_version and self.lake.has_catalog():
                    return False
                publication = self.snapshots.take(self.standing.newest())
                self.lake.project_catalog(publication)
                self._catalog_version = publication.version
        return True

    def take_steps(self) -> dict[str, float]:
        """Milliseconds by step since the last call."""
        return self._line.steps.take() if self._line else {}

    def _judge(self, minute: datetime, *, last: bool) -> Judged:
        line = self._take_rules(minute) or self._start_line(minute)
        self._line = None  # only a minute that was committed may be followed by the next one
        line.gates.withheld = self.state.withheld()  # after the commit of the minute before, see `desk.holds`
        zone = self.lake.zone
        line.shows = last or business_date(minute + MINUTE, zone) != business_date(minute, zone)
        try:
            judged = run_minute(minute, line)
        except BaseException:
            self.standing.lose()
            if self.shards is not None:  # those that are left go on with them
                self.shards.standing = line.windows
            raise
        self._line = line
        if last or self._projected_at is None or self.monotonic() - self._projected_at >= PROJECT_EVERY_S:
            with line.steps.time("project"):
                self.project()
        return judged

    def _take_rules(self, minute: datetime) -> Line | None:
        """The line, with the rules in force at `minute`; None where its windows do not fit them."""
        versions = self.versions
        if self._line is not None:
            self._line.gates.versions = versions
            if self.pack.shape(versions.tuned(minute)) != self._shape:
                log.info("rules.windows_anew", minute=minute.isoformat(), version=versions.at(minute).number)
                self._line = None
                self.standing.drop()
        if self._line is not None and not self.know(self._line.windows, minute):
            log.info("told.windows_anew", minute=minute.isoformat())
            self._line = None
        due = self.monotonic() - self._opened_at > OPENED_EVERY_S
        if due and self._open_datasets(minute, versions.tuned(minute)):  # its query has come, or gone
            self._line = None
        if self._line is not None:
            self._know_exposures(self._line, minute)
        return self._line

    def _know_exposures(self, line: Line, minute: datetime) -> None:
        """The book goes on with the minute's rules and facts, or is built anew for them."""
        exposed, exposures = line.exposed, self.pack.exposures
        if exposed is None or exposures is None:
            return
        tuned = self.tuned_at(minute)
        if not exposed.fits(minute, self.lake.zone, exposures.reach(tuned), tuned, line.facts):
            self._open_datasets(minute, tuned)  # what lies before was not needed until now
            line.exposed = exposures_from(self.lake, self.state, minute, tuned, line.facts)

    def know(self, windows: Windows, since: datetime) -> bool:
        """Tell windows what the pack's own tables say for all that is judged from `since` on."""
        return self.pack.know(windows, self.state.told(self.pack.told, since), since)

    def _read_facts(self, next_minute: datetime) -> None:
        """Read what the source says of entities: when a line first starts, and for each business day.

        A correction may judge minutes of yesterday and of today: facts know since when they hold.
        """
        if self.pack.fact is None or (self._facts_due is not None and next_minute < self._facts_due):
            return
        name = self.pack.fact[0]
        try:
            read = refresh_facts(self.source, self.state, next_minute, self.ornaments, name)
            facts = Facts(self.state.facts())
        except BaseException as error:  # nobody knows what is stored: the next line takes what it finds
            self._line = None
            self.standing.drop()
            if not isinstance(error, Exception) or isinstance(error, PassingError):
                raise
            self.ornaments.raised(name, error)
            self._facts_due = next_minute + FACTS_RETRY
            return
        zone = self.settings.business_timezone
        tomorrow = business_day(business_date(next_minute, zone), zone).end
        self._facts_due = tomorrow if read else next_minute + FACTS_RETRY
        if self._line is not None:
            self._line.facts = facts
            look_up(facts, next_minute, self._line.windows)

    def _start_line(self, next_minute: datetime) -> Line:
        self._read_facts(next_minute)
        if self.pack.watch is None:
            self.standing.drop()  # before others are built: there is no room for twice as many
        tuned = self.versions.tuned(next_minute)
        self._open_datasets(next_minute, tuned)
        windows, facts = rebuild_windows(self.lake, self.state, next_minute, tuned)
        self._shape = self.pack.shape(tuned)
        look_up(facts, next_minute, windows)
        published = self.state.published()
        alone, shards = self.source_feed(), self.shards
        feed: Feed = alone if shards is None else shards.feed(self.pack, self.source, alone, self.lake.zone)
        if published.last_minute is not None and published.last_minute >= next_minute:
            files = self.state.publication().files
            lake_feed = LakeFeed(self.lake, files, windows.entities, beside=self.pack.exposures is not None)
            feed = CatchUpFeed(lake_feed, feed, published.last_minute + MINUTE)
        gates, steps = self.gates(next_minute), Steps(self.monotonic)
        line = Line(feed, self.book(), windows, gates, steps, facts, turn=self.turn)
        line.moving = self.standing.moving
        line.exposed = exposures_from(self.lake, self.state, next_minute, tuned, facts)
        return line

    def _open_datasets(self, next_minute: datetime, tuned: Tuned) -> bool:
        """Read what lies before the minutes that have a dataset beside them, where that is to be done."""
        self._opened_at, exposures = self.monotonic(), self.pack.exposures
        return exposures is not None and self.opening.open(next_minute, exposures.reach(tuned))

    def source_feed(self) -> SourceFeed:
        """Counts anew from the source."""
        return SourceFeed(self.pack, self.source, self.ornaments, self.alarms, self.lake.zone)

    def gates(self, start: datetime, policies: Mapping[datetime, str] | None = None) -> Gates:
        """The gates as they stand right before `start`, read back from the published signals.

        `policies` says under which policy minutes were judged, where that was another one than now.
        """
        versions, held = self.versions, self.state.withheld()
        past = read_past(self.lake, self.state, start, versions)
        tuned = versions.tuned(start)
        return Gates(self.pack, tuned, self.settings.policy, past, policies or {}, held, versions)

    def _missing(self, span: Span) -> Iterator[Span]:
        for day in split_by_day(span, self.settings.business_timezone):
            yield from runs_of(self.state.unpublished(day))

    def _publish(self, span: Span, history_until: datetime | None) -> tuple[int, int]:
        """Read, count and commit a piece of history; gives its rows, for the next piece and the progress."""
        counted = self.source_feed().count(span, Steps(self.monotonic), at_most(span))
        files = self.book().publish(self.opening.without(counted))
        next_minute = max(self.state.next_minute() or span.end, span.end)
        commit = MinuteCommit(counted.ledger, files, next_minute, Changes(), history_until=history_until)
        self.state.commit(commit)
        self.watch.see(counted)
        rows = sum(row["source_rows"] for row in counted.ledger)
        log.info("backfill.published", span=str(span), rows=rows)
        return rows, rows

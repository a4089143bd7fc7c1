"""What a running installation does: judge, follow the source, deliver, keep house, prove.

Each method is one job; scheduler.py says when it runs. Only the tick changes published minutes and owns the
windows; the other jobs read, or ask the tick. What the tick does besides judging, it does in pieces that end
before the next minute is due.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import structlog

from pipeline.alarms.book_watch import BookWatch
from pipeline.alarms.failures import SOURCE_FAILING, Failures
from pipeline.alarms.source_watch import SourceWatch
from pipeline.errors import LakeDamaged, MinuteriskError, Overtaken, SourceUnavailable
from pipeline.errors.translate import state_errors
from pipeline.minute import MINUTE, Span, business_date, business_day
from pipeline.outside import Outside
from pipeline.prove.beside import BesideCheck
from pipeline.prove.corrector import Corrector
from pipeline.prove.house import House
from pipeline.prove.proof import find_faults, rows_without_time, statement_of
from pipeline.prove.reconcile import reconcile
from pipeline.prove.statement import write_statement
from pipeline.prove.strays import tell_strays
from pipeline.prove.verify import repair_files
from pipeline.replay.candidate import measure_waiting
from pipeline.replay.nightly import budget_of, measure_night
from pipeline.source.look_back import DEEP, HORIZON
from pipeline.source.turns import SPARED_S, Turns
from pipeline.steps import Answers, Tally
from pipeline.store.compact import compact
from pipeline.store.reports import of_minute, of_span, of_statement
from pipeline.tell.outbox import outbox_status
from pipeline.tell.pace import Paces
from pipeline.tell.senders import Senders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pipeline.catch_up import Pipeline
    from pipeline.metrics import Metrics
    from pipeline.pack import Pack
    from pipeline.prove.proof import Faults
    from pipeline.run import Judged
    from pipeline.store.manifest import LakeFile
    from pipeline.talk import Talk
    from pipeline.tell.channels import Channel
    from pipeline.tell.deliver import Delivered

log = structlog.get_logger()

SEARCH_S = 10  # a late commit is found within two of these
DEEP_SEARCH_S = 60  # one whose transaction idled before its first write, within one of these and a short one
#: The tick reads published minutes again for so long at a time, and looks in between whether one is due.
WORK_S = 1.0
AWAY_S = 30.0  # Slack asks for another socket now and then; longer without one is worth an alarm
_SOCKET_HINT = "check MINUTERISK_SLACK_APP_TOKEN (connections:write) and that Slack can be reached"
RECONCILED = timedelta(hours=2)
REPAIR_TIME = timedelta(minutes=30)  # a repair that takes longer is stated as not done


class Service:
    """What the jobs of a running installation do; scheduler.py says when."""

    def __init__(
        self,
        pipeline: Pipeline,
        open_channel: Callable[[str], Channel],
        metrics: Metrics,
        stopped: Event | None = None,
        talk: Talk | None = None,
        paces: Paces | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.metrics = metrics.of(pipeline.pack.name)
        self.tally = Tally(pipeline.pack)
        self.failure: MinuteriskError | None = None  # what ended the service, if anything did
        self.stopped = stopped or Event()  # ends the whole process
        self.on_judged: Callable[[Judged, float], None] = lambda *_: None
        self.answers = Answers()  # of the source, since the last judged minute
        pipeline.source.on_query = self._observe_query
        self._corrector = Corrector(pipeline)
        self._beside = BesideCheck(pipeline)
        self._watch = SourceWatch(pipeline)
        self._book_watch = BookWatch(pipeline.alarms)
        self._turns = Turns(SEARCH_S, DEEP_SEARCH_S)
        self._house = House(pipeline)
        # When the next minute is due, by our monotonic clock; it has passed while that minute is worked on.
        self._due_at = math.inf
        self._followed_at = -math.inf
        self._started = datetime.now(UTC)
        self._failures = Failures(lambda: pipeline.alarms, self.metrics)
        self._has_judged = False  # in this tick: what fails after it must not slow the next one down
        # Found by other jobs, worked on by the tick, which alone changes published minutes.
        self._to_rebuild: Sequence[LakeFile] = ()
        self.open_channel = open_channel
        self.paces = paces or Paces()
        self.talk = talk
        self._made_senders: Senders | None = None
        self._telling = Lock()  # several senders tell what they have done

    @property
    def ending(self) -> bool:
        """Has somebody stopped the process, or has a job met what this service cannot survive?"""
        return self.stopped.is_set() or self.failure is not None

    def tick(self) -> None:
        """Judge every due minute, oldest first; then look for what changed."""
        self._has_judged = False
        try:
            self._tick()
        except SourceUnavailable as error:
            self._failures.source_away(error)
            raise
        except SOURCE_FAILING:
            self._failures.source_answers()
            raise
        self._failures.source_answers()

    def _tick(self) -> None:
        with self._damage_found():
            seen_at = self.pipeline.monotonic()
            fence = self._watch.look()
            self._corrector.see(fence)
            until = self.pipeline.due_until(fence)
            self._judge_due(until)
            self._has_judged = True
            next_minute = self.pipeline.state.next_minute()
            if next_minute is not None:
                self.metrics.lag.set((fence.clock - next_minute).total_seconds())
                due = next_minute + MINUTE + self.pipeline.settings.close_delay
                self._due_at = seen_at + (due - fence.complete_until).total_seconds()
            self._follow()

    @contextmanager
    def _damage_found(self) -> Iterator[None]:
        """Whoever meets a damaged file leaves all of them to the next tick, which builds them again first."""
        try:
            yield
        except LakeDamaged as error:
            damaged = self.pipeline.lake.damaged(self.pipeline.state.publication().files)
            if not damaged:
                raise
            log.warning("lake.damage_found", error=error.what)
            self._to_rebuild = damaged

    def _rebuild(self) -> None:
        """Build again what was found damaged; it is remembered until that has succeeded."""
        wanted = self._to_rebuild
        if not wanted:
            return
        published = self.pipeline.state.publication().files
        repair_files(self.pipeline, [file for file in wanted if file in published])
        if self._to_rebuild is wanted:  # another job may have found more meanwhile
            self._to_rebuild = ()

    def _judge_due(self, until: datetime) -> None:
        self._rebuild()
        for judged in self.pipeline.catch_up(until):
            steps = self.pipeline.take_steps()
            # The minute is committed, whatever becomes of its numbers.
            with self.pipeline.ornaments.beside("metrics.minute"):
                self.metrics.observe_minute(judged, self.pipeline.pack, steps)
                self.tally.add(judged, sum(steps.values()))
                self.on_judged(judged, sum(steps.values()))
            with self.pipeline.ornaments.beside("book"):
                self._book_watch.see(self.pipeline.money)
            told = _summary(judged, steps, self.pipeline.pack)
            log.info("minute.judged", minute=judged.minute.isoformat(), **told)
            result = told | of_minute(judged.minute, steps, self.answers.take())
            self._report("minute", sum(steps.values()), result)
            if self.ending:
                break

    def _report(self, job: str, took_ms: float, result: Mapping[str, Any]) -> None:
        """Keep what a job did for the people who look; it is done, whatever becomes of that."""
        with self.pipeline.ornaments.beside("reports"):
            self.pipeline.state.record_report(job, took_ms, result)

    @contextmanager
    def _reported(self, job: str) -> Iterator[dict[str, Any]]:
        """Report a job that works, with what it puts into the result."""
        began, result = self.pipeline.monotonic(), dict[str, Any]()
        yield result
        self._report(job, (self.pipeline.monotonic() - began) * 1000, result)

    def _follow(self) -> None:
        """After the due minutes, never in front of them: correct what was found, repair what was asked."""
        now = self.pipeline.monotonic()
        deadline = min(now + WORK_S, self._due_at - SPARED_S / 2)
        if now >= deadline and now - self._followed_at < 2 * DEEP_SEARCH_S:
            return  # one that is always behind must not starve this
        self._followed_at = now
        corrected = self._corrector.take(deadline)
        if self.pipeline.monotonic() < deadline:
            corrected += self._corrector.repair(deadline)
        if self.pipeline.monotonic() < deadline:
            corrected += self._beside.look()  # once a minute; what was found of older ones may be long
            corrected += self._beside.take(deadline)
        self.metrics.corrected.inc(len(corrected))
        if self._corrector.open_for is not None:
            self.metrics.open_transaction.set(self._corrector.open_for.total_seconds())

    def search(self) -> None:
        """Beside the tick: look for late commits, but not when a minute is about to be due."""
        now = self.pipeline.monotonic()
        if self._corrector.waiting:
            return
        depth = self._turns.turn(now, self._due_at - now)
        if depth is None:
            return
        try:
            with self.metrics.poll.time(), self._reported("search") as result:
                result["depth"] = depth.name
                self._corrector.search(deep=depth is DEEP)
        except Overtaken:  # the minute in hand came first
            self._turns.again(depth)
        for reason, minutes in self.pipeline.state.strays().items():
            self.metrics.strays.labels(reason).set(minutes)

    def _observe_query(self, name: str, seconds: float) -> None:
        with suppress(Exception):  # a number for Prometheus keeps no minute back
            self.answers.add(name, seconds)
            self.metrics.observe_query(name, seconds)

    def deliver(self) -> None:
        """Have everything delivered that is waiting, and told what silences have kept."""
        with state_errors(self.pipeline.state.url):
            self.pipeline.state.close_silences()
            self._senders.wake(lambda: self.ending)
            status = outbox_status(self.pipeline.state.engine, self.pipeline.pack.name)
        self.metrics.pending.set(status.pending + status.sending)
        self.metrics.dead.set(status.dead)

    def end_delivery(self) -> None:
        """Wait until no message is on its way."""
        with suppress(MinuteriskError):  # it is in the outbox, and goes out when somebody delivers again
            self._senders.quiet()

    def deliver_rest(self, at_most: int = 200) -> None:
        """After the jobs have ended: deliver what the last minute still left, so much in each channel."""
        with state_errors(self.pipeline.state.url):
            self._senders.rest(at_most)

    def correct_rest(self) -> None:
        """After the jobs have ended: correct what has been committed late since they looked last."""
        corrected = self._corrector.take()
        corrected += self._corrector.poll()
        corrected += self._corrector.repair()
        corrected += self._beside.take() + self._beside.look()
        self.metrics.corrected.inc(len(corrected))
        self.catalog()

    @property
    def _senders(self) -> Senders:
        if self._made_senders is None:
            state = self.pipeline.state
            self._made_senders = Senders(
                state.engine, state.url, self.pipeline.pack, self.open_channel, self.paces, self._told
            )
        return self._made_senders

    def _told(self, delivered: Delivered) -> None:
        """Count what a sender has done."""
        with self._telling:
            self.tally.messages_delivered += delivered.sent
            self.metrics.delivered.inc(delivered.sent)
            if delivered.delay_s is not None:
                self.metrics.delivery_delay.observe(delivered.delay_s)
            for delay in delivered.opened:
                self.metrics.incident_delay.labels(delay.tier, "committed").observe(delay.committed_s)
                self.metrics.incident_delay.labels(delay.tier, "delivered").observe(delay.delivered_s)
                if delay.minute + MINUTE >= self._started:  # an older one waited for us to start
                    self.tally.add_delay(delay)

    def picture(self) -> None:
        """Beside the delivery: show the last day under the incidents that were told."""
        if self.talk is not None:
            self.talk.pictures.make()

    def listen(self) -> None:
        """Keep the socket to Slack open, and settle what was pressed and left."""
        if self.talk is None or self.talk.listener is None:
            return
        ornaments = self.pipeline.ornaments
        try:
            away_s = self.talk.listener.keep()
        except Exception as error:  # noqa: BLE001 - minutes and messages go on without
            ornaments.raised("presses", error)
            return
        if away_s < AWAY_S:
            ornaments.works("presses")
        else:
            ornaments.fails("presses", f"Slack's socket is away for {away_s:.0f} s", _SOCKET_HINT)

    def hang_up(self) -> None:
        """At the end: nobody listens to Slack any more."""
        if self.talk is not None and self.talk.listener is not None:
            self.talk.listener.close()

    def catalog(self) -> None:
        """Keep what readers find the files by equal to the ledger."""
        with self._damage_found():
            self.pipeline.project_catalog()

    def heartbeat(self) -> None:
        """Say that this leader is alive."""
        self.pipeline.state.heartbeat()
        with self.pipeline.ornaments.beside("metrics"):
            self.metrics.serve_again()
            self.metrics.observe_alarms(self.pipeline.alarms.counts())

    def housekeeping(self) -> None:
        """Compact closed hours and days, delete what nobody can be reading, check the data of closed days."""
        self.show_budget()
        pipeline = self.pipeline
        self._house.keep_audit()
        next_minute = pipeline.state.next_minute()
        if next_minute is None:
            return
        with self._reported("compact") as result:
            with self._damage_found():
                result["replaced"] = compact(pipeline.lake, pipeline.state, next_minute)
                if result["replaced"]:
                    pipeline.project()
            result.update(self._house.sweep(datetime.now(UTC)))
        with self._damage_found():
            self._house.check(next_minute)

    def reconcile(self) -> None:
        """Compare the last hours with the source and say where they differ."""
        pipeline = self.pipeline
        next_minute = pipeline.state.next_minute()
        if next_minute is None:
            return
        span = Span(next_minute - RECONCILED, next_minute)
        # The tick's connection is in use by another thread.
        with self._reported("reconcile") as result, pipeline.source.again() as source:
            outside = list[Outside]()
            differences = reconcile(source, pipeline.state, span, pipeline.lake, outside.append)
            pipeline.watch.see_totals(outside)
            self._beside.compare_recent(source)
            without_time = rows_without_time(pipeline, source)
            result.update(of_span(span), differences=len(differences), rows_without_time=without_time)
        if without_time is not None:
            self.metrics.without_time.set(without_time)
        self.metrics.differences.set(len(differences))
        for difference in differences:
            log.error("reconcile.difference", **difference.as_json())
        pipeline.state.request_repairs([difference.minute for difference in differences])
        if not differences:
            pipeline.alarms.end("minutes.differ")

    def compare(self) -> None:
        """Beside the tick: totals of the horizon where the source began anew, of old minutes with rows."""
        if self._corrector.comparing or self._corrector.has_old_suspects():
            with self.pipeline.source.again() as source:
                self._corrector.compare_after_restart(source)
                self._corrector.judge_old_suspects(source)
        tell_strays(self.pipeline)

    def prove(self) -> None:
        """Once a day: horizon against source, files against checksums; repair, then state what holds."""
        pipeline = self.pipeline
        next_minute = pipeline.state.next_minute()
        if next_minute is None:
            return
        first = pipeline.state.published().first_minute or next_minute
        span = Span(max(first, next_minute - HORIZON), next_minute)
        with self._reported("prove") as result:
            result.update(of_span(span), **self._prove(span, next_minute))

    def _prove(self, span: Span, next_minute: datetime) -> dict[str, Any]:
        """Gives what the report says of the proof."""
        pipeline = self.pipeline
        with pipeline.source.again() as source:
            found = left = find_faults(pipeline, source, span)
            for _ in range(2):  # a damaged file hides what is in it: built again, it may differ
                if not left.any:
                    break
                self._have_repaired(left)
                left = find_faults(pipeline, source, span)
            self._beside.compare_all(source)
        final = pipeline.state.finalise(span.start)
        day = business_date(next_minute, pipeline.lake.zone).isoformat()
        stated = statement_of(pipeline, span, found, left)
        path = write_statement(pipeline.settings, day, stated)
        log.info("proof.stated", file=path.name, differences=len(left.minutes), final_minutes=final)
        return {"statement": path.name, "final_minutes": final} | of_statement(stated)

    def _have_repaired(self, found: Faults) -> None:
        """Ask the tick to repair what was found, and wait until it has, for so long."""
        state = self.pipeline.state
        state.request_repairs(found.minutes)
        self._to_rebuild = found.files
        until = time.monotonic() + REPAIR_TIME.total_seconds()
        while (self._to_rebuild or state.repairs_waiting()) and time.monotonic() < until:
            if self.stopped.wait(1) or self.failure is not None:
                break

    def measure_budget(self) -> None:
        """Once a day: what would the budgeted policy open on a day without anything wrong?"""
        with self._damage_found(), self.pipeline.ornaments.beside("budget", but=(LakeDamaged,)):
            found = measure_night(self.pipeline)
            if found is not None:
                log.info("budget.measured", result=found)
        self.show_budget()

    def measure_rules(self) -> None:
        """Find out what a version that somebody asked about would have done in the last days."""
        if (version := measure_waiting(self.pipeline)) is not None:
            log.info("rules.backtested", version=version)

    def show_budget(self) -> None:
        """Bring the metrics of the budget up to date."""
        zone = self.pipeline.lake.zone
        with self.pipeline.ornaments.beside("budget.shown"):
            today = business_day(business_date(datetime.now(UTC), zone), zone)
            shown = budget_of(self.pipeline.state, self.pipeline.lake, today.start)
            if shown is not None:
                self.metrics.observe_budget(shown)

    def guarded(self, name: str, job: Callable[[], object]) -> Callable[[], None]:
        """Wrap `job`: its failures are told and wait for the next run; few of them end the service."""

        def guarded_job() -> None:
            if self._failures.waits(name):
                return
            try:
                with structlog.contextvars.bound_contextvars(pack=self.pipeline.pack.name):
                    job()
            except Exception as error:  # noqa: BLE001 - a job's failure is its own: told, and an alarm
                slowly = not (name == "tick" and self._has_judged)
                if self._failures.failed(name, error, slowly=slowly) and isinstance(error, MinuteriskError):
                    self.failure = error
            else:
                self._failures.succeeded(name)

        return guarded_job


def _summary(judged: Judged, steps: dict[str, float], pack: Pack[Any, Any]) -> dict[str, object]:
    return {
        "transactions": judged.counted.read(pack),
        "quarantined": judged.counted.quarantine.height,
        "signals": judged.signals.height,
        "opened": len(judged.changes.opened),
        "resolved": len(judged.changes.resolved),
        "ms": round(sum(steps.values()), 1),
    }

"""The composition root and the jobs. `python scheduler.py` is the same as `minuterisk run`.

One job ticks; the ledger decides which minutes are due. Delivery and housekeeping run beside it, so a
slow channel never delays a minute. APScheduler's own defaults would skip work after a pause (a grace of
one second), hence grace None and coalesce everywhere.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from pipeline.act.actions import Actions
from pipeline.catch_up import Pipeline, no_progress
from pipeline.desk.perform import Desk
from pipeline.embedded import Urls, open_urls
from pipeline.errors import LakeDamaged, NotLeader, PassingError
from pipeline.errors.secrets import dialect
from pipeline.online import install, jobs_of
from pipeline.packs import PACKS, load_pack
from pipeline.report.job import REPORT_S, Reports
from pipeline.service import Service
from pipeline.source.mysql import MySqlSource
from pipeline.source.postgresql import PostgresSource
from pipeline.store.database import connect_state
from pipeline.store.lake import Lake
from pipeline.store.leader import lead_or_stand_by, refuse_pooler
from pipeline.store.migrate import migrate
from pipeline.store.rules import read_rules_file
from pipeline.store.state import State
from pipeline.talk import Talk
from pipeline.talk.client import TalkClient
from pipeline.talk.commands import Commands
from pipeline.talk.listener import Listener
from pipeline.talk.pictures import Pictures
from pipeline.talk.presses import Presses
from pipeline.talk.signals import newest_signal
from pipeline.tell.destinations import home_channel, open_channel, reach_of
from pipeline.tell.pace import Paces
from pipeline.watch.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from threading import Event

    from pipeline.catch_up import Progress
    from pipeline.metrics import Metrics
    from pipeline.settings import Settings
    from pipeline.shards.leader import Shards
    from pipeline.source.asked import Source
    from pipeline.tell.channels import Channel

log = structlog.get_logger()

TICK_S = 1
DELIVER_S = 1
HEARTBEAT_S = 5
ENDING_S = 0.5
CATALOG_S = 5  # a fresh DuckDB file takes longer than judging a minute: it is made beside the tick
HOUSEKEEPING = timedelta(minutes=10)
RECONCILE = timedelta(hours=1)
RULES_S = 20  # a backtest of 7 days, beside everything else
COMPARE_S = 10  # asks for nothing unless the source's server began anew, or old minutes got rows
PROOF_HOUR = 4  # of the business day, its quietest: everything is compared with the source and its checksums
TALK_S = 2
ACTIONS_S = 2  # what is told of an action goes out about as fast as a message
WATCH_S = 1
EXECUTORS = (
    "tick",
    "search",
    "deliver",
    "heartbeat",
    "catalog",
    "rules",
    "watch",
    "listen",
    "picture",
    "report",
    "actions",
    "slow",
)


@contextmanager
def open_pipeline(settings: Settings, stand_by: Event | None = None) -> Iterator[Pipeline]:
    """Open databases and lake, bring the schema up, become the leader; everything is closed at the end.

    While another process leads this raises NotLeader, or waits until it may take over where `stand_by` is
    given; setting `stand_by` ends the wait with NotLeader.
    """
    file = read_rules_file(load_pack(settings.pack), settings.rules)
    with ExitStack() as stack:
        urls = open_urls(settings)
        state = stack.enter_context(open_state(urls, settings))  # first: an inbox is read from its tables
        source = stack.enter_context(open_source(settings, urls))
        source.check()
        refuse_pooler(state.engine, urls.state_url)
        if stand_by is None:
            state.lead()
        elif not lead_or_stand_by(state, stand_by):
            msg = "stopped while another process led"
            raise NotLeader(msg)
        install(state)
        lake = open_lake(settings)
        shards = stack.enter_context(_open_shards(settings, urls, lake, state))
        pipeline = Pipeline(settings, file, source, lake, state, time.monotonic, shards)
        pipeline.rules.keep_file()
        pipeline.ensure_fence()
        pipeline.exposure.check()
        if state.next_minute() is not None:
            pipeline.recognise_restore()
            pipeline.project()  # a crash may have come between commit and projection
        yield pipeline
        with suppress(LakeDamaged):  # the next start builds the file again, and then the catalog
            pipeline.project_catalog()


def _open_shards(
    settings: Settings, urls: Urls, lake: Lake, state: State
) -> AbstractContextManager[Shards | None]:
    """The processes that share the windows, where the settings ask for any."""
    if settings.shards == 1:
        return nullcontext()
    from pipeline.shards.opening import open_shards  # noqa: PLC0415 - one process needs nothing of it

    return open_shards(settings, urls.source_url, lake, lambda: state.epoch or 0)


def open_source(settings: Settings, urls: Urls) -> Source:
    """The company's database in its dialect, read only; opens nothing yet."""
    source, pack = source_class(urls.source_url), load_pack(settings.pack)
    return source(pack, urls.source_url, settings.source_queries, settings.source_timeout, settings.currency)


def source_class(url: str | None) -> type[PostgresSource | MySqlSource]:
    """Who reads the database at `url`; None is the embedded PostgreSQL."""
    return MySqlSource if dialect(url) == "mysql" else PostgresSource


def open_state(urls: Urls, settings: Settings) -> State:
    """The operational database, migrated, as the settings' pack sees it."""
    engine = connect_state(urls.state_url)
    migrate(engine, urls.state_url, settings.currency)
    return State(engine, urls.state_url, settings.pack, settings.currency, home_channel(settings))


def open_lake(settings: Settings) -> Lake:
    """The lake under the home, for the settings' pack."""
    pack = load_pack(settings.pack)
    return Lake(pack, settings.lake, settings.manifest, settings.catalog, settings.business_timezone)


def open_service(
    pipeline: Pipeline, metrics: Metrics, stopped: Event | None = None, paces: Paces | None = None
) -> Service:
    """The jobs' work, with the channels that routes name and settings know.

    Where several packs run in one process, `paces` are those of all of them.
    """
    paces = paces or Paces()
    settings, installation = pipeline.settings, pipeline.state.installation()
    pipeline.state.say_reach(reach_of(settings))

    def opened(name: str) -> Channel:
        return open_channel(name, settings, installation)

    return Service(pipeline, opened, metrics, stopped, open_talk(pipeline, opened, paces), paces)


def open_talk(pipeline: Pipeline, opened: Callable[[str], Channel], paces: Paces) -> Talk | None:
    """The way back from Slack, where messages go there; buttons and commands where an app token is set."""
    settings, state = pipeline.settings, pipeline.state
    if settings.slack_token is None:
        return None
    client = TalkClient(settings.slack_token, settings.slack_base_url)
    pictures = Pictures(pipeline, client, opened, paces)
    if settings.slack_app_token is None:
        return Talk(pictures)

    def desk_of(pack: str) -> Desk | None:
        """Any pack's desk: Slack gives a press to whichever socket it likes."""
        if pack == state.pack:
            return Desk(state, settings)
        if pack not in PACKS:
            return None
        other = State(state.engine, state.url, pack, settings.currency, home_channel(settings))
        return Desk(other, settings.of(pack))

    presses = Presses(state, desk_of, client, settings.language)
    commands = Commands(state, settings, partial(newest_signal, pipeline))
    return Talk(pictures, Listener(state, settings, client, presses, commands))


def prepare(pipeline: Pipeline) -> None:
    """Have the windows ready for the first minute; where shards were lost that minute builds them."""
    try:
        pipeline.prepare()
    except PassingError as error:
        if pipeline.shards is None:
            raise
        log.warning("windows.not_ready", reason=str(error), hint="the next minute builds them")


def run_service(service: Service, progress: Progress = no_progress) -> None:
    """Publish what history is missing, then run the jobs until the service ends; raises what ended it.

    The heart beats from the first moment, also while history is published: a silent leader is taken over.
    """
    jobs = jobs_of(service.pipeline.pack.name)
    scheduler = BackgroundScheduler(
        executors={name: ThreadPoolExecutor(1) for name in (*EXECUTORS, *jobs)},
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        timezone=UTC,
    )
    _every(scheduler, service, "heartbeat", service.heartbeat, HEARTBEAT_S)
    watch = service.pipeline.pack.watch
    watcher = None if watch is None else Watcher(service.pipeline, watch)
    scheduler.start()
    try:
        with suppress(_Ended):
            service.pipeline.start_history(service.pipeline.due_until(), _until_ended(service, progress))
            prepare(service.pipeline)
            service.answers.take()  # what history cost the source is no minute's
            _add_jobs(scheduler, service, watcher)
            for name, job in jobs.items():
                _every(scheduler, service, name, partial(job.run, service.pipeline), job.every_s, name)
        while not service.ending:
            service.stopped.wait(ENDING_S)
    finally:
        scheduler.shutdown(wait=True)
        if watcher is not None:
            watcher.close()
        service.hang_up()
        service.end_delivery()
    if service.failure is not None:
        raise service.failure


class _Ended(Exception):
    """The service ends while history is published."""


def _until_ended(service: Service, progress: Progress) -> Progress:
    """Tell of each piece of history, and publish no further one once the service ends."""

    def told(done: int, total: int | None, what: str) -> None:
        progress(done, total, what)
        if service.ending:
            raise _Ended

    return told


def _add_jobs(scheduler: BackgroundScheduler, service: Service, watcher: Watcher | None) -> None:
    _every(scheduler, service, "tick", service.tick, TICK_S)
    if watcher is not None:
        _every(scheduler, service, "watch", partial(_look, scheduler, service, watcher), WATCH_S)
    _every(scheduler, service, "search", service.search, TICK_S)
    _every(scheduler, service, "deliver", service.deliver, DELIVER_S)
    _every(scheduler, service, "catalog", service.catalog, CATALOG_S)
    _every(scheduler, service, "housekeeping", service.housekeeping, HOUSEKEEPING.total_seconds())
    _every(scheduler, service, "reconcile", service.reconcile, RECONCILE.total_seconds())
    _every(scheduler, service, "compare", service.compare, COMPARE_S)
    if service.talk is not None:
        _every(scheduler, service, "picture", service.picture, TALK_S)
        _every(scheduler, service, "listen", service.listen, TALK_S)
    pipeline = service.pipeline
    actions = Actions(pipeline.state, pipeline.lake, pipeline.settings, pipeline.ornaments, pipeline.tuned_at)
    _every(scheduler, service, "actions", actions.turn, ACTIONS_S)
    _every(scheduler, service, "rules", service.measure_rules, RULES_S)
    reports = Reports(pipeline, service.paces)
    _every(scheduler, service, "report", reports.run, REPORT_S)
    nightly = CronTrigger(hour=PROOF_HOUR, timezone=service.pipeline.lake.zone)
    for name, job in (("prove", service.prove), ("measure_budget", service.measure_budget)):
        scheduler.add_job(service.guarded(name, job), nightly, executor="slow", id=name)


def _look(scheduler: BackgroundScheduler, service: Service, watcher: Watcher) -> None:
    """See what was committed within the second; what it opened is delivered now, not at the next turn."""
    began = time.monotonic()
    look = watcher.look()
    if look is None:
        return
    service.metrics.observe_look(look.rows, look.seen.counts, time.monotonic() - began)
    service.tally.incidents_opened += look.opened
    if look.opened and not service.ending:
        # Nobody waits for it: while the scheduler ends it holds its lock until this job has ended.
        Thread(target=_deliver_now, args=(scheduler,), name="deliver-now", daemon=True).start()


def _deliver_now(scheduler: BackgroundScheduler) -> None:
    with suppress(JobLookupError):  # the service has ended
        scheduler.modify_job("deliver", next_run_time=datetime.now(UTC))


def _every(
    scheduler: BackgroundScheduler,
    service: Service,
    name: str,
    job: Callable[[], object],
    seconds: float,
    executor: str | None = None,
) -> None:
    executor = executor or (name if name in EXECUTORS else "slow")
    scheduler.add_job(service.guarded(name, job), "interval", seconds=seconds, executor=executor, id=name)


if __name__ == "__main__":
    from pipeline.cli import main

    sys.exit(main(["run", *sys.argv[1:]]))

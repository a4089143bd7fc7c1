"""run, backfill, catch-up, reconcile: the pipeline at work."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING

import click
import structlog

from pipeline.catch_up import Pipeline
from pipeline.commands.common import (
    TIME,
    from_option,
    json_option,
    progress_bar,
    read_settings,
    report,
    span_of,
    to_option,
)
from pipeline.embedded import open_urls
from pipeline.errors import (
    ConfigurationError,
    DifferencesFound,
    FencedOut,
    NotLeader,
    SourceUnavailable,
    UsageError,
)
from pipeline.figures import moment, span_text
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span
from pipeline.packs import load_pack
from pipeline.prove.corrector import Corrector
from pipeline.prove.proof import find_faults
from pipeline.prove.verify import repair_files
from pipeline.steps import Tally
from pipeline.store.rules import read_rules_file
from pipeline.tell.pace import Paces
from scheduler import open_lake, open_pipeline, open_service, open_source, open_state, run_service

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.prove.proof import Faults
    from pipeline.settings import Settings
    from pipeline.store.state import State

log = structlog.get_logger()

#: A leader looks for requests every 10 s.
ASKED_S = 60
#: Beside other packs, one whose source is away at its start is tried again after so long.
AWAY_S = 5
SIGNALS_S = 0.5


@click.command()
@click.option("--pack", help="Run this pack alone; default: all of MINUTERISK_PACKS.")
def run(pack: str | None) -> None:
    """Run the scheduler: catch up, deliver, reconcile, compact; until stopped."""
    settings, stopped = read_settings(), Event()
    if pack:  # settings without a pack's name stay those of the first one
        settings = settings.of(load_pack(pack).name)
    metrics = Metrics(settings.pack)
    stop_on_signals(stopped)
    serve_metrics(metrics, settings.metrics_port)
    names = (pack,) if pack else settings.packs
    paces = Paces()  # a channel in which several packs tell is used by all of them at one pace
    with ThreadPoolExecutor(len(names), "pack") as pool:
        lead = _stand_and_lead if len(names) == 1 else _beside_others
        running = [pool.submit(lead, settings.of(name), metrics, paces, stopped) for name in names]
        # Never without an end: a signal that another thread gets does not wake this one, which acts on it.
        while wait(running, SIGNALS_S).not_done:
            if any(one.done() and one.exception() is not None for one in running):
                stopped.set()  # what ends one ends all: a supervisor starts them again
        failed = [
            (name, error) for name, one in zip(names, running, strict=True) if (error := one.exception())
        ]
        for name, error in failed[1:]:  # the first is raised and told; the others would be lost
            log.error("run.failed", pack=name, what=str(error))
        if failed:
            raise failed[0][1]


def _beside_others(settings: Settings, metrics: Metrics, paces: Paces, stopped: Event) -> None:
    """The same beside other packs: a source that is away when we begin is not theirs, and is tried again."""
    while not stopped.is_set():
        try:
            _stand_and_lead(settings, metrics, paces, stopped)
        except SourceUnavailable as error:
            log.warning("run.source_away", pack=settings.pack, what=error.what, alarm=True)
            stopped.wait(AWAY_S)


def _stand_and_lead(settings: Settings, metrics: Metrics, paces: Paces, stopped: Event) -> None:
    """Lead one pack whenever nobody else does, until stopped."""
    while not stopped.is_set():
        try:
            _lead(settings, metrics, paces, stopped)
        except FencedOut as error:
            log.warning(
                "run.fenced_out", pack=settings.pack, why=error.what
            )  # another process leads now: stand by for it
        except NotLeader:
            break


def serve_metrics(metrics: Metrics, port: int) -> None:
    """Serve them, or let the heartbeat try again and raise the alarm."""
    with suppress(ConfigurationError):
        metrics.serve(port)


def _lead(settings: Settings, metrics: Metrics, paces: Paces, stopped: Event) -> None:
    """Wait for the leadership, then run the jobs until stopped or replaced."""
    with open_pipeline(settings, stand_by=stopped) as pipeline:
        metrics.of(settings.pack).leader.set(pipeline.state.epoch or 0)
        service = open_service(pipeline, metrics, stopped, paces)
        log.info("run.started", pack=settings.pack, policy=settings.policy, epoch=pipeline.state.epoch)
        with progress_bar("history") as progress:
            run_service(service, progress)
        log.info("run.stopped", pack=settings.pack, minutes=service.tally.minutes_processed)


@click.command()
@from_option
@to_option
@json_option
def backfill(start: datetime, end: datetime, *, as_json: bool) -> None:
    """Publish history in bulk; nothing is judged or sent. Interrupted, it goes on where it ended."""
    span = span_of(start, end)
    with open_pipeline(read_settings()) as pipeline, progress_bar("backfill") as progress:
        minutes = pipeline.backfill(span, progress)
        published = pipeline.state.published()
    content = {"from": span.start, "to": span.end, "minutes_published": minutes, "holes": published.holes}
    report(content, as_json=as_json, text=f"{minutes:,} minutes published, {published.holes} holes")


@click.command("catch-up")
@click.option("--from", "start", type=TIME, help="Begin here; only minutes that were never judged.")
@click.option("--until", type=TIME, help="Stop before this minute; default: everything that is due.")
@json_option
def catch_up(start: datetime | None, until: datetime | None, *, as_json: bool) -> None:
    """Judge and commit every due minute, oldest first, then exit."""
    settings = read_settings()
    tally = Tally(load_pack(settings.pack))
    with open_pipeline(settings) as pipeline, progress_bar("catch-up") as progress:
        due = pipeline.due_until()
        end = min(until, due) if until else due
        if start is not None:
            pipeline.judge_from(start)
        elif (next_minute := pipeline.state.next_minute()) is None:
            pipeline.start_history(end, progress)
        else:
            pipeline.finish_history(next_minute, end, progress)
        for judged in pipeline.catch_up(end, progress):
            tally.add(judged, sum(pipeline.take_steps().values()))
        published = pipeline.state.published()
    content = {**tally.as_json(), "holes": published.holes, "next_minute": published.next_minute}
    until_text = (
        moment(published.next_minute, settings.business_timezone) if published.next_minute else "none"
    )
    report(content, as_json=as_json, text=_caught_up(tally, until_text))


@click.command()
@from_option
@to_option
@json_option
def reconcile(start: datetime, end: datetime, *, as_json: bool) -> None:
    """Compare source, ledger and files of a period and repair what differs; exit code 3 where it did."""
    settings, span = read_settings(), span_of(start, end)
    try:
        with open_pipeline(settings) as pipeline, progress_bar("reconcile"):
            _require_inside(span, pipeline.state, settings.business_timezone)
            found = find_faults(pipeline, pipeline.source, span)
            found, left = _repair(pipeline, found, span) if found.any else (found, found)
    except NotLeader:
        found, left = _ask_leader(settings, span)
    content = {
        "from": span.start,
        "to": span.end,
        "minutes": span.minutes,
        "differences": [d.as_json() for d in found.differences],
        "files_damaged": [file.path for file in found.files],
        "left": len(left.differences) + len(left.files),
        "rows_without_time": left.without_time,
    }
    report(content, as_json=as_json, text=_reconciled(found, left, span, settings.business_timezone))
    if found.any:
        msg = f"{len(found.differences)} minutes and {len(found.files)} files were not as they must be"
        raise DifferencesFound(msg, "all repaired" if not left.any else "see the log of `minuterisk run`")


def _require_inside(span: Span, state: State, zone: ZoneInfo) -> None:
    """Refuse a period that reaches past what is published: it does not differ, it is not there yet."""
    published = state.published()
    first, last = published.first_minute, published.last_minute
    if first is None or last is None or span.start < first or span.end > last + MINUTE:
        found = span_text(Span(first, last + MINUTE), zone) if first and last else "nothing"
        msg = f"{span_text(span, zone)} is not published; published is {found}"
        raise UsageError(msg, "choose a period inside it, or `minuterisk backfill` or `catch-up` first")


def _repair(pipeline: Pipeline, found: Faults, span: Span) -> tuple[Faults, Faults]:
    """Repair what was found; gives everything that was found on the way, and what is left."""
    repair_files(pipeline, found.files)
    # Files that could not be read hid what is in them: look again before minutes are corrected.
    again = find_faults(pipeline, pipeline.source, span) if found.files else found
    both = {d.minute: d for d in (*again.differences, *found.differences)}
    found = replace(found, differences=tuple(both[minute] for minute in sorted(both)))
    pipeline.state.request_repairs(found.minutes)
    corrector = Corrector(pipeline)
    while pipeline.state.repairs_waiting():
        corrector.repair()
    return found, find_faults(pipeline, pipeline.source, span)


def _ask_leader(settings: Settings, span: Span) -> tuple[Faults, Faults]:
    """While `minuterisk run` is at work it alone repairs: ask it, and wait until it has."""
    urls = open_urls(settings)
    with open_source(settings, urls) as source, open_state(urls, settings) as state:
        _require_inside(span, state, settings.business_timezone)
        file = read_rules_file(load_pack(settings.pack), settings.rules)
        pipeline = Pipeline(settings, file, source, open_lake(settings), state, time.monotonic)
        found = left = find_faults(pipeline, source, span)
        # Reading a minute of a damaged file again, the leader meets the damage and builds the file again.
        state.request_repairs([*found.minutes, *(file.span.start for file in found.files)])
        until = time.monotonic() + ASKED_S
        while left.any and time.monotonic() < until:
            time.sleep(1)
            left = find_faults(pipeline, source, span)
    return found, left


def stop_on_signals(stopped: Event) -> None:
    """Ctrl-C and SIGTERM end the service after the minute in hand is committed, however often they come."""

    def stop(*_: object) -> None:
        # In a thread: the one that this interrupts may hold the lock of the event, also for another signal.
        Thread(target=stopped.set, name="stop", daemon=True).start()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _caught_up(tally: Tally, next_minute: str) -> str:
    return (
        f"{tally.minutes_processed:,} minutes judged, {tally.transactions:,} rows, "
        f"{tally.signals:,} signals, {tally.incidents_opened} incidents opened; next minute {next_minute}"
    )


def _reconciled(found: Faults, left: Faults, span: Span, zone: ZoneInfo) -> str:
    lines = [f"{moment(d.minute, zone)}  source {d.source}  ledger {d.ledger}" for d in found.differences]
    lines += [f"damaged or missing: {file.path}" for file in found.files]
    lines += (
        [f"{left.without_time} source rows have no time: no minute counts them"] if left.without_time else []
    )
    repaired = "" if not found.any else ", all repaired" if not left.any else ", not all repaired"
    minutes = f"{len(found.differences)} of {span.minutes:,} minutes differ"
    differ = f"{minutes}, {len(found.files)} files damaged{repaired}"
    return "\n".join([*lines, differ])

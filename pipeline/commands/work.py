"""run, backfill, catch-up, reconcile: the pipeline at work."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click
import structlog

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
from pipeline.errors import DifferencesFound
from pipeline.metrics import Metrics
from pipeline.minute import format_minute
from pipeline.reconcile import reconcile as compare_with_source
from scheduler import Service, Tally, open_pipeline, open_source, open_state

if TYPE_CHECKING:
    from datetime import datetime
    from threading import Event

    from pipeline.reconcile import Difference

log = structlog.get_logger()


@click.command()
def run() -> None:
    """Run the scheduler: catch up, deliver, reconcile, compact; until stopped."""
    settings = read_settings()
    metrics = Metrics()
    with open_pipeline(settings) as pipeline:
        port = metrics.serve(settings.metrics_port)
        metrics.leader.set(pipeline.state.epoch or 0)
        service = Service(pipeline, metrics)
        stop_on_signals(service.stopped)
        with progress_bar("history") as progress:
            service.start_history(progress)
        log.info("run.started", policy=settings.policy, epoch=pipeline.state.epoch, metrics_port=port)
        service.run()
        log.info("run.stopped", minutes=service.tally.minutes_processed)


@click.command()
@from_option
@to_option
@json_option
def backfill(start: datetime, end: datetime, *, as_json: bool) -> None:
    """Publish history in bulk, a business day at a time; nothing is judged or sent."""
    span = span_of(start, end)
    with open_pipeline(read_settings()) as pipeline, progress_bar("backfill") as progress:
        minutes = pipeline.backfill(span, progress)
        published = pipeline.state.published()
    content = {"from": span.start, "to": span.end, "minutes_published": minutes, "holes": published.holes}
    report(_iso(content), as_json=as_json, text=f"{minutes:,} minutes published, {published.holes} holes")


@click.command("catch-up")
@click.option("--from", "start", type=TIME, help="Begin here; only minutes that were never judged.")
@click.option("--until", type=TIME, help="Stop before this minute; default: everything that is due.")
@json_option
def catch_up(start: datetime | None, until: datetime | None, *, as_json: bool) -> None:
    """Judge and commit every due minute, oldest first, then exit."""
    tally = Tally()
    with open_pipeline(read_settings()) as pipeline, progress_bar("catch-up") as progress:
        due = pipeline.due_until()
        end = min(until, due) if until else due
        if start is not None:
            pipeline.judge_from(start)
        elif pipeline.state.next_minute() is None:
            pipeline.start_history(end, progress)
        for judged in pipeline.catch_up(end, progress):
            tally.add(judged, sum(pipeline.take_steps().values()))
        published = pipeline.state.published()
    content = {**tally.as_json(), "holes": published.holes, "next_minute": published.next_minute}
    report(_iso(content), as_json=as_json, text=_caught_up(tally, published.next_minute))


@click.command()
@from_option
@to_option
@json_option
def reconcile(start: datetime, end: datetime, *, as_json: bool) -> None:
    """Compare source and ledger minute by minute; exit code 3 and a list where they differ."""
    settings, span = read_settings(), span_of(start, end)
    urls = open_urls(settings)
    with open_source(settings, urls) as source, open_state(urls) as state:
        differences = compare_with_source(source, state, span, settings.business_timezone)
        without_time = source.rows_without_time()
    content = {
        "from": span.start,
        "to": span.end,
        "minutes": span.minutes,
        "differences": [d.as_json() for d in differences],
        "rows_without_time": without_time,
    }
    text = "\n".join(
        [*map(_difference_line, differences), f"{len(differences)} of {span.minutes:,} minutes differ"]
    )
    report(_iso(content), as_json=as_json, text=text)
    if differences:
        msg = f"{len(differences)} minutes differ from the source"
        raise DifferencesFound(msg, "see the list above")


def stop_on_signals(stopped: Event) -> None:
    """Ctrl-C and SIGTERM end the service after the minute in hand is committed."""

    def stop(*_: object) -> None:
        stopped.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _caught_up(tally: Tally, next_minute: datetime | None) -> str:
    until = format_minute(next_minute) if next_minute else "nothing"
    return (
        f"{tally.minutes_processed:,} minutes judged, {tally.transactions:,} transactions, "
        f"{tally.signals:,} signals, {tally.incidents_opened} incidents opened; next minute {until}Z"
    )


def _difference_line(difference: Difference) -> str:
    return f"{format_minute(difference.minute)}Z  source {difference.source}  ledger {difference.ledger}"


def _iso(content: dict[str, object]) -> dict[str, object]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in content.items()
    }

"""demo: everything on this machine with a stand-in trade server, from an empty folder to incidents."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import click

from app.serve import dashboard_command, dashboard_environment
from data.merchants.history import run_live, write_history
from data.merchants.incidents import place, read_incidents
from data.merchants.trade import create_trade_database
from data.merchants.traffic import Traffic, TrafficConfig
from data.simulator import LiveOptions
from data.slack_standin import CHANNEL, SlackStandIn
from data.slack_workspace import DOMAIN
from pipeline.commands.actor import actor_of_terminal
from pipeline.commands.common import progress_bar, read_settings, report
from pipeline.commands.work import stop_on_signals
from pipeline.desk.acts import act
from pipeline.desk.people.accounts import DEMO
from pipeline.desk.perform import Desk
from pipeline.embedded import admin_url, open_urls, reset_databases
from pipeline.errors import UsageError
from pipeline.figures import unescape
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span, business_date, business_day, floor_minute
from pipeline.packs.merchants import PACK
from pipeline.prove.reconcile import reconcile
from pipeline.tell.channels import DIGEST_TYPE
from scheduler import open_pipeline, open_service, open_state, run_service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from pipeline.desk.roles import Actor
    from pipeline.run import Judged
    from pipeline.service import Service
    from pipeline.settings import Settings

HISTORY_DAYS = 8
#: The demo judges this much of its history minute by minute, so that its first incidents have a past.
JUDGED = timedelta(minutes=60)
LATE_SHARE = 0.02
SLACK_PORT = 8065


@click.command()
@click.option("--minutes", type=click.IntRange(1, 10_000), help="End by itself after so many live minutes.")
@click.option("--no-dashboard", is_flag=True, help="Do not start the dashboard.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on the last line.")
@click.option("--merchants", default=2_000, show_default=True, type=click.IntRange(1_000, 1_000_000))
@click.option(
    "--per-day",
    default=200_000,
    show_default=True,
    type=click.IntRange(150_000, 50_000_000),
    help="Transactions.",
)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
def demo(
    *, minutes: int | None, no_dashboard: bool, as_json: bool, merchants: int, per_day: int, seed: int
) -> None:
    """Run everything here: PostgreSQL, a trade server with 8 days of history, pipeline and dashboard.

    Starts anew each time; only a home that holds nothing, or an earlier demo, is used.
    """
    settings = _demo_settings(
        read_settings(**({} if "MINUTERISK_LOG_LEVEL" in os.environ else {"log_level": "warning"}))
    )
    now = datetime.now(UTC)
    first = business_day(
        business_date(now, settings.business_timezone) - timedelta(days=HISTORY_DAYS),
        settings.business_timezone,
    ).start
    incidents = tuple(place(read_incidents(), now))
    config = TrafficConfig(
        start=first, merchants=merchants, transactions_per_day=per_day, seed=seed, incidents=incidents
    )
    summary = _Demo(settings, Traffic(config), now).play(minutes, dashboard=not no_dashboard)
    text = "\n".join(
        f"  {name:<24}{'-' if value is None else f'{value:,}'}" for name, value in summary.items()
    )
    report(summary, as_json=as_json, text=f"\nwhat happened:\n{text}")


class _Demo:
    """One performance."""

    def __init__(self, settings: Settings, traffic: Traffic, now: datetime) -> None:
        self.settings = settings
        self.traffic = traffic
        self.now = now
        self.trade_url = ""

    def play(self, minutes: int | None, *, dashboard: bool) -> dict[str, Any]:
        """History, then live until `minutes` have passed or somebody stops it; gives the summary."""
        with ExitStack() as stack:
            if dashboard and self.settings.slack_token is None:
                self.settings = stack.enter_context(_slack(self.settings))
            self._prepare()
            pipeline = stack.enter_context(open_pipeline(self.settings))
            self._publish_history(pipeline)
            metrics = Metrics(self.settings.pack)
            metrics_port = metrics.serve(self.settings.metrics_port, or_any=True)
            service = open_service(pipeline, metrics)
            service.on_judged = _Reporter(service, floor_minute(self.now), minutes)
            stop_on_signals(service.stopped)
            stack.enter_context(_trade_server(self.trade_url, self.traffic))
            if dashboard:
                _add_people(Desk(pipeline.state, self.settings))
                stack.enter_context(_dashboard(self.settings))
            if metrics_port is not None:
                _say(f"metrics    http://127.0.0.1:{metrics_port}/metrics")
            _say("live: a line a minute, and every message as it would reach Slack. Ctrl-C ends it.\n")
            run_service(service)
            service.deliver_rest()
            return _summary(service)

    def _prepare(self) -> None:
        home = self.settings.home
        _say(f"home       {home}")
        urls = open_urls(self.settings)
        with open_state(urls, self.settings) as state:
            state.lead()  # nobody else may be at work here
        reset_databases(self.settings, urls)
        urls = open_urls(self.settings)
        _marker(self.settings).write_text(self.now.isoformat(), encoding="utf-8")
        create_trade_database(admin_url(urls), PACK.database, "BIGINT")
        self.trade_url = urls.stand_in_url or ""
        span = Span(self.traffic.config.start, floor_minute(self.now) - MINUTE)
        with progress_bar("trade server, 8 days") as progress:
            rows = write_history(
                self.trade_url, self.traffic, span, lambda done, total: progress(done, total, "")
            )
        _say(f"trade      {rows:,} transactions of {self.traffic.config.merchants:,} merchants in PostgreSQL")

    def _publish_history(self, pipeline: Pipeline) -> None:
        until = floor_minute(self.now) - JUDGED
        with progress_bar("backfill") as progress:
            published = pipeline.backfill(Span(self.traffic.config.start, until), progress)
        _say(f"published  {published:,} minutes of history; the last hour is judged minute by minute")


class _Reporter:
    """Says a line per live minute, and ends the demo when enough have passed."""

    def __init__(self, service: Service, live_from: datetime, minutes: int | None) -> None:
        self._service = service
        self._live_from = live_from
        self._left = minutes

    def __call__(self, judged: Judged, ms: float) -> None:
        if judged.minute < self._live_from:
            return
        rows = judged.counted.read(self._service.pipeline.pack)
        local = judged.minute.astimezone(self._service.pipeline.settings.business_timezone)
        open_now = len(judged.changes.opened)
        _say(
            f"{local:%H:%M}  {rows:,} transactions, {judged.signals.height} signals, "
            f"{open_now} incidents opened, {ms:.0f} ms"
        )
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self._service.stopped.set()


def _demo_settings(settings: Settings) -> Settings:
    if settings.source_url or settings.state_url or settings.trade_url:
        msg = "the demo brings its own databases, but MINUTERISK_SOURCE_URL, _STATE_URL or _TRADE_URL is set"
        raise UsageError(msg, "unset them for the demo, or use `minuterisk run` with them")
    if (settings.home / "postgres").exists() and not _marker(settings).exists():
        msg = f"{settings.home} holds an installation that is no demo; the demo would begin it anew"
        raise UsageError(msg, "set MINUTERISK_HOME to an empty folder for the demo")
    port = _free_port(settings.dashboard_port)
    address = f"http://127.0.0.1:{port}/"
    return replace(settings, dashboard_port=port, dashboard_url=address)


def _add_people(desk: Desk) -> None:
    """An account for each role, and its password, once; the page signs in as one of them at one press."""
    owner = actor_of_terminal(desk.state)
    _say("accounts   each signs in with its own password, or on this machine at one press")
    by: Actor | None = None
    for name, role in DEMO.items():
        password = secrets.token_urlsafe(12)
        given = {"name": name, "role": role, "password": password, "email": f"{name}@{DOMAIN}"}
        act(desk, by or owner, "add_account", "", given)
        by = by or actor_of_terminal(desk.state)  # the first one is whoever started the demo
        _say(f"           {name:<14}{password}")


@contextmanager
def _slack(settings: Settings) -> Iterator[Settings]:
    """A stand-in for Slack, whose page has working buttons; its messages are said here as well."""
    with SlackStandIn(port=_free_port(SLACK_PORT)) as slack:
        slack.on_message = _say_message
        _say(f"slack      {slack.page_url}")
        yield replace(
            settings,
            slack_token="xoxb-demo",  # noqa: S106 - the stand-in takes any
            slack_app_token="xapp-demo",  # noqa: S106 - the same
            slack_channel=CHANNEL,
            slack_base_url=slack.url,
        )


def _say_message(method: str, given: Mapping[str, Any]) -> None:
    """A new message as the console shows it; a digest has its lines in its blocks."""
    if method != "chat.postMessage":
        return
    lines = [str(given.get("text", ""))]
    if (given.get("metadata") or {}).get("event_type") == DIGEST_TYPE:
        lines += [block["text"]["text"] for block in given["blocks"] if block["type"] == "section"][2:]
    _say(unescape("\n".join(lines)))


def _marker(settings: Settings) -> Path:
    return settings.home / "run" / "demo"


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    msg = "no port is free on 127.0.0.1"
    raise UsageError(msg, "close a program that listens")


def _summary(service: Service) -> dict[str, Any]:
    pipeline = service.pipeline
    published = pipeline.state.published()
    differences = []
    if published.first_minute and published.next_minute:
        span = Span(published.first_minute, published.next_minute)
        differences = reconcile(pipeline.source, pipeline.state, span, pipeline.lake)
    return {
        **service.tally.as_json(),
        "holes": published.holes,
        "reconcile_differences": len(differences),
    }


def _say(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()


@contextmanager
def _trade_server(url: str, traffic: Traffic) -> Iterator[None]:
    """The stand-in trade server goes on living in a thread of its own."""
    stop = Event()

    def live() -> None:
        run_live(url, traffic, lambda: datetime.now(UTC), stop, LiveOptions(late_share=LATE_SHARE))

    thread = Thread(target=live, name="trade-server", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)


@contextmanager
def _dashboard(settings: Settings) -> Iterator[None]:
    """The dashboard as a process of its own, so that Ctrl-C reaches the demo first."""
    environment = dashboard_environment(settings, os.environ)
    process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
        dashboard_command(settings, demo=True),
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    _say(f"dashboard  {settings.dashboard_url}")
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()

"""demo: everything on this machine with stand-ins for companies, from an empty folder to incidents."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from app.serve import dashboard_command, dashboard_environment
from data.simulator import LiveOptions
from data.slack_standin import CHANNEL, SlackStandIn
from data.slack_workspace import DOMAIN
from pipeline.catch_up import no_progress
from pipeline.commands import SHOWS
from pipeline.commands.actor import actor_of_terminal
from pipeline.commands.common import progress_bar, read_settings, report
from pipeline.commands.regret import as_text as regret_text
from pipeline.commands.shows import Asked, own_options, show_of
from pipeline.commands.simulate import refuse_foreign
from pipeline.commands.work import SIGNALS_S, stop_on_signals
from pipeline.desk.acts import act
from pipeline.desk.people.accounts import DEMO
from pipeline.desk.perform import Desk
from pipeline.embedded import admin_url, open_urls, reset_databases
from pipeline.errors import UsageError
from pipeline.figures import unescape
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.packs import load_pack
from pipeline.prove.reconcile import reconcile
from pipeline.replay.regret import keep
from pipeline.replay.relived import relive
from pipeline.settings import PREFIX
from pipeline.tell.channels import DIGEST_TYPE
from pipeline.tell.pace import Paces
from scheduler import open_pipeline, open_service, open_state, run_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.catch_up import Pipeline, Progress
    from pipeline.commands.shows import Show
    from pipeline.desk.roles import Actor
    from pipeline.run import Judged
    from pipeline.service import Service
    from pipeline.settings import Settings

T = TypeVar("T")

#: The demo judges this much of its history minute by minute, so that its first incidents have a past.
JUDGED: Final = timedelta(minutes=60)
SLACK_PORT: Final = 8065


@click.command()
@click.option("--minutes", type=click.IntRange(1, 10_000), help="End by itself after so many live minutes.")
@click.option("--no-dashboard", is_flag=True, help="Do not start the dashboard.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on the last line.")
@click.option("--packs", default=",".join(SHOWS), show_default=True, help="What is shown, side by side.")
@click.option("--per-day", type=click.IntRange(1_000, 50_000_000), help="Rows of the first pack's company.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.pass_context
def demo(
    context: click.Context,
    /,
    *,
    minutes: int | None,
    no_dashboard: bool,
    as_json: bool,
    packs: str,
    per_day: int | None,
    seed: int,
    **own: Any,  # noqa: ANN401 - options of packs
) -> None:
    """Run everything here: PostgreSQL, companies with some days of history, pipeline and dashboard.

    Starts anew each time; only a home that holds nothing, or an earlier demo, is used.
    """
    names = _names(packs)
    refuse_foreign(context, names)
    level = {} if "MINUTERISK_LOG_LEVEL" in os.environ else {"log_level": "warning"}
    settings = _demo_settings(read_settings(**level), names)
    now = datetime.now(UTC)
    asked = Asked(now, settings.business_timezone, 0, seed, own=own)
    parts = [
        _Part(name, show_of(name), replace(asked, per_day=None if n else per_day), settings.of(name))
        for n, name in enumerate(names)
    ]
    summary = _Demo(settings, parts, now).play(minutes, dashboard=not no_dashboard)
    text = "\n\n".join(f"what happened, {name}:\n{_lines(found)}" for name, found in summary.items())
    report(_content(summary), as_json=as_json, text=f"\n{text}")


demo.params.extend(own_options())


class _Part:
    """A pack in the demo: its show, and what happens in its world."""

    def __init__(self, name: str, show: Show, asked: Asked, settings: Settings) -> None:
        self.name, self.show, self.settings = name, show, settings
        self.asked = replace(asked, history_days=show.history_days)
        self.traffic = show.traffic(self.asked)
        self.url = ""

    def history(self, until: datetime) -> Span:
        """What happened before `until`."""
        return Span(self.show.begin(self.asked), until)

    def write_history(self, until: datetime, progress: Progress) -> None:
        """Make the company's database, with its past."""
        urls = open_urls(self.settings)
        self.url = self.show.create(admin_url(urls), load_pack(self.name).database)
        rows = self.show.write_history(
            self.url, self.traffic, self.history(until), lambda done, total: progress(done, total, "")
        )
        _say(self.show.said(rows, self.traffic))

    @contextmanager
    def living(self) -> Iterator[None]:
        """The company goes on living in a thread of its own."""
        stop, options = Event(), LiveOptions(late_share=self.show.late_share)

        def live() -> None:
            self.show.run_live(self.url, self.traffic, lambda: datetime.now(UTC), stop, options)

        thread = Thread(target=live, name=f"company-{self.name}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(timeout=10)


class _Demo:
    """One performance."""

    def __init__(self, settings: Settings, parts: Sequence[_Part], now: datetime) -> None:
        self.settings = settings
        self.parts = parts
        self.now = now

    def play(self, minutes: int | None, *, dashboard: bool) -> dict[str, dict[str, Any]]:
        """History, then live until `minutes` have passed or somebody stops it; gives each pack's summary."""
        with ExitStack() as stack:
            if dashboard and self.settings.slack_token is None:
                self.settings = stack.enter_context(_slack(self.settings))
                for part in self.parts:
                    part.settings = self.settings.of(part.name)
            self._prepare()
            pipelines = [stack.enter_context(open_pipeline(part.settings)) for part in self.parts]
            self._publish_history(pipelines)
            self._relive(pipelines)
            services = self._open_services(pipelines, minutes)
            companies = stack.enter_context(ExitStack())
            for part in self.parts:
                companies.enter_context(part.living())
            if dashboard:
                _add_people(Desk(pipelines[0].state, self.parts[0].settings))
                stack.enter_context(_dashboard(self.settings))
                for part in self.parts:
                    stack.enter_context(_beside(part, self.settings))
            _say("live: a line a minute, and every message as it would reach Slack. Ctrl-C ends it.\n")
            _run(services)
            companies.close()  # nothing is written any more: what they wrote last can be compared to the row
            for service in services:
                service.correct_rest()
                service.deliver_rest()
            return {service.pipeline.pack.name: _summary(service) for service in services}

    def _prepare(self) -> None:
        _say(f"home       {self.settings.home}")
        urls = open_urls(self.settings)
        for part in self.parts:
            with open_state(urls, part.settings) as state:
                state.lead()  # nobody else may be at work here
        reset_databases(self.settings, urls)
        for part in self.parts:
            open_urls(part.settings)
        _marker(self.settings).write_text(self.now.isoformat(), encoding="utf-8")
        until = floor_minute(self.now) - MINUTE
        with progress_bar("companies, some days of history") as progress:
            self._at_once(lambda n, part: part.write_history(until, progress if n == 0 else no_progress))

    def _publish_history(self, pipelines: Sequence[Pipeline]) -> None:
        until = floor_minute(self.now) - JUDGED

        def publish(n: int, part: _Part) -> int:
            return pipelines[n].backfill(part.history(until), progress if n == 0 else no_progress)

        with progress_bar("backfill") as progress:
            published = sum(self._at_once(publish))
        _say(f"published  {published:,} minutes of history; the last hour is judged minute by minute")

    def _relive(self, pipelines: Sequence[Pipeline]) -> None:
        """What disturbances cost that are over, judged again: reports show it."""
        for pipeline, part in zip(pipelines, self.parts, strict=True):
            labels = part.show.finished(part.traffic, floor_minute(self.now) - JUDGED)
            if labels.is_empty() or pipeline.pack.exposures is None:
                continue
            with progress_bar("what acting in time would have kept") as progress:
                found = relive(part.settings, pipeline.state, pipeline.lake, labels, progress, jobs=1)
            keep(pipeline.state, found)
            _say(f"\nregret     {regret_text(found, pipeline.lake.zone)}\n")

    def _open_services(self, pipelines: Sequence[Pipeline], minutes: int | None) -> list[Service]:
        metrics, stopped, paces = Metrics(self.settings.pack), Event(), Paces()
        port = metrics.serve(self.settings.metrics_port, or_any=True)
        if port is not None:
            _say(f"metrics    http://127.0.0.1:{port}/metrics")
        stop_on_signals(stopped)
        services = [open_service(pipeline, metrics, stopped, paces) for pipeline in pipelines]
        going = _Going(len(services), stopped)
        for service in services:
            service.on_judged = _Reporter(service, floor_minute(self.now), minutes, going)
        return services

    def _at_once(self, work: Callable[[int, _Part], T]) -> list[T]:
        """Work for all packs at the same time; the first one's failure is raised."""
        with ThreadPoolExecutor(len(self.parts), "demo") as pool:
            running = [pool.submit(work, n, part) for n, part in enumerate(self.parts)]
            return [one.result() for one in running]


def _run(services: Sequence[Service]) -> None:
    """Run all packs' jobs until one of them ends; what ends one ends all."""
    with ThreadPoolExecutor(len(services), "pack") as pool:
        running = [pool.submit(run_service, service) for service in services]
        # Never without an end: a signal that another thread gets does not wake this one, which acts on it.
        while wait(running, SIGNALS_S).not_done:
            if any(one.done() for one in running):
                services[0].stopped.set()
        for one in running:
            one.result()


class _Going:
    """Stops the demo once every pack has had its minutes."""

    def __init__(self, packs: int, stopped: Event) -> None:
        self._left, self._stopped, self._lock = packs, stopped, Lock()

    def done(self) -> None:
        """One pack has had its minutes."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._stopped.set()


class _Reporter:
    """Says a line per live minute of a pack, and when enough have passed."""

    def __init__(self, service: Service, live_from: datetime, minutes: int | None, going: _Going) -> None:
        self._service = service
        self._live_from = live_from
        self._left = minutes
        self._going = going

    def __call__(self, judged: Judged, ms: float) -> None:
        if judged.minute < self._live_from:
            return
        pack = self._service.pipeline.pack
        rows = judged.counted.read(pack)
        local = judged.minute.astimezone(self._service.pipeline.settings.business_timezone)
        open_now = len(judged.changes.opened)
        _say(
            f"{local:%H:%M}  {pack.name:<10} {rows:,} rows, {judged.signals.height} signals, "
            f"{open_now} incidents opened, {ms:.0f} ms"
        )
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self._going.done()


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if set(names) - set(SHOWS) or len(set(names)) < len(names):
        msg = f"--packs {text} is refused"
        raise UsageError(msg, f"name packs, each once, with commas between: {', '.join(SHOWS)}")
    return names


def _demo_settings(settings: Settings, names: tuple[str, ...]) -> Settings:
    own = [settings.of(name) for name in names]
    if any(one.source_url or one.state_url or one.stand_in_url for one in own):
        msg = "the demo brings its own databases, but a _SOURCE_URL, _STATE_URL or _TRADE_URL is set"
        raise UsageError(msg, "unset them for the demo, or use `minuterisk run` with them")
    if (settings.home / "postgres").exists() and not _marker(settings).exists():
        msg = f"{settings.home} holds an installation that is no demo; the demo would begin it anew"
        raise UsageError(msg, "set MINUTERISK_HOME to an empty folder for the demo")
    ports = {name: _free_port(getattr(settings, f"{name}_port")) for name in ("dashboard", "serve")}
    return replace(
        own[0],
        packs=names,
        dashboard_port=ports["dashboard"],
        dashboard_url=f"http://127.0.0.1:{ports['dashboard']}/",
        serve_port=ports["serve"],
        serve_url=f"http://127.0.0.1:{ports['serve']}/",
    )


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


def _content(summary: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The first pack's numbers as they stand for themselves, and those of each where there are several."""
    first, *others = summary.values()
    return {**first, "packs": dict(summary)} if others else first


def _lines(found: Mapping[str, Any]) -> str:
    return "\n".join(f"  {name:<24}{'-' if value is None else f'{value:,}'}" for name, value in found.items())


def _say(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()


@contextmanager
def _dashboard(settings: Settings) -> Iterator[None]:
    """The dashboard as a process of its own, so that Ctrl-C reaches the demo first."""
    environment = dashboard_environment(settings, os.environ)
    _say(f"dashboard  {settings.dashboard_url}")
    with _process(dashboard_command(settings, demo=True), environment):
        yield


@contextmanager
def _beside(part: _Part, settings: Settings) -> Iterator[None]:
    """What else a pack's people look at, a process of its own too."""
    arguments = part.show.beside
    if not arguments:
        yield
        return
    said = {
        "HOME": str(settings.home),
        "PACKS": ",".join(settings.packs),
        "LOG_LEVEL": settings.log_level,
        "SERVE_PORT": str(settings.serve_port),
        "DASHBOARD_URL": settings.dashboard_url,
    }
    environment = {**os.environ, **{PREFIX + name: value for name, value in said.items()}}
    _say(f"live       {settings.serve_url}live")
    with _process([sys.executable, "-m", "pipeline.cli", *arguments], environment):
        yield


@contextmanager
def _process(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
        command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()

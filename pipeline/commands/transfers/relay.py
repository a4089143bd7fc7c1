"""relay: deliver the outbox of a transfer service; any number of them may run."""

from __future__ import annotations

import socket
import time
import uuid
from threading import Event
from typing import TYPE_CHECKING, Any

import click
import structlog
from sqlalchemy import text

from data.server import database_url
from pipeline.alarms import Alarms
from pipeline.commands.common import json_option, read_settings, report, table
from pipeline.commands.transfers.asked import PACK
from pipeline.commands.work import stop_on_signals
from pipeline.embedded import open_urls
from pipeline.errors import DifferencesFound, SettingsError
from pipeline.figures import moment
from pipeline.online.transfers.breaker import Breaker
from pipeline.online.transfers.inbox import Inbox
from pipeline.online.transfers.leases import Leases, Pace
from pipeline.online.transfers.outbox import Outbox, outbox_queries
from pipeline.online.transfers.relay import Relay
from pipeline.online.transfers.watchman import Watchman
from pipeline.packs import load_pack
from queries import sql
from scheduler import open_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.embedded import Urls
    from pipeline.settings import Settings
    from pipeline.store.state import State

log = structlog.get_logger()

#: The stand-in's role that may update the outbox.
_ROLE = "minuterisk_relay"


@click.command()
@click.option("--name", default=socket.gethostname, help="What it is called; default: the host's name.")
@click.option("--show", is_flag=True, help="Show the relays at work and what waits, then end.")
@click.option("--health", is_flag=True, help="End well if the relay of this name is at work.")
@json_option
def relay(*, name: str, show: bool, health: bool, as_json: bool) -> None:
    """Deliver the outbox: events into our table, each account in order; until stopped."""
    asked, pace = read_settings(), Pace()
    urls, settings = open_urls(asked), asked.of(PACK)  # an embedded server is that of all packs
    with open_state(urls, settings) as state:
        if health:
            _require_alive(_relays(state), name, pace)
            return
        outbox = Outbox(outbox_url(settings, urls), outbox_queries(settings.event_outbox_queries), pace)
        backlog = outbox.backlog()  # what is wrong with its address or rights is said at once
        if show:
            _show(settings, {"relays": _relays(state), "backlog": backlog}, as_json=as_json)
            return
        owner, stopped = f"{name}-{uuid.uuid4().hex[:8]}", Event()
        stop_on_signals(stopped)
        log.info("relay.started", owner=owner, pending=backlog["pending"])
        leases = Leases(state.engine, urls.state_url, owner, pace, time.monotonic)
        watchman = Watchman(
            state.engine, urls.state_url, Alarms(state.engine, urls.state_url, PACK), outbox, time.monotonic
        )
        Relay(leases, outbox, Inbox(), Breaker(), time.monotonic, watchman.look).run(stopped)


def outbox_url(settings: Settings, urls: Urls) -> str:
    """The outbox's database: as set, or that of the embedded stand-in."""
    if settings.event_outbox_url:
        return settings.event_outbox_url
    if urls.stand_in_url and not settings.source_url:
        return database_url(urls.stand_in_url, load_pack(PACK).database, _ROLE)
    msg = "a relay needs MINUTERISK_TRANSFERS_EVENT_OUTBOX_URL, and it is not set"
    raise SettingsError(msg, "set it to the database with the outbox, with a role that may update the outbox")


def _relays(state: State) -> list[dict[str, Any]]:
    with state.reading() as connection:
        return [dict(row) for row in connection.execute(text(sql("transfers/ops/relays"))).mappings()]


def _require_alive(relays: Sequence[Mapping[str, Any]], name: str, pace: Pace) -> None:
    silences = [float(row["silent_s"]) for row in relays if row["owner"].rpartition("-")[0] == name]
    if min(silences, default=pace.lease_s) >= pace.lease_s:
        msg = f"no relay called {name} has given a sign of life for {pace.lease_s:g} s"
        raise DifferencesFound(msg, f"start it: minuterisk relay --name {name}")


def _show(settings: Settings, content: Mapping[str, Any], *, as_json: bool) -> None:
    zone, waits = settings.business_timezone, content["backlog"]
    columns: dict[str, Callable[[Any], str]] = {
        "owner": str,
        "seen_at": lambda at: moment(at, zone, seconds=True),
        "buckets": str,
        "sent": str,
        "breaker": str,
        "error": lambda error: error or "-",
    }
    said = f"{waits['pending']} events wait in the outbox, {waits['waiting']} of them for their next try"
    report(content, as_json=as_json, text=f"{table(content['relays'], columns)}\n{said}")

"""What tests of relays share: an outbox with events, relays in this process, and what was delivered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg

from data.transfers.book import book, create_schema
from pipeline.online.transfers.breaker import Breaker
from pipeline.online.transfers.inbox import Inbox
from pipeline.online.transfers.leases import Leases, Pace
from pipeline.online.transfers.outbox import Outbox
from pipeline.online.transfers.relay import Relay
from pipeline.packs.transfers.schema import EVENT
from pipeline.store.database import connect_state
from queries import FOLDER
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

NOON = datetime(2026, 11, 21, 3, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]
PROCESS = Path(__file__).with_name("relay_process.py")
QUERIES = FOLDER / "transfers" / "outbox" / "postgresql"


def payment(number: int, account: str = "", **other: Any) -> dict[str, Any]:  # noqa: ANN401 - values of a row
    """A row of EVENT."""
    return dict.fromkeys(EVENT) | {
        "transfer_id": f"T{number}",
        "kind": "transfer",
        "status": "completed",
        "account_id": account or f"A{number % 10}",
        "amount": 1_000 + number,
        "currency": "KRW",
        "occurred_at": NOON + timedelta(milliseconds=number),
        **other,
    }


def frame(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Rows of EVENT as a frame."""
    return pl.DataFrame(list(rows), schema=EVENT)


@dataclass
class Bench:
    """An outbox and an operational database."""

    outbox_url: str
    state_url: str
    opened: list[Any] = field(default_factory=list)

    def empty(self) -> None:
        """As at the beginning of a test; the tables are made once."""
        with psycopg.connect(self.outbox_url) as connection:
            create_schema(connection)
            connection.execute(
                "TRUNCATE account_balance, transfer, tx_history, transfer_events RESTART IDENTITY"
            )
        tables = ("event", "correction_log", "dead_event", "relay", "breaker")
        self.change(f"TRUNCATE {', '.join(f'transfers.{table}' for table in tables)} RESTART IDENTITY")
        self.change("UPDATE transfers.bucket_lease SET owner = NULL, epoch = 0, until = '-infinity'")

    def book(self, rows: Iterable[dict[str, Any]]) -> list[int]:
        """Book payments in one transaction."""
        with psycopg.connect(self.outbox_url) as connection:
            return book(connection, frame(rows))

    def break_payload(self, event_id: int, payload: object) -> None:
        """Put something else into an event of the outbox."""
        query = "UPDATE transfer_events SET payload = %s WHERE event_id = %s"
        with psycopg.connect(self.outbox_url) as connection:
            connection.execute(query, [json.dumps(payload), event_id])

    def relay(
        self, name: str = "one", inbox: Inbox | None = None, pace: Pace | None = None, url: str = ""
    ) -> Relay:
        """A relay that the test steps by itself."""
        pace = pace or Pace()
        engine = connect_state(self.state_url)
        outbox = Outbox(url or self.outbox_url, QUERIES, pace)
        self.opened += [engine.dispose, outbox.close]
        leases = Leases(engine, self.state_url, name, pace, time.monotonic)
        return Relay(leases, outbox, inbox or Inbox(), Breaker(), time.monotonic)

    def ask(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        """Rows of the operational database."""
        with psycopg.connect(self.state_url) as connection:
            return connection.execute(query.encode(), given).fetchall()

    def change(self, query: str) -> None:
        """Change something in the operational database."""
        with psycopg.connect(self.state_url) as connection:
            connection.execute(query.encode())

    def ask_outbox(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        """Rows of the outbox."""
        with psycopg.connect(self.outbox_url) as connection:
            return connection.execute(query.encode(), given).fetchall()

    def run_outbox(self, query: str) -> None:
        """Change something in the outbox."""
        with psycopg.connect(self.outbox_url) as connection:
            connection.execute(query.encode())

    def delivered(self) -> list[str]:
        """Payments in the order of their arrival."""
        return [row[0] for row in self.ask("SELECT transfer_id FROM transfers.event ORDER BY number")]

    def statuses(self) -> dict[str, int]:
        """How many events of the outbox have each status."""
        return dict(self.ask_outbox("SELECT status, count(*) FROM transfer_events GROUP BY 1"))

    def close(self) -> None:
        """Close all connections."""
        while self.opened:
            self.opened.pop()()


def drain(relay: Relay) -> None:
    """Step until there is nothing left to do for now."""
    relay.step()
    while relay.step():
        pass


def until(done: Callable[[], bool], what: str, patience: float = PATIENCE_S) -> float:
    """Wait for something that has to come; gives the seconds it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < patience, f"{what}: not in {patience} s"
        time.sleep(0.02)
    return time.monotonic() - began


def out_of_order(bench: Bench) -> list[tuple[Any, ...]]:
    """Accounts in which something arrived before what was booked before it: must be none."""
    booked = dict(
        bench.ask_outbox("SELECT payload ->> 'transfer_id', min(event_id) FROM transfer_events GROUP BY 1")
    )
    arrived = bench.ask("SELECT account_id, transfer_id FROM transfers.event ORDER BY number")
    last: dict[str, int] = {}
    wrong = []
    for account, transfer_id in arrived:
        if booked[transfer_id] < last.get(account, 0):
            wrong.append((account, transfer_id))
        last[account] = max(last.get(account, 0), booked[transfer_id])
    return wrong


def nothing_left(bench: Bench) -> bool:
    """Is everything delivered, or given up?"""
    return bench.ask_outbox("SELECT count(*) FROM transfer_events WHERE status = 'pending'") == [(0,)]


@dataclass
class Crew:
    """Relays in processes of their own, by name."""

    bench: Bench
    lease_s: float
    send_ms: float = 2.0
    percent: float = 5.0
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @contextmanager
    def at_work_together(self, *names: str) -> Iterator[Crew]:
        """Relays of these names at work; all that run are ended in the end."""
        try:
            for name in names:
                self.start(name)
            until(lambda: self.at_work() == len(names), "all relays hold leases")
            yield self
        finally:
            for process in self.running.values():
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()

    def start(self, name: str) -> None:
        """Start a relay, perhaps one more under a name that was used before."""
        urls = [self.bench.outbox_url, self.bench.state_url]
        given = [*urls, name, self.lease_s, self.send_ms, self.percent]
        command = [sys.executable, str(PROCESS), *map(str, given)]
        self.running[name] = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def kill(self, name: str) -> None:
        """End it as nobody can prepare for."""
        self.running[name].kill()
        self.running[name].wait()

    def signal(self, name: str, number: int) -> None:
        """Send it a signal."""
        self.running[name].send_signal(number)

    def at_work(self) -> int:
        """How many relays hold leases."""
        ((count,),) = self.bench.ask(
            "SELECT count(DISTINCT owner) FROM transfers.bucket_lease WHERE until > clock_timestamp()"
        )
        return int(count)

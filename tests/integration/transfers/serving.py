"""`minuterisk serve` in a thread of the test's own process, over real HTTP, and who asks it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl
import requests
from sqlalchemy import text

from pipeline.desk.people.entrance import Entrance
from pipeline.online.transfers.check.run import put_together, server_of, working
from pipeline.online.transfers.intake import HTTP, take
from pipeline.online.transfers.shipped import install_shipped
from pipeline.packs.transfers.language import parse
from pipeline.packs.transfers.schema import EVENT
from pipeline.settings import Settings
from pipeline.store.state import State
from scheduler import open_lake
from tests.people import add_people, do
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.desk.roles import Actor
    from pipeline.online.transfers.check.run import Running

T = TypeVar("T")
#: An account may pay so much within an hour, then somebody looks at it.
LIMIT = {
    "rule": "HOUR_LIMIT",
    "on": ["transfer", "card"],
    "severity": "high",
    "score": 50,
    "action": "review",
    "measures": {"s": {"sum": "amount", "match": {"account_id": "account_id"}, "within": "1h"}},
    "when": {"gt": [{"measure": "s"}, 1_000_000]},
    "say": {"ko": "한 시간 한도 초과: {s}", "en": "over the limit of an hour: {s}"},
}


def payment(transfer_id: str, account_id: str = "a-1", amount: int = 1_000, **more: object) -> dict[str, Any]:
    """What a client asks about."""
    return {
        "transfer_id": transfer_id,
        "kind": "transfer",
        "status": "intended",
        "account_id": account_id,
        "amount": amount,
        "currency": "KRW",
        "country": "KR",
        "occurred_at": datetime.now(UTC).isoformat(),
        **more,
    }


def wait_for(what: Callable[[], T | None]) -> T:
    """Until it is so; gives what was found."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.02)
    msg = "it never came"
    raise AssertionError(msg)


@dataclass
class Bank:
    """A running process, and a client with a key."""

    state: State
    people: dict[str, Actor]
    settings: Settings
    key: str = ""
    address: str = ""
    running: Running | None = None
    http: requests.Session = field(default_factory=requests.Session)

    def new_key(self, account: str = "robot", actions: str = "check,see") -> dict[str, Any]:
        return do(self.state, "add_key", account, actor=self.people["boss"], name="bank", actions=actions)

    def ask(
        self, method: str, path: str, content: object = None, key: str | None = None
    ) -> requests.Response:
        chosen = self.key if key is None else key
        headers = {"Authorization": f"Bearer {chosen}"} if chosen else {}
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return requests.request(
            method, self.address + path, data=None if content is None else body, headers=headers, timeout=30
        )

    def check(self, event: dict[str, Any]) -> dict[str, Any]:
        answer = self.ask("POST", "/v1/check", event)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def decision(self, amount: int) -> str:
        """What a check answers; it holds nothing afterwards."""
        asked = payment(f"c-{time.monotonic_ns()}", amount=amount)
        answer = self.check(asked)
        self.ask("DELETE", f"/v1/check/{asked['transfer_id']}")
        return str(answer["decision"])

    def book(self, *events: dict[str, Any]) -> None:
        """Events as they come by another way."""
        rows = [
            {name: one.get(name) for name in EVENT}
            | {
                "status": "completed" if one.get("status", "intended") == "intended" else one["status"],
                "occurred_at": datetime.fromisoformat(one["occurred_at"]).replace(microsecond=0),
                "user_id": one.get("user_id", one["account_id"]),
            }
            for one in events
        ]
        with self.state.changing() as connection:
            take(connection, pl.DataFrame(rows, EVENT, orient="row"), HTTP)

    def reservation(self, transfer_id: str) -> dict[str, Any]:
        with self.state.reading() as connection:
            query = text("SELECT * FROM transfers.reservation WHERE transfer_id = :id")
            return dict(connection.execute(query, {"id": transfer_id}).mappings().one())

    def wait(self, what: Callable[[], T | None]) -> T:
        """Until it is so."""
        return wait_for(what)

    def released(self, transfer_id: str) -> str | None:
        """By what it was released."""
        found: str | None = self.reservation(transfer_id)["released_by"]
        return found

    @property
    def leads(self) -> bool:
        """Does its process check?"""
        return self.running is not None and self.running.records.leads

    def budget(self, seconds: float) -> None:
        """Answer within so long from now on."""
        assert self.running is not None
        self.running.checks._budget_s = seconds

    def ready(self) -> None:
        """Until the rules answer."""
        self.wait(lambda: self.ask("GET", "/health").json()["decided_by"] == "rules")


def new_bank(given: State, home: Path, *rules: dict[str, Any], **settings: Any) -> Bank:  # noqa: ANN401 - of Settings
    """People, a key, and rules that are live."""
    state, url = State(given.engine, given.url, "transfers", "KRW"), given.url
    people = add_people(state, {"boss": "SUPER_ADMIN", "robot": "OPS_AGENT"})
    chosen = Settings(
        home=home,
        state_url=url,
        source_url=url,
        packs=("transfers",),
        language="en",
        **{"intake": "inbox", **settings},
    )
    install_shipped(state, [parse(json.dumps(rule)) for rule in (rules or (LIMIT,))])
    bank = Bank(state, people, chosen)
    bank.key = bank.new_key()["key"]
    return bank


@contextmanager
def serving(bank: Bank, budget_s: float = 10, *, feed_only: bool = False) -> Iterator[Bank]:
    """The process, once it listens. What is true of it does not hang on how busy the machine is."""
    listening = socket.create_server(("127.0.0.1", 0))
    bank.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    started, stop = threading.Event(), threading.Event()
    entrance = Entrance(bank.settings, local=True)

    async def run() -> None:
        lake = open_lake(bank.settings)
        running = put_together(bank.settings, bank.state, lake, entrance, budget_s, feed_only=feed_only)
        bank.running = running
        server = server_of(running.application, longest_end_s=1)
        async with working(running):
            task = asyncio.create_task(server.serve(sockets=[listening]))
            await asyncio.to_thread(wait_for, lambda: server.started)
            started.set()
            await asyncio.to_thread(stop.wait)
            server.should_exit = True
            await task

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert started.wait(PATIENCE_S)
    try:
        yield bank
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        listening.close()
        entrance.close()
        bank.state.close()


def soon(seconds: float = 0) -> str:
    """A moment from now on, as JSON has it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()

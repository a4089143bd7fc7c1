"""An installation whose every process is killed, and callers who act through its API and its command line.

A caller repeats a call until it is answered, as whoever was cut off has to: nobody can say what became of it.
"""

from __future__ import annotations

import os
import pwd
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg
import requests
from sqlalchemy import text

from pipeline.desk.roles import OPS_AGENT, SUPER_ADMIN, Actor
from pipeline.minute import floor_minute
from tests.people import do
from tests.servers import PATIENCE_S, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.store.state import State
    from tests.simulation.world import Child, Server, World

ROBOT, TERMINAL = "robot", "terminal"  # who acts by the API, and on the command line
#: A command takes about so long; a kill comes somewhere in it.
COMMAND_S = 4.0


@dataclass
class Installation:
    """`run` and the dashboard's process, over a PostgreSQL that may crash too."""

    world: World
    server: Server
    slack: Mapping[str, str]  # settings of the channel
    random: Random
    kills: dict[str, int] = field(default_factory=dict)
    _running: dict[str, Child] = field(default_factory=dict)
    _port: int = 0

    def start(self) -> None:
        """Start what is not running, as a supervisor does."""
        for name, begin in (("run", self._run), ("dashboard", self._dashboard)):
            if name not in self._running or not self._running[name].alive:
                self._running[name] = begin()

    def kill(self, name: str) -> None:
        """Kill -9 (the database: crash), and start again."""
        self.kills[name] = self.kills.get(name, 0) + 1
        if name == "database":
            self.server.stop("immediate")
            time.sleep(self.random.uniform(0, 0.5))
            self.server.start()
        else:
            self._running[name].kill()
        self.start()

    @property
    def address(self) -> str:
        """Of the dashboard that runs now, or will soon."""
        return f"http://127.0.0.1:{self._port}"

    def _run(self) -> Child:
        short = {"MINUTERISK_TEST_SHORT": "1", "MINUTERISK_TEST_TALK": "1"}
        return self.world.start("run", "run", **self.slack, **short)

    def _dashboard(self) -> Child:
        self._port = free_port()
        return self.world.start("dashboard", "dashboard", "--port", str(self._port))


def add_callers(state: State) -> str:
    """Accounts for both doors; gives the API key."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    add = "INSERT INTO account (name, role, os_user) VALUES (:name, :role, :user) RETURNING account_id"
    with state.changing() as connection:
        numbers = [
            connection.execute(text(add), {"name": name, "role": role, "user": of}).scalar_one()
            for name, role, of in (
                ("boss", SUPER_ADMIN, None),
                (ROBOT, OPS_AGENT, None),
                (TERMINAL, OPS_AGENT, user),
            )
        ]
    boss = Actor(numbers[0], "boss", SUPER_ADMIN, "cli")
    return str(do(state, "add_key", ROBOT, actor=boss, name="chaos", actions="see,handle")["key"])


@dataclass
class Call:
    """One thing that a caller wants done."""

    door: str
    act: str
    incident: int
    tries: int = 0
    unanswered: int = 0
    outcome: str = ""  # done | refused, as the last answer said


class Caller:
    """Calls one thing after the other through a door, each until it is answered."""

    door: str
    acts: Sequence[str]
    kills = 0  # of what it calls with

    def __init__(self, world: World, seed: int, wanted: int) -> None:
        self.world, self.wanted = world, wanted
        self.random = Random(f"{seed} {self.door}")
        self.calls: list[Call] = []
        self.faults: list[str] = []  # answers that nobody should get, whatever is killed
        self.calling = threading.Event()
        self.until = floor_minute(datetime.now(UTC) + timedelta(hours=3)).isoformat()  # the same at each try
        self._thread = threading.Thread(target=self._call_on, daemon=True)

    def start(self) -> None:
        """Begin to call."""
        self._thread.start()

    @property
    def answered(self) -> int:
        """So many calls have had their answer."""
        return sum(call.outcome != "" for call in self.calls)

    @property
    def over(self) -> bool:
        """Is there nothing left to call?"""
        return not self._thread.is_alive()

    def _call_on(self) -> None:
        left: list[tuple[str, int]] = []
        known: set[int] = set()
        while len(self.calls) < self.wanted:
            new = self._incidents() - known
            known |= new
            left += [(act, number) for act in self.acts for number in sorted(new)]
            if not left:
                time.sleep(0.1)
                continue
            act, number = left.pop(self.random.randrange(len(left)))
            self.calls.append(Call(self.door, act, number))
            while not self.calls[-1].outcome:
                self._try(self.calls[-1])
            time.sleep(self.random.uniform(0, 0.2))

    def _try(self, call: Call) -> None:
        call.tries += 1
        self.calling.set()
        call.outcome = self.ask(call)
        self.calling.clear()
        if not call.outcome:
            call.unanswered += 1
            time.sleep(0.3)

    def _incidents(self) -> set[int]:
        with suppress(psycopg.Error), self.world.state() as connection:
            return {row[0] for row in connection.execute("SELECT incident_id FROM incident").fetchall()}
        return set()

    def ask(self, call: Call) -> str:
        """Try once: done, refused, or nothing where no answer came."""
        raise NotImplementedError


class ApiCaller(Caller):
    """A machine with a key."""

    door = "api"
    acts = ("acknowledge", "assign", "snooze")

    def __init__(self, world: World, seed: int, wanted: int, key: str, address: Callable[[], str]) -> None:
        super().__init__(world, seed, wanted)
        self._address = address
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {key}"
        self._http.trust_env = False  # no proxy

    def ask(self, call: Call) -> str:
        """POST it; the process that answers may die meanwhile."""
        given: dict[str, Any] = {"id": call.incident} | (
            {"until": self.until} if call.act == "snooze" else {}
        )
        try:
            url = f"{self._address()}/api/v1/acts/{call.act}"
            answer = self._http.post(url, json=given, timeout=PATIENCE_S)
        except requests.RequestException:
            return ""
        if answer.status_code not in (200, 400, 503):
            self.faults.append(f"{call}: {answer.status_code} {answer.text[:200]}")
        return {200: "done", 400: "refused"}.get(answer.status_code, "")


class CommandCaller(Caller):
    """Somebody at a terminal, whose command is killed now and then."""

    door = "cli"
    acts = ("acknowledge", "resolve", "snooze")

    def ask(self, call: Call) -> str:
        """Run the command; it may be killed meanwhile."""
        arguments = {
            "acknowledge": ("ack", str(call.incident)),
            "resolve": ("resolve", str(call.incident), "--reason", "agreed by phone"),
            "snooze": ("snooze", str(call.incident), "--until", self.until),
        }[call.act]
        child = self.world.start("command", "incidents", *arguments)
        if self.random.random() < 0.3:
            self._wait(child, self.random.uniform(0.5, COMMAND_S))
            self.kills += child.alive
            child.kill()
        else:
            child.process.wait()
        code = child.process.returncode
        if code not in (0, 1, 2, -9):
            self.faults.append(f"{call}: exit code {code}")
        return {0: "done", 2: "refused"}.get(code, "")

    def _wait(self, child: Child, seconds: float) -> None:
        until = time.monotonic() + seconds
        while child.alive:
            if time.monotonic() > until:
                return
            time.sleep(0.02)

"""What goes wrong, in an order that the seed decides; each kind comes before any comes twice."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import psycopg

from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.simulation.world import Child, Server, World

NAMES = ("one", "two")


class Nemesis:
    """Two processes of one installation, and everything that is done to them."""

    def __init__(self, world: World, server: Server, random: Random) -> None:
        self._world, self._server, self._random = world, server, random
        self.fired: Counter[str] = Counter()
        self.kills = 0
        self.ended: list[str] = []  # processes that ended without having been asked to
        self._children: dict[str, Child] = {}
        self._said_before: dict[str, int] = {}  # how long the log was when the present process began
        self._waiting: list[Callable[[], None]] = []

    def start(self) -> None:
        """Start both."""
        for name in NAMES:
            self._revive(name)

    def supervise(self) -> None:
        """Start again what has ended, as a supervisor does."""
        for name in NAMES:
            child = self._children[name]
            if not child.alive:
                self.ended.append(f"{name}: exit {child.process.returncode}")
                self._revive(name)

    def strike(self) -> None:
        """The next fault."""
        if not self._waiting:
            self._waiting = [
                self.kill_leader, self.stop_leader_briefly, self.cut_lock_session, self.cut_source_sessions,
                self.kill_both, self.cancel_queries, self.stop_leader_for_long, self.restart_gently,
                self.kill_stand_by, self.crash_server, self.cut_state_sessions,
            ]  # fmt: skip
            self._random.shuffle(self._waiting)
        fault = self._waiting.pop()
        fault()
        self.fired[fault.__name__] += 1

    @property
    def kinds_left(self) -> int:
        """Faults of the present round that have not fired yet."""
        return len(self._waiting)

    def stop(self) -> None:
        """End both gently."""
        for child in self._children.values():
            child.stop()

    def kill_leader(self) -> None:
        """Kill -9."""
        self._kill(self._leader())

    def kill_stand_by(self) -> None:
        """The other one."""
        leader = self._leader()
        self._kill(next(c for c in self._children.values() if c is not leader))

    def kill_both(self) -> None:
        """A power cut, as far as the processes know."""
        for child in list(self._children.values()):
            self._kill(child)

    def stop_leader_briefly(self) -> None:
        """A pause shorter than anybody notices."""
        self._pause(self._leader(), self._random.uniform(1.0, 3.0))

    def stop_leader_for_long(self) -> None:
        """It is taken over meanwhile, wakes up as a stale leader, and may write nothing any more."""
        self._await_heart()  # a fault just before may have left nobody to stop
        leader = self._leader()
        self._await_stand_by(next(c for c in self._children.values() if c is not leader))
        epoch = self._epoch()
        leader.send(signal.SIGSTOP)
        try:
            taken_over = _await(lambda: self._epoch() > epoch)
        finally:
            leader.send(signal.SIGCONT)
        self.fired["taken_over_while_stopped"] += taken_over

    def cut_lock_session(self) -> None:
        """The leader lives, but its lock is free."""
        self._terminate("pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)", "state")

    def cut_state_sessions(self) -> None:
        """Every session of the operational database, perhaps in the middle of a commit."""
        self._terminate("application_name = 'minuterisk'", "state")

    def cut_source_sessions(self) -> None:
        """Every session that reads the source, perhaps in the middle of a result."""
        self._terminate("usename = 'minuterisk_reader'", "trade")

    def cancel_queries(self) -> None:
        """What an administrator does to a slow query, again and again for a second."""
        for _ in range(20):
            with psycopg.connect(self._world.server_url, autocommit=True) as admin:
                admin.execute(
                    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'minuterisk_reader'"
                )
            time.sleep(0.05)

    def crash_server(self) -> None:
        """Source and operational database crash and recover; writers lose what they had not committed."""
        self._server.stop("immediate")
        time.sleep(self._random.uniform(0.2, 2.0))
        self._server.start()

    def restart_gently(self) -> None:
        """An upgrade: SIGTERM, wait, start."""
        child = self._leader()
        child.stop()
        self._revive(child.name)

    def _terminate(self, condition: str, database: str) -> None:
        url = self._world.state_url if database == "state" else self._world.trade_url
        with psycopg.connect(url, autocommit=True) as admin:
            query = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {condition}"
            )
            admin.execute(query.encode())

    def _kill(self, child: Child) -> None:
        child.kill()
        self.kills += 1
        self._revive(child.name)

    def _pause(self, child: Child, seconds: float) -> None:
        child.send(signal.SIGSTOP)
        time.sleep(seconds)
        child.send(signal.SIGCONT)

    def _revive(self, name: str) -> None:
        self._said_before[name] = len(self._world.log(name)) if name in self._children else 0
        self._children[name] = self._world.start(name, "run", MINUTERISK_TEST_SHORT="1")

    def _leader(self) -> Child:
        """The process that the operational database names; any when it names none."""
        with contextlib.suppress(psycopg.Error), self._world.state() as connection:
            row = connection.execute("SELECT holder FROM leader").fetchone()
            for child in self._children.values():
                if row and row[0].endswith(f" {child.process.pid}"):
                    return child
        return self._children[self._random.choice(NAMES)]

    def _await_heart(self) -> None:
        """Wait until one of the living processes leads and beats."""
        fresh = "SELECT holder FROM leader WHERE heartbeat_at > now() - interval '4 seconds'"

        def beats() -> bool:
            self.supervise()
            with contextlib.suppress(psycopg.Error), self._world.state() as connection:
                row = connection.execute(fresh.encode()).fetchone()
                pids = [child.process.pid for child in self._children.values() if child.alive]
                return row is not None and any(row[0].endswith(f" {pid}") for pid in pids)
            return False

        _await(beats)

    def _await_stand_by(self, child: Child) -> None:
        """Wait until the other one stands by: one that is still starting takes nobody over."""
        before = self._said_before[child.name]
        _await(lambda: not child.alive or "leader.standing_by" in self._world.log(child.name)[before:])

    def _epoch(self) -> int:
        with self._world.state() as connection:
            row = connection.execute("SELECT epoch FROM leader").fetchone()
        return int(row[0]) if row else 0


def _await(true: Callable[[], bool]) -> bool:
    """Wait until it is so; False where that takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


class VersionWatch:
    """Reads as a dashboard does, all the time: no error, no half version, never back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.reads = 0
        self.versions: set[int] = set()
        self.errors: list[str] = []

    def start(self) -> None:
        """Read until stopped."""
        self._thread.start()

    def stop(self) -> None:
        """Stop."""
        self._stopped.set()
        self._thread.join(30)

    def _run(self) -> None:
        import polars as pl  # noqa: PLC0415

        from pipeline.store.manifest import read_manifest  # noqa: PLC0415

        newest = -1
        while not self._stopped.wait(0.2):
            try:
                manifest = read_manifest(self._world.home / "manifest.json")
                if manifest is None:
                    continue
                if manifest.version < newest:
                    self.errors.append(f"version {manifest.version} after {newest}")
                newest = manifest.version
                files = manifest.datasets["merchant_minute"]
                rows = (
                    pl.scan_parquet([self._world.home / "lake" / f.path for f in files], glob=False)
                    .select(pl.len())
                    .collect()
                    .item()
                )
                if rows != sum(f.rows for f in files):
                    self.errors.append(f"version {newest} has {rows} rows")
                self.reads += 1
                self.versions.add(newest)
            except Exception as error:  # noqa: BLE001 - every kind of error is what is counted here
                self.errors.append(f"{type(error).__name__}: {error}"[:200])

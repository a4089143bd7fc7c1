"""The soak: `make soak MINUTES=10`, or `python -m tests.simulation.soak --minutes 10 --seed 7`.

Writers do to a real PostgreSQL what writers do; two processes of the pipeline read it and are killed,
stopped, cut off and restarted. Then everything has to be equal: source, ledger, Parquet, and a judgement from
scratch. The last line is a JSON summary; the exit code is 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg

from data.merchants.trade import insert_transactions
from pipeline.errors import MinuteriskError
from tests.simulation.checks import differences
from tests.simulation.nemesis import Nemesis, VersionWatch
from tests.simulation.world import START, history, server, world
from tests.simulation.writers import MERCHANTS, NaiveReader, Writers

if TYPE_CHECKING:
    from tests.simulation.world import Server, World

#: Seconds of the source in one of ours: a minute closes every four seconds, and rows come late to it.
RATE = 15.0
BACKLOG = timedelta(minutes=40)
WRITERS = 8
SETTLED_WITHIN_S = 600.0


@dataclass
class Report:
    """What happened."""

    seed: int
    seconds: float = 0.0
    kills: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    late_rows: int = 0
    minutes: int = 0
    revisions: int = 0
    takeovers: int = 0
    incidents: int = 0
    reads: int = 0
    versions_read: int = 0
    reader_errors: list[str] = field(default_factory=list)
    ended_unasked: list[str] = field(default_factory=list)
    naive_missed: int = 0
    settled_s: float = 0.0
    differences: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Is anything not as promised?"""
        return bool(self.differences or self.reader_errors)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {**vars(self), "lost_or_double": len(self.differences), "failed": self.failed}


def soak(server: Server, seed: int, seconds: float, every_s: float = 4.0) -> Report:
    """Run for `seconds`, a fault about `every_s`; then wait until all is settled and compare."""
    report, random, began = Report(seed), Random(seed), time.monotonic()
    with world(server.url, START - BACKLOG, 0.0) as made:
        insert_transactions(made.trade_url, history(START, MERCHANTS, timedelta(minutes=30)))
        with made.trade() as trade:
            trade.execute("ALTER TABLE transactions ALTER COLUMN transaction_id SET CACHE 50")
        _publish_history(made)
        made.set_clock(START, RATE)
        writers, naive, watch = Writers(made, seed, WRITERS), NaiveReader(made), VersionWatch(made)
        nemesis = Nemesis(made, server, random)
        for part in (writers, naive, watch, nemesis):
            part.start()
        _strike(nemesis, random, began + seconds, every_s)
        writers.stop()
        report.naive_missed = naive.stop()
        stopped_at = time.monotonic()
        report.differences = _settle(made, nemesis)
        report.settled_s = round(time.monotonic() - stopped_at, 1)
        watch.stop()
        nemesis.stop()
        report.differences += [f"after the end: {d}" for d in differences(made, oracle_minutes=0)]
        _fill(report, made, writers, nemesis, watch)
    report.seconds = round(time.monotonic() - began, 1)
    return report


def _publish_history(made: World) -> None:
    """The days before, and the first judged minutes: from then on two processes share the work."""
    since = (START - BACKLOG - timedelta(minutes=2)).isoformat()
    child = made.start("history", "catch-up", "--from", since)
    child.process.wait(120)
    assert child.process.returncode == 0, made.log("history")


def _strike(nemesis: Nemesis, random: Random, until: float, every_s: float) -> None:
    """Faults until the time is over; at least one round of every kind, whatever the time."""
    time.sleep(every_s)
    while time.monotonic() < until or nemesis.kinds_left or not nemesis.fired:
        with suppress(psycopg.OperationalError):
            nemesis.strike()
        nemesis.supervise()
        time.sleep(random.uniform(0.3, 1.7) * every_s)


def _settle(made: World, nemesis: Nemesis) -> list[str]:
    """Wait until the pipeline has caught up with a source that stands still."""
    made.set_clock(made.now() + timedelta(minutes=2), 0.0)
    deadline, found = time.monotonic() + SETTLED_WITHIN_S, ["never compared"]
    while time.monotonic() < deadline:
        time.sleep(3)
        nemesis.supervise()
        with suppress(psycopg.OperationalError, FileNotFoundError, MinuteriskError):
            if _is_behind(made):
                found = ["the pipeline has not caught up"]
                continue
            found = differences(made)
            if not found:
                break
    return found


def _is_behind(made: World) -> bool:
    with made.state() as connection:
        row = connection.execute("SELECT next_minute FROM watermark").fetchone()
    return row is None or made.now() - row[0] > timedelta(seconds=62)


def _fill(report: Report, made: World, writers: Writers, nemesis: Nemesis, watch: VersionWatch) -> None:
    report.kills, report.faults = nemesis.kills, dict(nemesis.fired)
    report.written = dict(writers.done)
    report.late_rows = writers.done["late_rows"]
    report.reads, report.reader_errors = watch.reads, watch.errors[:20]
    report.versions_read, report.ended_unasked = len(watch.versions), nemesis.ended
    with made.state() as state, made.trade() as trade:
        report.rows = _one(trade, "SELECT count(*) FROM transactions WHERE transaction_id > 0")
        report.minutes = _one(state, "SELECT count(*) FROM minute_ledger WHERE judged_at IS NOT NULL")
        report.revisions = _one(state, "SELECT count(*) FROM minute_revision")
        report.incidents = _one(state, "SELECT count(*) FROM incident")
        report.takeovers = _one(state, "SELECT epoch FROM leader")


def _one(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def main() -> int:
    """Run a soak from the command line."""
    parser = argparse.ArgumentParser(description="faults, then a comparison; JSON last")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--every", type=float, default=4.0, help="seconds between faults")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    print(f"soak of {given.minutes:g} minutes, seed {seed}", flush=True)
    with server() as started:
        report = soak(started, seed, 60 * given.minutes, given.every)
    for difference in [*report.differences, *report.reader_errors]:
        print(difference)
    print(json.dumps(report.as_json(), default=str))
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())

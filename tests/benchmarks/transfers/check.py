"""The check before a transfer while payments come in: how long an answer takes, and what it costs.

    python -m tests.benchmarks.transfers.check [--rate 200] [--events 5000] [--seconds 20] [--held 500000]

`minuterisk serve` runs as people run it, over an embedded PostgreSQL that writes to the disk, with the twelve
shipped rules. A second process writes events a second, as a relay does; a third asks at its rate, whether or
not the last answer has come, over connections that stay open. Times are from when a question was due to its
whole answer; beside them the processor's time of the serving process per question, which others on the
machine do not change. Then the table of answers is locked: how soon does the fallback answer?
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import psycopg
import requests

from pipeline.embedded import open_urls
from pipeline.online.transfers.shipped import install_shipped
from pipeline.packs.transfers.schema import EVENT
from pipeline.settings import Settings
from scheduler import open_state
from tests.benchmarks.home import say
from tests.benchmarks.transfers.windows import ACCOUNTS, Made
from tests.people import add_people, do
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.synchronize import Event as Stop

BATCH_S: Final = 0.2
CONNECTIONS: Final = 32
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def payments(made: Made, count: int, start: datetime, seconds: float, name: str) -> pl.DataFrame:
    """Payments over some seconds."""
    first = int(start.timestamp() * 1000)
    rows = made.at(np.sort((made.chance.random(count) * seconds * 1000).astype(np.int64)) + first)
    return rows.with_columns(pl.format("{}{}", pl.lit(name), "transfer_id").alias("transfer_id"))


def write(connection: psycopg.Connection[Any], rows: pl.DataFrame) -> None:
    """As one transaction."""
    columns = ", ".join(EVENT.names())
    with connection.cursor().copy(f"COPY transfers.event ({columns}) FROM STDIN") as copy:
        for row in rows.rows():
            copy.write_row(row)
    connection.commit()


def feed(url: str, a_second: int, going: Stop, stop: Stop) -> None:
    """Write events as they happen, until told to stop."""
    made, due = Made(7), time.monotonic()
    with psycopg.connect(url) as connection:
        while not stop.is_set():
            start = datetime.now(UTC) - timedelta(seconds=BATCH_S)
            write(connection, payments(made, int(a_second * BATCH_S), start, BATCH_S, "f"))
            going.set()
            due += BATCH_S
            time.sleep(max(due - time.monotonic(), 0))


class Asker:
    """Asks at a rate, over connections that stay open."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.took_s: list[float] = []
        self.by: dict[str, int] = {}
        self._dice = np.random.default_rng(11)

    async def run(self, rate: int, seconds: float, name: str) -> None:
        """Ask, each at its time."""
        for _ in range(CONNECTIONS):
            self._free.put_nowait(await asyncio.open_connection("127.0.0.1", self._port))
        start, tasks = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            due = start + number / rate
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            tasks.append(asyncio.create_task(self._ask(f"{name}-{number}", due)))
        await asyncio.gather(*tasks)

    async def _ask(self, transfer_id: str, due: float) -> None:
        account = int(ACCOUNTS * self._dice.random() ** 2)
        body = json.dumps(
            {
                "transfer_id": transfer_id,
                "kind": "transfer",
                "status": "intended",
                "account_id": f"ACC{account:09}",
                "payee_id": f"ACC{int(ACCOUNTS * self._dice.random()):09}",
                "device_id": f"device-{account:09}",
                "amount": int(self._dice.integers(1_000, 1_500_000)),
                "currency": "KRW",
                "country": "KR",
                "occurred_at": datetime.now(UTC).isoformat(),
            }
        ).encode()
        head = (
            f"POST /v1/check HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {self._key}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        ).encode()
        reader, writer = await self._free.get()
        writer.write(head + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        said = json.loads(await reader.readexactly(length))
        self._free.put_nowait((reader, writer))
        self.took_s.append(time.perf_counter() - due)
        by = said.get("decided_by", str(said))
        self.by[by] = self.by.get(by, 0) + 1


@contextmanager
def served(settings: Settings, port: int) -> Iterator[int]:
    """The process of `minuterisk serve`, once the rules answer; gives its number."""
    environment = {**os.environ, "MINUTERISK_HOME": str(settings.home), "MINUTERISK_PACKS": "transfers"}
    environment |= {"MINUTERISK_MAX_RATE": "100000", "MINUTERISK_LOG_LEVEL": "warning"}
    environment["MINUTERISK_TRANSFERS_INTAKE"] = "inbox"
    command = [sys.executable, "-m", "pipeline.cli", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment)
    try:
        while True:
            time.sleep(0.2)
            try:
                if requests.get(f"http://127.0.0.1:{port}/health", timeout=5).json()["decided_by"] == "rules":
                    break
            except requests.RequestException:
                if process.poll() is not None:
                    raise
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def events_in(url: str) -> int:
    """How many there are."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM transfers.event").fetchone()
    return int(row[0]) if row else 0


def processor_s(pid: int) -> float:
    """Processor time of a process so far, its own and what the system spent for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def told(asker: Asker, name: str) -> None:
    """One line of what was measured."""
    ms = np.array(asker.took_s) * 1000
    p50, p95, p99 = (round(float(np.percentile(ms, q)), 2) for q in (50, 95, 99))
    say(f"{name}: {len(ms)} answers, ms p50 {p50}  p95 {p95}  p99 {p99}  max {ms.max():.1f}  {asker.by}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--events", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--held", type=int, default=500_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minuterisk-check-") as folder:
        settings = Settings(home=Path(folder), packs=("transfers",))
        urls = open_urls(settings)
        with open_state(urls, settings) as state:
            people = add_people(state, {"boss": "SUPER_ADMIN", "robot": "OPS_AGENT"})
            granted = do(state, "add_key", "robot", actor=people["boss"], name="bank", actions="check,see")
            install_shipped(state)
            with psycopg.connect(urls.state_url) as connection:
                made, start = Made(3), datetime.now(UTC) - timedelta(hours=3)
                for piece in range(0, given.held, 100_000):
                    count = min(100_000, given.held - piece)
                    write(connection, payments(made, count, start, 3 * 3600, "h"))
            measure(given, settings, urls.state_url, granted["key"])


def measure(given: argparse.Namespace, settings: Settings, url: str, key: str) -> None:
    """Ask at each rate while events come in; then while nothing can be recorded."""
    port, spawn = free_port(), get_context("spawn")  # a fork would inherit the locks of Polars
    going, stop = spawn.Event(), spawn.Event()
    with served(settings, port) as pid:
        feeder = spawn.Process(target=feed, args=(url, given.events, going, stop), daemon=True)
        feeder.start()
        going.wait()
        try:
            asyncio.run(Asker(port, key).run(50, 4, "warm"))
            began, before, written = time.monotonic(), processor_s(pid), events_in(url)
            time.sleep(5)
            took_s, came = time.monotonic() - began, events_in(url) - written
            idle = (processor_s(pid) - before) / took_s
            say(f"{came / took_s:.0f} events/s came and are held up to date: {idle * 100:.0f} % of a core")
            for rate in given.rate:
                asker, before = Asker(port, key), processor_s(pid)
                asyncio.run(asker.run(rate, given.seconds, f"r{rate}"))
                told(asker, f"{rate}/s")
                spent_s = processor_s(pid) - before - idle * given.seconds
                say(f"  {spent_s / len(asker.took_s) * 1e6:.0f} us of processor per answer")
            with psycopg.connect(url) as connection:
                connection.execute("LOCK TABLE transfers.reservation IN ACCESS EXCLUSIVE MODE")
                asker = Asker(port, key)
                asyncio.run(asker.run(20, 3, "stuck"))
                told(asker, "fallback")
        finally:
            stop.set()
            feeder.join(10)


if __name__ == "__main__":
    main()

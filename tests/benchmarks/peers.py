"""The literal cancel rule answered by us and by others, in turns: `python -m tests.benchmarks.peers`.

100,000 merchants, 7 days and 2 hours of 3 million transactions a day, then minutes of a peak. Each contestant
(speed/contestants.py) is a process of its own with all cores. The clock starts with the raw rows of the
closed minute in memory and ends with the list of merchants, which has to be the same of all, else exit 1.
We slide all our windows meanwhile; the others keep two sums, and none survives a crash, corrects what comes
late, holds a budget of false alarms or says why.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import psycopg

from pipeline.embedded import admin_url, open_urls
from pipeline.log import configure_log
from pipeline.minute import MINUTE
from pipeline.settings import load_settings
from tests.benchmarks.home import MERCHANTS, PEAK_TPS, PER_DAY, say
from tests.benchmarks.speed.contestants import CONTESTANTS
from tests.benchmarks.speed.made import Made
from tests.benchmarks.speed.taken import Server, Taken, machine, measured, middle, resident_mb, said

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from multiprocessing.connection import Connection

OURS: Final = "minuterisk"
DAYS: Final = 7
ROUNDS: Final = 3
_REST: Final = timedelta(hours=2)


@dataclass
class Peer:
    """One contestant's process, and what it took."""

    name: str
    _ends: Connection
    setup_s: float = 0.0
    taken: list[Taken] = field(default_factory=list)
    rss_mb: float = 0.0
    found: list[list[int]] = field(default_factory=list)

    def wait(self) -> Any:  # noqa: ANN401 - whatever it sends
        """What it says next; raises where it ended."""
        return self._ends.recv()

    def ask(self, minute: datetime, file: Path, *, warm: bool) -> None:
        """Have it answer one minute; the first one is not measured."""
        self._ends.send((minute, file))
        found, taken, self.rss_mb = self.wait()
        self.found.append(found)
        if not warm:
            self.taken.append(taken)

    def end(self) -> None:
        """Let it end."""
        self._ends.close()


def _run(ends: Connection, name: str, folder: Path, url: str) -> None:
    """A contestant at work until nobody asks any more."""
    begun = time.perf_counter()
    contestant, server = CONTESTANTS[name](folder, url), Server(url)
    ends.send(time.perf_counter() - begun)
    try:
        while True:
            minute, file = ends.recv()
            rows = pl.read_parquet(file)
            with measured(server) as timer:
                found = contestant.answer(minute, rows)
            ends.send((found, timer.taken, resident_mb()))
    except EOFError:
        return


def start(name: str, folder: Path, url: str, stack: ExitStack) -> Peer:
    """Start one and wait until it has taken the history in."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, name, folder, url), daemon=True)
    process.start()
    theirs.close()
    stack.callback(process.join, 30)
    peer = Peer(name, ours)
    stack.callback(peer.end)
    peer.setup_s = peer.wait()
    say(f"  {name}: {peer.setup_s:.1f} s to take the history in, load {os.getloadavg()[0]:.2f}")
    return peer


def history(folder: Path, merchants: int, per_day: int, transactions: int) -> list[tuple[datetime, Path]]:
    """Files of the days before, and of the minutes that are asked about."""
    made, first = Made(merchants), None
    for number in range(DAYS + 1):
        span, rows = made.day(number, per_day)
        if number == DAYS:
            first = span.start + _REST
            rows = rows.filter(pl.col("minute") < first)
        plain = rows.select(
            (pl.col("minute").dt.epoch("us") // 60_000_000).cast(pl.Int32).alias("minute"),
            pl.col("merchant_id").cast(pl.Int32).alias("merchant"),
            pl.col("approval_count").cast(pl.Int32).alias("approvals"),
            pl.col("cancel_count").cast(pl.Int32).alias("cancels"),
        )
        plain.write_parquet(folder / f"day_{number:02}.parquet")
    assert first is not None
    asked = []
    for number in range(ROUNDS + 1):
        minute, path = first + number * MINUTE, folder / f"raw_{number}.parquet"
        made.rows(minute, transactions).write_parquet(path)
        asked.append((minute, path))
    return asked


def measure(home: Path, names: Sequence[str], merchants: int, per_day: int, tps: int) -> dict[str, Any]:
    """All of them, each minute in another order."""
    settings = load_settings({"MINUTERISK_HOME": str(home), "MINUTERISK_LOG_LEVEL": "error"})
    configure_log(settings)
    url = admin_url(open_urls(settings))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("SELECT pg_reload_conf()")
    folder = home / "minutes"
    folder.mkdir()
    asked = history(folder, merchants, per_day, tps * 60)
    with ExitStack() as stack:
        peers = [start(name, folder, url, stack) for name in names]
        for number, (minute, path) in enumerate(asked):
            say(f"  minute {number} of {ROUNDS} …")
            first = number % len(peers)
            for peer in (*peers[first:], *peers[:first]):
                peer.ask(minute, path, warm=not number)
        about = machine(Server(url))
    return _content(peers, {"merchants": merchants, "per_day": per_day, "rows": tps * 60, "machine": about})


def _content(peers: Sequence[Peer], about: dict[str, Any]) -> dict[str, Any]:
    first = peers[0]
    ours = middle(next((peer for peer in peers if peer.name == OURS), first).taken)
    rows = []
    for peer in peers:
        taken = middle(peer.taken)
        cpu = taken.client_ms + taken.server_ms
        ratio = cpu / (ours.client_ms + ours.server_ms)
        rows.append(
            {
                "name": peer.name,
                **taken.as_json(),
                "cpu_ms": round(cpu, 1),
                "cpu_ratio": round(ratio, 2),
                "rss_mb": round(peer.rss_mb),
                "setup_s": round(peer.setup_s, 1),
                "same": peer.found == first.found,
            }
        )
    return {"peers": rows, "named": [len(found) for found in first.found], "rounds": ROUNDS, **about}


def table(content: dict[str, Any]) -> str:
    """The same for people."""
    head = ("wall ms", "cpu ms", "x cpu", "rss mb", "set-up s", "load", "same")
    lines = [f"{'median of ' + str(content['rounds']):<30}" + "".join(f"{name:>10}" for name in head)]
    lines += [
        f"{one['name']:<30}{one['wall_ms']:>10.1f}{one['cpu_ms']:>10.1f}{one['cpu_ratio']:>10.2f}"
        f"{one['rss_mb']:>10}{one['setup_s']:>10.1f}{one['load']:>10.2f}{one['same']!s:>10}"
        for one in content["peers"]
    ]
    lines.append(f"{content['rows']:,} rows a minute; merchants named: {content['named']}")
    return "\n".join([*lines, said(content["machine"])])


def main() -> None:
    """Measure, report, exit 1 where two disagree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--merchants", type=int, default=MERCHANTS)
    parser.add_argument("--per-day", type=int, default=PER_DAY)
    parser.add_argument("--tps", type=int, default=PEAK_TPS)
    parser.add_argument("--without", nargs="*", default=[], help="contestants that are left out")
    given = parser.parse_args()
    names = [name for name in CONTESTANTS if name not in given.without]
    with tempfile.TemporaryDirectory(prefix="minuterisk-bench-") as folder:
        Path(folder).chmod(0o755)
        content = measure(Path(folder), names, given.merchants, given.per_day, given.tps)
    print(json.dumps(content) if given.json else table(content))
    sys.exit(0 if all(one["same"] for one in content["peers"]) else 1)


if __name__ == "__main__":
    main()

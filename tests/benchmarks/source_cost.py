"""What we cost the trade database: processor time a minute at 5,000 transactions a second, searches included.

A real PostgreSQL with 15 minutes of such traffic gets 5,000 rows more each second, committed ten times a
second, and once a minute a few rows of a minute that is published, while the real service ticks, searches
and judges. The time is read off the processes of our sessions (/proc), and of the parallel workers that the
server starts for them, twenty times a second. Merchants, lake and channel do not matter to it.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

import psycopg

from data.merchants.trade import READER, create_trade_database
from pipeline.embedded import admin_url, open_urls
from pipeline.log import configure_log
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, floor_minute
from pipeline.packs.merchants import PACK
from pipeline.settings import load_settings
from scheduler import open_pipeline, open_service, run_service
from tests.benchmarks.home import say

if TYPE_CHECKING:
    from collections.abc import Callable

TPS = 5_000
BEFORE = timedelta(minutes=15)
COMMITS_A_SECOND = 10
LATE_AT_S = 25
TARGET_S = 1.0
_HERTZ = os.sysconf("SC_CLK_TCK")
#: Rows of a moment and the milliseconds after it; one in 25 is a cancel.
_ROWS = """
INSERT INTO transactions (transaction_id, merchant_id, kind, amount, currency, occurred_at, created_at)
SELECT %(first)s + n, abs(hashint8(%(first)s + n)) %% 100000,
    CASE WHEN n %% 25 = 0 THEN 'CANCEL' ELSE 'APPROVAL' END, 1000 + n, 'KRW',
    t - %(late)s::interval, t
FROM (
    SELECT n, %(start)s::timestamptz + n * interval '200 microseconds' AS t
    FROM generate_series(1, %(rows)s::int) AS n
) AS drawn
"""


class Server:
    """What the processes of our sessions have used so far, in seconds; also of those that have ended."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._lock = Lock()
        self._used: dict[int, float] = {}
        self._mark: dict[int, float] = {}

    def used_s(self) -> float:
        """Of our sessions in the trade database and of parallel workers, which are of the same role."""
        with self._lock:
            query = "SELECT pid FROM pg_stat_activity WHERE usename = %s AND datname = %s"
            for (pid,) in self._connection.execute(query, [READER, PACK.database]).fetchall():
                with suppress(FileNotFoundError):
                    self._used[pid] = self._of(pid)
            return sum(self._used.values())

    def mark(self) -> float:
        """Begin to count by process; gives `used_s`."""
        used, self._mark = self.used_s(), dict(self._used)
        return used

    def since_mark(self) -> list[float]:
        """Of each process, since the mark."""
        return [used - self._mark.get(pid, 0.0) for pid, used in self._used.items()]

    def sample(self, stopped: Event) -> None:
        """Look often enough at what ends soon."""
        while not stopped.wait(0.05):
            self.used_s()

    def _of(self, pid: int) -> float:
        fields = _stat(pid)
        return (int(fields[11]) + int(fields[12])) / _HERTZ


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def measure(home: Path, minutes: int) -> dict[str, Any]:
    """Build everything, let it live for `minutes`, and read the time off the server."""
    settings = load_settings(
        {"MINUTERISK_HOME": str(home), "MINUTERISK_LOG_LEVEL": "error", "MINUTERISK_METRICS_PORT": "0"}
    )
    configure_log(settings)
    urls = open_urls(settings)
    url = urls.stand_in_url or ""
    create_trade_database(admin_url(urls), PACK.database, "BIGINT")
    with psycopg.connect(admin_url(urls), autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET autovacuum = off")
        admin.execute("SELECT pg_reload_conf()")
    say(f"  {BEFORE} of {TPS:,} transactions a second …")
    end = _write_past(url)
    stopped = Event()
    writer = Thread(target=_write_on, args=(url, end, stopped))
    writer.start()
    try:
        with open_pipeline(settings) as pipeline:
            service = open_service(pipeline, Metrics("merchants"), stopped)
            server, judged = Server(url), _Judged(minutes, stopped)
            service.on_judged = judged
            kinds = _by_query(pipeline.source, server)
            Thread(target=server.sample, args=(stopped,), daemon=True).start()
            judged.begin = lambda: (server.mark(), dict(kinds))
            say(f"  {minutes} minutes …")
            run_service(service)
            used, by_query = server.used_s(), dict(kinds)
    finally:
        stopped.set()
        writer.join()
    assert judged.began is not None
    elapsed = (time.monotonic() - judged.at) / 60
    first_used, first_kinds = judged.began
    spent = {name: (s - first_kinds.get(name, 0.0)) / elapsed for name, s in by_query.items()}
    return {
        "processor_s_per_minute": round((used - first_used) / elapsed, 3),
        "target_s": TARGET_S,
        "minutes": round(elapsed, 2),
        "rows_a_minute": judged.rows,
        "by_process_s_per_minute": [round(s / elapsed, 3) for s in sorted(server.since_mark())[::-1][:4]],
        "by_query_s_per_minute": {name: round(s, 3) for name, s in sorted(spent.items())},
    }


class _Judged:
    """Begins to measure after the first live minute, and ends the service after so many more."""

    def __init__(self, minutes: int, stopped: Event) -> None:
        self._minutes, self._stopped = minutes, stopped
        self.begin: Callable[[], tuple[float, dict[str, float]]] = lambda: (0.0, {})
        self.began: tuple[float, dict[str, float]] | None = None
        self.at, self.rows, self._seen = 0.0, 0, 0

    def __call__(self, judged: Any, ms: float) -> None:  # noqa: ANN401 - Judged
        self.rows = judged.counted.read(PACK)
        live = judged.minute > datetime.now(UTC) - 3 * MINUTE
        say(f"  {judged.minute:%H:%M}  {self.rows:,} transactions, {ms:.0f} ms")
        if not live:
            return
        self._seen += 1
        if self.began is None and self._seen == 2:
            self.began, self.at = self.begin(), time.monotonic()
        elif self.began is not None and time.monotonic() - self.at >= (self._minutes - 0.2) * 60:
            self._stopped.set()


def _by_query(source: Any, server: Server) -> dict[str, float]:  # noqa: ANN401 - a Source
    """Processor time by query, where the source tells which it has asked; it fills itself."""
    spent: dict[str, float] = defaultdict(float)
    told, last = getattr(source, "on_query", None), [server.used_s()]

    def observe(name: str, seconds: float) -> None:
        now = server.used_s()
        spent[name] += now - last[0]
        last[0] = now
        if told is not None:
            told(name, seconds)

    if told is not None:
        source.on_query = observe
    return spent


def _write_past(url: str) -> datetime:
    """Fifteen minutes, ten seconds a transaction; gives where they end."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=40)
    step = timedelta(seconds=10)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        moment = floor_minute(end - BEFORE)
        while moment < datetime.now(UTC):
            rows = int(step.total_seconds()) * TPS
            given = {"first": _id(moment), "start": moment, "rows": rows, "late": timedelta(0)}
            connection.execute(_ROWS, given)
            moment += step
        connection.execute("ANALYZE transactions")
    return moment


def _write_on(url: str, moment: datetime, stopped: Event) -> None:
    step = timedelta(seconds=1 / COMMITS_A_SECOND)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        while not stopped.is_set():
            late = moment.second == LATE_AT_S and moment.microsecond == 0
            given = {"first": _id(moment), "start": moment, "rows": TPS // COMMITS_A_SECOND}
            connection.execute(_ROWS, {**given, "late": MINUTE if late else timedelta(0)})
            moment += step
            time.sleep(max((moment - datetime.now(UTC)).total_seconds(), 0))


def _id(moment: datetime) -> int:
    """Ids that grow with time and never meet."""
    return int(moment.timestamp() * 10) * (TPS // 10)


def main() -> None:
    """Measure once and report it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--minutes", type=int, default=4, help="measured minutes")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minuterisk-bench-") as folder:
        Path(folder).chmod(0o755)
        content = measure(Path(folder), given.minutes)
    if given.json:
        print(json.dumps(content))
    else:
        print("\n".join(f"{name:<24}{value}" for name, value in content.items()))


if __name__ == "__main__":
    main()

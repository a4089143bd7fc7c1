"""How much memory history takes: `python -m tests.benchmarks.history --rows 100000000`.

Rows of 100,000 merchants in an embedded PostgreSQL, of which 1 % make over half, over whole business days;
`minuterisk backfill` publishes them in a process of its own, whose peak of resident memory Linux tells. The
server's memory is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from data.merchants.trade import create_trade_database
from pipeline.embedded import admin_url, open_urls
from pipeline.minute import Span, business_date, business_day, format_minute
from pipeline.packs.merchants import PACK
from pipeline.settings import load_settings
from tests.benchmarks.home import MERCHANTS, say

#: Rows are made in parts of so many: a statement of its own each, and its own seed.
PART_ROWS = 5_000_000
#: The busiest 1 % make 52 % of the rows: 0.01 ** (1 / 7).
SKEW = 7
_ROWS = """
    INSERT INTO transactions (transaction_id, merchant_id, kind, amount, currency, occurred_at, created_at)
    SELECT n, 1 + floor(%(merchants)s * power(random(), %(skew)s))::bigint,
           CASE WHEN n %% 25 = 0 THEN 'CANCEL' WHEN n %% 1000003 = 0 THEN 'REVIEW' ELSE 'APPROVAL' END,
           (1 + floor(50 * random())::bigint) * 1000, 'KRW', at, at
    FROM (
        SELECT n, %(start)s::timestamptz + (n - 1) * %(length)s::interval / %(rows)s AS at
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    ) AS made
"""


def make(home: Path, rows: int, span: Span) -> None:
    """Fill the embedded trade database with `rows` rows, evenly over `span`."""
    settings = load_settings({"MINUTERISK_HOME": str(home)})
    urls = open_urls(settings)
    url = create_trade_database(admin_url(urls), PACK.database, "BIGINT")
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync = off", "max_wal_size = '4GB'", "maintenance_work_mem = '512MB'"):
            connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("ALTER TABLE transactions DROP CONSTRAINT transactions_transaction_id_kind_key")
        connection.execute("ALTER TABLE transactions SET UNLOGGED")
        connection.execute("DROP INDEX transactions_occurred_at, transactions_created_at")
        for first in range(1, rows + 1, PART_ROWS):
            last = min(first + PART_ROWS - 1, rows)
            given = {"first": first, "last": last, "rows": rows, "merchants": MERCHANTS, "skew": SKEW}
            connection.execute(_ROWS, given | {"start": span.start, "length": span.end - span.start})
            say(f"  {last:,} rows made")
        for column in ("occurred_at", "created_at"):
            connection.execute(f"CREATE INDEX transactions_{column} ON transactions ({column})".encode())
        connection.execute("VACUUM ANALYZE transactions")


def measure(home: Path, span: Span) -> dict[str, Any]:
    """Publish `span` by the command line; seconds, and the peak of its memory."""
    settings = {"MINUTERISK_HOME": str(home), "MINUTERISK_LOG_LEVEL": "info"}
    arguments = ["backfill", "--from", f"{format_minute(span.start)}Z", "--to", f"{format_minute(span.end)}Z"]
    command = [sys.executable, "-m", "pipeline.cli", *arguments, "--json"]
    log = home / "backfill.log"
    began, spent_before = time.monotonic(), _processor_s()
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        peak_kb = 0
        while process.poll() is None:
            peak_kb = max(peak_kb, _peak_kb(process.pid))
            time.sleep(0.05)
        said = process.stdout.read().decode() if process.stdout else ""
    if process.returncode:
        sys.exit(f"backfill failed: {log.read_text()[-2000:]}")
    done = json.loads(said.splitlines()[-1])
    return {
        "seconds": round(time.monotonic() - began, 1),
        "processor_s": round(_processor_s() - spent_before, 1),
        "peak_mb": round(peak_kb / 1024),
        "minutes": done["minutes_published"],
        "holes": done["holes"],
    }


def _peak_kb(process_id: int) -> int:
    """The process's peak of resident memory up to now; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{process_id}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _processor_s() -> float:
    """What the processes that have ended took; the server's are none of ours."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument(
        "--days", type=int, default=1, help="over so many business days, the last is yesterday"
    )
    parser.add_argument("--folder", help="make it here, and leave the rows for another run")
    given, _ = parser.parse_known_args()
    zone = load_settings({}).business_timezone
    today = business_date(datetime.now(UTC), zone)
    first = business_day(today - timedelta(days=given.days), zone).start
    span = Span(first, business_day(today, zone).start)
    home = Path(given.folder or tempfile.mkdtemp(prefix="minuterisk-history-"))
    try:
        if not (home / "postgres").exists():
            make(home, given.rows, span)
        found = measure(home, span)
    finally:
        if not given.folder:
            shutil.rmtree(home, ignore_errors=True)
    rate = round(given.rows / found["seconds"])
    print(json.dumps({"history": {"rows": given.rows, "days": given.days, **found, "rows_per_s": rate}}))


if __name__ == "__main__":
    main()

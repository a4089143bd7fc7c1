"""How long `minuterisk backtest` takes for 7 days of 100,000 merchants, beside a bare read of the same files.

The command runs as a process of its own, windows rebuilt, report and scores written. The bare read is the
same 16 days of Parquet into Polars, right after it, so that both see the same machine.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from data.merchants.incidents import labels_frame, place, read_incidents
from data.merchants.trade import create_trade_database
from data.merchants.traffic import Traffic, TrafficConfig
from pipeline.embedded import admin_url, open_urls
from pipeline.minute import Span
from pipeline.packs.merchants import PACK
from pipeline.settings import load_settings
from scheduler import open_pipeline
from tests.benchmarks.home import MERCHANTS, PER_DAY, publish_history, say

DAYS, HISTORY_DAYS = 7, 9
END = datetime(2026, 3, 15, 15, tzinfo=UTC)  # midnight in Seoul
START, JUDGED = END - timedelta(days=DAYS + HISTORY_DAYS), Span(END - timedelta(days=DAYS), END)
SEED = 7
TARGET_S = 30.0


def _environment(home: Path) -> dict[str, str]:
    return {"MINUTERISK_HOME": str(home), "MINUTERISK_LOG_LEVEL": "error"}


def build(home: Path) -> int:
    """Make the installation and its labels; returns how many transactions the judged week holds."""
    settings = load_settings(_environment(home))
    urls = open_urls(settings)
    create_trade_database(admin_url(urls), PACK.database, "BIGINT")
    # The incidents of the demo on the last day but one, so that there is something to find.
    placed = tuple(place(read_incidents(), END - timedelta(days=1, hours=10)))
    config = TrafficConfig(
        start=START, merchants=MERCHANTS, transactions_per_day=PER_DAY, seed=SEED, incidents=placed
    )
    traffic = Traffic(config)
    labels_frame(placed, traffic.merchants()).write_parquet(home / "labels.parquet")
    with open_pipeline(settings) as pipeline:
        publish_history(pipeline, traffic, Span(START, JUDGED.start))
        transactions = publish_history(pipeline, traffic, JUDGED)
        pipeline.project()
    return transactions


def measure(home: Path) -> dict[str, Any]:
    """Build the installation, judge its last week again and time that."""
    say(f"  {HISTORY_DAYS} + {DAYS} days of {MERCHANTS:,} merchants …")
    # In a process of its own: the gigabytes it works with, and its server, are gone before the clock starts.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        transactions = pool.submit(build, home).result()
    say("  backtest …")
    period = ("--from", JUDGED.start.isoformat(), "--to", JUDGED.end.isoformat())
    reports = ("--labels", str(home / "labels.parquet"), "--html", str(home / "report.html"), "--json")
    os.sync()  # what was written to build all this is not part of the measurement
    begin = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "backtest", *period, *reports],
        env={**os.environ, **_environment(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    files = (home / "lake" / "merchant_minute").rglob("*.parquet")
    rows = sum(pl.read_parquet(path).height for path in files)
    read = time.perf_counter() - begin
    found = json.loads(ran.stdout.splitlines()[-1])
    return {
        "seconds": round(seconds, 1),
        "target_seconds": TARGET_S,
        "bare_read_seconds": round(read, 1),
        "ratio": round(seconds / read, 1),
        "transactions": transactions,
        "merchants": MERCHANTS,
        "merchant_minutes_read": rows,
        "signals": found["signals"],
        "incidents_opened": found["incidents_opened"],
        "score": found["score"],
    }


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory(prefix="minuterisk-bench-") as folder:
        Path(folder).chmod(0o755)
        content = measure(Path(folder))
    shown = "\n".join(f"{name:<24}{value!s}" for name, value in content.items())
    print(json.dumps(content) if as_json else shown)


if __name__ == "__main__":
    main()

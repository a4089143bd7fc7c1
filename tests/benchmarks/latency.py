"""From the end of a minute to the message in Slack, at 5,000 transactions a second and 100,000 merchants.

Everything that runs in production runs here, on one machine: PostgreSQL, a trade server that really commits
that many rows (2 % of them late), the service with its scheduler, Slack's stand-in over HTTP, 8 days of
history. In each minute the buyers of another large merchant cancel, so that there are messages all the time.

The close delay of 5 s is part of every figure. The trade server and PostgreSQL take their share of the same
cores, which they would not in production.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
from sqlalchemy import text

from data.merchants.history import run_live
from data.merchants.trade import create_trade_database
from data.merchants.traffic import Traffic, TrafficConfig
from data.simulator import LiveOptions
from pipeline.embedded import admin_url, open_urls
from pipeline.log import configure_log
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.packs.merchants import PACK
from pipeline.settings import load_settings
from scheduler import open_pipeline, open_service, run_service
from tests.benchmarks.home import MERCHANTS, PER_DAY, publish_history, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.synchronize import Event

    import polars as pl

    from pipeline.catch_up import Pipeline
    from pipeline.run import Judged
    from pipeline.service import Service

TPS = 5_000
HISTORY = timedelta(days=8)
PREPARATION = timedelta(minutes=3)  # the history ends where the live minutes begin
LATE_SHARE = 0.02
SEED = 7
TARGET_S = 10.0
CANCELS = 5_000
FIRST_CANCEL = 10**15  # far from the ids of the traffic
_CANCELS = """INSERT INTO transactions (transaction_id, merchant_id, kind, amount, currency, occurred_at)
    SELECT id, %s, 'CANCEL', 30000, 'KRW', %s FROM generate_series(%s::bigint, %s::bigint) AS id"""


def measure(home: Path, minutes: int) -> dict[str, Any]:
    """Build everything, let it live for `minutes`, and read the delays off the operational database."""
    begin = floor_minute(datetime.now(UTC)) + PREPARATION
    with _slack() as slack:
        settings = load_settings(
            {
                "MINUTERISK_HOME": str(home),
                "MINUTERISK_LOG_LEVEL": "error",
                "MINUTERISK_METRICS_PORT": "0",
                "MINUTERISK_SLACK_TOKEN": "xoxb-any",
                "MINUTERISK_SLACK_CHANNEL": "C0RISK",
                "MINUTERISK_SLACK_BASE_URL": slack,
            }
        )
        configure_log(settings)
        urls = open_urls(settings)
        create_trade_database(admin_url(urls), PACK.database, "BIGINT")
        history = TrafficConfig(
            start=begin - HISTORY, merchants=MERCHANTS, transactions_per_day=PER_DAY, seed=SEED
        )
        live = replace(history, start=begin).at_tps(TPS)
        with open_pipeline(settings) as pipeline:
            say(f"  8 days of history for {MERCHANTS:,} merchants …")
            publish_history(pipeline, Traffic(history), Span(history.start, begin))
            late = (datetime.now(UTC) - begin).total_seconds()
            if late > 0:
                say(f"  the history took {late:.0f} s too long; the first minutes are caught up with")
            say(f"  {minutes} minutes at {TPS:,} transactions a second …")
            service = open_service(pipeline, Metrics("merchants"))
            service.on_judged = _Stop(service, minutes)
            with _trade_server(urls.stand_in_url or "", live):
                run_service(service)
                service.deliver_rest()
            return _report(pipeline)


class _Stop:
    """Ends the service after so many live minutes."""

    def __init__(self, service: Service, minutes: int) -> None:
        self._service, self._left = service, minutes

    def __call__(self, judged: Judged, ms: float) -> None:
        counted = judged.counted.read(PACK)
        say(f"  {judged.minute:%H:%M}  {counted:,} transactions, judged and committed in {ms:.0f} ms")
        self._left -= 1
        if self._left <= 0:
            self._service.stopped.set()


@contextmanager
def _slack() -> Iterator[str]:
    """The stand-in as a process of its own; gives its address."""
    command = [sys.executable, "-m", "data.slack_standin", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip().partition("=")[2]
        process.kill()  # it keeps nothing


@contextmanager
def _trade_server(url: str, config: TrafficConfig) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=_feed, args=(url, config, stop), daemon=True)
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join(20)


def _feed(url: str, config: TrafficConfig, stop: Event) -> None:
    traffic = Traffic(config)
    Thread(target=_fail, args=(url, traffic.merchants()["merchant_id"], config.start), daemon=True).start()
    options = LiveOptions(since=config.start, late_share=LATE_SHARE)
    run_live(url, traffic, lambda: datetime.now(UTC), stop, options, payouts=False)  # type: ignore[arg-type]


def _fail(url: str, merchants: pl.Series, begin: datetime) -> None:
    """In each minute the buyers of the next largest merchant cancel by the thousand."""
    with psycopg.connect(url, autocommit=True) as connection:
        for n, merchant in enumerate(merchants):
            moment = begin + n * MINUTE + timedelta(seconds=20)
            time.sleep(max((moment - datetime.now(UTC)).total_seconds(), 0))
            first = FIRST_CANCEL + n * CANCELS
            connection.execute(_CANCELS, (merchant, moment, first, first + CANCELS - 1))


def _report(pipeline: Pipeline) -> dict[str, Any]:
    with pipeline.state.engine.connect() as connection:
        judged = connection.execute(
            text("SELECT minute, judged_at, source_rows FROM minute_ledger WHERE judged_at IS NOT NULL")
        ).all()
        sent = connection.execute(
            text("SELECT minute, sent_at FROM outbox WHERE event = 'opened' AND sent_at IS NOT NULL")
        ).all()
    return {
        "minutes": len(judged),
        "rows_per_minute_median": int(np.median([row.source_rows for row in judged])),
        "merchants": MERCHANTS,
        "messages": len(sent),
        "close_to_commit_s": _spread([row.judged_at - row.minute - MINUTE for row in judged]),
        "close_to_slack_s": _spread([row.sent_at - row.minute - MINUTE for row in sent]),
        "target_p95_s": TARGET_S,
    }


def _spread(delays: list[timedelta]) -> dict[str, float | None]:
    seconds = sorted(delay.total_seconds() for delay in delays)
    if not seconds:
        return {"median": None, "p95": None, "max": None}
    p95 = seconds[-(-95 * len(seconds) // 100) - 1]
    return {"median": round(float(np.median(seconds)), 2), "p95": round(p95, 2), "max": round(seconds[-1], 2)}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=8)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minuterisk-bench-") as folder:
        Path(folder).chmod(0o755)
        content = measure(Path(folder), arguments.minutes)
    shown = "\n".join(f"{name:<24}{value!s}" for name, value in content.items())
    print(json.dumps(content) if arguments.json else shown)


if __name__ == "__main__":
    main()

"""Every question of the analysts over 8 days of 100,000 merchants, each under a second; and every check.

The analysts' file is made as the pipeline makes it, and asked by DuckDB as a client would, twice: the first
time finds nothing in memory; `cpu` is what all cores spent on one time. Exit 1 where the better of both takes
a question longer than a second. Payouts are made up: each merchant is paid each business day's sales on the
next one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from data.merchants.trade import create_trade_database
from data.merchants.traffic import Traffic, TrafficConfig
from pipeline.count import count
from pipeline.embedded import admin_url, open_urls
from pipeline.log import configure_log
from pipeline.minute import MINUTE, Span, business_date, floor_minute, split_by_day
from pipeline.packs.merchants import PACK
from pipeline.settings import load_settings
from pipeline.store.compact import compact
from pipeline.store.manifest import read_manifest
from pipeline.store.state import MinuteCommit
from pipeline.store.views.checks import checks_of
from pipeline.store.views.questions import Clock, questions, values_of
from pipeline.store.views.snapshots import SUMS_AT_ONCE
from scheduler import open_pipeline
from tests.benchmarks.home import MERCHANTS, PER_DAY, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.catch_up import Pipeline
    from pipeline.settings import Settings

DAYS = 8
SEED = 7
LIMIT_S = 1.0
_NO_DAY = pl.DataFrame(schema={"merchant_id": pl.String, "amount": pl.Int64})


def publish(pipeline: Pipeline, traffic: Traffic, span: Span) -> None:
    """The days of `span` with cohorts of cancels, and payouts of each day's sales on the next one."""
    zone, book, before = pipeline.lake.zone, pipeline.book(), _NO_DAY
    for day in split_by_day(span, zone):
        rows = traffic.rows(day).rename({"original_occurred_at": "approved_at"})
        paid = before.with_columns(
            pl.lit(business_date(day.start, zone) - timedelta(days=1)).alias("business_date"),
            pl.lit(day.start + timedelta(hours=10)).dt.convert_time_zone("UTC").alias("settled_at"),
        )
        counted = count(rows, day, 1, day.end, PACK, zone, {"settlement": paid})
        pipeline.state.commit(MinuteCommit(counted.ledger, book.publish(counted), day.end))
        net = (pl.col("approval_amount").sum() - pl.col("cancel_amount").sum()).alias("amount")
        before = counted.rows.group_by("merchant_id").agg(net)
        say(f"{day}: {counted.rows.height:,} merchant-minutes")


def build(settings: Settings, merchants: int, per_day: int, left: int = 5) -> None:
    """An installation of that size with one judged minute, `left` minutes ago, and its analysts' file."""
    configure_log(settings)
    urls = open_urls(settings)
    create_trade_database(admin_url(urls), PACK.database, "BIGINT")
    begin = floor_minute(datetime.now(UTC)) - left * MINUTE
    config = TrafficConfig(
        start=begin - timedelta(days=DAYS), merchants=merchants, transactions_per_day=per_day, seed=SEED
    )
    with open_pipeline(settings) as pipeline:
        pipeline.opening.begin(config.start)
        pipeline.opening.open(config.start, timedelta())  # or what is published is replaced by nothing
        publish(pipeline, Traffic(config), Span(config.start, begin))
        compact(pipeline.lake, pipeline.state, begin)
        list(pipeline.catch_up(begin + MINUTE))
        pipeline.project()
        for what in ("first", *["more sums"] * (DAYS // SUMS_AT_ONCE), "again"):
            pipeline._catalog_version = -1
            start = time.perf_counter()
            pipeline.project_catalog()
            say(f"analyst.duckdb {what}: {(time.perf_counter() - start) * 1000:,.0f} ms")


def measure(settings: Settings) -> dict[str, float]:
    """Seconds of each question and check, the better of two."""
    manifest, found = read_manifest(settings.manifest), {}
    if manifest is None:
        raise AssertionError
    clock = Clock(manifest.published_through, settings.business_timezone)
    with duckdb.connect(str(settings.catalog), read_only=True) as analyst:
        busiest = "SELECT merchant_id FROM baseline_now ORDER BY week_approval_count DESC LIMIT 1"
        ((merchant,),) = analyst.sql(busiest).fetchall()
    asked: dict[str, tuple[str, Mapping[str, Any]]] = {
        name: (question.sql, _plain(values_of(question, _given(question.parameters, merchant), clock)))
        for name, question in questions("merchants").items()
    }
    asked |= {f"check {check.name}": (check.text, {}) for check in checks_of("merchants")}
    with duckdb.connect(str(settings.catalog), read_only=True) as analyst:
        analyst.execute("SET TimeZone = 'UTC'")
        for name, (text, values) in asked.items():
            taken, rows, busy = list[float](), 0, time.process_time()
            for _ in range(2):
                start = time.perf_counter()
                rows = analyst.sql(text, params=values).pl().height
                taken.append(time.perf_counter() - start)
            found[name] = min(taken)
            busy = (time.process_time() - busy) / len(taken)
            say(f"{name:<30}{min(taken):7.3f} s {max(taken):7.3f} s  cpu {busy:6.3f} s {rows:>9,} rows")
    return found


def _given(parameters: Any, merchant: str) -> dict[str, str]:  # noqa: ANN401 - of a question
    return {p.name: merchant for p in parameters if p.default is None}


def _plain(values: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, (_, value) in values.items()}


@contextmanager
def installation(about: str | None) -> Iterator[Settings]:
    """One at the size that the command line names, built where there is none; `about` is the help's text."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--merchants", type=int, default=MERCHANTS)
    parser.add_argument("--per-day", type=int, default=PER_DAY)
    parser.add_argument("--home", type=Path, help="keep the installation here, or measure the one that is")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder)
        settings = load_settings({"MINUTERISK_HOME": str(home), "MINUTERISK_LOG_LEVEL": "error"})
        if not settings.catalog.is_file():
            build(settings, given.merchants, given.per_day)
        yield settings


def main() -> None:
    """Build, measure, say."""
    with installation(__doc__) as settings:
        found = measure(settings)
    slow = {n for n, seconds in found.items() if seconds > LIMIT_S and not n.startswith("check ")}
    print(json.dumps({"seconds": {n: round(s, 3) for n, s in found.items()}, "slow": sorted(slow)}))
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()

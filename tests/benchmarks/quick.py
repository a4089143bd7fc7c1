"""`make bench-quick`: the whole tick of a peak minute, by step, beside the bare fetch of the same rows.

100,000 merchants, 7 days of history in the lake, closed minutes of 300,000 rows in a real PostgreSQL.
Every minute is fetched bare (the same query through the same ADBC driver, into Arrow and Polars) right
before and right after its tick, so that both see the same noise; the ratio is that of the medians. The
same ticks run once with 2 and once with 7 days of history: a step that grows with the history would show.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import adbc_driver_postgresql.dbapi as adbc
import polars as pl

from data.merchants.trade import create_trade_database, insert_merchants, insert_transactions
from data.merchants.traffic import Traffic, TrafficConfig
from pipeline.embedded import admin_url, open_urls
from pipeline.minute import MINUTE, Span, from_index, to_index
from pipeline.packs.merchants import PACK
from pipeline.settings import load_settings
from pipeline.store.reports import of_minute
from queries import sql
from scheduler import open_pipeline
from tests.benchmarks.home import MERCHANTS, PER_DAY, publish_history, say

if TYPE_CHECKING:
    from pipeline.catch_up import Pipeline

PEAK_TPS = 5_000
HISTORY_DAYS = (2, 7)
TICKS = 7
SEED = 7


@dataclass(frozen=True)
class Measured:
    """Medians of one series of ticks, in milliseconds."""

    history_days: int
    rows: int
    tick_ms: float
    fetch_ms: float
    steps: dict[str, float]
    report_ms: float  # after the tick: what the minute took is kept for the screen Health

    @property
    def ratio(self) -> float:
        """The whole tick over the bare fetch."""
        return self.tick_ms / self.fetch_ms


def measure(home: Path, days: int) -> Measured:
    """Build one installation with `days` of history and time TICKS peak minutes."""
    settings = load_settings({"MINUTERISK_HOME": str(home), "MINUTERISK_LOG_LEVEL": "error"})
    end = from_index(to_index(datetime.now(UTC)) // 60 * 60) - timedelta(hours=1)
    urls = open_urls(settings)
    create_trade_database(admin_url(urls), PACK.database, "BIGINT")
    config = TrafficConfig(
        start=end - timedelta(days=days), merchants=MERCHANTS, transactions_per_day=PER_DAY, seed=SEED
    )
    # The peak's traffic begins with its first minute: drawing days of it for a few cancels would take hours.
    peak = Traffic(replace(config, start=end).at_tps(PEAK_TPS))
    minutes = [end + n * MINUTE for n in range(TICKS + 1)]
    insert_merchants(urls.stand_in_url or "", peak.merchants())
    for minute in minutes:
        insert_transactions(urls.stand_in_url or "", peak.rows(Span(minute, minute + MINUTE)))
    _analyze(urls.stand_in_url or "")
    with open_pipeline(settings) as pipeline:
        say(f"  {days} days of history for {MERCHANTS:,} merchants …")
        publish_history(pipeline, Traffic(config), Span(config.start, end))
        say(f"  {TICKS} peak minutes …")
        return _time_ticks(pipeline, urls.source_url, minutes, days)


def _time_ticks(pipeline: Pipeline, url: str, minutes: list[datetime], days: int) -> Measured:
    ticks, fetches, steps, reports, rows = [], [], [], [], 0
    with adbc.connect(url) as bare:
        for warm, minute in enumerate(minutes):
            before = _fetch_ms(bare, minute)
            start = time.perf_counter()
            judged = next(iter(pipeline.catch_up(minute + MINUTE)))
            tick = (time.perf_counter() - start) * 1000
            after = _fetch_ms(bare, minute)
            taken = pipeline.take_steps()
            start = time.perf_counter()
            pipeline.state.record_report(
                "minute", tick, of_minute(minute, taken, {"transactions": (1, before)})
            )
            report = (time.perf_counter() - start) * 1000
            if warm:  # the first tick rebuilds the windows
                ticks.append(tick)
                reports.append(report)
                fetches.append((before + after) / 2)
                steps.append({**taken, "project": tick - sum(v for k, v in taken.items() if k != "project")})
            rows = judged.counted.read(PACK)
    medians = {name: statistics.median(s.get(name, 0.0) for s in steps) for name in steps[0]}
    tick, fetch, report = (statistics.median(series) for series in (ticks, fetches, reports))
    return Measured(days, rows, tick, fetch, medians, report)


def _fetch_ms(connection: adbc.Connection, minute: datetime) -> float:
    query = sql("merchants/extract/postgresql/transactions")
    start = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(query, [minute, minute + MINUTE])
        pl.from_arrow(cursor.fetch_arrow_table())
    return (time.perf_counter() - start) * 1000


def _analyze(url: str) -> None:
    with adbc.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("ANALYZE transactions")


def _table(series: list[Measured]) -> str:
    names = list(series[0].steps)
    head = f"{'milliseconds (median)':<24}" + "".join(
        f"{f'{m.history_days} days of history':>22}" for m in series
    )
    lines = [head]
    lines += [f"  {name:<22}" + "".join(f"{m.steps.get(name, 0.0):>22.1f}" for m in series) for name in names]
    for name in ("tick_ms", "fetch_ms", "report_ms"):
        lines.append(f"{name:<24}" + "".join(f"{getattr(m, name):>22.1f}" for m in series))
    lines.append(f"{'ratio tick / fetch':<24}" + "".join(f"{m.ratio:>22.2f}" for m in series))
    lines.append(f"{'rows in the minute':<24}" + "".join(f"{m.rows:>22,}" for m in series))
    return "\n".join(lines)


def main() -> None:
    """Run both series and report them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    as_json = parser.parse_args().json
    series = []
    for days in HISTORY_DAYS:
        with tempfile.TemporaryDirectory(prefix="minuterisk-bench-") as folder:
            Path(folder).chmod(0o755)
            series.append(measure(Path(folder), days))
    full = series[-1]
    content: dict[str, Any] = {
        "tick_ms": round(full.tick_ms, 1),
        "fetch_ms": round(full.fetch_ms, 1),
        "ratio": round(full.ratio, 3),
        "steps": {name: round(ms, 1) for name, ms in full.steps.items()},
        "report_ms": round(full.report_ms, 2),
        "rows": full.rows,
        "merchants": MERCHANTS,
        "history_days": full.history_days,
        "shorter_history": {
            "days": series[0].history_days,
            "tick_ms": round(series[0].tick_ms, 1),
            "steps": {name: round(ms, 1) for name, ms in series[0].steps.items()},
        },
    }
    print(json.dumps(content) if as_json else _table(series))


if __name__ == "__main__":
    main()

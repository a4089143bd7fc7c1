"""`make bench-quick`: the whole tick of a peak minute, by step, beside the bare fetch of the same rows.

100,000 merchants, 7 days of history in the lake, closed minutes of 300,000 rows in a real PostgreSQL.
Every minute is fetched bare right before and right after its tick, so that all see the same noise: by the
floor, a binary COPY that nobody reads; into Arrow and Polars as ADBC streams it; and with bound parameters
(floor.py). Ratios are those of the medians; load and processor time stand beside every time. `keep` follows
when the results are out. The ticks run with 2 days of history, too: a step that grows with it would show.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from data.merchants.trade import create_trade_database, insert_merchants, insert_transactions
from data.merchants.traffic import Traffic, TrafficConfig
from pipeline.embedded import admin_url, open_urls
from pipeline.log import configure_log
from pipeline.minute import MINUTE, Span, from_index, to_index
from pipeline.packs.merchants import PACK
from pipeline.settings import load_settings
from pipeline.store.reports import of_minute
from scheduler import open_pipeline
from tests.benchmarks.home import MERCHANTS, PEAK_TPS, PER_DAY, publish_history, say
from tests.benchmarks.speed.floor import WAYS, Bare
from tests.benchmarks.speed.taken import Clocked, Taken, machine, measured, middle, said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.catch_up import Pipeline

HISTORY_DAYS = (2, 7)
TICKS = 7
SEED = 7


@dataclass(frozen=True, slots=True)
class Size:
    """How large everything is."""

    merchants: int = MERCHANTS
    per_day: int = PER_DAY
    tps: int = PEAK_TPS
    ticks: int = TICKS


@dataclass(frozen=True)
class Measured:
    """One series of ticks: middles of what each took."""

    history_days: int
    rows: int
    tick: Taken
    keep: Taken  # after the results are out: what corrections begin from
    fetches: Mapping[str, Taken]  # by way
    steps: Mapping[str, float]
    steps_cpu: Mapping[str, float]
    report_ms: float  # after the tick: what the minute took is kept for the screen Health
    by: str  # who fetched the floor
    machine: Mapping[str, Any]

    def ratio(self, way: str) -> float:
        """The whole tick over that fetch."""
        return self.tick.wall_ms / self.fetches[way].wall_ms


def measure(home: Path, days: int, size: Size) -> Measured:
    """Build one installation with `days` of history and time the peak minutes."""
    settings = load_settings({"MINUTERISK_HOME": str(home), "MINUTERISK_LOG_LEVEL": "error"})
    configure_log(settings)
    end = from_index(to_index(datetime.now(UTC)) // 60 * 60) - timedelta(hours=1)
    urls = open_urls(settings)
    create_trade_database(admin_url(urls), PACK.database, "BIGINT")
    config = TrafficConfig(
        start=end - timedelta(days=days),
        merchants=size.merchants,
        transactions_per_day=size.per_day,
        seed=SEED,
    )
    # The peak's traffic begins with its first minute: drawing days of it for a few cancels would take hours.
    peak = Traffic(replace(config, start=end).at_tps(size.tps))
    minutes = [end + n * MINUTE for n in range(size.ticks + 1)]
    insert_merchants(urls.stand_in_url or "", peak.merchants())
    for minute in minutes:
        insert_transactions(urls.stand_in_url or "", peak.rows(Span(minute, minute + MINUTE)))
    settle_server(admin_url(urls), urls.stand_in_url or "")
    with open_pipeline(settings) as pipeline:
        say(f"  {days} days of history for {size.merchants:,} merchants …")
        publish_history(pipeline, Traffic(config), Span(config.start, end))
        say(f"  {size.ticks} peak minutes …")
        with Bare(urls.source_url) as bare:
            ways = WAYS if days == HISTORY_DAYS[-1] else ()
            return _time_ticks(pipeline, bare, ways, minutes, days)


def settle_server(admin: str, url: str) -> None:
    """Have the server do nothing of its own while others are measured."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("SELECT pg_reload_conf()")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE transactions")  # or the first reader writes hint bits
        connection.execute("CHECKPOINT")


def _time_ticks(
    pipeline: Pipeline, bare: Bare, ways: Sequence[str], minutes: list[datetime], days: int
) -> Measured:
    ticks, keeps, reports = list[Taken](), list[Taken](), list[float]()
    fetches: dict[str, list[Taken]] = {way: [] for way in ways}
    steps, steps_cpu, rows = list[dict[str, float]](), list[dict[str, float]](), 0
    clocked = Clocked()
    for warm, minute in enumerate(minutes):
        before = {way: bare.fetch(way, minute) for way in ways}
        due = pipeline.catch_up(minute + MINUTE)
        with measured(bare.server) as tick:
            judged = next(due)
        with measured(bare.server) as keep:
            list(due)
        after = {way: bare.fetch(way, minute) for way in reversed(ways)}
        taken, taken_cpu = pipeline.take_steps(), clocked.take_cpu()
        start = time.perf_counter()
        report = of_minute(minute, taken, {"transactions": (1, taken.get("extract", 0.0))})
        pipeline.state.record_report("minute", tick.taken.wall_ms, report)
        reports.append((time.perf_counter() - start) * 1000)
        if warm:  # the first tick rebuilds the windows
            ticks.append(tick.taken)
            keeps.append(keep.taken)
            for way in ways:
                fetches[way] += [before[way], after[way]]
            steps.append(_with_rest(taken, tick.taken.wall_ms))
            steps_cpu.append(_with_rest(taken_cpu, tick.taken.client_ms))
        elif pipeline._line is not None:
            pipeline._line.steps = clocked
        rows = judged.counted.read(PACK)
    return Measured(
        days,
        rows,
        middle(ticks),
        middle(keeps),
        {way: middle(series) for way, series in fetches.items()},
        _medians(steps),
        _medians(steps_cpu),
        statistics.median(reports[1:]),
        bare.by,
        machine(bare.server),
    )


def _with_rest(steps: dict[str, float], whole: float) -> dict[str, float]:
    """What no other step has is the step `project`."""
    return {**steps, "project": whole - sum(v for k, v in steps.items() if k != "project")}


def _medians(series: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one.get(name, 0.0) for one in series) for name in series[0]}


def content_of(series: list[Measured]) -> dict[str, Any]:
    """Everything as JSON; the longest history comes last."""
    full, short = series[-1], series[0]
    return {
        "tick_ms": round(full.tick.wall_ms, 1),
        "fetch_ms": round(full.fetches["bare"].wall_ms, 1),
        "ratio": round(full.ratio("bare"), 3),
        "ratio_floor": round(full.ratio("floor"), 3),
        "steps": {name: round(ms, 1) for name, ms in full.steps.items()},
        "steps_cpu": {name: round(ms, 1) for name, ms in full.steps_cpu.items()},
        "report_ms": round(full.report_ms, 2),
        "taken": {
            **{way: one.as_json() for way, one in full.fetches.items()},
            "tick": full.tick.as_json(),
            "keep": full.keep.as_json(),
        },
        "floor_by": full.by,
        "rows": full.rows,
        "history_days": full.history_days,
        "shorter_history": {
            "days": short.history_days,
            "tick_ms": round(short.tick.wall_ms, 1),
            "tick_client_ms": round(short.tick.client_ms, 1),
            "steps": {name: round(ms, 1) for name, ms in short.steps.items()},
        },
        "machine": dict(full.machine),
    }


def table(content: dict[str, Any]) -> str:
    """The same for people."""
    floor, short = content["taken"]["floor"]["wall_ms"], content["shorter_history"]
    head = ("wall", "ours", "server", "load", "x floor", f"{short['days']} days")
    lines = [f"{'milliseconds (median)':<26}" + "".join(f"{name:>10}" for name in head)]
    named = {"floor": f"floor, by {content['floor_by']}", "bare": "bare fetch", "bound": "bare, bound"}
    for name in (*WAYS, "tick", "keep"):
        one = content["taken"][name]
        shorter = f"{short['tick_ms']:>10.1f}" if name == "tick" else ""
        lines.append(
            f"{named.get(name, name):<26}{one['wall_ms']:>10.1f}{one['client_ms']:>10.1f}"
            f"{one['server_ms']:>10.1f}{one['load']:>10.2f}{one['wall_ms'] / floor:>10.2f}{shorter}"
        )
        if name == "tick":
            lines += [
                f"  {step:<24}{ms:>10.1f}{content['steps_cpu'].get(step, 0.0):>10.1f}{'':>20}"
                f"{ms / floor:>10.2f}{short['steps'].get(step, 0.0):>10.1f}"
                for step, ms in content["steps"].items()
            ]
    lines.append(f"{'ratio tick / floor':<26}{content['ratio_floor']:>10.2f}")
    lines.append(f"{'ratio tick / bare':<26}{content['ratio']:>10.2f}")
    lines.append(f"{'report':<26}{content['report_ms']:>10.1f}")
    lines.append(f"{'rows in the minute':<26}{content['rows']:>10,}")
    return "\n".join([*lines, said(content["machine"])])


def main() -> None:
    """Run both series and report them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--merchants", type=int, default=MERCHANTS)
    parser.add_argument("--per-day", type=int, default=PER_DAY, help="transactions of the history")
    parser.add_argument("--tps", type=int, default=PEAK_TPS, help="transactions a second of the peak")
    parser.add_argument("--ticks", type=int, default=TICKS)
    given = parser.parse_args()
    size, series = Size(given.merchants, given.per_day, given.tps, given.ticks), []
    say(f"load {os.getloadavg()[0]:.2f}")
    for days in HISTORY_DAYS:
        with tempfile.TemporaryDirectory(prefix="minuterisk-bench-") as folder:
            Path(folder).chmod(0o755)
            series.append(measure(Path(folder), days, size))
    content = {"merchants": size.merchants, **content_of(series)}
    print(json.dumps(content) if given.json else table(content))


if __name__ == "__main__":
    main()

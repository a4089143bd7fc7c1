"""simulate and load: feed a stand-in trade server. The pipeline itself never writes there."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Timer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
import psycopg

from data.merchants.history import run_live, write_history
from data.merchants.incidents import DEFAULT_FILE, place, read_incidents
from data.merchants.load import load_file
from data.merchants.trade import create_trade_database
from data.merchants.traffic import Traffic, TrafficConfig
from data.simulator import LiveOptions
from pipeline.commands.common import json_option, progress_bar, read_settings, report
from pipeline.commands.work import stop_on_signals
from pipeline.embedded import open_urls
from pipeline.errors import ConfigurationError
from pipeline.errors.translate import source_errors
from pipeline.figures import moment
from pipeline.minute import Span, business_date, business_day, floor_minute

if TYPE_CHECKING:
    from data.commits import LiveReport
    from pipeline.settings import Settings


@click.command()
@click.option(
    "--tps", type=click.FloatRange(0.01, 30_000), help="Transactions a second, day and night; else --per-day."
)
@click.option(
    "--per-day",
    default=200_000,
    show_default=True,
    type=click.IntRange(1),
    help="Transactions a day, with rhythm.",
)
@click.option("--merchants", default=2_000, show_default=True, type=click.IntRange(1, 10_000_000))
@click.option(
    "--incidents",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Labelled incidents (TOML).",
)
@click.option("--no-incidents", is_flag=True, help="Ordinary traffic only.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option(
    "--history-days",
    default=0,
    show_default=True,
    type=click.IntRange(0, 400),
    help="Write so many days first.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, 1_000_000),
    help="Stop after so many minutes; default: run until stopped.",
)
@json_option
def simulate(  # noqa: PLR0913 - the options of the command
    *,
    tps: float | None,
    per_day: int,
    merchants: int,
    incidents: Path | None,
    no_incidents: bool,
    seed: int,
    history_days: int,
    minutes: float | None,
    as_json: bool,
) -> None:
    """Feed a trade server with realistic traffic. The same seed and options give the same rows."""
    settings, now = read_settings(), datetime.now(UTC)
    url = _trade_url(settings)
    with source_errors(url):
        create_trade_database(url, _database(url), "BIGINT")
        newest = _newest(url)
    zone = settings.business_timezone
    today = business_date(now, zone)
    config = TrafficConfig(
        # Cancels that reach into the first live minutes come from the rows before them. At a high rate
        # drawing a whole day of those again would take longer than anybody waits.
        start=business_day(today - timedelta(days=history_days), zone).start
        if history_days or not tps
        else floor_minute(now),
        merchants=merchants,
        transactions_per_day=per_day,
        seed=seed,
        incidents=() if no_incidents else tuple(place(read_incidents(incidents or DEFAULT_FILE), now)),
    )
    traffic = Traffic(config.at_tps(tps) if tps else config)
    history = 0
    if history_days and newest is None:
        with progress_bar("history") as progress:
            span = Span(config.start, floor_minute(now))
            history = write_history(url, traffic, span, lambda done, total: progress(done, total, ""))
    live = _live(url, traffic, minutes, newest)
    content = {
        "history_rows": history,
        "live_rows": live.rows,
        "late_rows": live.late_rows,
        "behind_s_max": live.behind_s_max,
    }
    report(
        content,
        as_json=as_json,
        text=f"{history:,} rows of history, {live.rows:,} live rows, {live.late_rows:,} of them late",
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def load(file: Path, *, as_json: bool) -> None:
    """Load transactions from a Parquet or CSV FILE into the trade server; bad rows are set aside and counted.

    Columns: transaction_id, merchant_id, kind, amount, occurred_at; optional original_transaction_id and
    original_occurred_at (of a cancel: its approval's id and time), customer_id, country.
    """
    settings = read_settings()
    url = _trade_url(settings)
    with source_errors(url), progress_bar(f"load {file.name}") as progress:
        found = load_file(
            file,
            url,
            _database(url),
            quarantine_dir=settings.home / "quarantine",
            clock=lambda: datetime.now(UTC),
            progress=lambda done, total: progress(done, total, ""),
        )
    content, zone = asdict(found), settings.business_timezone
    lines = [f"{found.loaded:,} of {found.rows:,} rows loaded"]
    lines += [f"  set aside: {reason} {rows:,}" for reason, rows in found.quarantined.items()]
    lines += [f"  they are in {found.quarantine_file}"] if found.quarantine_file else []
    if found.first and found.last:
        ends = " to ".join(moment(end, zone, seconds=True) for end in (found.first, found.last))
        lines.append(f"  from {ends}; publish them with `minuterisk backfill`")
    report(content, as_json=as_json, text="\n".join(lines))


def _trade_url(settings: Settings) -> str:
    url = open_urls(settings).stand_in_url
    if url is None:
        msg = "MINUTERISK_SOURCE_URL names a source database that minuterisk may only read"
        raise ConfigurationError(msg, "set MINUTERISK_TRADE_URL to a database that may be written to")
    return url


def _database(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def _newest(url: str) -> datetime | None:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT max(occurred_at) FROM transactions").fetchone()
    return row[0].astimezone(UTC) if row and row[0] else None


def _live(url: str, traffic: Traffic, minutes: float | None, newest: datetime | None) -> LiveReport:
    stop = Event()
    stop_on_signals(stop)
    if minutes is not None:
        timer = Timer(minutes * 60, stop.set)
        timer.daemon = True
        timer.start()
    return run_live(url, traffic, lambda: datetime.now(UTC), stop, LiveOptions(since=newest))

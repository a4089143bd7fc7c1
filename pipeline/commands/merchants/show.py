"""The merchants' show: a trade server with buyers, cancels, payouts and labelled incidents."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

import click
import polars as pl
import psycopg

from data.merchants.history import run_live, write_history
from data.merchants.incidents import DEFAULT_FILE, FINISHED_FILE, place, read_incidents
from data.merchants.trade import create_trade_database
from data.merchants.traffic import Traffic, TrafficConfig
from pipeline.minute import business_date, business_day, floor_minute
from pipeline.replay.score import LABEL

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from threading import Event

    from data.commits import LiveReport
    from data.simulator import LiveOptions
    from pipeline.commands.shows import Asked, Done
    from pipeline.minute import Span

PER_DAY: Final = 200_000
#: This much of the live rows is committed late.
LATE_SHARE: Final = 0.02


class _TradeServer:
    """The show."""

    history_days: Final = 8
    late_share: Final = LATE_SHARE
    beside: Final = ()
    options: Final = (
        click.Option(
            ["--merchants"],
            default=2_000,
            show_default=True,
            type=click.IntRange(1, 10_000_000),
            help="(merchants) How many there are.",
        ),
    )

    def create(self, admin_url: str, database: str) -> str:
        """Make its database and tables where they are missing; gives its owner's URL."""
        return create_trade_database(admin_url, database, "BIGINT")

    def newest(self, url: str) -> datetime | None:
        """When its newest row was written; None where there is none."""
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT max(occurred_at) FROM transactions").fetchone()
        return row[0].astimezone(UTC) if row and row[0] else None

    def begin(self, asked: Asked) -> datetime:
        """Where its history begins: with a business day.

        Cancels that reach into the first live minutes come from the rows before them. At a high rate drawing
        a whole day of those again would take longer than anybody waits.
        """
        if asked.tps and not asked.history_days:
            return floor_minute(asked.now)
        today = business_date(asked.now, asked.zone)
        return business_day(today - timedelta(days=asked.history_days), asked.zone).start

    def traffic(self, asked: Asked) -> Traffic:
        """What happens in its world."""
        files = [asked.incidents] if asked.incidents else [DEFAULT_FILE, FINISHED_FILE]
        incidents = [] if asked.without_incidents else [one for file in files for one in read_incidents(file)]
        config = TrafficConfig(
            start=self.begin(asked),
            merchants=(asked.own or {})["merchants"],
            transactions_per_day=asked.per_day or PER_DAY,
            seed=asked.seed,
            incidents=tuple(place(incidents, asked.now)),
        )
        return Traffic(config.at_tps(asked.tps) if asked.tps else config)

    def write_history(self, url: str, traffic: Traffic, span: Span, done: Done | None) -> int:
        """Write its past; gives the number of rows."""
        return write_history(url, traffic, span, done)

    def run_live(
        self, url: str, traffic: Traffic, clock: Callable[[], datetime], stop: Event, options: LiveOptions
    ) -> LiveReport:
        """Let it live until `stop` is set."""
        return run_live(url, traffic, clock, stop, options)

    def finished(self, traffic: Traffic, until: datetime) -> pl.DataFrame:
        """Labels of what was wrong and ended before `until`."""
        labels = traffic.labels().rename({"merchant_id": "entity_id"}).filter(pl.col("end") <= until)
        return labels.select(LABEL.names())

    def said(self, rows: int, traffic: Traffic) -> str:
        """What its history is, for people."""
        return f"trade      {rows:,} transactions of {traffic.config.merchants:,} merchants in PostgreSQL"


SHOW: Final = _TradeServer()

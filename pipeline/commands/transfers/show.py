"""The transfers' show: a bank's customers who pay, some of them late, and labelled cases of all rules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from data.simulator import run_live
from data.transfers.bank import Bank, create_bank
from data.transfers.cases import DEFAULT_FILE, place, read_cases
from data.transfers.history import newest_arrival, write_history
from data.transfers.traffic import Traffic, TrafficConfig
from pipeline.minute import floor_minute
from pipeline.replay.score import LABEL

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from threading import Event

    import polars as pl

    from data.commits import LiveReport
    from data.simulator import LiveOptions
    from pipeline.commands.shows import Asked, Done
    from pipeline.minute import Span

PER_DAY: Final = 20_000


class _TransferService:
    """The show."""

    history_days: Final = 1
    late_share: Final = 0.0  # its payments are late by themselves
    beside: Final = ("serve",)
    options: Final = (
        click.Option(
            ["--users"],
            default=2_000,
            show_default=True,
            type=click.IntRange(2, 10_000_000),
            help="(transfers) Customers who pay.",
        ),
        click.Option(
            ["--late"],
            default=0.01,
            show_default=True,
            type=click.FloatRange(0, 1),
            help="(transfers) Share of payments that are written late, mostly within a minute.",
        ),
    )

    def create(self, admin_url: str, database: str) -> str:
        """Make its database and tables where they are missing; gives its owner's URL."""
        return create_bank(admin_url, database)

    def newest(self, url: str) -> datetime | None:
        """When its newest row was written; None where there is none."""
        return newest_arrival(url)

    def begin(self, asked: Asked) -> datetime:
        """Where its history begins."""
        return floor_minute(asked.now) - timedelta(days=asked.history_days)

    def traffic(self, asked: Asked) -> Traffic:
        """What happens in its world; the cases happened on each day of the history too."""
        cases = () if asked.without_incidents else read_cases(asked.incidents or DEFAULT_FILE)
        own = asked.own or {}
        config = TrafficConfig(
            users=own["users"],
            per_day=asked.per_day or PER_DAY,
            seed=asked.seed,
            late_share=own["late"],
            cases=place(cases, asked.now, asked.history_days),
        )
        return Traffic(config.at_tps(asked.tps) if asked.tps else config, Bank())

    def write_history(self, url: str, traffic: Traffic, span: Span, done: Done | None) -> int:
        """Write its past; gives the number of rows."""
        return write_history(url, traffic, span, done)

    def run_live(
        self, url: str, traffic: Traffic, clock: Callable[[], datetime], stop: Event, options: LiveOptions
    ) -> LiveReport:
        """Let it live until `stop` is set."""
        return run_live(url, traffic, clock, stop, options)

    def finished(self, traffic: Traffic, until: datetime) -> pl.DataFrame:  # noqa: ARG002 - the protocol's
        """None: what its cases cost is told by outcomes."""
        return LABEL.to_frame()

    def said(self, rows: int, traffic: Traffic) -> str:
        """What its history is, for people."""
        return f"transfers  {rows:,} payments of {traffic.config.users:,} customers in PostgreSQL"


SHOW: Final = _TransferService()

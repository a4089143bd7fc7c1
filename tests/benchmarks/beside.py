"""The installation that a dashboard is measured over: days of many merchants, and a pipeline beside it.

The pipeline lives in a process of its own, as in production, and publishes a minute whenever it is told to.
In each minute the buyers of another large merchant cancel, so that each brings an incident.
"""

from __future__ import annotations

import multiprocessing
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import psycopg

from data.merchants.trade import create_trade_database, insert_merchants, insert_transactions
from data.merchants.traffic import Traffic, TrafficConfig
from pipeline.embedded import admin_url, open_urls
from pipeline.log import configure_log
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.packs.merchants import PACK
from pipeline.settings import load_settings
from pipeline.store.compact import compact
from scheduler import open_pipeline
from tests.benchmarks.home import publish_history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from pipeline.catch_up import Pipeline

CANCELS = 5_000
SEED = 7
_FIRST_CANCEL = 10**15  # far from the ids of the traffic
_CANCELS = """INSERT INTO transactions (transaction_id, merchant_id, kind, amount, currency, occurred_at)
    SELECT id, %s, 'CANCEL', 30000, 'KRW', %s FROM generate_series(%s::bigint, %s::bigint) AS id"""


@dataclass(frozen=True)
class Built:
    """An installation that stands."""

    home: Path
    state_url: str
    merchants: tuple[str, ...]  # the largest first


@dataclass
class Beside:
    """The other end of the process."""

    built: Built
    _ends: Connection

    def tick(self) -> float:
        """Publish the next minute; gives what its tick took, in ms."""
        self._ends.send("tick")
        return cast("float", self._ends.recv())


@contextmanager
def beside(home: Path, merchants: int, per_day: int, days: int, minutes: int) -> Iterator[Beside]:
    """Build it; `minutes` are left to publish until now."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_live, args=(theirs, home, merchants, per_day, days, minutes), daemon=True
    )
    process.start()
    theirs.close()
    try:
        yield Beside(cast("Built", ours.recv()), ours)
    finally:
        ours.close()
        process.join(60)


def _live(ends: Connection, home: Path, merchants: int, per_day: int, days: int, minutes: int) -> None:
    given = {"MINUTERISK_HOME": str(home), "MINUTERISK_LOG_LEVEL": "error", "MINUTERISK_METRICS_PORT": "0"}
    settings = load_settings(given)
    configure_log(settings)
    urls = open_urls(settings)
    create_trade_database(admin_url(urls), PACK.database, "BIGINT")
    begin = floor_minute(datetime.now(UTC)) - minutes * MINUTE
    config = TrafficConfig(
        start=begin - timedelta(days=days), merchants=merchants, transactions_per_day=per_day, seed=SEED
    )
    traffic, url = Traffic(config), urls.stand_in_url or ""
    names = traffic.merchants()
    insert_merchants(url, names)
    with open_pipeline(settings) as pipeline:
        publish_history(pipeline, traffic, Span(config.start, begin))
        compact(pipeline.lake, pipeline.state, begin)
        pipeline.lake.project(pipeline.state.publication())
        largest = tuple(names["merchant_id"].cast(str).head(minutes + 10))
        ends.send(Built(home, urls.state_url, largest))
        _answer(ends, pipeline, traffic, begin, largest)


def _answer(
    ends: Connection, pipeline: Pipeline, traffic: Traffic, begin: datetime, largest: tuple[str, ...]
) -> None:
    url, minute = open_urls(pipeline.settings).stand_in_url or "", begin
    try:
        while ends.recv():
            number = (minute - begin) // MINUTE
            insert_transactions(url, traffic.rows(Span(minute, minute + MINUTE)))
            first = _FIRST_CANCEL + number * CANCELS
            with psycopg.connect(url, autocommit=True) as connection:
                given = (largest[number % len(largest)], minute, first, first + CANCELS - 1)
                connection.execute(_CANCELS, given)
            start = time.perf_counter()
            for _ in pipeline.catch_up(minute + MINUTE):
                pass
            ends.send((time.perf_counter() - start) * 1000)
            minute += MINUTE
    except EOFError:  # nobody asks any more
        return

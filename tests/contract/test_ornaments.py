"""Whatever is wrong with `at_risk` on MariaDB, the incident opens and says what is not known."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from pipeline.alarms import open_alarms
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.settings import load_settings
from scheduler import open_pipeline
from tests.contract.trade_servers import mariadb_trade
from tests.integration.trade_home import state_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.contract.trade_servers import Trade

START = floor_minute(datetime.now(UTC)) - timedelta(hours=3)
MERCHANTS = 20
PAID = 8_100_000_000


def gives(paid_out: str, settled_through: str = "CURRENT_DATE - INTERVAL 3 DAY") -> str:
    return (
        f"SELECT DISTINCT merchant_id, 'Shop' AS merchant_name, {settled_through} AS settled_through,"
        f" {paid_out} AS paid_out FROM transactions WHERE merchant_id IN %(merchants)s"
    )


#: What it gives, the money at risk that follows, and a part of what the alarm says; None: nothing is wrong.
WAYS: dict[str, tuple[str, int | None, str | None]] = {
    "a decimal": (gives("8100000000.00"), PAID, None),
    "text": (gives("'8100000000'"), PAID, None),
    "a float": (gives("8.1e9"), PAID, None),
    "a time in UTC": (
        gives("8100000000", "NOW() - INTERVAL 3 DAY").replace("through,", "through_utc,"),
        PAID,
        None,
    ),
    "null": (gives("NULL", "NULL"), None, None),
    "no row": (f"{gives('5')} AND FALSE", None, None),
    "a column gone": ("SELECT 1 AS merchant_id WHERE 1 IN %(merchants)s", None, "no column merchant_name"),
    "no such column": (gives("nothing"), None, "nothing"),
    "no query": ("SELEC", None, "SELEC"),
    "a time without a zone": (gives("5", "NOW()"), None, "does not say its time zone"),
    "a zero date": (gives("5", "CAST('0000-00-00' AS DATE)"), None, "settled_through is null"),
    "negative": (gives("-5"), None, "negative"),
    "a fraction": (gives("0.5"), None, "whole number"),
    "past 64 bits": (gives("CAST(1e30 AS DECIMAL(40, 0))"), None, "at_risk"),
    "past the signed ones": (gives("18446744073709551615"), None, "at_risk"),
    "more than one row": (gives("(SELECT 1 UNION SELECT 2)"), None, "at_risk"),
    "too slow": (gives("SLEEP(20)"), None, "ended our query|took too long"),
}


@pytest.fixture(scope="module")
def line(
    mariadb: Path, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Pipeline, Trade, Path]]:
    """A pipeline whose merchants had a quiet day, and its queries."""
    home = tmp_path_factory.mktemp("maria")
    with mariadb_trade(mariadb, "TEXT") as trade, state_database(postgres_url) as state_url:
        trade.execute(
            "INSERT INTO transactions (merchant_id, kind, amount, occurred_at)"
            " SELECT CONCAT('m', m.seq), 'APPROVAL', 1000, %s - INTERVAL 150 * n.seq SECOND"
            f" FROM seq_0_to_{MERCHANTS} AS m, seq_1_to_200 AS n",
            START,
        )
        folder = trade.queries(home / "queries")
        given = {
            "home": str(home / "data"),
            "source_url": trade.url,
            "state_url": state_url,
            "source_queries": str(folder),
            "source_timeout": "1",
            "policy": "supported",
        }
        settings = load_settings({f"MINUTERISK_{name.upper()}": value for name, value in given.items()})
        shutil.copy(folder / "at_risk.sql", home / "whole.sql")
        (folder / "at_risk.sql").write_text("SELEC")  # a start does not need it
        with open_pipeline(settings) as pipeline:
            pipeline.backfill(Span(START - timedelta(hours=10), START))
            yield pipeline, trade, folder


def asked(pipeline: Pipeline, query: str) -> list[dict[str, Any]]:
    with pipeline.state.engine.begin() as connection:
        result = connection.execute(text(query))
        return [dict(row) for row in result.mappings()] if result.returns_rows else []


@pytest.mark.parametrize(("number", "way"), list(enumerate(WAYS)))
def test_whatever_at_risk_gives_the_incident_opens(
    line: tuple[Pipeline, Trade, Path], number: int, way: str
) -> None:
    (pipeline, trade, folder), (query, money, wrong) = line, WAYS[way]
    (folder / "at_risk.sql").write_text(query)
    pipeline.exposure._retry_at = 0.0
    pipeline.ornaments.works("at_risk")
    minute = pipeline.state.next_minute()
    assert minute is not None
    first = 100_000 + 100 * number
    trade.insert(*((first + n, f"m{number}", "CANCEL", 900, minute) for n in range(20)))
    list(pipeline.catch_up(minute + MINUTE))
    (found,) = asked(pipeline, f"SELECT at_risk FROM incident WHERE entity_id = 'm{number}'")
    alarms = open_alarms(pipeline.state.engine, pipeline.state.url, pipeline.state.pack)
    asked(
        pipeline,
        "UPDATE incident SET status = 'resolved', resolved_at = now(),"
        " resolved_minute = last_breach_minute + interval '1 minute' WHERE status <> 'resolved'",
    )
    assert found["at_risk"] == money
    assert [alarm.subject for alarm in alarms] == ([] if wrong is None else ["at_risk"])
    assert wrong is None or any(part in alarms[0].what for part in wrong.split("|"))


def test_a_time_of_approval_without_a_zone_is_not_known(line: tuple[Pipeline, Trade, Path]) -> None:
    pipeline, trade, folder = line
    shutil.copy(folder.parent / "whole.sql", folder / "at_risk.sql")
    pipeline.exposure._retry_at = 0.0
    query = (folder / "transactions.sql").read_text()
    assert "original_occurred_at AS approved_at" in query
    other = query.replace("original_occurred_at AS approved_at", "CAST(NOW() AS DATETIME) AS approved_at")
    (folder / "transactions.sql").write_text(other)
    minute = pipeline.state.next_minute()
    assert minute is not None
    trade.insert((900_000, "m1", "APPROVAL", 5, minute))
    list(pipeline.catch_up(minute + MINUTE))
    (alarm,) = open_alarms(pipeline.state.engine, pipeline.state.url, pipeline.state.pack)
    assert (alarm.name, alarm.subject) == ("ornament.failing", "approved_at")

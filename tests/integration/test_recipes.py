"""Every recipe of queries/RECIPES.md on a real server, beside a plain count of the same rows."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
import pytest

from pipeline.count import count
from pipeline.extract import Source
from pipeline.extract_mysql import MySqlSource
from pipeline.minute import MINUTE, Span
from tests.contract.trade_servers import mariadb_server, mariadb_trade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.source import TradeSource

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "queries" / "RECIPES.md").read_text(encoding="utf-8")
HOUR = Span(datetime(2026, 3, 10, 3, tzinfo=UTC), datetime(2026, 3, 10, 4, tzinfo=UTC))


@dataclass
class Recipe:
    """The statements that make the tables, and the query files."""

    name: str
    dialect: str
    tables: str
    files: dict[str, str] = field(default_factory=dict)


def recipes() -> dict[str, Recipe]:
    """The recipes by their first table's name."""
    found: dict[str, Recipe] = {}
    current: Recipe | None = None
    for head, body in re.findall(r"```sql\n-- ([^\n]+)\n(.*?)```", PAGE, re.DOTALL):
        if head.startswith("tables"):
            name = re.search(r"CREATE TABLE (\w+)", body)
            assert name
            current = found[name[1]] = Recipe(name[1], "mysql" if "mysql" in head else "postgresql", body)
        else:
            assert current
            current.files[head.removesuffix(".sql")] = body
    return found


#: Rows of each recipe's tables, and a plain count: merchant, approvals, cancels, amount of both in minor units.
ROWS = {
    "payments": (
        """INSERT INTO payments
           SELECT n, 'S' || n % 3, CASE WHEN n % 10 = 0 THEN 'CANCELED' WHEN n % 10 = 1 THEN 'PARTIAL_CANCELED'
                                        WHEN n % 10 = 2 THEN 'FAILED' WHEN n % 10 = 3 THEN 'READY' ELSE 'PAID' END,
                  1000 + n, CASE WHEN n % 10 = 0 THEN 1000 + n WHEN n % 10 = 1 THEN 5 END,
                  CASE WHEN n % 10 <> 3 THEN t + n * interval '1 minute' END,
                  CASE WHEN n % 10 = 0 THEN t + n * interval '1 minute' WHEN n % 10 = 1 THEN t + n * interval '61 s' END, t
           FROM generate_series(0, 99) AS n, (VALUES (timestamptz '2026-03-10 02:30Z')) AS v (t)""",
        """SELECT shop_id,
                  count(*) FILTER (WHERE paid_at >= '2026-03-10 03:00Z' AND paid_at < '2026-03-10 04:00Z'),
                  count(*) FILTER (WHERE canceled_at >= '2026-03-10 03:00Z' AND canceled_at < '2026-03-10 04:00Z'),
                  sum(CASE WHEN paid_at >= '2026-03-10 03:00Z' AND paid_at < '2026-03-10 04:00Z' THEN amount ELSE 0 END
                    + CASE WHEN canceled_at >= '2026-03-10 03:00Z' AND canceled_at < '2026-03-10 04:00Z'
                           THEN cancel_amount ELSE 0 END)
           FROM payments WHERE status <> 'FAILED' GROUP BY 1""",
    ),
    "approvals": (
        """INSERT INTO approvals SELECT n, n % 3, 1000 + n, timestamptz '2026-03-10 02:30Z' + n * interval '1 minute'
           FROM generate_series(0, 99) AS n;
           INSERT INTO cancels SELECT n, n, 1000 + n, timestamptz '2026-03-10 02:45Z' + n * interval '1 minute'
           FROM generate_series(0, 99, 7) AS n""",
        """SELECT store_id::text, sum(a)::bigint, sum(c)::bigint, sum(m) FROM (
               SELECT store_id, 1 AS a, 0 AS c, amount AS m FROM approvals
               WHERE approved_at >= '2026-03-10 03:00Z' AND approved_at < '2026-03-10 04:00Z'
               UNION ALL
               SELECT store_id, 0, 1, c.amount FROM cancels AS c JOIN approvals USING (approval_id)
               WHERE canceled_at >= '2026-03-10 03:00Z' AND canceled_at < '2026-03-10 04:00Z'
           ) AS both_tables GROUP BY 1""",
    ),
    "payment_events": (
        """INSERT INTO payment_events
           SELECT gen_random_uuid(), ('00000000-0000-0000-0000-00000000000' || n % 3)::uuid,
                  (ARRAY['PAID', 'PAID', 'REFUNDED', 'PARTIAL_REFUND', 'FAILED'])[1 + n % 5]::event_type, 1000 + n,
                  timestamptz '2026-03-10 02:30Z' + n * interval '1 minute'
           FROM generate_series(0, 99) AS n""",
        """SELECT merchant_uuid::text, count(*) FILTER (WHERE event_type = 'PAID'),
                  count(*) FILTER (WHERE event_type <> 'PAID'), sum(amount)
           FROM payment_events WHERE event_type <> 'FAILED'
           AND event_time >= '2026-03-10 03:00Z' AND event_time < '2026-03-10 04:00Z' GROUP BY 1""",
    ),
}


def plain(table: str, time: str, amount: str = "amount", where: str = "true") -> tuple[str, str]:
    """Rows and count of a table with the columns id, merchant_id, kind, amount and one time."""
    rows = f"""INSERT INTO {table} (id, merchant_id, kind, amount, {time})
        SELECT n, n % 3, CASE WHEN n % 10 = 0 THEN 'CANCEL' ELSE 'APPROVAL' END, 1000 + n,
               timestamptz '2026-03-10 02:30Z' + n * interval '1 minute' FROM generate_series(0, 99) AS n"""
    query = f"""SELECT merchant_id::text, count(*) FILTER (WHERE kind = 'APPROVAL'), count(*) FILTER (WHERE kind = 'CANCEL'),
        sum({amount}) FROM {table}
        WHERE {time} >= timestamptz '2026-03-10 03:00Z' AND {time} < timestamptz '2026-03-10 04:00Z' AND {where} GROUP BY 1"""
    return rows, query


ROWS |= {
    "sales": plain("sales", "sold_at"),
    "usd_sales": plain("usd_sales", "sold_at", "amount * 100"),
    "charges": plain("charges", "charged_at", where="currency = 'KRW'"),
    "trades": plain("trades", "traded_at"),
    "raw_trades": plain("raw_trades", "traded_at"),
    "orders": plain("orders", "ordered_at", where="deleted_at IS NULL"),
    "parts": plain("parts", "traded_at"),
    "van_trades": (
        """INSERT INTO van_trades
           SELECT n, 'M' || n % 3, CASE WHEN n % 10 = 0 THEN 'C' ELSE 'A' END, 1000 + n, to_char(t, 'YYYYMMDD'),
                  to_char(t, 'HH24MISS')
           FROM generate_series(0, 99) AS n, LATERAL (SELECT timestamp '2026-03-10 11:30' + n * interval '1 minute' AS t) AS x""",
        """SELECT trim(mid), count(*) FILTER (WHERE gubun = 'A'), count(*) FILTER (WHERE gubun = 'C'), sum(amt)
           FROM van_trades WHERE trade_day = '20260310' AND trade_time >= '120000' AND trade_time < '130000' GROUP BY 1""",
    ),
    "trx": (
        """INSERT INTO trx SELECT seq, CONCAT('M', seq %% 3), ELT(1 + seq %% 4, '승인', '취소', '부분취소', '실패'), 1000 + seq,
               TIMESTAMP '2026-03-10 11:30:00' + INTERVAL seq MINUTE FROM seq_0_to_99""",
        """SELECT mcht_no, SUM(trx_type = '승인'), SUM(trx_type IN ('취소', '부분취소')), SUM(trx_amt) FROM trx
           WHERE trx_dt >= '2026-03-10 12:00' AND trx_dt < '2026-03-10 13:00' AND trx_type <> '실패' GROUP BY 1""",
    ),
}
#: What is done after the rows are there.
THEN = {
    "charges": "UPDATE charges SET currency = CASE WHEN id % 4 = 1 THEN 'USD' ELSE 'KRW' END",
    "trades": "UPDATE trades SET traded_at = timestamp '2026-03-10 11:30' + id * interval '1 minute'",
    "orders": "UPDATE orders SET deleted_at = now() WHERE id % 6 = 1",
    "raw_trades": "UPDATE raw_trades SET created_at = now()",
    "parts": "UPDATE parts SET created_at = now()",
}
RECIPES = recipes()
SEOUL_HOUR = ("'2026-03-10 12:00'", "'2026-03-10 13:00'")


@pytest.fixture(scope="module")
def maria() -> Iterator[Path]:
    with mariadb_server() as socket:
        yield socket


def counted(source: TradeSource) -> dict[str, tuple[int, ...]]:
    extracted = source.extract(HOUR)
    found = count(extracted.rows, HOUR, extracted.xmin, HOUR.end)
    assert found.quarantine.is_empty(), found.quarantine
    rows = found.merchant_minutes.group_by("merchant_id").agg(
        pl.col("approval_count").sum(),
        pl.col("cancel_count").sum(),
        (pl.col("approval_amount") + pl.col("cancel_amount")).sum(),
    )
    return {str(merchant).strip(): tuple(numbers) for merchant, *numbers in rows.iter_rows()}


def folder_of(recipe: Recipe, path: Path) -> Path:
    shutil.copytree(ROOT / "queries" / "extract" / recipe.dialect, path)
    for name, content in recipe.files.items():
        (path / f"{name}.sql").write_text(content, encoding="utf-8")
    return path


def as_numbers(rows: list[tuple[Any, ...]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = defaultdict(tuple)
    for merchant, *numbers in rows:
        if any(numbers):
            found[str(merchant)] = tuple(int(number) for number in numbers)
    return dict(found)


def test_every_recipe_is_run() -> None:
    assert set(RECIPES) == set(ROWS)


@pytest.mark.parametrize("name", [r.name for r in RECIPES.values() if r.dialect == "postgresql"])
def test_a_recipe_counts_what_a_plain_count_counts(name: str, fresh_database: str, tmp_path: Path) -> None:
    recipe, (rows, query) = RECIPES[name], ROWS[name]
    if name == "trades":
        query = query.replace("timestamptz '2026-03-10 03:00Z'", SEOUL_HOUR[0])
        query = query.replace("timestamptz '2026-03-10 04:00Z'", SEOUL_HOUR[1])
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        for statement in (recipe.tables, rows, THEN.get(name, "")):
            connection.execute(statement.encode())
        by_hand = as_numbers(connection.execute(query.encode()).fetchall())
    with Source(fresh_database, folder_of(recipe, tmp_path / "queries"), timedelta(seconds=20)) as source:
        assert counted(source) == by_hand
        if "totals" in recipe.files:
            totals = source.totals(HOUR)
            assert sum(totals["rows"]) == sum(n + c for n, c, _ in by_hand.values())
            assert sum(totals["cancels"]) == sum(c for _, c, _ in by_hand.values())
        if "changed" in recipe.files:
            with psycopg.connect(fresh_database, autocommit=True) as connection:
                fence = source.fence()
                written = "updated_at" if name == "payments" else "created_at"
                connection.execute(f"UPDATE {name} SET {written} = now() WHERE id = 44".encode())
            hour_ago = fence.clock.replace(second=0, microsecond=0) - timedelta(hours=1)
            changed = source.changed(fence, Span(hour_ago, hour_ago + 120 * MINUTE), {})
            assert datetime(2026, 3, 10, 3, 14, tzinfo=UTC) in changed.minutes
    assert by_hand


def test_the_recipe_for_mysql_counts_what_a_plain_count_counts(maria: Path, tmp_path: Path) -> None:
    recipe, (rows, query) = RECIPES["trx"], ROWS["trx"]
    with mariadb_trade(maria, "TEXT") as trade:
        trade.execute(recipe.tables)
        trade.execute(rows)
        by_hand = as_numbers(trade.execute(query))
        with MySqlSource(trade.url, folder_of(recipe, tmp_path / "queries"), timedelta(seconds=20)) as source:
            assert counted(source) == by_hand
    assert by_hand

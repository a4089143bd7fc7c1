"""Every recipe of queries/merchants/RECIPES.md on a real server, beside a plain count of the same rows."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import psycopg
import pytest

from pipeline.count import count
from pipeline.minute import Span
from pipeline.packs.merchants import PACK
from pipeline.source.mysql import MySqlSource
from pipeline.source.postgresql import PostgresSource
from tests.contract.trade_servers import mariadb_server, mariadb_trade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.source.asked import Source

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "queries" / "merchants" / "RECIPES.md").read_text(encoding="utf-8")
SHAPES = ROOT / "tests" / "shapes" / "recipes"
WAIT = timedelta(seconds=20)
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


RECIPES = recipes()


@pytest.fixture(scope="module")
def maria() -> Iterator[Path]:
    with mariadb_server() as socket:
        yield socket


def counted(source: Source) -> dict[str, tuple[int, ...]]:
    extracted = source.extract(HOUR)
    found = count(extracted.rows, HOUR, extracted.xmin, HOUR.end, PACK)
    assert found.quarantine.is_empty(), found.quarantine
    rows = found.rows.group_by("merchant_id").agg(
        pl.col("approval_count").sum(),
        pl.col("cancel_count").sum(),
        (pl.col("approval_amount") + pl.col("cancel_amount")).sum(),
    )
    return {str(merchant).strip(): tuple(numbers) for merchant, *numbers in rows.iter_rows()}


def folder_of(recipe: Recipe, path: Path) -> Path:
    shutil.copytree(ROOT / "queries" / "merchants" / "extract" / recipe.dialect, path)
    for name, content in recipe.files.items():
        (path / f"{name}.sql").write_text(content, encoding="utf-8")
    return path


def as_numbers(rows: list[tuple[Any, ...]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = defaultdict(tuple)
    for merchant, *numbers in rows:
        if any(numbers):
            found[str(merchant)] = tuple(int(number) for number in numbers)
    return dict(found)


def shape_of(name: str) -> tuple[list[str], str]:
    """The statements that fill a recipe's tables, and the plain count."""
    rows, query = (SHAPES / f"{name}.sql").read_text(encoding="utf-8").split("-- count\n")
    return [s for s in rows.split("\n", 1)[1].split(";\n") if s.strip()], query


def test_every_recipe_has_rows_to_run_on() -> None:
    assert set(RECIPES) == {path.stem for path in SHAPES.glob("*.sql")}


@pytest.mark.parametrize("name", [r.name for r in RECIPES.values() if r.dialect == "postgresql"])
def test_a_recipe_counts_what_a_plain_count_counts(name: str, fresh_database: str, tmp_path: Path) -> None:
    recipe, (rows, query) = RECIPES[name], shape_of(name)
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        for statement in (recipe.tables, *rows):
            connection.execute(statement.encode())
        by_hand = as_numbers(connection.execute(query.encode()).fetchall())
    with PostgresSource(
        PACK, fresh_database, folder_of(recipe, tmp_path / "queries"), timedelta(seconds=20)
    ) as source:
        assert counted(source) == by_hand
        if "totals" in recipe.files:
            totals = source.totals(HOUR)
            assert sum(totals["rows"]) == sum(n + c for n, c, _ in by_hand.values())
            assert sum(map(int, totals["cancels"])) == sum(c for _, c, _ in by_hand.values())
        if "changed" in recipe.files:
            with psycopg.connect(fresh_database, autocommit=True) as connection:
                fence = source.fence()
                written = "updated_at" if name == "payments" else "created_at"
                connection.execute(f"UPDATE {name} SET {written} = now() WHERE id = 44".encode())
            hour_ago = fence.clock.replace(second=0, microsecond=0) - timedelta(hours=1)
            changed = source.changed(fence, lambda _: hour_ago, {})
            assert datetime(2026, 3, 10, 3, 14, tzinfo=UTC) in changed.minutes
    assert by_hand


def test_the_recipe_for_mysql_counts_what_a_plain_count_counts(maria: Path, tmp_path: Path) -> None:
    recipe, (rows, query) = RECIPES["trx"], shape_of("trx")
    with mariadb_trade(maria, "TEXT") as trade:
        trade.execute(recipe.tables)
        for statement in rows:
            trade.execute(statement.replace("%", "%%"))
        by_hand = as_numbers(trade.execute(query))
        with MySqlSource(
            PACK, trade.url, folder_of(recipe, tmp_path / "queries"), timedelta(seconds=20)
        ) as source:
            assert counted(source) == by_hand
    assert by_hand


def test_the_recipe_of_payouts_gives_those_of_its_hour(fresh_database: str, tmp_path: Path) -> None:
    recipe, (rows, _) = RECIPES["shop_sales"], shape_of("shop_sales")
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        for statement in (recipe.tables, *rows):
            connection.execute(statement.encode())
    with PostgresSource(PACK, fresh_database, folder_of(recipe, tmp_path / "queries"), WAIT) as source:
        read = source.extract(HOUR).beside
    assert not read.failed
    counted = PACK.beside["settlement"].count(read.frames["settlement"], HOUR, ZoneInfo("Asia/Seoul"))
    found = counted.select("merchant_id", "business_date", "amount", "wrong").rows()
    assert found == [("S0", date(2026, 3, 8), -200, None), ("S1", date(2026, 3, 8), 0, None)]

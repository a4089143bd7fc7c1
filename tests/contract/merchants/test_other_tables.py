"""Tables as other companies have them, on both kinds of server: values, types, ids, amounts, times."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipeline.count import count
from pipeline.errors import SourceChanged
from pipeline.minute import MINUTE, Span, one_minute
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.at_risk import parameters_of
from pipeline.source.asked import KnownMinute, Totals
from tests.contract.trade_servers import postgresql_trade, totals_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.count import Counted
    from pipeline.source.asked import Extracted, Source
    from tests.contract.trade_servers import Trade

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")
SECOND = timedelta(seconds=1)
BETWEEN = {
    "postgresql": "{0} >= $1 AND {0} < $2",
    "mysql": "{0} >= %(start)s AND {0} < %(end)s",
}


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Trade]:
    with postgresql_trade(postgres_url, "TEXT") as trade:
        yield trade


def query(trade: Trade, columns: str = "*", time: str = "occurred_at", table: str = "transactions") -> str:
    return f"SELECT {columns} FROM {table} WHERE {BETWEEN[trade.dialect].format(time)}"


def of(**columns: str) -> str:
    """The columns of `transactions`, some of them written otherwise."""
    given = {name: name for name in ("transaction_id", "merchant_id", "kind", "amount", "occurred_at")}
    return ", ".join(({**given, **columns}).values())


@contextmanager
def reading(trade: Trade, folder: Path, **queries: str) -> Iterator[Source]:
    with trade.source(trade.queries(folder / "queries", **queries)) as source:
        yield source


def counted(extracted: Extracted, span: Span) -> Counted:
    return count(extracted.rows, span, extracted.xmin, extracted.clock, PACK)


def aside(found: Counted) -> list[tuple[Any, ...]]:
    return found.quarantine.select("transaction_id", "kind", "reason").sort("transaction_id").rows()


# ------------------------------------------------------------------ one value never stops all

#: Fails for the amount 3, is the amount for every other.
POISON = {
    "postgresql": "(CASE amount WHEN 3 THEN 'NaN' ELSE amount::text END::numeric * 100)::bigint AS amount",
    "mysql": "CAST(amount * IF(amount = 3, 9223372036854775807, 100) AS SIGNED) AS amount",
}


def rows_of(trade: Trade, amounts: list[int], step: timedelta) -> None:
    trade.insert(
        *((n, "a", "APPROVAL", amount, NOON + (n - 1) * step) for n, amount in enumerate(amounts, 1))
    )


def test_one_value_that_cannot_be_cast_is_set_aside_by_name_and_the_minute_goes_on(
    trade: Trade, tmp_path: Path
) -> None:
    rows_of(trade, [1, 2, 3, 4, 5], 7 * SECOND)
    with reading(trade, tmp_path, transactions=query(trade, of(amount=POISON[trade.dialect]))) as source:
        extracted = source.extract(one_minute(NOON))
        found = counted(extracted, one_minute(NOON))
        assert found.rows["approval_amount"].to_list() == [1200]
        assert aside(found) == [("3", "APPROVAL", "value_unreadable")]
        (piece,) = extracted.unreadable
        moment = NOON + 14 * SECOND
        assert (piece.start, piece.end) == (moment, moment + timedelta(microseconds=1))
        assert (piece.query, piece.rows) == ("transactions", 1)
        assert piece.reason
        (ledger,) = found.ledger
        assert (ledger["source_rows"], ledger["source_sums"]["cancels"]) == (5, 0)
        assert Totals.of_ledger(ledger) == totals_of(5, 0, None)
        assert source.extract(one_minute(NOON + MINUTE)).unreadable == ()  # the connection is good for more


def test_rows_of_the_same_moment_are_told_apart_by_their_ids(trade: Trade, tmp_path: Path) -> None:
    rows_of(trade, [1, 2, 3, *range(4, 40)], timedelta(0))
    with reading(trade, tmp_path, transactions=query(trade, of(amount=POISON[trade.dialect]))) as source:
        extracted = source.extract(one_minute(NOON))
    found = counted(extracted, one_minute(NOON))
    assert aside(found) == [("3", "APPROVAL", "value_unreadable")]
    assert found.rows["approval_count"].to_list() == [38]
    assert extracted.unreadable[0].ids == ("3",)


def test_a_minute_gives_the_same_rows_alone_and_in_its_day(trade: Trade, tmp_path: Path) -> None:
    for n in range(5):  # the third row of each of five minutes an hour apart
        start = NOON + n * timedelta(hours=1)
        trade.insert(*((10 * n + k, "a", "CANCEL", k, start + k * SECOND) for k in range(1, 5)))
    day = Span(NOON - timedelta(hours=3), NOON + timedelta(hours=6))
    with reading(trade, tmp_path, transactions=query(trade, of(amount=POISON[trade.dialect]))) as source:
        whole = source.extract(day)
        alone = source.extract(one_minute(NOON + timedelta(hours=2)))
    ids = ("13", "23", "3", "33", "43")
    assert aside(counted(whole, day)) == [(i, "CANCEL", "value_unreadable") for i in ids]
    assert counted(whole, day).rows["cancel_count"].to_list() == [3] * 5
    assert counted(alone, one_minute(NOON + timedelta(hours=2))).ledger == [
        {**row, "source_xmin": alone.xmin, "source_clock": alone.clock.isoformat()}
        for row in counted(whole, day).ledger
        if row["minute"] == (NOON + timedelta(hours=2)).isoformat()
    ]


def test_many_values_cost_a_bounded_number_of_statements_and_every_row_is_counted(
    trade: Trade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows_of(trade, [3 if n % 3 == 0 else 1 for n in range(300)], timedelta(milliseconds=199))
    with reading(trade, tmp_path, transactions=query(trade, of(amount=POISON[trade.dialect]))) as source:
        snapshots = []
        opened = source._reading  # type: ignore[attr-defined]

        def counting(at_most: int | None) -> Any:  # noqa: ANN401 - a context manager of either dialect
            snapshots.append(1)
            return opened(at_most)

        monkeypatch.setattr(source, "_reading", counting)
        found = counted(source.extract(one_minute(NOON)), one_minute(NOON))
    assert len(snapshots) < 200
    assert found.ledger[0]["source_rows"] == 300
    assert found.ledger[0]["quarantined"] >= 100


def test_a_row_that_cannot_be_named_at_all_is_its_piece_with_its_count(trade: Trade, tmp_path: Path) -> None:
    rows_of(trade, [1, 2, 3, 4], SECOND)
    everything = {
        "postgresql": "CASE WHEN amount = 3 THEN (1 / (amount - 3))::text ELSE {0} END AS {0}",
        "mysql": "CASE WHEN amount = 3 THEN (SELECT 1 UNION SELECT 2) ELSE {0} END AS {0}",
    }[trade.dialect]
    cast = "::text" if trade.dialect == "postgresql" else ""
    bad = {
        name: everything.format(name).replace(f"ELSE {name}", f"ELSE {name}{cast}")
        for name in ("transaction_id", "merchant_id", "kind", "amount")
    }
    with reading(trade, tmp_path, transactions=query(trade, of(**bad))) as source:
        extracted = source.extract(one_minute(NOON))
    found = counted(extracted, one_minute(NOON))
    assert aside(found) == [(None, None, "value_unreadable")]
    assert found.quarantine["occurred_at"].to_list() == [NOON + 2 * SECOND]
    assert found.ledger[0]["source_rows"] == 4
    assert extracted.unreadable[0].rows == 1


def test_the_time_of_the_approval_is_no_reason_to_set_a_cancel_aside(trade: Trade, tmp_path: Path) -> None:
    rows_of(trade, [1, 2, 3], SECOND)
    absurd = {
        "postgresql": "occurred_at - make_interval(secs => 1 / (amount - 3)) AS approved_at",
        "mysql": "TIMESTAMP(CASE WHEN amount = 3 THEN (SELECT 1 UNION SELECT 2) END) AS approved_at_utc",
    }[trade.dialect]
    columns = f"{of()}, {absurd}"
    with reading(trade, tmp_path, transactions=query(trade, columns)) as source:
        extracted = source.extract(one_minute(NOON))
    assert extracted.unreadable == ()
    assert counted(extracted, one_minute(NOON)).ledger[0]["sums"]["approval_count"] == 3


def test_totals_that_cannot_be_read_are_those_of_their_minute_alone(trade: Trade, tmp_path: Path) -> None:
    trade.insert(*((n + 1, "a", "APPROVAL", n, NOON + n * MINUTE) for n in range(6)))
    default = (trade.source()._queries / "totals.sql").read_text()  # type: ignore[attr-defined]
    poison = POISON[trade.dialect].removesuffix(" AS amount")
    text = default.replace("sum(amount)", f"sum({poison})").replace("SUM(amount)", f"SUM({poison})")
    with reading(trade, tmp_path, totals=text) as source:
        totals = source.totals(Span(NOON, NOON + 8 * MINUTE)).sort("minute")
    assert totals["rows"].to_list() == [1, 1, 1, None, 1, 1]
    assert Totals.of_source(totals.row(3, named=True), PACK.totals) is None
    assert totals["minute"][3] == NOON + 3 * MINUTE


def test_an_amount_that_is_no_number_makes_totals_that_are_not_known(postgres: Trade, tmp_path: Path) -> None:
    postgres.execute("ALTER TABLE transactions ALTER amount TYPE numeric")
    postgres.insert(
        (1, "a", "APPROVAL", "NaN", NOON), (2, "a", "APPROVAL", 7, NOON), (3, "a", "CANCEL", "9" * 30, NOON)
    )
    with postgres.source() as source:
        (row,) = source.totals(one_minute(NOON)).rows(named=True)
        assert Totals.of_source(row, PACK.totals) == totals_of(3, 1, None)
        found = counted(source.extract(one_minute(NOON)), one_minute(NOON))
    assert Totals.of_ledger(found.ledger[0]) == totals_of(3, 1, None)
    assert aside(found) == [("1", "APPROVAL", "amount_not_a_number"), ("3", "CANCEL", "amount_too_large")]


def test_a_value_that_the_search_cannot_read_leaves_it_with_the_totals(trade: Trade, tmp_path: Path) -> None:
    rows_of(trade, [1, 2, 3], SECOND)
    bad = {
        "postgresql": "SELECT date_trunc('minute', occurred_at, 'UTC') AS minute,"
        " max(1 / (amount - 3)) AS newest FROM transactions WHERE created_at >= $1 AND $2 >= 0 GROUP BY 1",
        "mysql": "SELECT TIMESTAMP(CASE WHEN amount = 3 THEN (SELECT 1 UNION SELECT 2) END) AS minute_utc"
        " FROM transactions WHERE created_at >= %(start)s",
    }[trade.dialect]
    with reading(trade, tmp_path, changed=bad) as source:
        same = {NOON: KnownMinute(totals_of(3, 0, 6), 0)}
        changed = source.changed(source.fence(), lambda _: NOON, same)
        assert (changed.minutes, bool(changed.unreadable)) == ((), True)
        other = {NOON: KnownMinute(totals_of(2, 0, 3), 0)}
        assert source.changed(source.fence(), lambda _: NOON, other).minutes == (NOON,)


# ------------------------------------------------------------------ keys and ids


def test_fifty_cancels_in_the_minute_of_their_approvals_under_the_same_ids_are_all_counted(
    trade: Trade, tmp_path: Path
) -> None:
    """One row per payment; a cancel is an UPDATE of it, and the query gives both."""
    trade.execute(
        "CREATE TABLE payment (id BIGINT PRIMARY KEY, shop VARCHAR(10), amt BIGINT,"
        " paid_at TIMESTAMP(6), canceled_at TIMESTAMP(6) NULL)".replace(
            "TIMESTAMP(6)", "TIMESTAMPTZ" if trade.dialect == "postgresql" else "TIMESTAMP(6)"
        )
    )
    if trade.dialect == "postgresql":
        trade.execute("GRANT SELECT ON payment TO PUBLIC")
    for n in range(50):
        paid, cancelled = NOON + 5 * SECOND, NOON + 35 * SECOND
        trade.execute("INSERT INTO payment VALUES (%s, 'S1', 1000, %s, %s)", n, paid, cancelled)
    one, other = (
        f"SELECT id AS transaction_id, shop AS merchant_id, '{kind}' AS kind, amt AS amount,"
        f" {time} AS occurred_at FROM payment WHERE {BETWEEN[trade.dialect].format(time)}"
        for kind, time in (("APPROVAL", "paid_at"), ("CANCEL", "canceled_at"))
    )
    with reading(trade, tmp_path, transactions=f"{one} UNION ALL {other}") as source:
        found = counted(source.extract(one_minute(NOON)), one_minute(NOON))
    assert found.rows.select("approval_count", "cancel_count").rows() == [(50, 50)]
    assert aside(found) == []


def test_a_key_twice_is_set_aside_once(trade: Trade, tmp_path: Path) -> None:
    rows_of(trade, [1], SECOND)
    twice = f"{query(trade, of())} UNION ALL {query(trade, of())}"
    with reading(trade, tmp_path, transactions=twice) as source:
        found = counted(source.extract(one_minute(NOON)), one_minute(NOON))
    assert aside(found) == [("1", "APPROVAL", "transaction_id_duplicate")]


def test_ids_may_be_uuids(trade: Trade, tmp_path: Path) -> None:
    rows_of(trade, [1, 2], SECOND)
    given = {
        "postgresql": "lpad(to_hex(amount), 32, '0')::uuid AS transaction_id",
        "mysql": "CAST(LPAD(HEX(amount), 32, '0') AS UUID) AS transaction_id",
    }[trade.dialect]
    with reading(trade, tmp_path, transactions=query(trade, of(transaction_id=given))) as source:
        rows = source.extract(one_minute(NOON)).rows
    assert sorted(rows["transaction_id"]) == [str(UUID(int=1)), str(UUID(int=2))]


def test_padding_is_no_part_of_an_id_or_a_kind(trade: Trade, tmp_path: Path) -> None:
    rows_of(trade, [1], SECOND)
    for column in ("merchant_id", "kind"):
        kind = {"postgresql": "ALTER {0} TYPE char(20)", "mysql": "MODIFY {0} CHAR(20)"}[trade.dialect]
        trade.execute(f"ALTER TABLE transactions {kind.format(column)}")
        trade.execute(f"ALTER TABLE merchants {kind.format('merchant_id')}")
    trade.execute("INSERT INTO merchants (merchant_id, name, category) VALUES ('a', 'Alpha', 'food')")
    with trade.source() as source:
        source.check()
        rows = source.extract(one_minute(NOON)).rows
        assert rows.select("merchant_id", "kind").rows() == [("a", "APPROVAL")]
        read = source.known()
        assert read is not None
        known = read.facts
        assert known.rows() == [("a", "food")]
        (paid,) = source.ask("at_risk", parameters_of(["a"], NOON.date(), 3, NOON))
        assert (paid["merchant_id"], paid["merchant_name"]) == ("a", "Alpha")


def test_enum_words_are_words(trade: Trade, tmp_path: Path) -> None:
    rows_of(trade, [1], SECOND)
    if trade.dialect == "postgresql":
        trade.execute("CREATE TYPE deed AS ENUM ('APPROVAL', 'CANCEL')")
        trade.execute("ALTER TABLE transactions ALTER kind TYPE deed USING kind::deed")
    else:
        trade.execute("ALTER TABLE transactions MODIFY kind ENUM('APPROVAL', 'CANCEL')")
    with trade.source() as source:
        source.check()
        assert source.extract(one_minute(NOON)).rows["kind"].to_list() == ["APPROVAL"]
        assert source.extract(one_minute(NOON + MINUTE)).rows.schema["kind"] == pl.String


# ------------------------------------------------------------------ amounts


def test_amounts_with_a_fraction_that_is_zero_are_whole(trade: Trade, tmp_path: Path) -> None:
    rows_of(trade, [1_799_894], SECOND)
    kind = {"postgresql": "ALTER amount TYPE numeric(18, 2)", "mysql": "MODIFY amount DECIMAL(18, 2)"}
    trade.execute(f"ALTER TABLE transactions {kind[trade.dialect]}")
    trade.insert((2, "a", "CANCEL", "19.99", NOON))
    with trade.source() as source:
        source.check()
        found = counted(source.extract(one_minute(NOON)), one_minute(NOON))
        (row,) = source.totals(one_minute(NOON)).rows(named=True)
    assert found.rows["approval_amount"].to_list() == [1_799_894]
    assert aside(found) == [("2", "CANCEL", "amount_fraction")]
    assert Totals.of_source(row, PACK.totals) == Totals.of_ledger(found.ledger[0])


@pytest.mark.parametrize(("currency", "amount"), [("KRW", 1_799_894), ("USD", 179_989_400)])
def test_major_units_become_minor_ones_of_the_currency(
    trade: Trade, tmp_path: Path, currency: str, amount: int
) -> None:
    rows_of(trade, [1_799_894], SECOND)
    kind = {"postgresql": "ALTER amount TYPE numeric(18, 2)", "mysql": "MODIFY amount DECIMAL(18, 2)"}
    trade.execute(f"ALTER TABLE transactions {kind[trade.dialect]}")
    columns = f"{of(amount='amount AS amount_major')}, '{currency}' AS currency"
    with reading(trade, tmp_path, transactions=query(trade, columns)) as source:
        source._currency = currency  # type: ignore[attr-defined]
        assert source.extract(one_minute(NOON)).rows["amount"].to_list() == [amount]


def test_a_row_of_another_currency_is_set_aside_and_counted(trade: Trade, tmp_path: Path) -> None:
    rows_of(trade, [1, 2], SECOND)
    other = "CASE WHEN amount = 2 THEN 'USD' ELSE 'KRW' END AS currency"
    with reading(trade, tmp_path, transactions=query(trade, f"{of()}, {other}")) as source:
        found = counted(source.extract(one_minute(NOON)), one_minute(NOON))
    assert aside(found) == [("2", "APPROVAL", "currency_other")]
    assert (found.ledger[0]["source_rows"], found.ledger[0]["source_sums"]["amount"]) == (2, "1")


# ------------------------------------------------------------------ times


NAIVE = {
    "postgresql": "occurred_at AT TIME ZONE 'Asia/Seoul'",
    "mysql": "CAST(occurred_at AS DATETIME(6)) + INTERVAL 9 HOUR",
}


def test_a_time_without_a_zone_is_refused_with_the_recipe_in_every_query(
    trade: Trade, tmp_path: Path
) -> None:
    start = {"postgresql": "created_at >= $1 AND $2 >= 0", "mysql": "created_at >= %(start)s"}[trade.dialect]
    naive = NAIVE[trade.dialect]
    clock = {"postgresql": "LOCALTIMESTAMP", "mysql": "SYSDATE()"}[trade.dialect]
    rows = {"postgresql": "1 AS rows", "mysql": "1 AS `rows`"}[trade.dialect]
    wrong = {
        "transactions": query(trade, of(occurred_at=f"{naive} AS occurred_at")),
        "changed": f"SELECT {naive} AS minute, 1 AS newest FROM transactions WHERE {start}",
        "totals": query(trade, f"{naive} AS minute, {rows}, 0 AS cancels, 0 AS amount"),
        "fence": f"SELECT {clock} AS clock, 1 AS xmin, 1 AS xmax",
    }
    for name, text in wrong.items():
        with reading(trade, tmp_path / name, **{name: text}) as source:
            with pytest.raises(SourceChanged) as caught:
                source.check()
            column = {"transactions": "occurred_at", "fence": "clock"}.get(name, "minute")
            assert column in caught.value.what
            assert f"{column}_utc" in caught.value.hint
            if name == "changed":
                with pytest.raises(SourceChanged, match=r"changed\.sql"):
                    source.changed(source.fence(), lambda _: NOON, {})


def test_a_time_without_a_zone_may_say_that_it_is_utc(trade: Trade, tmp_path: Path) -> None:
    rows_of(trade, [1], SECOND)
    utc = {"postgresql": "occurred_at AT TIME ZONE 'UTC'", "mysql": "CAST(occurred_at AS DATETIME(6))"}
    text = query(trade, of(occurred_at=f"{utc[trade.dialect]} AS occurred_at_utc"))
    with reading(trade, tmp_path, transactions=text) as source:
        source.check()
        assert source.extract(one_minute(NOON)).rows["occurred_at"].to_list() == [NOON]


def test_a_view_has_no_xmin_and_is_searched_by_its_totals(postgres: Trade, tmp_path: Path) -> None:
    rows_of(postgres, [1, 2, 3], SECOND)
    postgres.execute("CREATE VIEW seen AS SELECT * FROM transactions")
    postgres.execute("GRANT SELECT ON seen TO PUBLIC")
    text = (
        "SELECT DISTINCT date_trunc('minute', occurred_at, 'UTC') AS minute FROM seen"
        " WHERE created_at >= $1  -- $2 is not asked for\nORDER BY 1;"
    )
    with reading(postgres, tmp_path, changed=text) as source:
        source.check()
        assert "shorter than the look-back" in source.promise
        same = {NOON: KnownMinute(totals_of(3, 0, 6), 0)}
        assert source.changed(source.fence(), lambda _: NOON - timedelta(days=1), same).minutes == ()
        postgres.insert((9, "a", "CANCEL", 7, NOON), (10, "a", "CANCEL", 7, NOON + MINUTE))
        assert source.changed(source.fence(), lambda _: NOON - timedelta(days=1), same).minutes == (
            NOON,
            NOON + MINUTE,
        )

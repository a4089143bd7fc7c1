"""What enters from a query and what leaves to a file has exactly the columns and types it must have."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from pipeline.errors import SourceChanged
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import (
    MERCHANT_MINUTE,
    OPTIONAL_COLUMNS,
    TRANSACTION,
    conform_source,
)
from pipeline.schema import UTC_TIME, conform, source_column

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROW = {"transaction_id": 1, "merchant_id": "A", "kind": "APPROVAL", "amount": 5, "occurred_at": NOON}


def source(**columns: pl.Series) -> pl.DataFrame:
    return pl.DataFrame([ROW], TRANSACTION, orient="row").with_columns(**columns)


def refused(frame: pl.DataFrame) -> str:
    with pytest.raises(SourceChanged) as caught:
        conform_source(frame, "transactions.sql")
    assert "transactions.sql" in caught.value.what
    assert caught.value.hint
    return caught.value.what


@pytest.mark.parametrize("name", [name for name in TRANSACTION if name not in OPTIONAL_COLUMNS])
def test_a_missing_column_is_named(name: str) -> None:
    assert name in refused(source().drop(name))


def test_a_query_need_not_say_when_the_cancelled_approval_was_made() -> None:
    found = conform_source(source().drop("approved_at"), "transactions.sql")
    assert found.schema == TRANSACTION
    assert found["approved_at"].to_list() == [None]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("transaction_id", pl.Series([1.0])),
        ("transaction_id", pl.Series([b"1"])),
        ("merchant_id", pl.Series([1.0])),
        ("merchant_id", pl.Series([True])),
        ("kind", pl.Series([1])),
        ("kind", pl.Series([b"APPROVAL"])),
        ("amount", pl.Series([True])),
        ("amount", pl.Series([b"5"])),
        ("amount", pl.Series([NOON])),
        ("occurred_at", pl.Series([datetime(2026, 3, 1)])),  # noqa: DTZ001 - naive is the point
        ("occurred_at", pl.Series(["2026-03-01T12:00Z"])),
        ("occurred_at", pl.Series([NOON.date()])),
        ("occurred_at", pl.Series([1_772_366_400])),
    ],
)
def test_a_column_of_another_type_is_named_with_both_types(name: str, values: pl.Series) -> None:
    what = refused(source(**{name: values}))
    assert name in what
    assert str(TRANSACTION[name]) in what


@pytest.mark.parametrize("name", TRANSACTION.names())
def test_a_column_without_any_value_takes_the_type_it_should_have(name: str) -> None:
    found = conform_source(source(**{name: pl.Series([None])}), "transactions.sql")
    assert found.schema == TRANSACTION
    assert found[name].to_list() == [None]


@pytest.mark.parametrize("dtype", [pl.Int16, pl.Int32, pl.Int64])
def test_integer_merchants_keep_their_type_and_narrow_ids_are_widened(dtype: type[pl.DataType]) -> None:
    given = source(merchant_id=pl.Series([7], dtype=dtype), transaction_id=pl.Series([3], dtype=pl.Int32))
    found = conform_source(given, "transactions.sql")
    assert found.schema["merchant_id"] == dtype
    assert found.schema["transaction_id"] == pl.Int64


def test_ids_may_be_text_and_numbers_past_64_bits_become_it() -> None:
    found = conform_source(source(transaction_id=pl.Series(["0f-1"])), "transactions.sql")
    assert found["transaction_id"].to_list() == ["0f-1"]
    large = pl.Series([2**64 - 1], dtype=pl.UInt64)
    found = conform_source(source(transaction_id=large, merchant_id=large), "transactions.sql")
    assert found.select("transaction_id", "merchant_id").row(0) == (str(2**64 - 1),) * 2


@pytest.mark.parametrize(
    ("values", "amount"),
    [
        (pl.Series([5.0]), 5),
        (pl.Series([1e15]), 10**15),
        (pl.Series(["1799894.00"]), 1_799_894),
        (pl.Series(["-7"]), -7),
        (pl.Series(["1799894.00"]).cast(pl.Decimal(18, 2)), 1_799_894),
        (pl.Series([2**63 - 1], dtype=pl.UInt64), 2**63 - 1),
    ],
)
def test_a_whole_amount_is_taken_exactly_whatever_its_type(values: pl.Series, amount: int) -> None:
    found = conform_source(source(amount=values), "transactions.sql")
    assert found.schema == TRANSACTION
    assert found["amount"].to_list() == [amount]


@pytest.mark.parametrize(
    ("values", "reason", "given"),
    [
        (pl.Series(["19.99"]), "amount_fraction", "19.99"),
        (pl.Series(["19.99"]).cast(pl.Decimal(18, 2)), "amount_fraction", "19.99"),
        (pl.Series([19.5]), "amount_fraction", "19.5"),
        (pl.Series([float("nan")]), "amount_not_a_number", "NaN"),
        (pl.Series([1e300]), "amount_too_large", "1e+300"),
        (pl.Series(["nan"]), "amount_not_a_number", "nan"),
        (pl.Series(["inf"]), "amount_not_a_number", "inf"),
        (pl.Series(["1,000"]), "amount_not_a_number", "1,000"),
        (pl.Series(["9" * 40]), "amount_too_large", "9" * 40),
        (pl.Series(["-" + "9" * 40]), "amount_negative", "-" + "9" * 40),
    ],
)
def test_an_amount_that_is_no_whole_number_concerns_its_row_alone(
    values: pl.Series, reason: str, given: str
) -> None:
    found = conform_source(source(amount=values), "transactions.sql")
    assert found.select("amount", "wrong", "amount_given").rows() == [(None, reason, given)]


@pytest.mark.parametrize(
    ("currency", "given", "amount"),
    [
        ("KRW", "1799894.00", 1_799_894),
        ("USD", "19.99", 1999),
        ("USD", "-0.5", -50),
        ("KWD", "1.234", 1234),
        ("USD", "20", 2000),
    ],
)
def test_major_units_become_minor_ones_by_the_currency(currency: str, given: str, amount: int) -> None:
    major = source(amount_major=pl.Series([given]), currency=pl.Series([currency])).drop("amount")
    assert conform_source(major, "transactions.sql", currency)["amount"].to_list() == [amount]


def test_a_finer_fraction_than_the_currency_has_is_set_aside() -> None:
    major = source(amount_major=pl.Series(["19.995"])).drop("amount")
    assert conform_source(major, "transactions.sql", "USD")["wrong"].to_list() == ["amount_fraction"]


def test_rows_of_another_currency_are_set_aside_and_add_nothing() -> None:
    rows = pl.concat(
        source(currency=pl.Series([code], dtype=pl.String)) for code in ("KRW", "usd", " krw ", None)
    )
    found = conform_source(rows, "transactions.sql")
    assert found["amount"].to_list() == [5, None, 5, None]
    assert found["wrong"].to_list() == [None, "currency_other", None, "currency_missing"]
    assert found["amount_given"].null_count() == 4


def test_a_currency_without_any_value_is_missing() -> None:
    found = conform_source(source(currency=pl.Series([None])), "transactions.sql")
    assert found["wrong"].to_list() == ["currency_missing"]


@pytest.mark.parametrize("met", [datetime(2026, 3, 1), NOON])  # noqa: DTZ001 - naive is the point
def test_a_time_where_a_day_is_needed_is_refused_with_what_gives_one(met: datetime) -> None:
    with pytest.raises(SourceChanged) as caught:
        source_column(pl.Series("business_date", [met]), pl.Date(), "settlements.sql")
    assert "CAST(business_date AS date)" in caught.value.hint


def test_amounts_are_given_once() -> None:
    assert "both amount and amount_major" in refused(source(amount_major=pl.Series([5])))


def test_a_time_without_a_zone_is_refused_with_the_recipe() -> None:
    naive = source(occurred_at=pl.Series([datetime(2026, 3, 1)]))  # noqa: DTZ001 - naive is the point
    with pytest.raises(SourceChanged) as caught:
        conform_source(naive, "transactions.sql")
    assert "AT TIME ZONE 'Asia/Seoul'" in caught.value.hint
    assert "occurred_at_utc" in caught.value.hint


def test_a_time_in_another_zone_or_unit_is_the_same_moment_in_utc() -> None:
    seoul = pl.Series([NOON]).dt.convert_time_zone("Asia/Seoul").cast(pl.Datetime("ns", "Asia/Seoul"))
    found = conform_source(source(occurred_at=seoul), "transactions.sql")
    assert found.schema["occurred_at"] == UTC_TIME
    assert found["occurred_at"][0] == NOON


def test_further_columns_and_another_order_do_no_harm() -> None:
    given = source(customer=pl.Series(["c"])).select(
        "occurred_at", "customer", pl.exclude("occurred_at", "customer")
    )
    assert conform_source(given, "transactions.sql").columns == TRANSACTION.names()


def minute(**columns: pl.Series) -> pl.DataFrame:
    row = [NOON, "A", 1, 0, 5, 0, 0, 0]
    return pl.DataFrame([row], MERCHANT_MINUTE, orient="row").with_columns(**columns)


def test_conform_gives_order_and_types_and_nothing_else() -> None:
    mixed = minute(further=pl.Series([1]), cancel_count=pl.Series([None])).select(pl.all().reverse())
    found = conform(mixed.select(sorted(mixed.columns)), MERCHANT_MINUTE)
    assert found.schema == MERCHANT_MINUTE


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("approval_amount", pl.Series([1.5])),
        ("approval_amount", pl.Series([2.0])),
        ("approval_count", pl.Series(["1"])),
        ("approval_amount", pl.Series(["1.50"]).cast(pl.Decimal(10, 2))),
        ("minute", pl.Series([datetime(2026, 3, 1)])),  # noqa: DTZ001 - naive is the point
    ],
)
def test_conform_refuses_what_would_lose_something(name: str, values: pl.Series) -> None:
    with pytest.raises(TypeError, match=name):
        conform(minute(**{name: values}), MERCHANT_MINUTE)


def test_conform_refuses_a_number_that_leaves_64_bits() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError):
        conform(minute(approval_amount=pl.Series([2**63], dtype=pl.Int128)), MERCHANT_MINUTE)


@pytest.mark.parametrize("name", PACK.datasets)
def test_an_empty_frame_of_each_dataset_conforms(name: str) -> None:
    assert (
        conform(pl.DataFrame(schema=PACK.datasets[name]), PACK.datasets[name]).schema == PACK.datasets[name]
    )

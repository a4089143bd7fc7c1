"""The stand-in's payments: the same from the same seed, however they are asked for, and none of them odd."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data.transfers.bank import Bank
from data.transfers.cases import ZONE, place, read_cases
from data.transfers.model import LEAST_KRW, MOST_KRW, REACH
from data.transfers.traffic import ARRIVAL, Traffic, TrafficConfig, accounts
from pipeline.errors import UsageError
from pipeline.minute import MINUTE, Span
from pipeline.packs.transfers.schema import EVENT
from pipeline.packs.transfers.screen import screen

if TYPE_CHECKING:
    from collections.abc import Mapping

START = datetime(2026, 11, 29, 15, tzinfo=UTC)  # midnight in Seoul
DAY = Span(START, START + timedelta(days=1))
CONFIG = TrafficConfig(users=500, per_day=20_000, late_share=0.05)


def rows(config: TrafficConfig = CONFIG, span: Span = DAY) -> pl.DataFrame:
    return Traffic(config, Bank()).rows(span)


@pytest.fixture(scope="module")
def day() -> pl.DataFrame:
    return rows()


@pytest.fixture(scope="module")
def booked(day: pl.DataFrame) -> pl.DataFrame:
    return day.unique("transfer_id", keep="first", maintain_order=True)


def test_any_parts_give_the_same_rows(day: pl.DataFrame) -> None:
    traffic = Traffic(CONFIG, Bank())
    parts = [traffic.rows(part) for part in traffic.chunks(DAY, 700)]
    assert len(parts) > 20
    order = ["transfer_id", "arrives_at"]
    assert_frame_equal(pl.concat(parts).sort(order), day.sort(order))
    assert traffic.position == DAY.end


def test_another_seed_gives_other_payments(day: pl.DataFrame) -> None:
    other = rows(TrafficConfig(users=500, per_day=20_000, seed=2))
    assert abs(other.height - day.height) < 0.05 * day.height
    assert set(other["amount"].head(50)) != set(day["amount"].head(50))


def test_rows_have_their_columns_and_come_in_the_order_in_which_they_are_written(day: pl.DataFrame) -> None:
    assert day.schema == ARRIVAL
    assert day["arrives_at"].is_sorted()
    assert (day["arrives_at"] >= day["occurred_at"]).all()
    assert (day["arrives_at"] - day["occurred_at"]).max() < REACH  # type: ignore[operator]
    assert (day["occurred_at"].dt.microsecond() % 1000 == 0).all()


def test_the_pack_sets_none_of_them_aside(booked: pl.DataFrame) -> None:
    screened = screen(booked.select(EVENT.names()), DAY.end)
    assert screened.bad.is_empty()
    assert screened.good.height == booked.height


def test_amounts_are_those_that_were_asked_for(booked: pl.DataFrame) -> None:
    amount = booked["amount"]
    assert (amount.min(), amount.max()) == (LEAST_KRW, MOST_KRW)
    assert 20_000 < float(amount.median()) < 60_000  # type: ignore[arg-type]
    assert 0 < (amount > 1_000_000).mean() < 0.003  # type: ignore[operator]


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        (
            "transfer",
            {"payee_id": True, "card_id": False, "device_id": True, "merchant_id": False, "lat_e6": False},
        ),
        ("card", {"payee_id": False, "card_id": True, "merchant_id": True}),
        (
            "cash",
            {"payee_id": False, "card_id": False, "device_id": False, "merchant_id": False, "lat_e6": True},
        ),
    ],
)
def test_each_way_to_pay_knows_what_it_can(
    booked: pl.DataFrame, kind: str, known: Mapping[str, bool]
) -> None:
    found = booked.filter(pl.col("kind") == kind)
    assert found.height > 100
    for column, there in known.items():
        assert found[column].is_not_null().all() is there or found[column].is_null().all() is not there, (
            column
        )


def test_a_reversal_is_the_same_payment_later(day: pl.DataFrame) -> None:
    twice = day.filter(pl.col("transfer_id").is_duplicated()).sort("transfer_id", "arrives_at")
    first, second = twice.gather_every(2), twice.gather_every(2, 1)
    assert 20 < first.height < 0.01 * day.height
    assert set(first["status"]) == {"completed"}
    assert set(second["status"]) == {"reversed"}
    same = [name for name in EVENT if name != "status"]
    assert_frame_equal(first.select(same), second.select(same))
    assert (second["arrives_at"] > first["arrives_at"]).all()


def test_so_many_come_late_as_were_asked_for(booked: pl.DataFrame) -> None:
    late = (booked["arrives_at"] - booked["occurred_at"]) > timedelta(seconds=1)
    assert 0.04 < float(late.mean()) < 0.06  # type: ignore[arg-type]
    beyond = (booked["arrives_at"] - booked["occurred_at"]) > timedelta(seconds=60)
    assert 0 < beyond.sum() < float(late.sum()) / 10
    on_time = rows(TrafficConfig(users=500, per_day=20_000)).unique("transfer_id", keep="first")
    assert ((on_time["arrives_at"] - on_time["occurred_at"]) < timedelta(seconds=1)).all()


def test_a_day_has_its_hours_unless_a_rate_was_asked_for(booked: pl.DataFrame) -> None:
    def busiest_by_quietest(found: pl.DataFrame) -> float:
        hours = found.group_by(pl.col("occurred_at").dt.convert_time_zone(ZONE.key).dt.hour()).len()["len"]
        return float(hours.max()) / float(hours.min())  # type: ignore[arg-type]

    assert busiest_by_quietest(booked) > 5
    flat = rows(CONFIG.at_tps(0.5))
    assert busiest_by_quietest(flat) < 1.3
    assert 0.95 < flat.height / (0.5 * 86_400) < 1.05


def test_everybody_pays_from_an_account_that_was_opened(booked: pl.DataFrame) -> None:
    assert set(booked["account_id"]) <= set(accounts(CONFIG.users))
    assert (booked["account_opened"] < booked["occurred_at"]).all()
    assert not (booked["account_id"] == booked["payee_id"]).any()


def test_cases_come_among_the_others() -> None:
    cases = place(read_cases(), START + timedelta(hours=1))
    found = rows(TrafficConfig(users=500, per_day=2_000, cases=cases))
    for case in cases:
        ids = {row["transfer_id"] for row in case.rows()}
        assert ids <= set(found["transfer_id"]), case.case.name


def test_a_span_without_payments_is_empty() -> None:
    assert rows(TrafficConfig(users=2, per_day=1), Span(START, START + MINUTE)).schema == ARRIVAL
    assert rows(CONFIG, Span(START, START)).is_empty()


@pytest.mark.parametrize("given", [{"users": 1}, {"per_day": 0}, {"late_share": 1.1}, {"seed": -1}])
def test_numbers_that_make_no_sense_are_refused(given: Mapping[str, int]) -> None:
    with pytest.raises(UsageError, match=next(iter(given))):
        TrafficConfig(**given)  # type: ignore[arg-type]

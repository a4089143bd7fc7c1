"""Payouts and categories, as both dialects give them."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from pipeline.cli import main
from pipeline.errors import SourceChanged, SourceTooSlow
from pipeline.minute import MINUTE, Span, one_minute
from pipeline.packs.merchants.at_risk import Payout, parameters_of, read_payouts
from pipeline.schema import FACT
from pipeline.source.beside import LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.source.asked import Source
    from tests.contract.trade_servers import Trade

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
SEOUL = ZoneInfo("Asia/Seoul")


def pay(trade: Trade, a: object, b: object) -> None:
    trade.execute("INSERT INTO merchants (merchant_id, name) VALUES (%s, 'Alpha 알파'), (%s, NULL)", a, b)
    for day, amount, settled in ((1, 10, NOON), (8, 20, NOON), (9, 40, NOON + MINUTE), (7, 80, NOON)):
        columns = "merchant_id, business_date, amount, settled_at"
        paid = (a, date(2026, 3, day), amount, settled)
        trade.execute(f"INSERT INTO settlements ({columns}) VALUES (%s, %s, %s, %s)", *paid)


def payouts(source: Source, merchants: Sequence[str], days: int, moment: datetime) -> Mapping[str, Payout]:
    today = date(2026, 3, 10)
    return read_payouts(
        source.ask("at_risk", parameters_of(merchants, today, days, moment)), merchants, today, SEOUL
    ).by_merchant


def test_payouts_are_those_settled_by_then_and_still_cancelable(trade: Trade, source: Source) -> None:
    pay(trade, "a", "b'\"\\%")
    source.check()
    found = payouts(source, ["a", "b'\"\\%", "nobody"], 3, NOON)
    assert found == {
        "a": Payout("Alpha 알파", date(2026, 3, 8), 100),
        "b'\"\\%": Payout(None, None, 0),
    }


def test_payouts_of_numbered_merchants(numbered: Trade) -> None:
    pay(numbered, 7, 8)
    with numbered.source() as source:
        source.check()
        found = payouts(source, ["7", "8", "9"], 30, NOON + MINUTE)
    assert found == {"7": Payout("Alpha 알파", date(2026, 3, 9), 150), "8": Payout(None, None, 0)}


def test_another_connection_knows_the_type_of_merchants_before_it_has_read_a_row(numbered: Trade) -> None:
    pay(numbered, 7, 8)
    with numbered.source() as source:
        source.check()
        with source.again() as other:
            assert set(payouts(other, ["7", "8"], 30, NOON)) == {"7", "8"}


def test_no_merchants_have_no_payouts(source: Source) -> None:
    assert source.ask("at_risk", parameters_of([], date(2026, 3, 10), 3, NOON)) == []


# ------------------------------------------------------------------ settlements


def test_settlements_of_a_span_come_with_its_rows_from_one_snapshot(trade: Trade, source: Source) -> None:
    pay(trade, "a", "b")
    span = Span(NOON - MINUTE, NOON + MINUTE)
    read = source.extract(span).beside
    assert not read.failed
    found = read.frames["settlement"].sort("business_date")
    assert found["business_date"].to_list() == [date(2026, 3, day) for day in (1, 7, 8)]
    assert found["amount"].to_list() == [10, 80, 20]
    assert found["settled_at"].to_list() == [NOON] * 3
    alone = source.beside(["settlement"], span).frames["settlement"].sort("business_date")
    assert alone.equals(found)
    assert source.beside(["settlement"], one_minute(NOON + MINUTE)).frames["settlement"].height == 1


def test_the_source_says_which_minutes_of_settlements_have_changed(trade: Trade, source: Source) -> None:
    pay(trade, "a", "b")
    hour = Span(NOON - HOUR, NOON + HOUR)
    first = source.beside_prints("settlement", hour)
    assert {minute: rows for minute, (rows, _) in first.items()} == {NOON: 3, NOON + MINUTE: 1}
    assert source.beside_prints("settlement", hour) == first
    trade.execute("UPDATE settlements SET merchant_id = 'b' WHERE amount = 10")  # rows and sums stay
    changed = source.beside_prints("settlement", hour)
    assert changed[NOON] != first[NOON]
    assert changed[NOON + MINUTE] == first[NOON + MINUTE]


def test_checksums_of_settlements_have_as_long_as_a_minute_of_them(trade: Trade, tmp_path: Path) -> None:
    pay(trade, "a", "b")
    slow = {"postgresql": "pg_sleep(5) IS NULL", "mysql": "SLEEP(5) = 1"}[trade.dialect]
    folder = trade.queries(tmp_path / "slow")
    query = folder / "settlements.sql"
    query.write_text(query.read_text().rstrip().rstrip(";") + f" AND NOT ({slow})")
    with trade.source(folder) as source:
        began = time.monotonic()
        with pytest.raises(SourceTooSlow):
            source.beside_prints("settlement", Span(NOON - HOUR, NOON + HOUR))
        assert time.monotonic() - began < 4 * LIMIT_S  # and not 20 s
        assert source.extract(one_minute(NOON)).rows.is_empty()  # the rows have their own limit again


def test_without_the_query_of_settlements_or_with_a_wrong_one_the_rows_come_all_the_same(
    trade: Trade, tmp_path: Path
) -> None:
    trade.insert((1, "a", "APPROVAL", 5, NOON, None, NOON))
    folder = trade.queries(tmp_path / "none")
    (folder / "settlements.sql").unlink()
    with trade.source(folder) as source:
        assert not source.has_beside("settlement")
        extracted = source.extract(one_minute(NOON))
        assert (extracted.rows.height, extracted.beside.frames, extracted.beside.failed) == (1, {}, {})
    for n, text in enumerate(("SELECT 1 AS one", "SELECT nothing FROM settlements", "no statement")):
        folder = trade.queries(tmp_path / f"wrong{n}", settlements=text)
        with trade.source(folder) as source:
            extracted = source.extract(one_minute(NOON))
            assert (extracted.rows.height, list(extracted.beside.failed)) == (1, ["settlement"])
            assert isinstance(extracted.beside.failed["settlement"], SourceChanged)
            assert source.extract(one_minute(NOON)).rows.height == 1  # the connection is none the worse


# ------------------------------------------------------------------ categories


def merchants(trade: Trade, *rows: tuple[object, object]) -> None:
    for row in rows:
        trade.execute("INSERT INTO merchants (merchant_id, category) VALUES (%s, %s)", *row)


def test_categories_are_read_where_they_are_known(trade: Trade, source: Source) -> None:
    read = source.known()
    assert read is not None
    known = read.facts
    assert (known.schema, known.height) == (FACT, 0)
    merchants(trade, ("b", "여행 & 항공"), ("a", " air "), ("c", None), ("d", " "), ("e'\"\\%", "100%"))
    read = source.known()
    assert read is not None
    known = read.facts
    assert known.rows() == [("a", "air"), ("b", "여행 & 항공"), ("e'\"\\%", "100%")]


def test_the_categories_of_numbered_merchants_are_under_the_text_of_the_number(numbered: Trade) -> None:
    merchants(numbered, (2**53 + 1, "air"), (7, "bus"))
    with numbered.source() as source:
        read = source.known()
        assert read is not None
        known = read.facts
    assert known.rows() == [("7", "bus"), (str(2**53 + 1), "air")]


def test_without_their_query_nothing_is_known_of_categories_and_everything_else_works(
    trade: Trade, tmp_path: Path
) -> None:
    folder = trade.queries(tmp_path / "queries")
    (folder / "categories.sql").unlink()
    with trade.source(folder) as source:
        source.check()
        assert source.known() is None


def test_a_query_of_categories_is_held_to_what_the_others_are(trade: Trade, tmp_path: Path) -> None:
    merchants(trade, ("a", "air"))
    slow = {
        "postgresql": "SELECT merchant_id, category FROM merchants, pg_sleep(10)",
        "mysql": "SELECT merchant_id, SLEEP(10) AS category FROM merchants",
    }
    wrong: list[tuple[str, type[Exception], str]] = [
        ("SELECT merchant_id, kind_of_shop FROM merchants", SourceChanged, "does not fit the table"),
        ("SELECT merchant_id FROM merchants", SourceChanged, "categories.sql gives no column category"),
        ("SELECT merchant_id, 7 AS category FROM merchants", SourceChanged, "category as Int"),
        ("SELECT merchant_id, category FROM shops", SourceChanged, "no such table"),
        (slow[trade.dialect], SourceTooSlow, "ended our query"),
    ]
    for n, (statement, error, text) in enumerate(wrong):
        folder = trade.queries(tmp_path / f"wrong{n}", categories=statement)
        with trade.source(folder, timeout_s=1) as source:
            with pytest.raises(error, match=text):
                source.known()
            source.check()  # what is optional does not keep the pipeline from starting
    writing = trade.queries(tmp_path / "writing", categories="DELETE FROM merchants")
    with (
        trade.source(writing, url=trade.owner_url) as source,
        pytest.raises(SourceChanged, match=r"categories\.sql writes"),
    ):
        source.known()


def test_check_proves_the_query_of_categories_and_says_where_there_is_none(
    trade: Trade,
    fresh_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MINUTERISK_SOURCE_URL", trade.url)
    monkeypatch.setenv("MINUTERISK_STATE_URL", fresh_database)

    def checked(folder: Path) -> tuple[int, str]:
        monkeypatch.setenv("MINUTERISK_SOURCE_QUERIES", str(folder))
        code = main(["check", "--json"])
        report = next(line for line in capsys.readouterr().out.splitlines()[::-1] if line.startswith("{"))
        return code, json.loads(report)["checks"]["categories"]

    folder = trade.queries(tmp_path / "queries")
    assert checked(folder) == (0, "ok")
    wrong = trade.queries(tmp_path / "wrong", categories="SELECT merchant_id FROM merchants")
    code, said = checked(wrong)
    assert (code, "no column category" in said) == (0, True)  # nothing is counted by it
    (folder / "categories.sql").unlink()
    code, said = checked(folder)
    assert (code, said) == (0, "ok")

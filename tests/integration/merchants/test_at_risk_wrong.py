"""Whatever the query of payouts gives, incidents go out, and say what is not known."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from pipeline.errors import LakeDamaged, SourceValueWrong
from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from tests.integration.quiet import START, UNKNOWN, Home, failing, fill, queries
from tests.integration.trade_home import pipeline_of, state_database, trade_database

if TYPE_CHECKING:
    from pathlib import Path


def gives(paid_out: str, settled_through: str = "current_date - 3", name: str = "'Shop'") -> str:
    """A query that gives every merchant asked for the same."""
    return (
        f"SELECT m AS merchant_id, {name} AS merchant_name, {settled_through} AS settled_through,"
        f" {paid_out} AS paid_out FROM unnest(%(merchants)s::text[]) AS m"
    )


PAID = 8_100_000_000
#: Other types than BIGINT and DATE that say the same.
GOOD = {
    "a sum without ::bigint": gives("8100000000.00::numeric"),
    "a float": gives("8.1e9::double precision"),
    "text": gives("'8100000000'", "'2026-01-02'"),
    "a timestamp": gives("8100000000", "'2026-01-02T00:00:00'::timestamp"),
    "a timestamp with a zone": gives("8100000000", "now() - interval '3 days'"),
    "a date before any year": gives("8100000000", "'0001-01-01'::date"),
    "more columns": gives("8100000000").replace(" FROM", ", 1 AS more FROM"),
    "a name of another type": gives("8100000000", name="42"),
    "a name without end": gives("8100000000", name="repeat('가', 100000)"),
    "every row twice": f"SELECT * FROM ({gives('8100000000')}) AS r, generate_series(1, 2)",
    "padded ids": gives("8100000000").replace("m AS", "rpad(m, 20) AS"),
}
#: What makes the money of a merchant not known, with a part of what the alarm says; None: nothing is wrong.
BAD: dict[str, tuple[str, str | None]] = {
    "no rows": (f"{gives('0')} WHERE false", None),
    "null": (gives("NULL::bigint", "NULL::date"), None),
    "null of a merchant that was paid": (gives("NULL::bigint"), None),
    "a column gone": (
        "SELECT m AS merchant_id FROM unnest(%(merchants)s::text[]) m",
        "no column merchant_name",
    ),
    "no such column": (gives("nothing"), "nothing"),
    "no such table": ("SELECT 1 FROM nowhere WHERE %(merchants)s IS NOT NULL", "nowhere"),
    "no query": ("SELEC", "SELEC"),
    "an empty file": ("", ""),
    "two queries": (f"{gives('0')}; SELECT 1", "cannot insert multiple commands"),
    "another parameter": (gives("%(minute)s"), "minute"),
    "a percent sign": (gives("5 % 3"), "%"),
    "it writes": ("DELETE FROM transactions RETURNING 1", "denied|read-only"),
    "a runtime error": (gives("1 / (length(m) - length(m))"), "division by zero"),
    "an infinite date": (gives("5", "'infinity'::date"), "settled_through is infinity"),
    "a date before all": (gives("5", "'-infinity'::date"), "settled_through is -infinity"),
    "a year of five digits": (gives("5", "'12345-01-01'::date"), "settled_through is 12345"),
    "a date to come": (gives("5", "current_date + 30"), "has not come yet"),
    "an infinite time": (gives("5", "'infinity'::timestamptz"), "settled_through is infinity"),
    "a date that is a number": (gives("5", "20260101"), "no date"),
    "not a number": (gives("'NaN'::numeric"), "NaN"),
    "a float that is none": (gives("'NaN'::float8"), "nan"),
    "an infinite number": (gives("'Infinity'::numeric"), "Infinity"),
    "negative": (gives("-5"), "negative"),
    "a fraction": (gives("0.5"), "whole number"),
    "past 64 bits": (gives("1e30::numeric"), "more than there is"),
    "past everything": (gives("1e1000::numeric"), "more than there is"),
    "true": (gives("true"), "type bool"),
    "an array": (gives("ARRAY[5]"), "type list"),
    "words": (gives("'5,000'"), "no exact number"),
    "paid, but not for which day": (gives("5", "NULL::date"), "settled_through is null"),
    "two rows that differ": (f"{gives('5')} UNION ALL {gives('6')}", "two rows that differ"),
    "other merchants": (gives("5").replace("m AS", "'other' AS"), "nobody asked for"),
    "merchants without an id": (gives("5").replace("m AS", "NULL AS"), "nobody asked for"),
    "too slow": (f"SELECT * FROM ({gives('5')}) AS r, pg_sleep(20)", "ended our query|took too long"),
}
WAYS = {**{name: (query, None) for name, query in GOOD.items()}, **BAD}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["live", "correction"])
def test_whatever_at_risk_gives_the_incident_opens(quiet: Home, how: str, way: str) -> None:
    (query, wrong), merchant = WAYS[way], quiet.merchant()
    quiet.ask(query)
    if how == "live":
        quiet.surge(merchant, quiet.next)
        quiet.judge()
    else:
        late = quiet.next - MINUTE
        quiet.surge(merchant, late)
        assert Corrector(quiet.pipeline).correct([late], "late_commit") == [late]
    found, told = quiet.incident(merchant), quiet.told(merchant)
    assert [event for event, _ in told] == ["opened"]
    if way in GOOD:
        assert found["at_risk"] == PAID
        assert "8,100,000,000원" in told[0][1]
    else:
        assert found["at_risk"] is None
        assert UNKNOWN in told[0][1]
        assert "0원" not in told[0][1]
    if wrong is None:
        assert failing(quiet.pipeline) == {}
    else:
        assert any(part in failing(quiet.pipeline)["at_risk"] for part in wrong.split("|"))


def test_what_at_risk_said_wrong_is_put_right_by_the_next_minute(quiet: Home) -> None:
    merchant = quiet.merchant()
    quiet.ask("SELEC")
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    before = quiet.incident(merchant)
    assert before["entity_name"] is None
    quiet.ask(gives(str(PAID)))
    quiet.judge()
    found = quiet.incident(merchant)
    assert (found["at_risk"], found["entity_name"]) == (PAID, "Shop")
    assert sum(found["parts"].values()) == PAID
    assert found["severity"] == "critical"
    assert failing(quiet.pipeline) == {}


def test_money_that_becomes_known_escalates_and_says_so(quiet: Home) -> None:
    merchant = quiet.merchant()
    quiet.ask(gives("NULL::bigint"))
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    quiet.ask(gives(str(PAID)))
    quiet.pipeline.exposure._unanswered.clear()  # as after five minutes
    while quiet.incident(merchant)["at_risk"] is None:  # fifty are priced a minute, others are before it
        with quiet.pipeline.state.engine.begin() as connection:
            connection.execute(text("UPDATE incident SET severity = 'medium' WHERE status <> 'resolved'"))
        quiet.judge()
    event, line = quiet.told(merchant)[-1]
    assert event == "escalated"
    assert "8,100,000,000원" in line


def test_a_bad_row_makes_only_its_merchant_unknown(quiet: Home) -> None:
    bad, good = quiet.merchant(), quiet.merchant()
    quiet.ask(gives(f"(CASE m WHEN '{bad}' THEN 'NaN' ELSE 20000::numeric END)"))
    for merchant in (bad, good):
        quiet.surge(merchant, quiet.next)
    quiet.judge()
    assert quiet.incident(good)["at_risk"] == 20_000
    assert quiet.incident(bad)["at_risk"] is None
    assert bad in failing(quiet.pipeline)["at_risk"]


class Picky:
    """A query that fails at run time for some merchants."""

    def __init__(self, bad: set[str]) -> None:
        self.bad = bad

    def ask(self, _query: str, parameters: dict[str, Any], _check: object) -> list[dict[str, Any]]:
        merchants = parameters["merchants"]
        if self.bad.intersection(merchants):
            what = "division by zero"
            raise SourceValueWrong(what)
        paid = {"settled_through": START.date() - timedelta(days=3), "paid_out": 50_000}
        return [{"merchant_id": merchant, "merchant_name": "Shop", **paid} for merchant in merchants]


def test_the_merchant_that_makes_the_query_fail_is_found_and_the_others_are_priced(quiet: Home) -> None:
    many = [quiet.merchant() for _ in range(6)]
    quiet.pipeline.exposure._source = Picky({many[4]})  # type: ignore[assignment]
    for merchant in many:
        quiet.surge(merchant, quiet.next)
    quiet.judge()
    quiet.pipeline.exposure._source = quiet.pipeline.source
    known = [quiet.incident(merchant)["at_risk"] for merchant in many]
    assert known == [50_000] * 4 + [None, 50_000]
    assert f"{many[4]}: the query fails: division by zero" in failing(quiet.pipeline)["at_risk"]


def test_a_slow_query_is_ended_soon_and_left_alone_for_a_while(quiet: Home) -> None:
    merchant = quiet.merchant()
    quiet.ask(BAD["too slow"][0])
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    asked: list[object] = []
    quiet.pipeline.exposure._source = Asked(asked)  # type: ignore[assignment]
    for _ in range(3):
        quiet.judge()
    assert asked == []
    quiet.pipeline.exposure._source = quiet.pipeline.source
    assert quiet.incident(merchant)["at_risk"] is None


class Asked:
    """Notes that it is asked."""

    def __init__(self, notes: list[object]) -> None:
        self.notes = notes

    def ask(self, *given: object) -> list[dict[str, Any]]:
        self.notes.append(given)
        return []


def test_a_merchant_the_query_knows_nothing_of_is_not_asked_about_each_minute(quiet: Home) -> None:
    merchant = quiet.merchant()
    quiet.ask(BAD["no rows"][0])
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    asked: list[object] = []
    quiet.pipeline.exposure._source = Asked(asked)  # type: ignore[assignment]
    for _ in range(3):
        quiet.judge()
    quiet.pipeline.exposure._source = quiet.pipeline.source
    assert asked == []


@pytest.mark.parametrize("way", ["a column gone", "no such table", "too slow", "a runtime error", None])
def test_a_start_does_not_need_at_risk(postgres_url: str, tmp_path: Path, way: str | None) -> None:
    folder = queries(tmp_path / "queries")
    file = folder / "at_risk.sql"
    if way is None:
        file.unlink()
    else:
        file.write_text(BAD[way][0])
    given = {"source_queries": str(folder), "source_timeout": "1"}
    with trade_database(postgres_url) as trade, state_database(postgres_url) as state_url:
        fill(trade)
        for turn in (1, 2):  # the first start, and another
            with pipeline_of(trade, state_url, tmp_path / "home", **given) as pipeline:
                if turn == 1:
                    pipeline.backfill(Span(START - timedelta(hours=10), START))
                found = Home(pipeline, trade, folder, used=turn)
                merchant = found.merchant()
                found.surge(merchant, found.next)
                pipeline.exposure._retry_at = 0.0
                found.judge()
                assert found.incident(merchant)["at_risk"] is None
                assert "at_risk" in failing(pipeline)


def test_numbers_of_merchants_are_found_by_their_number(postgres_url: str, tmp_path: Path) -> None:
    folder = queries(tmp_path / "queries")
    (folder / "at_risk.sql").write_text(
        "SELECT m.merchant_id, m.name AS merchant_name,"
        " max(s.business_date) AS settled_through, sum(s.amount)::bigint AS paid_out"
        " FROM merchants m LEFT JOIN settlements s USING (merchant_id)"
        " WHERE m.merchant_id = ANY(%(merchants)s) GROUP BY 1, 2"
    )
    with trade_database(postgres_url, "BIGINT") as trade, state_database(postgres_url) as state_url:
        trade.execute("INSERT INTO merchants (merchant_id, name) VALUES (1, 'Shop 1')")
        trade.execute(
            "INSERT INTO settlements"
            " SELECT 1, current_date - n, 900000000, now() FROM generate_series(2, 10) AS n"
        )
        trade.execute(
            "INSERT INTO transactions (merchant_id, kind, amount, occurred_at)"
            f" SELECT 1, 'APPROVAL', 1000, '{START.isoformat()}'::timestamptz - n * interval '150 seconds'"
            " FROM generate_series(1, 200) AS n"
        )
        with pipeline_of(trade, state_url, tmp_path / "home", source_queries=str(folder)) as pipeline:
            pipeline.backfill(Span(START - timedelta(hours=10), START))
            found = Home(pipeline, trade, folder)
            found.surge("1", found.next)
            found.judge()
            assert found.incident("1")["entity_name"] == "Shop 1"
            assert found.incident("1")["at_risk"] == PAID
            assert failing(pipeline) == {}


def test_an_old_file_of_the_lake_that_is_gone_does_not_hold_an_incident(
    quiet: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> dict[str, int]:
        what = "a published file is missing"
        raise LakeDamaged(what)

    monkeypatch.setattr("pipeline.packs.merchants.at_risk._cancelled_before", damaged)
    merchant = quiet.merchant()
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    assert quiet.incident(merchant)["at_risk"] is None
    assert "missing" in failing(quiet.pipeline)["at_risk"]

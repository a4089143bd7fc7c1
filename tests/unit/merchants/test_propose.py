"""What `connect` proposes from a catalog and a sample, and what it asks. No database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from pipeline.connect.catalog import Column, Sample, SourceCatalog, Table, kind_of
from pipeline.connect.quoting import Sql
from pipeline.errors import UsageError
from pipeline.packs.merchants.connect.mapping import Question, read_answers
from pipeline.packs.merchants.connect.propose import propose
from pipeline.packs.merchants.connect.words import meaning_of, meanings_of, rank, snake
from pipeline.packs.merchants.connect.write_queries import write_queries

if TYPE_CHECKING:
    from pipeline.connect.catalog import Dialect
    from pipeline.packs.merchants.connect.mapping import TradeMapping

CLOCK = datetime(2026, 3, 10, 12, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")


def table(name: str, key: str = "id", schema: str = "public", **columns: str) -> Table:
    """A table of the given columns; every time has an index."""
    made = tuple(
        Column(n, kind_of(declared), declared, indexed=kind_of(declared) in ("moment", "local"))
        for n, declared in columns.items()
    )
    return Table(schema, name, made, (key,) if key in columns else (), is_default=schema == "public")


EVENTS: dict[str, str] = {
    "id": "bigint",
    "merchant_id": "bigint",
    "kind": "text",
    "amount": "bigint",
    "occurred_at": "timestamp with time zone",
    "created_at": "timestamp with time zone",
}


def rows(count: int = 40, **values: str | list[str]) -> Sample:
    """Rows a minute apart; a list gives one value after the other."""
    made = []
    for n in range(count):
        at = (CLOCK - timedelta(minutes=n)).isoformat(sep=" ")
        row = {"id": str(n), "merchant_id": "7", "amount": "1000", "occurred_at": at, "created_at": at}
        row["kind"] = "CANCEL" if n % 10 == 0 else "APPROVAL"
        for name, value in values.items():
            row[name] = value[n % len(value)] if isinstance(value, list) else value
        made.append(row)
    return Sample(made)


def proposal(
    samples: dict[Table, Sample],
    dialect: Dialect = "postgresql",
    more: tuple[Table, ...] = (),
    **answers: str,
) -> TradeMapping:
    catalog = SourceCatalog(dialect, (*samples, *more), CLOCK)
    return propose(catalog, samples, answers, SEOUL)


def asked(samples: dict[Table, Sample], **answers: str) -> Question:
    with pytest.raises(Question) as caught:
        proposal(samples, **answers)  # type: ignore[arg-type]
    assert f"--set {caught.value.name}=" in caught.value.hint or "--set" in caught.value.hint
    return caught.value


# ------------------------------------------------------------------ words and names


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        *[
            (w, "approval")
            for w in ("승인", "결제완료", "APPROVED", "PAID", "CAPTURED", "DONE", "SUCCESS", "Payment")
        ],
        *[
            (w, "cancel")
            for w in ("취소", "환불", "부분취소", "취소완료", "REFUNDED", "CANCELED", "CANCELLED", "VOID")
        ],
        *[(w, "cancel") for w in ("PARTIAL_CANCEL", "REVERSAL", "partially refunded")],
        *[
            (w, "ignore")
            for w in ("FAILED", "PENDING", "READY", "취소실패", "CANCEL_REQUESTED", "PAYMENT_FAILED", "대기")
        ],
        *[(w, None) for w in ("A", "1", "CHARGEBACK", "Y")],
    ],
)
def test_a_word_means_approval_cancel_or_neither_or_is_asked_for(word: str, meaning: str | None) -> None:
    assert meaning_of(word) == meaning


def test_what_was_only_authorised_is_not_counted_beside_its_capture() -> None:
    assert meanings_of(["AUTHORIZED", "CAPTURED"]) == {"AUTHORIZED": "ignore", "CAPTURED": "approval"}
    assert meanings_of(["AUTHORIZED"]) == {"AUTHORIZED": "approval"}


@pytest.mark.parametrize("name", ["txnId", "TXN_ID", "Txn Id", "txn-id"])
def test_a_name_is_known_in_every_case(name: str) -> None:
    assert snake(name) == "txn_id"
    assert rank(name, "id") == 0


# ------------------------------------------------------------------ what is chosen


def test_our_own_table_is_chosen_among_its_copies() -> None:
    ours, copy = table("transactions", **EVENTS), table("transactions_backup", **EVENTS)
    daily = table("daily_transactions", **EVENTS)
    found = proposal({copy: rows(), ours: rows(), daily: rows()})
    assert [leg.table.name for leg in found.legs] == ["transactions"]


def test_two_tables_that_are_as_likely_are_asked_for() -> None:
    one, other = table("card_payments", **EVENTS), table("bank_payments", **EVENTS)
    question = asked({one: rows(), other: rows()})
    assert (question.name, set(question.choices)) == ("table", {"card_payments", "bank_payments"})
    assert proposal({one: rows(), other: rows()}, table="bank_payments").legs[0].table == other


def test_an_empty_table_of_a_better_name_is_not_chosen() -> None:
    empty, full = table("transactions", **EVENTS), table("payment_events", **EVENTS)
    assert proposal({empty: Sample(()), full: rows()}).legs[0].table == full


def test_a_word_nobody_knows_is_asked_for_with_its_count() -> None:
    question = asked({table("transactions", **EVENTS): rows(kind=["APPROVAL", "CANCEL", "X"])})
    assert "'X' (13 of 40 rows)" in question.what
    found = proposal({table("transactions", **EVENTS): rows(kind=["APPROVAL", "CANCEL", "X"])}, ignore="X")
    assert found.legs[0].ignored == ("X",)
    found = proposal({table("transactions", **EVENTS): rows(kind=["A", "C"])}, approval="A", cancel="C")
    assert found.legs[0].meanings == {"A": "APPROVAL", "C": "CANCEL"}


def test_a_time_of_an_unknown_name_beside_the_time_of_writing_is_asked_for() -> None:
    columns = {("vended" if n == "occurred_at" else n): declared for n, declared in EVENTS.items()}
    question = asked({table("transactions", **columns): rows()})
    assert (question.name, question.choices) == ("occurred_at", ("vended", "created_at"))


def test_a_status_that_changes_without_a_time_of_the_cancel_is_asked_for() -> None:
    columns = {**EVENTS, "updated_at": "timestamp with time zone"}
    columns["status"] = columns.pop("kind")
    later = (CLOCK + timedelta(hours=1)).isoformat(sep=" ")
    sample = rows(status=["PAID", "CANCELED"], updated_at=later)
    question = asked({table("payments", **columns): sample})
    assert question.name == "shape"
    found = proposal({table("payments", **columns): sample}, shape="payments", cancelled_at="updated_at")
    assert found.legs[1].meanings == {"CANCELED": "CANCEL"}
    assert "PAID" in found.legs[1].ignored


def test_negative_amounts_are_cancels_where_no_word_says_so() -> None:
    columns = {name: declared for name, declared in EVENTS.items() if name != "kind"}
    found = proposal({table("transactions", **columns): rows(amount=["1000", "-1000"])})
    text = write_queries(found, CLOCK)["transactions"]
    assert "CASE WHEN t.amount < 0 THEN 'CANCEL' ELSE 'APPROVAL' END" in text
    assert "abs(t.amount)" in text


# ------------------------------------------------------------------ times


def local(offset_hours: float) -> Sample:
    at = [
        (CLOCK + timedelta(hours=offset_hours) - timedelta(minutes=n)).isoformat(sep=" ")[:19]
        for n in range(40)
    ]
    return rows(occurred_at=at, created_at=at)


LOCAL = {**EVENTS, "occurred_at": "timestamp without time zone", "created_at": "timestamp without time zone"}


def test_a_time_without_a_zone_is_that_in_which_its_newest_value_is_a_moment_ago() -> None:
    trades = table("transactions", **LOCAL)
    assert proposal({trades: local(9)}).legs[0].time.zone == "Asia/Seoul"
    assert proposal({trades: local(0)}).legs[0].time.zone == "UTC"


@pytest.mark.parametrize("off", [-3, 3, -30])
def test_a_time_that_tells_no_zone_is_asked_for(off: float) -> None:
    question = asked({table("transactions", **LOCAL): local(off)})
    assert (question.name, question.choices) == ("zone", ("Asia/Seoul", "UTC"))
    assert proposal({table("transactions", **LOCAL): local(off)}, zone="UTC").legs[0].time.zone == "UTC"


def test_the_parameters_are_converted_and_never_the_column() -> None:
    text = write_queries(proposal({table("transactions", **LOCAL): local(9)}), CLOCK)
    for name in ("transactions", "totals"):
        assert "t.occurred_at >= ($1::timestamptz AT TIME ZONE 'Asia/Seoul')" in text[name]
    assert "t.created_at >= ($1::timestamptz AT TIME ZONE 'Asia/Seoul')" in text["changed"]
    mysql = {**LOCAL, "occurred_at": "datetime(6)", "created_at": "datetime(6)"}
    text = write_queries(proposal({table("transactions", **mysql): local(9)}, "mysql"), CLOCK)
    assert "t.occurred_at >= CONVERT_TZ(%(start)s, '+00:00', '+09:00')" in text["transactions"]
    assert "CONVERT_TZ(t.occurred_at, '+09:00', '+00:00')" in text["transactions"]


def test_a_zone_with_summer_time_is_refused_for_mysql() -> None:
    mysql = {**LOCAL, "occurred_at": "datetime(6)", "created_at": "datetime(6)"}
    found = proposal({table("transactions", **mysql): local(9)}, "mysql", zone="Europe/Berlin")
    with pytest.raises(UsageError, match="Europe/Berlin"):
        write_queries(found, CLOCK)


# ------------------------------------------------------------------ money


NUMERIC = {**EVENTS, "amount": "numeric(18,2)", "currency": "character(5)"}


def test_krw_is_never_made_a_hundred_times_too_large() -> None:
    found = proposal({table("transactions", **NUMERIC): rows(amount="1799894.00", currency="KRW  ")})
    assert (found.currency, found.legs[0].factor) == ("KRW", 1)
    assert "* 100" not in write_queries(found, CLOCK)["transactions"]


def test_dollars_become_cents() -> None:
    found = proposal({table("transactions", **NUMERIC): rows(amount="19.99", currency="USD")})
    assert (found.currency, found.legs[0].factor) == ("USD", 100)
    assert "t.amount * 100" in write_queries(found, CLOCK)["transactions"]


def test_several_currencies_are_asked_for_and_the_others_are_left_out_everywhere_alike() -> None:
    sample = rows(amount="1000.00", currency=["KRW", "KRW", "USD"])
    question = asked({table("transactions", **NUMERIC): sample})
    assert (question.name, question.choices[0]) == ("currency", "KRW")
    text = write_queries(proposal({table("transactions", **NUMERIC): sample}, currency="KRW"), CLOCK)
    for name in ("transactions", "totals", "without_time"):
        assert "coalesce(t.currency, 'KRW') = 'KRW'" in text[name]


def test_a_currency_that_comes_later_is_set_aside_and_not_added() -> None:
    text = write_queries(proposal({table("transactions", **NUMERIC): rows(currency="KRW")}), CLOCK)
    assert "concat('currency ', t.currency)" in text["transactions"]


def test_fractions_in_no_currency_are_asked_for() -> None:
    columns = {name: declared for name, declared in NUMERIC.items() if name != "currency"}
    assert asked({table("transactions", **columns): rows(amount="19.99")}).name == "currency"


# ------------------------------------------------------------------ the rest


def test_a_missing_index_is_named_with_the_statement_that_makes_it() -> None:
    columns = tuple(Column(n, kind_of(d), d) for n, d in EVENTS.items())
    bare = Table("public", "transactions", columns, ("id",))
    warnings = proposal({bare: rows()}).warnings
    assert any("CREATE INDEX CONCURRENTLY ON transactions (occurred_at)" in w for w in warnings)
    assert any("CREATE INDEX CONCURRENTLY ON transactions (created_at)" in w for w in warnings)


def test_a_view_is_searched_by_its_totals() -> None:
    view = Table("public", "transactions", table("x", **EVENTS).columns, has_xmin=False)
    text = write_queries(proposal({view: rows()}, id="id"), CLOCK)["changed"]
    assert "xmin::" not in text
    assert "newest" not in text


def test_no_amount_is_cast_to_an_integer() -> None:
    for declared in ("bigint", "numeric(18,2)", "double precision"):
        columns = {**EVENTS, "amount": declared}
        text = write_queries(proposal({table("transactions", **columns): rows()}), CLOCK)
        assert "amount::bigint" not in "".join(text.values())


def test_without_payouts_the_money_at_risk_is_unknown_and_not_zero() -> None:
    text = write_queries(proposal({table("transactions", **EVENTS): rows()}), CLOCK)["at_risk"]
    assert "WHERE false" in text
    shops = table("merchants", key="merchant_id", merchant_id="bigint", shop_name="text")
    text = write_queries(proposal({table("transactions", **EVENTS): rows()}, more=(shops,)), CLOCK)["at_risk"]
    assert "NULL::bigint AS paid_out" in text


@pytest.mark.parametrize("given", ["zone", "zone=", "zoon=UTC"])
def test_an_answer_that_cannot_be_read_is_refused(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_answers([given])
    assert caught.value.hint


def test_names_and_words_are_quoted_whatever_is_in_them() -> None:
    for dialect, mark in (("postgresql", '"'), ("mysql", "`")):
        sql = Sql(dialect, lambda _: timedelta(0))  # type: ignore[arg-type]
        assert sql.name("plain") == "plain"
        assert sql.name("Mixed") == f"{mark}Mixed{mark}"
        assert sql.name("order") == f"{mark}order{mark}"
        assert sql.name(f"a{mark}; DROP") == f"{mark}a{mark}{mark}; DROP{mark}"
        assert sql.literal("it's") == "'it''s'"
    assert Sql("mysql", lambda _: timedelta(0)).literal("10% \\") == "'10%% \\\\'"


def test_a_name_cannot_end_the_comment_it_stands_in() -> None:
    odd = table("transactions", **EVENTS)
    odd = Table("public", "transactions\nDROP TABLE x; --", odd.columns, odd.key)
    text = write_queries(proposal({odd: rows()}), CLOCK)["transactions"]
    head = text.split("SELECT", 1)[0]
    assert all(line.startswith("--") for line in head.strip().splitlines())

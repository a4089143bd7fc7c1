"""`check` over a database of each defect: what it says, how bad it says it is, and how it ends."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.alarms import open_alarms
from pipeline.cli import main
from pipeline.minute import MINUTE, floor_minute
from pipeline.settings import load_settings
from tests.integration.test_pooler import pooler
from tests.integration.trade_home import pipeline_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.trade_home import Trade


@dataclass(frozen=True)
class Checked:
    """What a run of `check --json` gave."""

    code: int
    report: dict[str, Any]
    err: str

    def of(self, check: str) -> list[dict[str, Any]]:
        return [finding for finding in self.report["findings"] if finding["check"] == check]

    def level(self, check: str) -> str:
        levels = ("ok", "note", "warning", "failure")
        return levels[max(levels.index(f["level"]) for f in self.of(check))]

    def what(self, check: str) -> str:
        return " | ".join(finding["what"] for finding in self.of(check))

    def next(self, check: str) -> str:
        return " | ".join(finding["next"] for finding in self.of(check))

    @property
    def bad(self) -> dict[str, str]:
        found = self.report["findings"]
        return {f["check"]: f["what"] for f in found if f["level"] in ("warning", "failure")}


@dataclass(frozen=True)
class Desk:
    """Runs `check` against a trade database with some of its queries changed."""

    trade: Trade
    state_url: str
    home: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def set(self, **changed: str) -> Desk:
        folder = self.home.parent / "queries"
        shutil.copytree(load_settings({}).source_queries, folder, dirs_exist_ok=True)
        for name, text in changed.items():
            (folder / f"{name}.sql").write_text(text, encoding="utf-8")
        self.monkeypatch.setenv("MINUTERISK_SOURCE_QUERIES", str(folder))
        return self

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self.monkeypatch.setenv("MINUTERISK_HOME", str(self.home))
        self.monkeypatch.setenv("MINUTERISK_STATE_URL", self.state_url)
        self.monkeypatch.setenv("MINUTERISK_SOURCE_URL", self.trade.source_url)
        self.capsys.readouterr()
        code = main(["check", *arguments])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def check(self, *arguments: str, **changed: str) -> Checked:
        self.set(**changed)
        code, out, err = self.run("--json", *arguments)
        assert out, err
        return Checked(code, json.loads(out.splitlines()[-1]), err)


@pytest.fixture
def desk(
    trade: Trade,
    state_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    home = tmp_path / "home"
    home.mkdir()
    return Desk(trade, state_url, home, monkeypatch, capsys)


def now() -> datetime:
    return floor_minute(datetime.now(UTC))


def fill(trade: Trade, minutes: int = 30, newest: datetime | None = None) -> None:
    """Four approvals and a cancel a minute of three named merchants."""
    end = newest or now() - MINUTE
    rows = [
        (
            10 * minute + n,
            f"m{n % 3}",
            "CANCEL" if n == 4 else "APPROVAL",
            12_340 + 7 * n,
            end - minute * MINUTE,
        )
        for minute in range(minutes)
        for n in range(5)
    ]
    trade.insert(*rows)
    trade.execute("UPDATE transactions SET created_at = occurred_at")
    names = ", ".join(f"('m{n}', 'Shop {n}', 'air')" for n in range(3))
    trade.execute(f"INSERT INTO merchants (merchant_id, name, category) VALUES {names}")
    trade.execute("INSERT INTO settlements VALUES ('m0', current_date - 2, 9000, now() - interval '1 day')")
    trade.execute("ANALYZE")


def changed_query(name: str, *pairs: tuple[str, str]) -> str:
    text = (load_settings({}).source_queries / f"{name}.sql").read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, text
        text = text.replace(old, new)
    return text


def test_a_healthy_database_has_nothing_to_warn_of(desk: Desk) -> None:
    fill(desk.trade)
    found = desk.check()
    assert (found.bad, found.code, found.report["ok"]) == ({}, 0, True)
    assert found.what("rows").startswith("150 rows of 3 merchants in 60 minutes")
    assert found.what("kinds") == "APPROVAL 120, CANCEL 30"
    assert found.what("totals") == "equal to the rows in all 60 minutes"
    assert found.what("at_risk") == "knows 3 of 3 merchants, 0 without a name"
    assert found.what("rights") == "minuterisk_reader may only SELECT"
    assert list(desk.home.iterdir()) == []


def test_the_text_fits_80_columns_and_says_the_same(desk: Desk) -> None:
    fill(desk.trade)
    found = desk.check(transactions=changed_query("transactions", (" kind,", " 'PAID' AS kind,")))
    code, out, _ = desk.run()
    said = out.partition("\nrules ")[2].partition("\npromise ")[0]
    assert code == found.code == 1
    assert max(len(line) for line in said.splitlines() if " " in line.strip()) <= 80
    flat = " ".join(said.split())
    moving = ("home", "time", "clocks", "plans", "changed")  # another moment has other numbers
    for finding in found.report["findings"]:
        assert finding["check"] in moving or " ".join(finding["what"].split()) in flat


def test_every_finding_has_its_form_and_every_bad_one_a_next_step(desk: Desk) -> None:
    fill(desk.trade)
    found = desk.check(transactions=changed_query("transactions", (" kind,", " 'PAID' AS kind,")))
    for finding in found.report["findings"]:
        assert set(finding) == {"check", "level", "what", "next", "numbers"}
        assert finding["level"] in ("ok", "note", "warning", "failure")
        assert finding["next"] or finding["level"] in ("ok", "note")
    assert set(found.report["checks"]) == {finding["check"] for finding in found.report["findings"]}


def test_kinds_that_nobody_translated_fail_and_the_translation_is_proposed(desk: Desk) -> None:
    fill(desk.trade)
    words = "CASE kind WHEN 'APPROVAL' THEN 'PAID' ELSE 'REFUNDED' END AS kind,"
    found = desk.check(transactions=changed_query("transactions", (" kind,", f" {words}")))
    assert found.code == 1
    assert found.what("kinds") == "150 of 150 rows have a kind that is not known: PAID 120, REFUNDED 30"
    assert "CASE kind WHEN 'PAID' THEN 'APPROVAL' WHEN 'REFUNDED' THEN 'CANCEL' ELSE kind END" in found.next(
        "kinds"
    )
    assert found.what("set_aside").startswith(
        "150 of 150 rows (100.00 %) are set aside: kind_unknown 150 (PAID, REFUNDED)"
    )
    assert (found.level("kinds"), found.level("set_aside")) == ("failure", "failure")
    assert "next:" in found.err


def test_some_rows_set_aside_are_a_warning_with_reasons_and_keys(desk: Desk) -> None:
    fill(desk.trade)
    desk.trade.insert((9001, "m1", "APPROVAL", -5, now() - MINUTE), (9002, None, "CANCEL", 5, now() - MINUTE))
    found = desk.check()
    assert found.code == 0
    assert found.level("set_aside") == "warning"
    assert "2 of 152 rows (1.32 %)" in found.what("set_aside")
    assert "amount_negative 1, merchant_missing 1" in found.what("set_aside")
    assert "9001" in found.what("set_aside")


@pytest.mark.parametrize("hours", [9, 1])
def test_a_time_of_another_zone_stored_without_it_fails(desk: Desk, hours: int) -> None:
    fill(desk.trade, 700, now() - MINUTE + timedelta(hours=hours))
    found = desk.check()
    assert (found.code, found.level("time")) == (1, "failure")
    place = "Seoul time" if hours == 9 else "a time of UTC+1"
    assert f"{hours} hours off, which looks like {place} stored without its zone" in found.what("time")
    assert "AT TIME ZONE" in found.next("time")


def test_a_time_in_utc_that_was_taken_for_seoul_fails_where_rows_were_just_written(desk: Desk) -> None:
    fill(desk.trade, newest=now() - MINUTE - timedelta(hours=9))
    found = desk.check()
    assert (found.code, found.level("time")) == (0, "warning")
    assert "9 hours off, as if a time in UTC had been taken for one of UTC+9" in found.what("time")
    desk.trade.execute("UPDATE transactions SET created_at = occurred_at + interval '9 hours'")
    found = desk.check()
    assert (found.code, found.level("time")) == (1, "failure")


def test_a_source_that_fell_silent_is_said_with_its_last_time(desk: Desk) -> None:
    newest = now() - timedelta(days=3, minutes=17)
    fill(desk.trade, newest=newest)
    found = desk.check()
    assert found.code == 0
    assert list(found.bad) == ["time"]
    assert (
        found.what("time")
        == f"no transaction since {newest:%Y-%m-%dT%H:%M}Z, 3 days behind the source's clock"
    )
    assert found.what("rows").startswith("150 rows")


def test_an_empty_source_is_a_warning(desk: Desk) -> None:
    found = desk.check()
    assert found.code == 0
    assert list(found.bad) == ["time"]


def test_a_single_row_in_the_future_is_a_warning(desk: Desk) -> None:
    fill(desk.trade)
    desk.trade.insert((9001, "m1", "APPROVAL", 5, now() + timedelta(hours=3, minutes=31)))
    found = desk.check()
    assert (found.code, found.level("time")) == (0, "warning")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("totals", ("WHERE", "WHERE merchant_id <> 'm2' AND"), "the same tables, filter and time"),
        ("totals", ("'CANCEL'", "'REFUNDED'"), "the same translation of kinds"),
        ("totals", ("sum(amount)", "sum(amount) * 100"), "the same unit and sign"),
        ("transactions", ("WHERE", "WHERE kind = 'APPROVAL' AND"), "the same tables, filter and time"),
    ],
)
def test_totals_that_are_not_those_of_the_rows_end_with_3(
    desk: Desk, name: str, change: tuple[str, str], said: str
) -> None:
    fill(desk.trade)
    found = desk.check(**{name: changed_query(name, change)})
    assert (found.code, found.level("totals")) == (3, "failure")
    assert "30 of 60 minutes differ from their rows" in found.what("totals")
    assert said in found.next("totals")


def test_rows_and_totals_outside_the_span_are_named_by_their_query(desk: Desk) -> None:
    fill(desk.trade, 90)
    found = desk.check(
        transactions=changed_query(
            "transactions", (" occurred_at,", " occurred_at + interval '9 h' AS occurred_at,")
        )
    )
    assert (found.code, found.level("outside")) == (1, "failure")
    assert "transactions.sql" in found.what("outside")
    found = desk.check(
        transactions=changed_query("transactions"),
        totals=changed_query("totals", ("$1", "$1 - interval '10 minutes'")),
    )
    assert "totals.sql" in found.what("outside")


CHANGED_WITHOUT_ZONE = """SELECT 1 AS newest,
date_trunc('minute', occurred_at AT TIME ZONE 'Asia/Seoul') AS minute
FROM transactions WHERE created_at >= $1 AND $2::bigint >= 0 GROUP BY 2"""
TOTALS = """SELECT occurred_at AS minute, 1 AS rows, 1 AS cancels{} FROM transactions
WHERE occurred_at >= $1 AND occurred_at < $2"""
AT_RISK = """SELECT {} AS merchant_id, {} AS merchant_name, current_date AS settled_through, {} AS paid_out
WHERE %(merchants)s::text[] IS NOT NULL"""


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("changed", CHANGED_WITHOUT_ZONE, "gives minute as"),
        ("totals", TOTALS.format(""), "gives no column amount"),
        ("totals", TOTALS.format(", true AS amount"), "gives amount as"),
        ("fence", "SELECT 1 AS xmin, 2 AS xmax, localtimestamp AS clock", "gives clock as Datetime"),
    ],
)
def test_a_wrong_type_is_refused_with_query_and_column(desk: Desk, name: str, text: str, named: str) -> None:
    fill(desk.trade)
    found = desk.check(**{name: text})
    assert found.code == 1
    assert found.level("source") == "failure"
    assert f"{name}.sql {named}" in found.what("source")
    assert found.what("rights") == "minuterisk_reader may only SELECT"  # the rest goes on


def test_changed_that_looks_past_the_rows_is_a_warning(desk: Desk) -> None:
    fill(desk.trade)
    found = desk.check(changed=changed_query("changed", ("WHERE", "WHERE false AND")))
    assert (found.code, found.level("changed")) == (0, "warning")
    assert "gives none of the" in found.what("changed")


def test_rows_that_a_join_doubled_are_said(desk: Desk) -> None:
    fill(desk.trade)
    doubled = changed_query("transactions", ("FROM transactions", "FROM transactions, generate_series(1, 2)"))
    found = desk.check(transactions=doubled)
    assert found.level("duplicates") == "warning"
    assert found.what("duplicates").startswith("150 rows have the transaction_id and kind of another one")
    assert found.code == 3  # the totals count them once


def test_padded_merchants_and_amounts_that_look_wrong_are_said(desk: Desk) -> None:
    fill(desk.trade)
    query = changed_query(
        "transactions",
        (" merchant_id,", " rpad(merchant_id, 12) AS merchant_id,"),
        (
            " amount,",
            " (transaction_id + 20000) * 100 * CASE kind WHEN 'CANCEL' THEN -1 ELSE 1 END AS amount,",
        ),
    )
    found = desk.check(transactions=query)
    assert "150 are padded with spaces" in found.what("merchants")
    assert "30 are negative (CANCEL)" in found.what("amounts")
    assert "every amount is a multiple of 100, and the median is" in found.what("amounts")
    assert found.level("at_risk") == "warning"  # no merchant of that name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (AT_RISK.format("1", "'n'", "1::bigint"), "nobody asked for"),
        (AT_RISK.format("'m1'", "'n'", "1.5"), "the money of 1 is not known: paid_out is 1.5"),
        (AT_RISK.format("'m1'", "NULL", "1::bigint"), "1 without a name"),
        (AT_RISK.format("'m1'", "1/0", "1::bigint"), "division by zero"),
        ("SELEC", "syntax"),
        ("SELECT nothing FROM merchants", "nothing"),
    ],
)
def test_an_ornament_that_is_wrong_is_a_warning(desk: Desk, text: str, said: str) -> None:
    fill(desk.trade)
    found = desk.check(at_risk=text)
    assert (found.code, found.level("at_risk")) == (0, "warning")
    assert said in found.what("at_risk")


def test_a_role_that_may_write_is_a_warning_with_the_right(desk: Desk) -> None:
    fill(desk.trade)
    desk.trade.execute("GRANT INSERT, UPDATE ON transactions TO minuterisk_reader")
    found = desk.check()
    assert found.what("rights") == "minuterisk_reader may do more than SELECT: INSERT, UPDATE on transactions"
    assert (found.code, found.level("rights")) == (0, "warning")


def test_rows_that_a_policy_hides_are_said(desk: Desk) -> None:
    fill(desk.trade)
    desk.trade.execute("ALTER TABLE transactions ENABLE ROW LEVEL SECURITY")
    desk.trade.execute("CREATE POLICY a_few ON transactions FOR SELECT USING (merchant_id = 'm1')")
    found = desk.check()
    assert (found.code, found.level("row_security")) == (0, "warning")
    assert "hides rows of transactions" in found.what("row_security")


def test_a_large_table_without_an_index_is_a_warning_whatever_is_known_of_it(desk: Desk) -> None:
    fill(desk.trade)
    desk.trade.execute("DROP INDEX transactions_occurred_at")
    desk.trade.execute("ALTER TABLE transactions SET (autovacuum_enabled = false)")
    desk.trade.execute(
        "INSERT INTO transactions (transaction_id, merchant_id, kind, amount, occurred_at, created_at)"
        " SELECT 1000000 + n, 'm1', 'APPROVAL', n, t, t"
        " FROM generate_series(60, 120000) AS n, LATERAL (SELECT now() - n * interval '1 minute' AS t) AS at"
    )
    stale = desk.check("--no-sample")
    desk.trade.execute("ANALYZE transactions")
    fresh = desk.check("--no-sample")
    for found in (stale, fresh):
        assert (found.code, found.level("plans")) == (0, "warning")
        assert "transactions.sql of a minute: sequential scan of transactions" in found.what("plans")
        assert "no index serves it" in found.what("plans")
        assert "index on the column that the query filters by" in found.next("plans")
    assert "old statistics" in stale.what("plans")
    assert "about 120,0" in fresh.what("plans")
    desk.trade.execute("CREATE INDEX ON transactions (occurred_at)")
    assert desk.check("--no-sample").level("plans") == "ok"


@pytest.mark.parametrize(("ahead_s", "level", "code"), [(0, "ok", 0), (10, "warning", 0), (90, "failure", 1)])
def test_clocks_that_are_apart_are_said(desk: Desk, ahead_s: int, level: str, code: int) -> None:
    fill(desk.trade)
    shifted = changed_query("fence", ("clock_timestamp()", f"clock_timestamp() + interval '{ahead_s} s'"))
    found = desk.check("--no-sample", fence=shifted)
    assert (found.code, found.level("clocks")) == (code, level)


def test_an_hour_with_too_many_rows_is_read_in_part(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(desk.trade)
    monkeypatch.setattr("pipeline.inspection.source.MOST_ROWS", 22)
    found = desk.check()
    assert found.what("rows").startswith("20 rows of 3 merchants in 4 minutes")
    assert found.what("totals") == "equal to the rows in all 4 minutes"


def test_a_query_that_is_too_slow_fails_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(desk.trade)
    monkeypatch.setenv("MINUTERISK_SOURCE_TIMEOUT", "1")
    slow = changed_query("categories", ("FROM merchants", "FROM merchants, pg_sleep(5)"))
    found = desk.check(categories=slow)
    assert (found.code, list(found.bad)) == (0, ["categories"])
    slow = changed_query("transactions", ("FROM transactions", "FROM transactions, pg_sleep(5)"))
    found = desk.check(categories=changed_query("categories"), transactions=slow)
    assert found.code == 1
    assert "statement timeout" in found.what("sample")
    assert found.level("rights") == "ok"


def test_a_part_that_hangs_is_left_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(desk.trade)
    monkeypatch.setenv("MINUTERISK_SOURCE_TIMEOUT", "1")
    monkeypatch.setattr("pipeline.inspection.installation._GRACE_S", 0.0)
    monkeypatch.setattr("pipeline.inspection.installation._TIMEOUTS", 0.2)
    sleeps = "WHERE (SELECT pg_sleep(0.9)) IS NOT NULL AND"  # once, before any row: there may be none
    found = desk.check(totals=changed_query("totals", ("WHERE", sleeps)))
    assert found.code == 1
    assert "no answer within 0 s" in found.what("source") + found.what("sample")


def test_without_a_sample_no_row_is_read(desk: Desk) -> None:
    fill(desk.trade)
    poison = changed_query(
        "transactions", (" amount,", " (1 / (transaction_id - transaction_id)) AS amount,")
    )
    assert desk.check("--no-sample", transactions=poison).code == 0
    assert desk.check(transactions=poison).code != 0


def test_live_asks_for_no_sample_unless_it_is_wanted(desk: Desk) -> None:
    fill(desk.trade)
    assert not desk.check("--live").of("rows")
    assert desk.check("--live", "--sample").of("rows")


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler_is_told_and_refused_only_where_we_keep_a_session(desk: Desk, mode: str) -> None:
    fill(desk.trade)
    with pooler(desk.trade.admin_url, mode) as address:
        pooled = replace(
            desk, trade=replace(desk.trade, admin_url=f"postgresql://postgres@/postgres?{address}")
        )
        found = pooled.check("--no-sample")
        assert (found.code, found.level("pool")) == (0, "note")
        assert ("in transaction mode" in found.what("pool")) == (mode == "transaction")
        state = replace(desk, state_url=f"{desk.state_url.partition('?')[0]}?{address}".replace(":@", "@"))
        found = state.check("--no-sample")
        assert found.code == (2 if mode == "transaction" else 0)
        assert "MINUTERISK_STATE_URL goes through" in found.what("pool")


def test_a_wrong_query_that_nothing_is_counted_by_stops_no_start_and_is_an_alarm(
    desk: Desk, tmp_path: Path
) -> None:
    fill(desk.trade)
    folder = desk.set(at_risk="SELECT nothing FROM nowhere").home.parent / "queries"
    with pipeline_of(desk.trade, desk.state_url, tmp_path / "home", source_queries=str(folder)) as pipeline:
        found = open_alarms(pipeline.state.engine, pipeline.state.url, pipeline.state.pack)
        assert [(alarm.name, alarm.subject) for alarm in found] == [("ornament.failing", "at_risk")]
        assert "nowhere" in found[0].what

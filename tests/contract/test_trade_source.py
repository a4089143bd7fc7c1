"""One suite for every dialect of the trade database: PostgreSQL and MariaDB, both real servers."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipeline.cli import main
from pipeline.errors import ConfigurationError, SourceChanged, SourceTooSlow, SourceUnavailable
from pipeline.minute import MINUTE, Span, floor_minute, one_minute
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.at_risk import parameters_of
from pipeline.packs.merchants.schema import TRANSACTION
from pipeline.prove.corrector import Corrector
from pipeline.prove.reconcile import reconcile
from pipeline.schema import UTC_TIME
from pipeline.settings import load_settings
from pipeline.source.asked import Fence, KnownMinute
from pipeline.source.look_back import LOOK_BACK_LEAST, LookBack, Watched, first_fence
from pipeline.source.mysql import MySqlSource
from scheduler import open_pipeline
from tests.contract.trade_servers import insert, totals_of
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.source.asked import Source
    from tests.contract.trade_servers import Trade

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
SEOUL = ZoneInfo("Asia/Seoul")


def now() -> datetime:
    return floor_minute(datetime.now(UTC))


def from_(moment: datetime) -> Callable[[Fence], datetime]:
    """A look-back to a moment, whatever the fence."""
    return lambda _: moment


def known(source: Source, span: Span) -> dict[datetime, KnownMinute]:
    """What the ledger would say after reading `span` now."""
    xmin = source.extract(span).xmin
    counted = dict.fromkeys(span, totals_of(0, 0, 0))
    for row in source.totals(span).iter_rows(named=True):
        counted[row["minute"]] = totals_of(row["rows"], int(row["cancels"]), int(row["amount"]))
    return {minute: KnownMinute(totals, xmin) for minute, totals in counted.items()}


# ------------------------------------------------------------------ reading


def test_a_span_holds_its_start_and_not_its_end(trade: Trade, source: Source) -> None:
    rows = [
        (1, "a", "APPROVAL", 100, NOON - MICROSECOND),
        (2, "a", "APPROVAL", 200, NOON, None),
        (3, "나라", "CANCEL", 2**62, NOON + MINUTE - MICROSECOND, NOON - 40 * MINUTE + MICROSECOND),
        (4, "a", "APPROVAL", 400, NOON + MINUTE),
    ]
    trade.insert(*rows)
    extracted = source.extract(one_minute(NOON)).rows
    assert extracted.schema == TRANSACTION
    assert sorted(extracted.rows()) == rows[1:3]


def test_a_numbered_merchant_keeps_its_number(numbered: Trade) -> None:
    numbered.insert((1, 2**53 + 1, "APPROVAL", 100, NOON), (2, None, "APPROVAL", 100, NOON))
    with numbered.source() as source:
        extracted = source.extract(one_minute(NOON)).rows
    assert extracted.schema == pl.Schema({**TRANSACTION, "merchant_id": pl.Int64()})
    assert extracted.sort("transaction_id")["merchant_id"].to_list() == [2**53 + 1, None]


def test_an_empty_minute_has_the_same_columns(source: Source) -> None:
    assert source.extract(one_minute(NOON)).rows.schema == TRANSACTION
    assert source.totals(one_minute(NOON)).height == 0
    assert source.extract(Span(NOON, NOON)).rows.height == 0


def test_hours_are_read_whole(trade: Trade, source: Source) -> None:
    rows = [(n, "a", "APPROVAL", n, NOON + 7 * n * MINUTE) for n in range(1, 40)]
    trade.insert(*rows)
    span = Span(NOON, NOON + timedelta(hours=3, minutes=20))
    expected = [row for row in rows if row[4] < span.end]
    assert sorted(row[:5] for row in source.extract(span).rows.rows()) == expected
    assert sorted(source.totals(span)["minute"]) == [row[4] for row in expected]


def test_rows_that_cannot_be_counted_come_through(trade: Trade, source: Source) -> None:
    bad = [
        (1, None, "APPROVAL", 100, NOON),
        (2, "", "APPROVAL", 100, NOON),
        (3, "a", None, 100, NOON),
        (4, "a", "cancel", 100, NOON),
        (5, "a", "REFUND", None, NOON),
        (6, "a", "CANCEL", -5, NOON),
        (7, "a", "CANCEL", 2**63 - 1, NOON),
    ]
    trade.insert(*bad, (8, "a", "CANCEL", 1, None))
    assert sorted(row[:5] for row in source.extract(one_minute(NOON)).rows.rows()) == bad
    assert source.rows_without_time() == 1


def test_the_source_counts_as_we_do(trade: Trade, source: Source) -> None:
    kinds = ("APPROVAL", "CANCEL", "cancel", "CANCEL ", None)
    rows = [
        (n, f"m{n % 3}", kinds[n % 5], None if n == 9 else n - 3, NOON + n * 7 * SECOND) for n in range(1, 60)
    ]
    trade.insert(*rows, (98, "a", "CANCEL", 2**63 - 1, NOON), (99, "a", "CANCEL", 2**63 - 1, NOON))
    counted: dict[datetime, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in source.extract(Span(NOON, NOON + 8 * MINUTE)).rows.iter_rows(named=True):
        minute = counted[floor_minute(row["occurred_at"])]
        minute[0] += 1
        minute[1] += row["kind"] == "CANCEL"
        minute[2] += row["amount"] or 0
    totals = source.totals(Span(NOON, NOON + 8 * MINUTE))
    assert totals.schema["minute"] == UTC_TIME
    assert {row[0]: [row[1], int(row[2]), int(row[3])] for row in totals.iter_rows()} == counted


def test_what_is_committed_during_a_read_belongs_to_the_next(
    trade: Trade, source: Source, tmp_path: Path
) -> None:
    trade.insert((1, "a", "APPROVAL", 100, NOON))
    fence = (source._queries / "fence.sql").read_text()  # type: ignore[attr-defined]
    slow = {"postgresql": f"{fence} FROM pg_sleep(1.5)", "mysql": f"{fence.rstrip()}, SLEEP(1.5) AS slept"}
    with trade.source(trade.queries(tmp_path / "slow", fence=slow[trade.dialect])) as slow_source:
        slow_source.totals(one_minute(NOON))  # connected
        reader = threading.Timer(0.5, lambda: trade.insert((2, "a", "APPROVAL", 100, NOON)))
        reader.start()
        during = slow_source.extract(one_minute(NOON)).rows.height
        reader.join()
    assert (during, source.extract(one_minute(NOON)).rows.height) == (1, 2)


def test_the_clock_is_the_source_s_and_in_utc(source: Source) -> None:
    clock = source.clock()
    assert clock.utcoffset() == timedelta(0)
    assert abs(clock - datetime.now(UTC)) < timedelta(seconds=10)
    assert source.fence().clock >= clock


# ------------------------------------------------------------------ late commits


def test_a_late_commit_is_found(trade: Trade, source: Source) -> None:
    last = Span(now() - 3 * MINUTE, now())
    trade.insert((1, "a", "APPROVAL", 100, last.start), (2, "a", "APPROVAL", 100, last.start + MINUTE))
    since = source.fence()
    with trade.transaction() as late:
        insert(late, (3, "a", "CANCEL", 0, last.start))
        ledger = known(source, last)
        during = source.changed(since, from_(last.start), ledger)
    after = source.changed(during.fence, from_(last.start), ledger)
    assert last.start in after.minutes
    assert last.start + 2 * MINUTE not in after.minutes
    assert after.fence.clock > during.fence.clock
    assert source.extract(one_minute(last.start)).rows.height == 2


def test_a_row_written_late_for_an_old_minute_is_found(trade: Trade, source: Source) -> None:
    old = one_minute(now() - timedelta(hours=5))
    ledger, since = known(source, old), source.fence()
    trade.insert((1, "a", "APPROVAL", 100, old.start))
    changed = source.changed(since, from_(now() - 5 * MINUTE), ledger)
    assert changed.minutes == (old.start,)


def test_a_minute_nobody_published_is_named_too(trade: Trade, source: Source) -> None:
    since, tomorrow = source.fence(), now() + timedelta(days=1)
    trade.insert((1, "a", "APPROVAL", 100, tomorrow), (2, "a", "APPROVAL", 100, None))
    assert source.changed(since, from_(now() - 5 * MINUTE), {}).minutes == (tomorrow,)


def test_a_time_no_minute_can_have_is_counted_and_stops_nothing(trade: Trade, source: Source) -> None:
    """Clocks that were never set, and the end of time as PostgreSQL writes it."""
    absurd = {"postgresql": ("infinity", "-infinity", "290000-01-01Z"), "mysql": ("1970-01-01 00:00:01",)}
    since, times = source.fence(), (*absurd[trade.dialect], None)
    for n, moment in enumerate(times, start=1):
        trade.insert((n, "a", "APPROVAL", 100, moment))
    assert source.changed(since, from_(now() - 5 * MINUTE), {}).minutes == ()
    assert source.rows_without_time() == len(times)


def test_without_new_rows_nothing_has_changed(trade: Trade, source: Source) -> None:
    last = Span(now() - 3 * MINUTE, now())
    trade.insert((1, "a", "APPROVAL", 100, last.start))
    ledger = known(source, last)
    assert source.changed(source.fence(), from_(last.start), ledger).minutes == ()


def test_mysql_does_not_find_a_commit_later_than_the_look_back_but_reconciliation_does(maria: Trade) -> None:
    last = Span(now() - 30 * MINUTE, now())
    with maria.source() as source:
        ledger, since = known(source, last), source.fence()
        written = datetime.now(UTC) - LOOK_BACK_LEAST - MINUTE  # by a transaction that committed only now
        maria.insert((1, "a", "APPROVAL", 100, last.start, None, written))
        assert source.changed(since, from_(now() - LOOK_BACK_LEAST), ledger).minutes == ()
        assert source.totals(last)["minute"].to_list() == [last.start]


def test_mysql_has_no_fence_to_make_the_look_back_longer() -> None:
    fence = Fence(0, 0, NOON)
    look_back = LookBack(first_fence(fence))
    assert look_back.known(Watched(fence)).look_back == NOON - LOOK_BACK_LEAST
    assert f"look-back ({LOOK_BACK_LEAST.seconds // 60} minutes)" in MySqlSource.promise


# ------------------------------------------------------------------ care and failure


def test_everything_can_be_read(source: Source) -> None:
    source.check()
    assert source.check_ornaments() == {}


def test_at_most_two_connections_are_held(trade: Trade, source: Source) -> None:
    source.check()
    source.extract(one_minute(NOON))
    source.ask("at_risk", parameters_of(["a"], date(2026, 3, 10), 3, NOON))
    assert 1 <= len(trade.sessions()) <= 2
    source.close()
    until = time.monotonic() + PATIENCE_S
    while trade.sessions():  # a server ends a session in its own time
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_reader_may_not_write(trade: Trade, tmp_path: Path) -> None:
    trade.insert((1, "a", "APPROVAL", 100, NOON))
    writing = trade.queries(tmp_path / "writing", without_time="DELETE FROM transactions")
    with trade.source(writing) as source, pytest.raises(SourceChanged, match="writes"):
        source.rows_without_time()
    assert trade.execute("SELECT count(*) FROM transactions") == [(1,)]


def test_even_a_user_with_rights_writes_nothing(trade: Trade, tmp_path: Path) -> None:
    trade.insert((1, "a", "APPROVAL", 100, NOON))
    for statement in ("DELETE FROM transactions", "CREATE TABLE more (id INT)"):
        writing = trade.queries(tmp_path / "writing", without_time=statement)
        with (
            trade.source(writing, url=trade.owner_url) as source,
            pytest.raises(SourceChanged, match=r"without_time\.sql writes"),
        ):
            source.rows_without_time()
    assert trade.execute("SELECT count(*) FROM transactions") == [(1,)]


def test_a_cut_connection_is_a_passing_failure(trade: Trade, source: Source) -> None:
    trade.insert((1, "a", "APPROVAL", 100, NOON))
    source.check()
    trade.end_sessions()
    with pytest.raises(SourceUnavailable):
        source.extract(one_minute(NOON))
    assert source.extract(one_minute(NOON)).rows.height == 1


def test_another_thread_has_a_connection_of_its_own(trade: Trade, source: Source) -> None:
    source.check()
    before = len(trade.sessions())
    with source.again() as other:
        other.clock()
        assert len(trade.sessions()) == before + 1


def test_a_query_that_takes_too_long_is_ended(trade: Trade, tmp_path: Path) -> None:
    slow = {
        "postgresql": "SELECT 1 AS rows FROM pg_sleep(10)",
        "mysql": "SELECT SLEEP(10) AS `rows` FROM information_schema.tables LIMIT 1",
    }
    folder = trade.queries(tmp_path / "slow", without_time=slow[trade.dialect])
    with (
        trade.source(folder, timeout_s=1) as source,
        pytest.raises(SourceTooSlow, match="ended our query"),
    ):
        source.rows_without_time()


@pytest.mark.parametrize(
    ("statement", "error", "text"),
    [
        ("DROP TABLE transactions", SourceChanged, "no such table"),
        ("ALTER TABLE transactions DROP COLUMN amount", SourceChanged, "does not fit the table"),
        ("ALTER TABLE transactions DROP COLUMN occurred_at", SourceChanged, "does not fit the table"),
    ],
)
def test_a_table_that_changed_is_a_clear_stop(
    trade: Trade, source: Source, statement: str, error: type[Exception], text: str
) -> None:
    trade.execute(statement)
    with pytest.raises(error, match=text):
        source.extract(one_minute(NOON))
    with pytest.raises(error, match=text):
        source.check()


# PyMySQL leaves the socket of a failed connection to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("wrong", ["user", "database", "address"])
def test_what_cannot_be_opened_is_named_without_its_password(trade: Trade, wrong: str) -> None:
    scheme, rest = trade.url.split("://")
    name = rest.partition("/")[2].partition("?")[0] if "@/" in rest else ""
    address = rest.rpartition("=")[2]
    url = {
        "user": f"{scheme}://stranger:se-cret@{rest.partition('@')[2]}",
        "database": trade.url.replace(name, "nowhere"),
        "address": trade.url.replace(address, "/nowhere/at-all"),
    }[wrong]
    expected = SourceUnavailable if wrong == "address" else ConfigurationError
    with trade.source(url=url) as source, pytest.raises(expected) as caught:
        source.check()
    assert "se-cret" not in str(caught.value)
    assert "p%2Fw" not in str(caught.value)
    assert "MINUTERISK_SOURCE_URL" in str(caught.value)
    del caught
    gc.collect()


def test_a_query_without_its_file_is_named(trade: Trade, tmp_path: Path) -> None:
    with (
        trade.source(tmp_path) as source,
        pytest.raises(ConfigurationError, match="cannot read the extraction"),
    ):
        source.check()


def test_a_query_need_not_say_which_approval_a_cancel_cancels(trade: Trade, tmp_path: Path) -> None:
    trade.insert((1, "a", "CANCEL", 5, NOON, NOON - MINUTE))
    with trade.source() as source:
        whole = source._query("transactions")  # type: ignore[attr-defined]
    plain = whole.replace(", original_occurred_at AS approved_at", "")
    assert plain != whole
    with trade.source(trade.queries(tmp_path / "plain", transactions=plain)) as source:
        source.check()
        assert source.extract(one_minute(NOON)).rows.rows() == [(1, "a", "CANCEL", 5, NOON, None)]


def test_a_query_that_gives_too_little_is_a_clear_stop(trade: Trade, tmp_path: Path) -> None:
    short = "SELECT transaction_id, merchant_id, kind, occurred_at FROM transactions"
    with (
        trade.source(trade.queries(tmp_path / "short", transactions=short)) as source,
        pytest.raises((SourceChanged, SourceUnavailable)),
    ):
        source.check()


@pytest.mark.parametrize("name", ["at_risk", "without_time"])
def test_what_is_not_needed_to_count_is_checked_by_itself(trade: Trade, tmp_path: Path, name: str) -> None:
    with trade.source(trade.queries(tmp_path / "wrong", **{name: "SELECT nothing FROM nowhere"})) as source:
        source.check()
        wrong = source.check_ornaments()
    assert list(wrong) == [name]
    assert "nowhere" in wrong[name].what


@pytest.mark.parametrize("name", ["totals", "changed", "transactions"])
def test_check_finds_a_query_that_does_not_run(trade: Trade, tmp_path: Path, name: str) -> None:
    with (
        trade.source(trade.queries(tmp_path / "wrong", **{name: "SELECT nothing FROM nowhere"})) as source,
        pytest.raises(SourceChanged, match=rf"nowhere.*{name}\.sql line 1"),
    ):
        source.check()


def test_an_optional_query_that_says_nothing_is_no_query(trade: Trade, tmp_path: Path) -> None:
    with trade.source(trade.queries(tmp_path / "off", categories="-- switched off\n\n")) as source:
        assert source.known() is None


def test_a_query_in_another_encoding_is_named(trade: Trade, tmp_path: Path) -> None:
    folder = trade.queries(tmp_path / "korean")
    (folder / "categories.sql").write_bytes("-- 업종\nSELECT 1".encode("cp949"))
    with (
        trade.source(folder) as source,
        pytest.raises(ConfigurationError, match=r"categories\.sql is not UTF-8"),
    ):
        source.known()


def test_a_column_given_twice_is_named(trade: Trade, tmp_path: Path) -> None:
    twice = "SELECT m.*, n.category FROM merchants AS m JOIN merchants AS n USING (merchant_id)"
    trade.execute("INSERT INTO merchants (merchant_id, category) VALUES ('a', 'b')")
    with (
        trade.source(trade.queries(tmp_path / "twice", categories=twice)) as source,
        pytest.raises(SourceChanged) as caught,
    ):
        source.known()
    assert "own name" in caught.value.hint or "share a name" in caught.value.hint


# ------------------------------------------------------------------ the whole way


def test_history_minutes_and_corrections_from_mariadb(
    maria: Trade, postgres_url: str, fresh_database: str, tmp_path: Path
) -> None:
    start = now() - 10 * MINUTE
    span = Span(start - timedelta(days=1), start + 5 * MINUTE)
    history = [
        *((n, "m2", "APPROVAL", 1000, start - timedelta(hours=2) + n * 20 * SECOND) for n in range(1, 360)),
        *((1000 + n, "m1", "CANCEL", 500, start + n * 9 * SECOND) for n in range(30)),
        (2000, "m1", "refund", 1, start),
    ]
    maria.insert(*((*row, None, row[4]) for row in history))  # written when it happened
    environment = {"HOME": str(tmp_path), "SOURCE_URL": maria.url, "STATE_URL": fresh_database}
    settings = load_settings({f"MINUTERISK_{name}": value for name, value in environment.items()})
    with open_pipeline(settings) as pipeline:

        def differences() -> list[datetime]:
            found = reconcile(pipeline.source, pipeline.state, span, pipeline.lake)
            return [difference.minute for difference in found]

        pipeline.backfill(Span(span.start, start))
        judged = list(pipeline.catch_up(span.end))
        assert [j.counted.read(PACK) for j in judged] == [8, 7, 6, 7, 3]
        assert differences() == []
        corrector = Corrector(pipeline)
        maria.insert((3000, "m2", "CANCEL", 7, start + MINUTE))
        assert corrector.poll() == [start + MINUTE]
        assert corrector.poll() == []
        written = datetime.now(UTC) - LOOK_BACK_LEAST - 2 * MINUTE
        maria.insert((3001, "m2", "CANCEL", 7, start + 2 * MINUTE, None, written))
        assert (corrector.poll(), differences()) == ([], [start + 2 * MINUTE])
        corrector.correct(differences(), "reconciliation")
        assert differences() == []


def test_check_states_the_promise(
    trade: Trade, fresh_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINUTERISK_SOURCE_URL", trade.url)
    monkeypatch.setenv("MINUTERISK_STATE_URL", fresh_database)
    assert main(["check", "--json"]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["checks"]["source"] == "ok"
    assert report["promise"].startswith(
        {"postgresql": "PostgreSQL:", "mysql": "MySQL/MariaDB:"}[trade.dialect]
    )
    assert ("shorter than the look-back" in report["promise"]) == (trade.dialect == "mysql")
    assert main(["check"]) == 0
    assert report["promise"] in capsys.readouterr().out

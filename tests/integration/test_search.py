"""Two depths of the search for late commits, beside the tick; many minutes at once; standbys and clocks."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from structlog.testing import capture_logs

from pipeline.errors import Overtaken
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.packs.merchants.at_risk import parameters_of
from pipeline.prove.corrector import Corrector
from pipeline.prove.reconcile import reconcile
from pipeline.source.turns import Turns
from scheduler import open_service
from tests.integration.trade_home import pipeline_of, state_database
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from pipeline.source.asked import Fence
    from tests.integration.trade_home import Trade
    from tests.servers import Standby

NOW = floor_minute(datetime.now(UTC)) - timedelta(minutes=10)
START = NOW - timedelta(minutes=12)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
INSERT = (
    "INSERT INTO transactions (transaction_id, merchant_id, kind, amount, occurred_at, created_at)"
    " VALUES (%s, 'shop', 'CANCEL', 1, %s, now() - %s)"
)
INSERT_NOW = (
    "INSERT INTO transactions (transaction_id, merchant_id, kind, amount, occurred_at)"
    " VALUES (%s, 'shop', 'CANCEL', 1, %s)"
)


@pytest.fixture
def line(postgres_url: str, trade: Trade, tmp_path: Path) -> Iterator[Pipeline]:
    """Twelve judged minutes, after a first search."""
    trade.insert(*((1000 + n, "shop", "APPROVAL", 1000, START + n * MINUTE) for n in range(12)))
    with state_database(postgres_url) as state_url, pipeline_of(trade, state_url, tmp_path) as line:
        line.backfill(Span(START - DAY, START))
        list(line.catch_up(NOW))
        yield line


@pytest.fixture
def corrector(line: Pipeline) -> Corrector:
    corrector = Corrector(line)
    corrector.poll()
    return corrector


def short(corrector: Corrector) -> list[datetime]:
    corrector.see(corrector._pipeline.source.fence())
    corrector.search(deep=False)
    return corrector.take()


def differences(line: Pipeline) -> int:
    return len(reconcile(line.source, line.state, Span(START - DAY, NOW), line.lake))


# ------------------------------------------------------------------ two depths


def test_the_short_search_finds_what_committed_late_also_behind_a_savepoint(
    corrector: Corrector, trade: Trade, line: Pipeline
) -> None:
    short(corrector)
    with psycopg.connect(trade.owner_url) as late:
        late.execute("SAVEPOINT a")
        late.execute(INSERT_NOW, [1, NOW - 2 * MINUTE])
        late.execute("RELEASE SAVEPOINT a")
        assert short(corrector) == []
        assert short(corrector) == []
    assert short(corrector) == [NOW - 2 * MINUTE]
    assert short(corrector) == []
    assert differences(line) == 0


def test_a_transaction_that_idled_before_its_first_write_is_found_by_the_deep_search(
    corrector: Corrector, trade: Trade, line: Pipeline
) -> None:
    short(corrector)
    with psycopg.connect(trade.owner_url) as late:
        late.execute(INSERT, [1, NOW - 2 * MINUTE, timedelta(minutes=4)])
    assert short(corrector) == []  # so old a row is not looked at every ten seconds
    assert short(corrector) == []
    assert corrector.poll() == [NOW - 2 * MINUTE]
    assert corrector.poll() == []
    assert differences(line) == 0


def test_a_reader_that_sees_when_transactions_began_finds_it_at_once(
    postgres_url: str,
    corrector: Corrector,
    trade: Trade,
    line: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("GRANT pg_read_all_stats TO minuterisk_reader WITH INHERIT TRUE")
        try:
            with psycopg.connect(trade.owner_url) as late:
                late.execute("SELECT 1")  # begins, and idles
                began = late.execute("SELECT now()").fetchone()
                corrector.poll()
                corrector.see(line.source.fence())
                fence = line.source.fence()
                assert began is not None
                assert fence.open is not None
                assert began[0] in fence.open
                short(corrector)
                short(corrector)
                late.execute(INSERT_NOW, [1, NOW - 2 * MINUTE])
            assert short(corrector) == [NOW - 2 * MINUTE]
            with psycopg.connect(postgres_url) as report:  # what only reads, and goes on, costs nothing
                report.execute("SELECT 1")
                short(corrector)
                short(corrector)
                floors: list[datetime] = []
                changed = line.source.changed

                def watched(since: Fence, floor: Callable[[Fence], datetime], *more: Any) -> Any:  # noqa: ANN401
                    def noted(now: Fence) -> datetime:
                        floors.append(floor(now))
                        return floors[-1]

                    return changed(since, noted, *more)

                monkeypatch.setattr(line.source, "changed", watched)
                short(corrector)
                began = report.execute("SELECT now()").fetchone()
                assert began is not None
                assert floors[0] > began[0] - timedelta(seconds=10)
        finally:
            admin.execute("REVOKE pg_read_all_stats FROM minuterisk_reader")


def test_a_restart_begins_with_a_deep_search(corrector: Corrector, trade: Trade, line: Pipeline) -> None:
    short(corrector)
    with psycopg.connect(trade.owner_url) as late:
        late.execute(INSERT, [1, NOW - 2 * MINUTE, timedelta(minutes=4)])
    short(corrector)
    again = Corrector(line)
    again.search(deep=False)
    assert again.take() == [NOW - 2 * MINUTE]


def test_a_minute_that_is_published_while_a_search_runs_is_searched_again(
    corrector: Corrector, trade: Trade, line: Pipeline
) -> None:
    short(corrector)
    list(line.catch_up(NOW + MINUTE))
    trade.insert(
        (1, "shop", "CANCEL", 1, NOW + MINUTE)
    )  # after the search's list of minutes, before its snapshot
    minutes = line.state.minutes

    def published_now(span: Span) -> Any:  # noqa: ANN401 - as State.minutes
        known = minutes(span)
        if line.state.next_minute() == NOW + MINUTE:
            list(line.catch_up(NOW + 2 * MINUTE))
            trade.insert((2, "shop", "CANCEL", 1, NOW + MINUTE))
        return known

    line.state.minutes = published_now  # type: ignore[method-assign]
    corrector.search(deep=False)
    line.state.minutes = minutes  # type: ignore[method-assign]
    assert corrector.take() == []
    assert short(corrector) == [NOW + MINUTE]


# ------------------------------------------------------------------ beside the tick


def test_a_search_is_no_third_connection_and_gives_way_to_a_question_of_the_minute(
    corrector: Corrector, trade: Trade, line: Pipeline, tmp_path: Path
) -> None:
    source: Any = line.source
    changed = source._query("changed").replace("GROUP BY 1", "AND pg_sleep(30) IS NOT NULL GROUP BY 1")
    queries = source._query
    source._query = lambda name: changed if name == "changed" else queries(name)
    trade.insert((1, "shop", "CANCEL", 1, NOW - MINUTE))
    said: list[BaseException] = []

    given = parameters_of(["shop"], NOW.date(), 30, NOW)

    def search() -> None:
        try:
            corrector.search(deep=False)
        except Overtaken as error:
            said.append(error)

    searching = threading.Thread(target=search)
    searching.start()
    try:
        while not _running(trade, "pg_sleep"):
            time.sleep(0.02)
        list(line.catch_up(NOW + MINUTE))  # it does not wait for the search
        assert searching.is_alive()
        assert _sessions(trade) == 2
        assert source.ask("at_risk", given, lambda *_: None) == []
        searching.join(PATIENCE_S)
        assert len(said) == 1
        assert not corrector.waiting
    finally:
        source._query = queries
    assert short(corrector) == [NOW - MINUTE]
    assert _sessions(trade) == 2


def _sessions(trade: Trade) -> int:
    with psycopg.connect(trade.owner_url) as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE usename = 'minuterisk_reader' AND datname = current_database()"
        )
        return int(connection.execute(query).fetchone()[0])  # type: ignore[index] # one row


def _running(trade: Trade, text: str) -> bool:
    with psycopg.connect(trade.owner_url) as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s AND state = 'active'"
            " AND pid <> pg_backend_pid() AND datname = current_database()"
        )
        return bool(connection.execute(query, [f"%{text}%"]).fetchone()[0])  # type: ignore[index] # one row


# ------------------------------------------------------------------ an update of a whole column


def test_an_update_of_a_whole_column_holds_no_minute_back_and_is_one_line(
    postgres_url: str, trade: Trade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "SELECT 'shop', 'APPROVAL', 1, t, t FROM generate_series(%s::timestamptz, %s, '10 minutes') AS t"
    with psycopg.connect(trade.owner_url) as owner:
        columns = "merchant_id, kind, amount, occurred_at, created_at"
        owner.execute(f"INSERT INTO transactions ({columns}) {rows}".encode(), [NOW - 4 * DAY, NOW])
    with state_database(postgres_url) as state_url, pipeline_of(trade, state_url, tmp_path) as line:
        line.backfill(Span(NOW - 3 * DAY, NOW - 3 * MINUTE))
        list(line.catch_up(NOW))
        service = open_service(line, Metrics("merchants"))

        def tick(after_s: float) -> None:
            fence = replace(line.source.fence(), clock=NOW + timedelta(seconds=after_s))
            monkeypatch.setattr(service._watch, "look", lambda: fence)
            service.tick()

        service.search()
        tick(30)
        trade.execute("UPDATE transactions SET created_at = now()")
        # Two rows are new: one past the horizon, one in a minute that can be corrected.
        trade.insert(
            (10**9, "shop", "CANCEL", 1, NOW - 60 * HOUR), (10**9 + 1, "shop", "CANCEL", 1, NOW - MINUTE)
        )
        steps = _Steps(line, monkeypatch)
        service._turns = Turns(0, 0)
        with capture_logs() as said:
            service.search()
            while service._corrector.waiting or _suspects(line):
                steps.begin()
                tick(90 if steps.ticks else 30)  # the minute NOW becomes due in the second tick
                service.compare()
                assert steps.reads <= 12  # a second of work at a tenth a minute; then it looks what is due
        assert steps.judged_at == 1  # at once, with most minutes still to be read
        assert len(steps.read) > 2 * 24 * 6  # every touched minute of the horizon is read again
        assert line.state.strays()["past"] == 24 * 6 + 1  # before the ledger begins, and the one that differs
        alarms = [entry for entry in said if entry["event"] == "minutes.stray"]
        assert len(alarms) == 1
        assert [e["minute"] for e in said if e["event"] == "minute.corrected"] == [(NOW - MINUTE).isoformat()]
        span = Span(NOW - 47 * HOUR, NOW)
        assert reconcile(line.source, line.state, span, line.lake) == []


def _suspects(line: Pipeline) -> int:
    with line.state.engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM repair_request").scalar_one())


class _Steps:
    """A clock that stands still but for a tenth of a second for each minute that is read again."""

    def __init__(self, line: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads, self.ticks, self.judged_at, self.read = 0, -1, -1, set[datetime]()
        self._seconds = 1000.0
        extract, judge = line.source.extract, line._judge

        def counted(span: Span, *more: Any) -> Any:  # noqa: ANN401 - as Source.extract
            self.reads += 1
            self.read.add(span.start)
            self._seconds += 0.1
            return extract(span, *more)

        def judged(minute: datetime, *, last: bool) -> Any:  # noqa: ANN401 - as Pipeline._judge
            self.judged_at = self.ticks
            return judge(minute, last=last)

        monkeypatch.setattr(line.source, "extract", counted)
        monkeypatch.setattr(line, "_judge", judged)
        monkeypatch.setattr(line, "monotonic", lambda: self._seconds)

    def begin(self) -> None:
        self.ticks += 1
        self.reads = 0
        self._seconds += 1


# ------------------------------------------------------------------ a standby that lags, clocks that differ


def test_a_minute_waits_for_what_the_standby_has_not_replayed(
    postgres_url: str, trade: Trade, standby: Standby, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.alarms.source_watch.LAGS_FOR_S", 0.0)
    monkeypatch.setattr("pipeline.alarms.source_watch.LAG", timedelta(seconds=1))
    due = floor_minute(datetime.now(UTC)) - 2 * MINUTE
    trade.insert((1, "shop", "APPROVAL", 1, due))
    standby.catch_up()
    source_url = standby.of(trade.source_url)
    with (
        state_database(postgres_url) as state_url,
        pipeline_of(trade, state_url, tmp_path, source_url=source_url, close_delay="0") as line,
    ):
        line.backfill(Span(due - DAY, due))
        service = open_service(line, Metrics("merchants"))
        service.tick()
        judged = line.state.next_minute()
        assert judged is not None
        assert line.alarms.counts()["source.standby_lags"] == 0
        standby.pause()
        try:
            trade.insert((2, "shop", "APPROVAL", 1, judged), (3, "shop", "CANCEL", 1, judged - MINUTE))
            time.sleep(1.2)
            for _ in range(3):
                service.tick()
                service.search()
            fence = line.source.fence()
            assert fence.standby is not None
            assert fence.standby.why == "its replay is paused"
            assert fence.complete_until < fence.clock - timedelta(seconds=1)
            assert line.due_until() <= judged  # whatever the clock says
            assert line.state.next_minute() == judged
            assert line.alarms.counts()["source.standby_lags"] == 1
        finally:
            standby.resume()
        trade.insert((4, "shop", "APPROVAL", 1, judged))
        standby.catch_up()
        service.tick()
        service._turns = Turns(0, 0)
        service._due_at = line.monotonic() + 30
        service.search()
        service._corrector.take()
        assert line.alarms.counts()["source.standby_lags"] == 0
        next_minute = line.state.next_minute()
        assert next_minute is not None
        span = Span(due - MINUTE, next_minute)
        assert reconcile(line.source, line.state, span, line.lake) == []


def test_a_clock_nine_hours_off_is_an_alarm_until_it_is_right(
    line: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    source: Any = line.source
    queries = source._query
    service = open_service(line, Metrics("merchants"))
    off = queries("fence").replace("clock_timestamp()", "clock_timestamp() - interval '9 hours'")
    source._query = lambda name: off if name == "fence" else queries(name)
    with capture_logs() as said:
        service.tick()
    assert [
        (e["subject"], "32,4" in e["what"] and "behind" in e["what"])
        for e in said
        if e["event"] == "source.clock_apart"
    ] == [("source", True)]
    source._query = queries
    service._watch._clocks_at = -1e9
    service.tick()
    assert line.alarms.counts()["source.clock_apart"] == 0

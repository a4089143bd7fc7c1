"""A minute of many rows is read in two halves of one snapshot, by two connections, and gives the same."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from structlog.testing import capture_logs

from pipeline.errors import MinuteriskError, SourceChanged, SourceTooSlow, SourceValueWrong
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants.at_risk import parameters_of
from pipeline.source.postgresql_session import fetch
from pipeline.source.streams import slices
from pipeline.source.streams.whole import Whole
from tests.contract.trade_servers import postgresql_trade
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.source.asked import Extracted
    from pipeline.source.postgresql import PostgresSource
    from tests.contract.trade_servers import Trade

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SPAN = Span(NOON, NOON + MINUTE)
ROWS = 600
#: Sessions that are both there after so many seconds were there together all the time.
TOGETHER_S = 0.3
QUERY = """SELECT transaction_id, merchant_id, kind, {amount} AS amount, occurred_at,
  original_occurred_at AS approved_at
FROM transactions WHERE {filter}"""
SLEEPS = f"coalesce((SELECT pg_sleep(3)::text WHERE $1 {{}} '{NOON}'), 'no') IS NOT NULL"
CUT = "occurred_at >= $1 AND occurred_at < $2"


def query(amount: str = "amount", where: str = CUT) -> str:
    return QUERY.format(amount=amount, filter=where)


@pytest.fixture(scope="module")
def minute(postgres_url: str) -> Iterator[Trade]:
    """A minute of rows, in no order of time, some of them at the very middle."""
    with postgresql_trade(postgres_url, "TEXT") as trade:
        at = {n: NOON + timedelta(milliseconds=100 * (n * 389 % ROWS)) for n in range(ROWS)}
        kinds = ("APPROVAL", "CANCEL", "ODD")
        trade.insert(*((n + 1, f"M{n % 7}", kinds[n % 40 // 19], n, at[n]) for n in range(ROWS)))
        yield trade


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "MANY_ROWS", 10)


class Spied:
    """Sessions of ours at the server as somebody else sees them, all the time."""

    def __init__(self, trade: Trade) -> None:
        self.reading = set[int]()
        self._seen: list[tuple[float, set[int]]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(trade,))
        self._thread.start()

    def _look(self, trade: Trade) -> None:
        text = (
            "SELECT pid, query LIKE '%%kind%%' FROM pg_stat_activity"
            " WHERE usename = 'minuterisk_reader' AND datname = current_database()"
        )
        with psycopg.connect(trade.owner_url, autocommit=True) as connection:
            while not self._ended.is_set():
                found = connection.execute(text).fetchall()
                self._seen.append((time.monotonic(), {pid for pid, _ in found}))
                self.reading |= {pid for pid, reads in found if reads}

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def most(self) -> int:
        """So many were there together for a while: what we have closed goes when the server comes to it."""
        most, later = 0, 0
        for at, sessions in self._seen:
            while later < len(self._seen) and self._seen[later][0] < at + TOGETHER_S:
                later += 1
            if later < len(self._seen):
                most = max(most, len(sessions & self._seen[later][1]))
        return most


@contextmanager
def spied(trade: Trade) -> Iterator[Spied]:
    spy = Spied(trade)
    try:
        yield spy
    finally:
        spy.end()


def opened(
    trade: Trade, folder: Path | None = None, *, text: str = "", timeout_s: int = 20
) -> PostgresSource:
    queries = trade.queries(folder, transactions=text) if folder and text else None
    source: Any = trade.source(queries, timeout_s=timeout_s)
    source._slices._whole = Whole(10**6)  # as after a large minute
    return source  # type: ignore[no-any-return]


def in_one(source: PostgresSource) -> Extracted:
    source._slices.learn(0, 1)
    return source.extract(SPAN)


def in_two(source: PostgresSource) -> Extracted:
    source._slices.learn(10**6, 1)
    return source.extract(SPAN)


def halved(source: PostgresSource, monkeypatch: pytest.MonkeyPatch) -> list[tuple[datetime, datetime]]:
    """What is read of the rows from now on: from when to when."""
    read: list[tuple[datetime, datetime]] = []

    def noted(cursor: Any, text: str, values: Any, *more: Any) -> Any:  # noqa: ANN401 - as fetch
        if "kind" in text and len(values) == 2:
            read.append(tuple(values))
        return fetch(cursor, text, values, *more)

    monkeypatch.setattr("pipeline.source.postgresql.fetch", noted)
    return read


def key(read: Extracted) -> list[tuple[Any, ...]]:
    return sorted(read.rows.rows(), key=str)


NEWEST = """WITH version AS (
  SELECT (transaction_id - 1) % 300 + 1 AS transaction_id, merchant_id, 'APPROVAL' AS kind, amount,
    occurred_at
  FROM transactions WHERE occurred_at >= $1 AND occurred_at < $2
) SELECT DISTINCT ON (transaction_id) *, NULL::timestamptz AS approved_at FROM version
ORDER BY transaction_id, amount DESC"""


@pytest.mark.parametrize("compared", [False, True])
@pytest.mark.parametrize(
    ("text", "rows"), [(NEWEST, 300), (f"{query()} LIMIT 500", 500)], ids=["newest version", "at most"]
)
def test_a_query_that_means_the_whole_minute_is_asked_for_it(
    minute: Trade, tmp_path: Path, text: str, rows: int, *, compared: bool
) -> None:
    with opened(minute, tmp_path, text=text) as source:
        whole = in_one(source)
        if not compared:
            source._slices._whole = Whole()
        both = in_two(source)
        if text == NEWEST or not compared:  # later only a key in both halves is seen
            assert key(both) == key(whole)
            assert (both.rows.height, source._slices.alone) == (rows, True)


def test_the_first_minute_is_read_whole_beside_its_halves_and_so_is_one_of_twice_as_many_rows(
    minute: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(minute) as source:
        read = halved(source, monkeypatch)
        for compared, whole in ((0, 1), (ROWS // 2, 1), (ROWS // 2 + 1, 0)):
            source._slices._whole = Whole(compared)
            read.clear()
            assert in_two(source).rows.height == in_two(source).rows.height == ROWS
            assert read.count((SPAN.start, SPAN.end)) == whole
        assert not source._slices.alone


def test_two_halves_give_what_one_read_gives(minute: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(minute) as source:
        whole = in_one(source)
        read = halved(source, monkeypatch)
        both = in_two(source)
        middle = NOON + timedelta(seconds=30)
        assert sorted(read) == [(NOON, middle), (middle, SPAN.end)]
        assert both.rows.height == ROWS
        assert key(both) == key(whole)
        assert both.rows.schema == whole.rows.schema
        assert (both.not_known, both.unreadable) == (whole.not_known, whole.unreadable)
        assert both.beside.frames.keys() == whole.beside.frames.keys()


def test_the_last_minute_says_how_the_next_is_read(minute: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(minute) as source:
        read = halved(source, monkeypatch)
        for expected in (1, 2, 2):  # halves
            source.extract(SPAN)
            assert len(read) == expected
            read.clear()
        source.extract(Span(NOON + MINUTE, NOON + 2 * MINUTE))  # nothing there
        assert len(read) == 2
        read.clear()
        source.extract(SPAN)
        source.extract(Span(NOON, NOON + 2 * MINUTE))  # more than a minute is read whole
        source.extract(SPAN, 10_000)  # and so is what must not be too much
        assert [end - start for start, end in read] == [MINUTE, 2 * MINUTE, MINUTE]


def test_never_are_there_three_connections(minute: Trade, tmp_path: Path) -> None:
    slow = query(where=f"{CUT} AND (SELECT pg_sleep({2 * TOGETHER_S})) IS NOT NULL")
    with opened(minute, tmp_path, text=slow) as source, spied(minute) as spy:
        for _ in range(8):
            in_two(source)
            source.ask("at_risk", parameters_of(["M1"], NOON.date(), 3, NOON))
            source.changed(source.fence(), lambda _: NOON, {})
    assert spy.most == 2
    assert len(spy.reading) >= 2


def test_both_halves_are_of_one_snapshot(minute: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is committed between the fence and the second half is in neither."""
    with opened(minute) as source:
        fence = source._fence

        def late(cursor: Any) -> Any:  # noqa: ANN401 - as _fence
            found = fence(cursor)
            minute.insert(
                (5000, "M1", "APPROVAL", 1, NOON), (5001, "M1", "APPROVAL", 1, SPAN.end - MINUTE / 4)
            )
            return found

        monkeypatch.setattr(source, "_fence", late)
        try:
            assert in_two(source).rows.height == ROWS
        finally:
            minute.execute("DELETE FROM transactions WHERE transaction_id >= 5000")


@pytest.mark.parametrize("number", [5, 590], ids=["in the first half", "in the second"])
def test_a_value_that_cannot_be_read_is_found_in_either_half(
    minute: Trade, tmp_path: Path, number: int
) -> None:
    odd = f"(CASE WHEN occurred_at = '{NOON + timedelta(milliseconds=100 * number)}' THEN 'x' END)"
    text = query(f"coalesce({odd}, amount::text)::bigint")
    with opened(minute, tmp_path / "q", text=text) as source:
        whole, both = in_one(source), in_two(source)
        assert [(u.start, u.end, u.rows, u.ids, u.reason) for u in both.unreadable] == [
            (u.start, u.end, u.rows, u.ids, u.reason) for u in whole.unreadable
        ]
        assert len(both.unreadable) == 1
        assert key(both) == key(whole)
        assert in_two(source).rows.height == ROWS  # and the source goes on


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (query("nowhere"), SourceChanged),
        (query("amount::int / (extract(second FROM occurred_at) < 45)::int"), SourceValueWrong),
        (query(where=f"{CUT} AND {SLEEPS.format('>')}"), SourceTooSlow),
        (query(where=f"{CUT} AND {SLEEPS.format('=')}"), SourceTooSlow),
    ],
    ids=["both", "values of one", "the second too slow", "the first too slow"],
)
def test_a_failure_of_a_half_is_told_as_of_the_whole(
    minute: Trade, tmp_path: Path, text: str, kind: type[MinuteriskError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.source.postgresql.read_span", just_read)
    with opened(minute, tmp_path / "q", text=text, timeout_s=1) as source:
        told, planned, plan = [], list[bool](), source._plan

        def noted(query: str, parameters: Any) -> Any:  # noqa: ANN401 - as _plan
            planned.append(source._few_in_use.locked())
            return plan(query, parameters)

        monkeypatch.setattr(source, "_plan", noted)
        for read in (in_one, in_two) if kind is not SourceTooSlow else (in_two,):
            with pytest.raises(kind) as caught:
                read(source)
            told.append((caught.value.what, caught.value.query))
        assert len(set(told)) == 1
        if kind is SourceTooSlow:
            assert "ended our query transactions.sql" in told[0][0]
            assert planned == [False]  # its plan is asked for once the place of the second is free
        source.clock()
        assert not source._few_in_use.locked()


def just_read(opened: Callable[[], Any], span: Span, *_: object) -> Any:  # noqa: ANN401 - what is used of it
    with opened() as reading:
        reading.fence()
        return SimpleNamespace(rows=reading.rows(span.start, span.end))


@pytest.mark.parametrize(
    "where",
    [
        "occurred_at BETWEEN $1 AND $2",  # the row at the middle would come twice
        "occurred_at>=date_trunc('minute', $1) AND occurred_at<date_trunc('minute', $2 + '59s'::interval)",
        f"{CUT} OR transaction_id = 7",
        "date_trunc('minute', occurred_at) >= $1 AND date_trunc('minute', occurred_at) < $2",
    ],
)
def test_a_query_that_does_not_cut_by_its_times_is_read_whole(
    minute: Trade, tmp_path: Path, where: str
) -> None:
    with opened(minute, tmp_path / "q", text=query(where=where)) as source:
        whole = in_one(source)
        with capture_logs() as said:
            for _ in range(3):
                assert key(in_two(source)) == key(whole)
        assert [line["event"] for line in said if line["event"] == "source.one_slice"] == ["source.one_slice"]
        assert source._slices.alone


def test_rows_without_a_time_do_not_come_twice(minute: Trade, tmp_path: Path) -> None:
    minute.insert((6000, "M1", "APPROVAL", 1, None))
    try:
        with opened(minute, tmp_path / "q", text=query(where=f"{CUT} OR occurred_at IS NULL")) as source:
            assert key(in_two(source)) == key(in_one(source))
    finally:
        minute.execute("DELETE FROM transactions WHERE transaction_id = 6000")


def test_a_server_that_exports_no_snapshot_is_read_by_one_connection(
    minute: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.source.postgresql_session._EXPORT", "SELECT nowhere()")
    with opened(minute) as source, capture_logs() as said:
        for _ in range(3):
            assert in_two(source).rows.height == ROWS
        with source.shared() as shared:
            assert shared.name is None
            assert shared.rows(NOON, SPAN.end).rows.height == ROWS
    assert [line["event"] for line in said] == ["source.one_slice"]
    assert "nowhere" in said[0]["reason"]


def test_a_server_that_lets_nobody_into_a_snapshot_is_read_by_one_connection(
    minute: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.source.postgresql.export", lambda _: "00000003-0000001B-1")
    with opened(minute) as source, capture_logs() as said:
        for _ in range(3):
            assert in_two(source).rows.height == ROWS
    assert [line["event"] for line in said] == ["source.one_slice"]
    with opened(minute) as source, source.shared() as shared:
        assert shared.name is None
        assert shared.rows(NOON, SPAN.end).rows.height == ROWS


def test_while_the_second_connection_searches_one_connection_reads(
    minute: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(minute) as source:
        read = halved(source, monkeypatch)
        with source._search() as ask:
            assert in_two(source).rows.height == ROWS
            assert ask("fence")
        assert [end - start for start, end in read] == [MINUTE]
        assert in_two(source).rows.height == ROWS
        assert len(read) == 3


def test_a_second_connection_that_is_refused_is_tried_again(minute: Trade) -> None:
    """The role may have one connection for a while: nothing fails, and later there are two again."""
    with opened(minute) as source:
        in_two(source)
        minute.execute("ALTER ROLE minuterisk_reader CONNECTION LIMIT 1")
        try:
            assert in_two(source).rows.height == ROWS
            assert not source._slices.alone
        finally:
            minute.execute("ALTER ROLE minuterisk_reader CONNECTION LIMIT -1")


def test_the_searching_thread_and_the_minutes_do_not_stop_each_other(minute: Trade) -> None:
    until, failed = time.monotonic() + 5, list[BaseException]()
    with opened(minute) as source, spied(minute) as spy:

        def search() -> None:
            try:
                while time.monotonic() < until:
                    source.changed(source_fence, lambda _: NOON, {})
            except BaseException as error:  # noqa: BLE001 - shown below
                failed.append(error)

        source_fence = source.fence()
        thread = threading.Thread(target=search)
        thread.start()
        while time.monotonic() < until:
            assert in_two(source).rows.height == ROWS
        thread.join(PATIENCE_S)
    assert failed == []
    assert spy.most == 2

"""Servers that count past 2^32, fall back to an older state, or come out of a backup."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from structlog.testing import capture_logs

from pipeline.errors import SourceUnavailable
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from pipeline.store.compact import compact, sweep_orphans
from pipeline.store.manifest import read_manifest
from scheduler import open_pipeline, open_service
from tests.simulation.checks import differences
from tests.simulation.world import START
from tests.simulation.world import server as own_server
from tests.simulation.world import world as own_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from pipeline.catch_up import Pipeline
    from tests.simulation.world import Server, World

HOUR = timedelta(hours=1)
WRAP = 2**32
LATE = (
    "INSERT INTO transactions (transaction_id, merchant_id, kind, amount, occurred_at)"
    " VALUES (%s, 'shop', 'CANCEL', 5, %s)"
)


def begin(world: World, line: Pipeline) -> None:
    world.insert([(n, "shop", "APPROVAL", 10, START - n * MINUTE) for n in range(1, 100)])
    line.backfill(Span(START - 2 * HOUR, START - 5 * MINUTE))
    list(line.catch_up(line.due_until()))


def next_xid(world: World) -> int:
    with world.trade() as trade:
        row = trade.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
    assert row
    return int(row[0])


def use_up(world: World, up_to: int) -> None:
    """Take transaction ids until the next one is `up_to`."""
    with world.trade() as trade:
        while next_xid(world) < up_to:
            trade.execute(
                "DO $$ BEGIN FOR n IN 1..50 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
            )


@pytest.mark.timeout(600)
def test_transaction_ids_that_wrap_lose_nothing() -> None:
    with own_server() as server:
        server.count_transactions_from(WRAP - 1200)
        with own_world(server.url) as world, open_pipeline(world.settings()) as line:
            begin(world, line)
            corrector = Corrector(line)
            corrector.poll()
            fence = line.source.fence()
            with psycopg.connect(world.trade_url) as before, psycopg.connect(world.trade_url) as nested:
                before.execute(LATE, [1000, START - 10 * MINUTE])
                nested.execute("SAVEPOINT a")
                nested.execute(LATE, [1001, START - 20 * MINUTE])
                assert next_xid(world) < WRAP
                use_up(world, WRAP - 20)
                assert corrector.poll() == []
                nested.execute("SAVEPOINT b")  # its own id, on the other side
                use_up(world, WRAP + 20)
                nested.execute(LATE, [1002, START - 21 * MINUTE])
                assert corrector.poll() == []
                with psycopg.connect(world.trade_url) as after:
                    after.execute(LATE, [1003, START - 30 * MINUTE])
                    assert corrector.poll() == []
                    before.commit()
                    assert corrector.poll() == [START - 10 * MINUTE]
                    nested.commit()
                    assert corrector.poll() == [START - 21 * MINUTE, START - 20 * MINUTE]
                    after.commit()
                assert corrector.poll() == [START - 30 * MINUTE]
            with world.trade() as trade:  # what a comparison without the wrap would have found
                naive = trade.execute(
                    "SELECT count(*) FROM transactions WHERE xmin::text::bigint >= %s"
                    " AND transaction_id IN (1002, 1003)",
                    [fence.xmin],
                ).fetchone()
            assert naive == (0,)
            assert differences(world, oracle_minutes=0) == []


@contextmanager
def forked(server: Server) -> Iterator[tuple[Server, World, Pipeline, Corrector]]:
    """A source of its own that is watched; 37 rows after its backup have just been written."""
    with own_server() as source, own_world(source.url) as world:
        _state_on(server, world)
        with open_pipeline(world.settings()) as line:
            begin(world, line)
            corrector = Corrector(line)
            corrector.poll()
            source.backup()
            _reconnect(line)
            world.insert([(1000 + n, "shop", "CANCEL", 5, START - n * MINUTE) for n in range(3, 40)])
            yield source, world, line, corrector


@pytest.mark.timeout(600)
def test_a_failover_to_a_server_that_is_behind_is_recognised_and_everything_read_again(
    server: Server,
) -> None:
    with forked(server) as (source, world, line, corrector):
        world.step_clock(5 * MINUTE)
        use_up(world, next_xid(world) + 500)
        list(line.catch_up(line.due_until()))
        assert corrector.poll()
        assert differences(world, oracle_minutes=0) == []
        source.restore()  # 37 rows and five minutes never happened
        _reconnect(line)
        with capture_logs() as said:
            corrector.poll()
        assert "source.failover" in [entry["event"] for entry in said]
        assert differences(world, oracle_minutes=0) == []
        world.insert([(5000, "shop", "CANCEL", 5, START - 50 * MINUTE)])
        assert corrector.poll() == [START - 50 * MINUTE]
        world.step_clock(10 * MINUTE)
        list(line.catch_up(line.due_until()))
        assert differences(world, oracle_minutes=0) == []


@pytest.mark.timeout(600)
def test_a_failover_to_a_server_whose_ids_have_overtaken_ours_is_recognised_by_its_start(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forked(server) as (source, world, line, corrector):
        assert len(corrector.poll()) == 37
        before = line.source.fence()
        source.restore()  # 37 rows never happened
        with psycopg.connect(world.trade_url) as late:  # under an id below the fence of the other server
            late.execute(LATE, [5000, START - 50 * MINUTE])
            late.commit()
        with psycopg.connect(world.trade_url) as trade:
            row = trade.execute("SELECT xmin::text::bigint FROM transactions WHERE transaction_id = 5000")
            assert row.fetchone()[0] < before.xmin  # type: ignore[index] # one row
        use_up(world, before.xmax + 100)
        _reconnect(line)
        with capture_logs() as said:
            assert corrector.poll() == corrector.poll() == []
            with line.source.again() as beside:
                answers = [beside.totals, beside.totals]
                monkeypatch.setattr(beside, "totals", lambda span: answers.pop()(span))  # noqa: PLW0108 - another each time
                with pytest.raises(IndexError):  # the third hour is too much for the source
                    corrector.compare_after_restart(beside)
            assert corrector.comparing
            with line.source.again() as beside:
                corrector.compare_after_restart(beside)
            assert not corrector.comparing
            assert len(corrector.repair()) == 38
            assert corrector.poll() == corrector.repair() == []
        told = [e["event"] for e in said if e["event"].startswith("source.")]
        assert told == ["source.restarted", "source.compared_after_restart"]
        known = line.state.source_fence()
        assert known
        assert known.fence.started
        assert known.fence.started == line.source.fence().started
        assert differences(world, oracle_minutes=0) == []
        world.insert([(5001, "shop", "CANCEL", 5, START - 51 * MINUTE)])
        assert corrector.poll() == [START - 51 * MINUTE]
        assert corrector.poll() == []
        later = known.fence.started + HOUR  # it begins anew while it is being compared
        with line.source.again() as beside:
            totals = beside.totals
            asked: list[Span] = []

            def meanwhile(span: Span) -> pl.DataFrame:
                asked.append(span)
                corrector._to_compare = later
                return totals(span)

            monkeypatch.setattr(beside, "totals", meanwhile)
            corrector._to_compare = known.fence.started
            corrector.compare_after_restart(beside)
            assert corrector.comparing
            hours = len(asked)
            corrector.compare_after_restart(beside)
            assert (len(asked), corrector.comparing) == (2 * hours, False)


@pytest.mark.timeout(600)
def test_an_operational_database_out_of_a_backup_goes_on_and_readers_never_go_back(server: Server) -> None:
    with own_server() as ours, own_world(server.url) as world:
        _state_on(ours, world)
        with open_pipeline(world.settings()) as line:
            begin(world, line)
            Corrector(line).poll()
        ours.backup()
        cancels = [(2000 + n, "shop", "CANCEL", 5, START + 2 * MINUTE) for n in range(60)]
        world.insert([*cancels, (1000, "shop", "APPROVAL", 5, START - 30 * MINUTE)])
        world.step_clock(70 * MINUTE)
        with open_pipeline(world.settings()) as line:
            list(line.catch_up(line.due_until()))
            Corrector(line).poll()
            compact(line.lake, line.state, START + HOUR)
            line.project()
            line.lake.unlink(line.state.expired_files(timedelta(0)))
        seen = read_manifest(world.home / "manifest.json")
        assert seen
        told = _outbox(world)
        assert told
        ours.restore()
        assert _outbox(world) == []
        with capture_logs() as said, open_pipeline(world.settings()) as line:
            service = open_service(line, Metrics("merchants"))
            for _ in range(4):  # files of the past hour were compacted and deleted: built again
                service.guarded("tick", service.tick)()
            assert service.failure is None
            assert differences(world, oracle_minutes=1) == []
            assert _outbox(world) == [(*message[:3], True) for message in told]  # looked for before sent
            later = line.state.publication().at + 2 * HOUR
            assert sweep_orphans(line.lake, line.state, later) > 0
        assert "state.restored" in [entry["event"] for entry in said]
        now = read_manifest(world.home / "manifest.json")
        assert now
        assert now.version > seen.version
        assert differences(world, oracle_minutes=0) == []


def _state_on(server: Server, world: World) -> None:
    """Source and operational database on servers of their own."""
    name = world.state_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    world.state_url = server.url.replace("/postgres?", f"/{name}?")


def _reconnect(line: Pipeline) -> None:
    """The old connections are found broken, the next calls make new ones."""
    for ask in (line.source.clock, line.source.check):
        with suppress(SourceUnavailable):
            ask()


def _outbox(world: World) -> list[tuple[object, ...]]:
    """Keys of the messages (incident, event, minute) and whether they are looked for before they are sent."""
    with psycopg.connect(world.state_url) as state:
        return state.execute(
            "SELECT incident_id, event, minute, ambiguous FROM outbox ORDER BY outbox_id"
        ).fetchall()

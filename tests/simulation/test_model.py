"""A model of the whole: a dict of rows against source, ledger and lake, whatever order things happen in."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from pipeline.prove.reconcile import reconcile
from pipeline.store.compact import compact
from scheduler import open_pipeline
from tests.simulation.checks import differences, published
from tests.simulation.world import START, World, world

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.catch_up import Pipeline
    from tests.simulation.world import Server

INSERT = (
    "INSERT INTO transactions (transaction_id, merchant_id, kind, amount, occurred_at)"
    " VALUES (%s, %s, %s, %s, %s)"
)
MERCHANTS = st.sampled_from(["shop", "other", "third"])
KINDS = st.sampled_from(["APPROVAL", "CANCEL", "REFUND"])
AGES = st.integers(0, 20)


class Machine(RuleBasedStateMachine):
    """Insert, commit, roll back, late, poll, crash, compact, reconcile, read."""

    server_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.world: World = self.stack.enter_context(world(self.server_url))
        self.ids = 0
        self.rows: dict[int, tuple[datetime, str, str]] = {}  # the committed ones
        self.open: list[tuple[psycopg.Connection, dict[int, tuple[datetime, str, str]]]] = []

    @initialize()
    def publish_the_past(self) -> None:
        self._lead()
        self.pipeline.backfill(Span(START - timedelta(minutes=30), START - 2 * MINUTE))

    def _lead(self) -> None:
        self.line = self.stack.enter_context(ExitStack())
        self.pipeline: Pipeline = self.line.enter_context(open_pipeline(self.world.settings()))
        self.corrector = Corrector(self.pipeline)

    @rule(merchant=MERCHANTS, kind=KINDS, age=AGES)
    def insert_and_commit(self, merchant: str, kind: str, age: int) -> None:
        at = self._write(self.world.trade(), merchant, kind, age, close=True)
        self.rows |= at

    @precondition(lambda self: len(self.open) < 3)
    @rule(merchant=MERCHANTS, kind=KINDS, age=AGES, savepoint=st.booleans())
    def insert_and_leave_open(self, merchant: str, kind: str, age: int, savepoint: bool) -> None:  # noqa: FBT001
        connection = psycopg.connect(self.world.trade_url)
        if savepoint:
            connection.execute("SAVEPOINT s")
        self.open.append((connection, self._write(connection, merchant, kind, age, close=False)))

    @precondition(lambda self: self.open)
    @rule(place=st.integers(0, 2))
    def commit_late(self, place: int) -> None:
        connection, rows = self.open.pop(place % len(self.open))
        connection.commit()
        connection.close()
        self.rows |= rows

    @precondition(lambda self: self.open)
    @rule(place=st.integers(0, 2))
    def roll_back(self, place: int) -> None:
        connection, _ = self.open.pop(place % len(self.open))
        connection.rollback()
        connection.close()

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """No poll sees it: reconciliation has to."""
        row = data.draw(st.sampled_from(sorted(self.rows)))
        with self.world.trade() as trade:
            trade.execute("DELETE FROM transactions WHERE transaction_id = %s", [row])
        del self.rows[row]

    @rule(minutes=st.integers(1, 3))
    def time_passes(self, minutes: int) -> None:
        self.world.step_clock(minutes * MINUTE)
        due = list(self.pipeline.catch_up(self.pipeline.due_until()))
        assert [d.minute for d in due] == sorted(d.minute for d in due)

    @rule()
    def poll(self) -> None:
        self.corrector.poll()

    @rule()
    def crash(self) -> None:
        """Drop the process: no close, no goodbye; its sessions end with it."""
        with self.world.state() as state:
            state.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        self._lead()

    @rule()
    def compact(self) -> None:
        compact(self.pipeline.lake, self.pipeline.state, self.pipeline.due_until() + timedelta(hours=1))
        self.pipeline.project()

    @rule()
    def reconcile_and_read(self) -> None:
        """Afterwards readers see exactly the model."""
        self.corrector.poll()
        last = self.pipeline.state.next_minute()
        assert last
        span = Span(START - timedelta(minutes=30), last)
        found = reconcile(self.pipeline.source, self.pipeline.state, span, self.pipeline.lake)
        self.corrector.correct([d.minute for d in found], "reconciliation")
        self.pipeline.project()
        assert differences(self.world, oracle_minutes=0) == []
        good = [m for m, _, kind in self.rows.values() if kind != "REFUND" and m < last]
        from pipeline.packs.merchants.schema import MERCHANT_MINUTE  # noqa: PLC0415

        counts = published(self.world, "merchant_minute", MERCHANT_MINUTE)
        assert int((counts["approval_count"] + counts["cancel_count"]).sum()) == len(good)

    def teardown(self) -> None:
        for connection, _ in self.open:
            connection.close()
        self.stack.close()

    def _write(
        self, connection: psycopg.Connection, merchant: str, kind: str, age: int, *, close: bool
    ) -> dict[int, tuple[datetime, str, str]]:
        self.ids += 1
        at = self.world.now() - age * MINUTE
        connection.execute(INSERT.encode(), [self.ids, merchant, kind, 10 + age, at])
        if close:
            connection.close()
        return {self.ids: (at, merchant, kind)}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_model_holds_in_any_order(server: Server) -> None:
    Machine.server_url = server.url
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=6,
            stateful_step_count=18,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

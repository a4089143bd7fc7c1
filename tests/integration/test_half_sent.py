"""A process that stops in the middle of a statement keeps its locks: whoever is alive ends its session."""

from __future__ import annotations

from contextlib import closing
from threading import Event as Flag
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import text

from pipeline.store import database
from pipeline.store.database import connect_state, end_half_sent
from pipeline.store.leader import lead_or_stand_by
from pipeline.store.state import State
from tests.servers import half_sent

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_A_COMMIT = "SELECT 1 FROM leader WHERE scope = 'merchants' FOR SHARE"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SILENT_S", 1)


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    with closing(State(connect_state(state_url), state_url, "merchants", "KRW")) as state:
        state.lead()
        yield state


def test_a_leader_that_stopped_within_a_commit_is_taken_over(state_url: str, state: State) -> None:
    with state.engine.begin() as connection:
        connection.execute(text("UPDATE leader SET heartbeat_at = now() - interval '1 minute'"))
    with (
        half_sent(state_url, IN_A_COMMIT),
        closing(State(connect_state(state_url), state_url, "merchants", "KRW")) as next_one,
    ):
        assert lead_or_stand_by(next_one, Flag())
        assert next_one.epoch == 2


def test_whoever_finds_the_lock_free_waits_for_a_commit_no_longer_than_a_moment(
    state_url: str, state: State
) -> None:
    state.close()
    with (
        half_sent(state_url, IN_A_COMMIT),
        closing(State(connect_state(state_url), state_url, "merchants", "KRW")) as next_one,
    ):
        assert lead_or_stand_by(next_one, Flag())
        assert next_one.epoch == 2


def test_a_heartbeat_ends_whatever_of_ours_stopped_half_way(state_url: str, state: State) -> None:
    with half_sent(state_url, "LOCK TABLE incident") as stopped:
        heart = 0
        while _runs(state_url, stopped):
            state.heartbeat()
            heart += 1
        assert heart > 1  # not before its time


def test_nothing_else_is_ended(state_url: str, state: State) -> None:
    """Sessions that are idle, wait inside a transaction, work, or belong to somebody else."""
    with (
        psycopg.connect(state_url, application_name="minuterisk") as idle,
        psycopg.connect(state_url, application_name="minuterisk") as waiting,
        psycopg.connect(state_url, application_name="psql") as other,
    ):
        waiting.execute("SELECT 1")
        other.execute("SELECT 1")
        with state.engine.begin() as connection:
            connection.execute(text("SELECT pg_sleep(1.5)"))
            assert end_half_sent(connection) == 0
        assert all(one.execute("SELECT 1").fetchone() for one in (idle, waiting, other))


def _runs(url: str, session: psycopg.Connection) -> bool:
    query = "SELECT FROM pg_stat_activity WHERE pid = %s"
    with psycopg.connect(url) as connection:
        return connection.execute(query, [session.info.backend_pid]).fetchone() is not None

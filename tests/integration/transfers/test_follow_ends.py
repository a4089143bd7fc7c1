"""Who is told to end while a thread of its own still reads waits for that thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.integration.transfers.serving import new_bank, serving, wait_for
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.store.state import State

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def test_a_look_that_still_runs_keeps_its_connection_until_its_answer(state: State, tmp_path: Path) -> None:
    bank = new_bank(state, tmp_path / "home")
    with psycopg.connect(state.url, autocommit=True) as watching, psycopg.connect(state.url) as holding:
        answer = threading.Timer(1, holding.rollback)
        with serving(bank):
            bank.ready()
            holding.execute("LOCK TABLE transfers.event IN ACCESS EXCLUSIVE MODE")
            wait_for(lambda: watching.execute(WAITING).fetchone())
            assert bank.running is not None
            reader = bank.running.follower._reader
            used = reader._connection
            assert used is not None
            closed_before, close = list[bool](), used.close

            def noted() -> None:  # closed while its thread waits, it takes the process down now and then only
                closed_before.append(answer.is_alive())
                close()

            used.close = noted
            answer.start()
        answer.join(PATIENCE_S)
        assert closed_before == [False]
        with pytest.raises(RuntimeError, match="too late"):
            reader.look(None, bank.running.follower._clock())

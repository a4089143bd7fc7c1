"""The page of the pack of transfers, over a database that the pipeline leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from queries import sql

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine


@pytest.fixture
def bank(home: Path, state_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An installation of this pack that runs and has no payment yet."""
    del home
    monkeypatch.setenv("MINUTERISK_PACKS", "transfers")
    with state_engine.begin() as connection:
        connection.execute(text(sql("ops/enter_pack")), {"pack": "transfers"})
        connection.execute(
            text("UPDATE leader SET epoch = 1, holder = 'h', heartbeat_at = now() WHERE scope = 'transfers'")
        )
    return state_engine

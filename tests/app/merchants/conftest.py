"""A running pipeline with incidents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline.minute import MINUTE
from tests.app.merchants.home import (
    DROP_REASON,
    HOSTILE,
    add_incident,
    lead,
    publish,
    recent,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

NOW = datetime.now(UTC)


@pytest.fixture
def busy(home: Path, state_engine: Engine) -> dict[str, int]:
    """A running pipeline with three open incidents and a resolved one."""
    span = recent(25 * 60, datetime.now(UTC))  # today is whole, whatever the hour
    publish(home, span, ["m1", "m2"], version=41)
    lead(state_engine, next_minute=span.end)
    opened = span.end - 60 * MINUTE
    surge = add_incident(state_engine, opened)
    drop = add_incident(
        state_engine,
        opened,
        rule="volume_drop",
        merchant_id="m2",
        merchant_name=HOSTILE,
        severity="high",
        status="acknowledged",
        paid=500_000_000,
        reason=DROP_REASON,
        latest=DROP_REASON,
    )
    small = add_incident(state_engine, opened, merchant_id="m3", severity="medium", paid=1, cancelled=0)
    old = add_incident(state_engine, opened, merchant_id="m4", merchant_name="옛 가게", status="resolved")
    return {"surge": surge, "drop": drop, "small": small, "old": old}

"""Money at risk of a merchant that was last paid before the windows begin; tiers after a correction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.history import rebuild_windows
from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from tests.integration.trade_home import pipeline_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.trade_home import Trade

NOON = datetime(2026, 3, 10, 3, tzinfo=UTC)  # in Seoul
DAY = timedelta(days=1)


def test_what_was_cancelled_since_the_last_payout_counts_also_before_the_windows(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    trade.execute(
        "INSERT INTO settlements VALUES ('unpaid', '2026-02-26', 1000000, '2026-02-27T00:00Z'),"
        " ('paid', '2026-03-09', 1000000, '2026-03-09T16:00Z')"
    )
    cancels = [(12, 1), (11, 20), (10, 300), (8, 4000), (0, 50_000)]  # days ago, amount
    trade.insert(
        *((100 + n, "unpaid", "CANCEL", amount, NOON - n * DAY - MINUTE) for n, amount in cancels),
        *((200 + n, "paid", "CANCEL", amount, NOON - n * DAY - MINUTE) for n, amount in cancels),
    )
    with pipeline_of(trade, state_url, tmp_path / "home") as pipeline:
        pipeline.backfill(Span(NOON - 13 * DAY, NOON))
        windows, _ = rebuild_windows(pipeline.lake, pipeline.state, NOON, pipeline.tuned_at(NOON))
        found = pipeline.book().at_risk(["unpaid", "paid"], NOON - MINUTE, windows)
    # Settled through February 26, twelve days before: what that day cancelled went into its payout.
    assert found["unpaid"].parts["unrecovered"] == 54_320
    assert found["unpaid"].parts["paid_out_cancelable"] == 1_000_000 - 54_320
    assert found["paid"].parts["unrecovered"] == 50_000


def test_a_correction_before_the_business_day_ranks_the_tiers_of_the_day_again(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    midnight = NOON - timedelta(hours=12)
    rows = [(n, "first", "APPROVAL", 10, midnight - timedelta(hours=3)) for n in range(5)]
    rows += [(100 + n, "second", "APPROVAL", 10, midnight - timedelta(hours=3)) for n in range(4)]
    trade.insert(*rows)
    with pipeline_of(trade, state_url, tmp_path / "home") as pipeline:
        pipeline.backfill(Span(NOON - 2 * DAY, midnight - timedelta(hours=1)))
        list(pipeline.catch_up(midnight + 5 * MINUTE))
        line = pipeline._line
        assert line is not None
        known: Any = line.windows
        ids = line.windows.entities.ids.to_list()
        assert [m for m, top in zip(ids, known.is_top, strict=True) if top] == ["first"]
        late = midnight - timedelta(hours=1)
        trade.insert(*((200 + n, "second", "APPROVAL", 10, late) for n in range(9)))
        assert Corrector(pipeline).correct([late], "late_commit") == [late]
        list(pipeline.catch_up(midnight + 6 * MINUTE))
        line = pipeline._line
        assert line is not None
        known = line.windows
        ids = line.windows.entities.ids.to_list()
        assert [m for m, top in zip(ids, known.is_top, strict=True) if top] == ["second"]

"""Two jobs of one process meet on the same files: the later one starts anew, nothing is half replaced."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import Overtaken
from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from pipeline.store.compact import compact
from scheduler import open_pipeline
from tests.simulation.checks import differences
from tests.simulation.world import START

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.catch_up import Pipeline
    from tests.simulation.world import World

HOUR = timedelta(hours=1)


@pytest.fixture
def pipeline(world: World) -> Iterator[Pipeline]:
    """One hour of judged minutes; the minutes 10 and 20 have one row each, minute 30 has none."""
    rows = [(n, "shop", "APPROVAL", 10, START - HOUR + n * MINUTE) for n in range(5, 55) if n != 30]
    world.insert(rows)
    with open_pipeline(world.settings()) as pipeline:
        pipeline.backfill(Span(START - 2 * HOUR, START - HOUR))
        list(pipeline.catch_up(pipeline.due_until()))
        Corrector(pipeline).poll()
        yield pipeline


@pytest.mark.parametrize("change", ["deleted", "added"])
def test_a_correction_that_a_compaction_overtakes_starts_anew(
    world: World, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    if change == "deleted":  # the minute's new content is no file at all
        changed = START - HOUR + 10 * MINUTE
        with world.trade() as trade:
            trade.execute("DELETE FROM transactions WHERE transaction_id = 10")
    else:  # the minute's old content was no file at all
        changed = START - HOUR + 30 * MINUTE
        world.insert([(1000, "shop", "CANCEL", 5, changed)])
    commit = pipeline.state.correct

    def overtaken(*given: Any) -> None:  # noqa: ANN401 - as State.correct
        compact(pipeline.lake, pipeline.state, START)
        commit(*given)

    corrector = Corrector(pipeline)
    with monkeypatch.context() as patched:
        patched.setattr(pipeline.state, "correct", overtaken)
        with pytest.raises(Overtaken, match=r"meanwhile"):
            corrector.correct([changed], "reconciliation")
    assert corrector.correct([changed], "reconciliation") == [changed]
    assert differences(world, oracle_minutes=0) == []

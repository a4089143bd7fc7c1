"""An open incident has the money of the newest minute, the same in database, files and messages."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from pipeline.minute import MINUTE
from scheduler import open_pipeline
from tests.doors.kept import COST
from tests.integration.test_beside import NOW, Building, building, published

if TYPE_CHECKING:
    from pipeline.catch_up import Pipeline

__all__ = ["building"]  # the fixture
#: As many as open an incident.
FORCED = 3


def incident(pipeline: Pipeline) -> dict[str, Any]:
    asked = "SELECT at_risk, expected_loss, parts, figures, status FROM incident WHERE entity_id = 'lift'"
    with pipeline.state.engine.connect() as connection:
        return dict(connection.execute(text(asked)).mappings().one())


def told(pipeline: Pipeline) -> list[tuple[str, int, int]]:
    """What people are told of it, with its money."""
    asked = (
        "SELECT event, message ->> 'at_risk', message #>> '{figures,expected_loss}' FROM outbox"
        " JOIN incident USING (incident_id) WHERE entity_id = 'lift' ORDER BY outbox_id"
    )
    with pipeline.state.engine.connect() as connection:
        return [(event, int(risk), int(loss)) for event, risk, loss in connection.execute(text(asked))]


def judge(pipeline: Pipeline, ago: int) -> None:
    """All up to so many minutes ago; then incident and snapshot say the same."""
    list(pipeline.catch_up(NOW - timedelta(minutes=ago)))
    shown = published(pipeline, "exposure").filter(door_id="lift").sort("minute").to_dicts()[-1]
    kept = incident(pipeline)
    assert shown["minute"] == NOW - timedelta(minutes=ago) - MINUTE
    assert (kept["at_risk"], kept["parts"]) == (shown["cost"] - shown["paid"], {"cost": kept["at_risk"]})
    assert kept["figures"] == {"expected_loss": shown["expected_loss"]}
    assert kept["expected_loss"] == shown["expected_loss"]


def test_an_incident_is_priced_from_the_book_when_it_opens_and_in_every_minute_after(
    building: Building,
) -> None:
    for _ in range(FORCED):
        building.happens("lift", "forced", NOW - timedelta(minutes=29))
    building.pays("lift", 150, NOW - timedelta(minutes=10, seconds=30))
    building.happens("lift", "forced", NOW - timedelta(minutes=5))
    with open_pipeline(building.settings) as pipeline:
        pipeline.start_history(NOW - timedelta(minutes=30))
        judge(pipeline, 27)
        assert incident(pipeline)["at_risk"] == (1 + FORCED) * COST
        judge(pipeline, 10)
        assert incident(pipeline)["at_risk"] == (1 + FORCED) * COST - 150
        judge(pipeline, 4)
        assert incident(pipeline) == {
            "at_risk": 350,
            "expected_loss": 70,
            "parts": {"cost": 350},
            "figures": {"expected_loss": 70},
            "status": "open",
        }
        # 250 is less than two thirds of what was told, and 350 not half as much again.
        assert told(pipeline) == [("opened", 400, 80), ("priced", 250, 50)]


def test_a_book_that_was_rebuilt_prices_the_same(building: Building) -> None:
    for _ in range(FORCED):
        building.happens("lift", "forced", NOW - timedelta(minutes=29))
    building.pays("lift", 150, NOW - timedelta(minutes=20, seconds=30))
    with open_pipeline(building.settings) as pipeline:
        pipeline.start_history(NOW - timedelta(minutes=30))
        judge(pipeline, 25)
    with open_pipeline(building.settings) as pipeline:
        judge(pipeline, 19)
        assert incident(pipeline)["at_risk"] == (1 + FORCED) * COST - 150

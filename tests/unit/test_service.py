"""What a running installation says about its source: away is not silent, and delays are kept by tier."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from structlog.testing import capture_logs

from pipeline.alarms.failures import SOURCE_PATIENCE_S
from pipeline.errors import SourceUnavailable
from pipeline.metrics import Metrics
from pipeline.packs.merchants import PACK
from pipeline.service import Service
from pipeline.steps import Tally
from pipeline.tell.deliver import Delay
from tests.unit.open_alarms import OpenAlarms

if TYPE_CHECKING:
    from pipeline.catch_up import Pipeline
    from pipeline.tell.channels import Channel

MINUTE = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Away:
    """A source that does not answer until it is told to."""

    def __init__(self) -> None:
        self.answers = False

    def tick(self) -> None:
        if not self.answers:
            what, hint = "the source database does not answer", "start it"
            raise SourceUnavailable(what, hint)


def service(source: Away) -> Service:
    pipeline = SimpleNamespace(source=SimpleNamespace(), alarms=OpenAlarms(), pack=PACK)
    made = Service(cast("Pipeline", pipeline), lambda _: cast("Channel", None), Metrics("merchants"))
    made._tick = source.tick  # type: ignore[method-assign]
    return made


def up(made: Service) -> float | None:
    return made.metrics.registry.get_sample_value("minuterisk_source_up", {"pack": "merchants"})


def test_a_source_that_does_not_answer_is_an_alarm_after_a_while_until_it_answers() -> None:
    source, now = Away(), [1000.0]
    made = service(source)
    made._failures._monotonic = lambda: now[0]
    alarms = cast("OpenAlarms", made.pipeline.alarms)
    for _ in range(2 * SOURCE_PATIENCE_S):
        assert list(alarms.open) == [("source.unreachable", "")] * (now[0] > 1000 + SOURCE_PATIENCE_S)
        with capture_logs() as logs, pytest.raises(SourceUnavailable):
            made.tick()
        assert logs == []
        now[0] += 1
    assert up(made) == 0
    source.answers = True
    with capture_logs() as logs:
        made.tick()
    assert [entry["event"] for entry in logs] == ["source.reachable_again"]
    assert alarms.open == {}
    assert up(made) == 1


def test_a_short_absence_is_no_alarm() -> None:
    made = service(Away())
    with capture_logs() as logs, pytest.raises(SourceUnavailable):
        made.tick()
    assert logs == []


def test_delays_are_told_by_tier_and_null_where_nothing_opened() -> None:
    tally = Tally(PACK)
    for seconds in (6.0, 7.0):
        tally.add_delay(Delay("top", MINUTE, seconds, seconds + 1))
    told = tally.as_json()
    assert (told["committed_s_p95_top"], told["delivered_s_p95_top"]) == (7.0, 8.0)
    assert (told["committed_s_p95_tail"], told["delivered_s_p95_tail"]) == (None, None)

"""A job that fails: what waits, what is an alarm, what ends the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from pipeline.alarms import Alarm
from pipeline.alarms.failures import Failures
from pipeline.errors import (
    ConfigurationError,
    Fault,
    FencedOut,
    LakeDamaged,
    Overtaken,
    SourceChanged,
    SourceRefused,
    SourceTooSlow,
    SourceUnavailable,
    SourceValueWrong,
    StateUnavailable,
    StorageUnavailable,
)
from pipeline.metrics import Metrics
from tests.unit.open_alarms import OpenAlarms

if TYPE_CHECKING:
    from pipeline.alarms import Alarms
    from pipeline.errors import MinuteriskError


class Watched:
    """Failures at a time that the test sets, with the alarms that are open."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.alarms = OpenAlarms()
        self.failures = Failures(lambda: cast("Alarms", self.alarms), Metrics("merchants"), lambda: self.now)

    def waited_s(self, job: str) -> float:
        """Until the job is tried again."""
        start = self.now
        while self.failures.waits(job):
            self.now += 1
        return self.now - start

    @property
    def open(self) -> list[tuple[str, str]]:
        return list(self.alarms.open)


def of_query(kind: type[MinuteriskError], query: str) -> MinuteriskError:
    error = kind(f"{query} is wrong", "mend it")
    error.query = query
    return error


@pytest.mark.parametrize("kind", [SourceRefused, SourceChanged, SourceValueWrong, SourceTooSlow])
def test_what_people_mend_at_the_source_is_an_alarm_of_its_query_until_the_job_works(
    kind: type[MinuteriskError],
) -> None:
    watched = Watched()
    assert not watched.failures.failed("tick", of_query(kind, "transactions.sql"))
    (alarm,) = watched.alarms.open.values()
    assert (alarm.name, alarm.subject) == ("source.failing", "transactions.sql")
    assert (alarm.what, alarm.hint) == ("transactions.sql is wrong", "mend it")
    watched.failures.succeeded("tick")
    assert watched.open == []


def test_it_is_tried_again_soon_and_then_less_often() -> None:
    watched = Watched()
    waits = []
    for _ in range(4):
        watched.failures.failed("tick", of_query(SourceChanged, "transactions.sql"))
        waits.append(watched.waited_s("tick"))
    assert waits == [5, 10, 20, 30]
    watched.failures.succeeded("tick")
    watched.failures.failed("tick", of_query(SourceChanged, "transactions.sql"))
    watched.now += 5
    assert not watched.failures.waits("tick")


def test_what_fails_after_the_minute_was_judged_does_not_slow_the_next_one_down() -> None:
    watched = Watched()
    watched.failures.failed("tick", of_query(SourceChanged, "changed.sql"), slowly=False)
    assert not watched.failures.waits("tick")
    assert watched.open == [("source.failing", "changed.sql")]


@pytest.mark.parametrize(
    "error", [SourceUnavailable("away"), StateUnavailable("away"), Overtaken("later"), FencedOut("led once")]
)
def test_what_passes_or_ends_us_raises_no_alarm(error: MinuteriskError) -> None:
    watched = Watched()
    ends = watched.failures.failed("tick", error)
    assert ends == isinstance(error, FencedOut)
    assert watched.open == []
    assert not watched.failures.waits("tick")


def test_a_lake_that_cannot_be_built_again_ends_the_service_with_an_alarm_left_behind() -> None:
    assert Watched().failures.failed("tick", LakeDamaged("a file is gone"))


@pytest.mark.parametrize(
    "error", [Fault("a bug"), ConfigurationError("no folder"), StorageUnavailable("full"), KeyError("x")]
)
def test_any_other_failure_is_an_alarm_of_its_job_until_the_job_works(error: Exception) -> None:
    watched = Watched()
    assert not watched.failures.failed("prove", error)
    assert watched.open == [("job.failing", "prove")]
    watched.failures.succeeded("tick")
    assert watched.open == [("job.failing", "prove")]
    watched.failures.succeeded("prove")
    assert watched.open == []


def test_a_query_is_right_again_only_when_no_job_fails_because_of_it() -> None:
    watched = Watched()
    for job in ("tick", "reconcile"):
        watched.failures.failed(job, of_query(SourceChanged, "totals.sql"))
    watched.failures.succeeded("tick")
    assert watched.open == [("source.failing", "totals.sql")]
    watched.failures.succeeded("reconcile")
    assert watched.open == []


def test_the_alarm_moves_with_the_query_that_fails_now() -> None:
    watched = Watched()
    watched.failures.failed("tick", of_query(SourceChanged, "transactions.sql"))
    watched.failures.failed("tick", of_query(SourceValueWrong, "changed.sql"))
    assert watched.open == [("source.failing", "changed.sql")]


def test_a_job_that_mostly_finds_nothing_to_do_is_right_again_after_a_while() -> None:
    watched = Watched()
    watched.failures.failed("search", of_query(SourceChanged, "changed.sql"))
    watched.now += 60
    watched.failures.succeeded("search")
    assert watched.open == [("source.failing", "changed.sql")]
    watched.now += 11
    watched.failures.succeeded("search")
    assert watched.open == []


def test_alarms_that_an_earlier_process_left_end_with_the_first_tick_that_works() -> None:
    watched = Watched()
    watched.alarms.raise_alarm(Alarm("source.failing", "was wrong", subject="transactions.sql"))
    watched.failures.failed("reconcile", of_query(SourceChanged, "totals.sql"))
    watched.failures.succeeded("tick")
    assert watched.open == [("source.failing", "totals.sql")]

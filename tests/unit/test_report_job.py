"""The job of reports: one that cannot be made waits longer each time, and keeps no other back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from pipeline.alarms.pause import Pause
from pipeline.report.about import about_day
from pipeline.report.gathered import reckoned
from pipeline.report.job import LONGEST_PAUSE, REPORT_S, Reports
from pipeline.report.write import make_report
from pipeline.settings import Settings
from pipeline.store.manifest import Publication
from pipeline.tell.pace import Paces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.catch_up import Pipeline
    from pipeline.minute import Span
    from pipeline.replay.regret import Regret
    from pipeline.report.about import About

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 3, 11, tzinfo=UTC)
FIRST, SECOND = (about_day(date(2026, 3, day), SEOUL) for day in (9, 10))


class Beside:
    """The ornaments, as far as the job tells them."""

    def __init__(self) -> None:
        self.failing = set[str]()

    def raised(self, name: str, _error: Exception) -> None:
        self.failing.add(name)

    def works(self, name: str) -> None:
        self.failing.discard(name)

    def beside(self, _name: str) -> Beside:
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class Job(Reports):
    """Two reports are due; those that are broken cannot be made."""

    def __init__(self, beside: Beside) -> None:
        self.now = NOW
        pipeline = SimpleNamespace(settings=Settings(), ornaments=beside)
        super().__init__(cast("Pipeline", pipeline), Paces(), clock=lambda: self.now)
        self.broken = {FIRST.key}
        self.tried = list[str]()
        self.made = set[str]()

    def due(self) -> list[About]:
        return [about for about in (FIRST, SECOND) if about.key not in self.made]

    def write(self, about: About) -> Any:  # noqa: ANN401 - nobody looks at it
        self.tried.append(about.key)
        if about.key in self.broken:
            what = "no such file"
            raise OSError(what)
        self.made.add(about.key)

    def link(self) -> int:
        return 0

    def turns(self, until: timedelta) -> None:
        """As the scheduler has it."""
        end = self.now + until
        while self.now < end:
            self.run()
            self.now += timedelta(seconds=REPORT_S)


def test_a_report_that_cannot_be_made_waits_ever_longer_and_keeps_no_other_back() -> None:
    beside = Beside()
    job = Job(beside)
    job.turns(timedelta(minutes=1))
    assert job.tried == [FIRST.key, SECOND.key]
    assert beside.failing == {"report"}, "another report says nothing of the one that cannot be made"
    job.turns(timedelta(hours=24))
    assert 24 <= job.tried.count(FIRST.key) <= 32
    job.broken.clear()
    job.turns(LONGEST_PAUSE + timedelta(minutes=1))
    assert job.due() == []
    assert beside.failing == set()


def test_a_report_that_is_due_no_more_is_no_fault_any_more() -> None:
    beside = Beside()
    job = Job(beside)
    job.run()
    assert beside.failing == {"report"}
    job.made |= {FIRST.key, SECOND.key}
    job.run()
    assert beside.failing == set()


def test_a_pause_doubles_up_to_the_longest_and_begins_anew() -> None:
    now = [NOW]
    clock: Callable[[], datetime] = lambda: now[0]  # noqa: E731 - a clock that a test sets
    pause = Pause(timedelta(minutes=1), timedelta(minutes=5), clock)

    def rests() -> int:
        pause.failed()
        began, now[0] = now[0], now[0]
        while pause.lasts:
            now[0] += timedelta(minutes=1)
        return (now[0] - began) // timedelta(minutes=1)

    assert not pause.lasts
    assert [rests() for _ in range(5)] == [1, 2, 4, 5, 5]
    pause.worked()
    assert rests() == 1
    pause.failed(timedelta(minutes=9))
    now[0] += timedelta(minutes=8)
    assert pause.lasts


def test_files_that_cannot_be_read_cost_the_source_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[object]()

    def broken(*_: object) -> None:
        what = "no such file"
        raise OSError(what)

    def compared(span: object) -> int:
        asked.append(span)
        return 0

    monkeypatch.setattr("pipeline.report.write.reckoned", lambda _state, _lake, gathered, _work: gathered)
    given: Any = SimpleNamespace(span=FIRST.span)
    with pytest.raises(OSError, match="no such file"):
        make_report(cast("Any", None), cast("Any", None), Settings(), given, broken, compared)
    assert asked == []


class Labelled:
    """The database, as far as regret asks it: one incident is labelled true."""

    def rows(self, name: str, /, **given: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - values
        told = {"incident_id": 7, "entity_id": "m7", "opened_minute": FIRST.span.start, "told_at": None}
        found: dict[str, list[dict[str, Any]]] = {
            "labelled_incidents": [{"incident_id": 7, "label": "true_alarm"}],
            "first_told": [told],
            "app_names_of": [{"entity_id": one, "name": "Shop"} for one in given.get("ids", ())],
        }
        return found.get(name, [])


@dataclass(frozen=True)
class Of:
    """What is gathered, as far as regret needs it."""

    about: About = FIRST
    span: Span = FIRST.span
    publication: Publication = field(default_factory=lambda: Publication(1, FIRST.span.end, [], NOW))
    regrets: Sequence[Regret] | None = None


def test_regret_is_reckoned_by_whoever_reads_the_files() -> None:
    worked = list[str]()

    def work(function: Any, _lake: object, files: object, told: Any, names: object) -> list[str]:  # noqa: ANN401
        worked.append(function.__name__)
        assert (files, [one.entity_id for one in told], names) == ([], ["m7"], {"m7": "Shop"})
        return ["found"]

    state: Any = Labelled()
    given: Any = Of()
    found: Any = reckoned(state, cast("Any", None), given, work)
    assert found.regrets == ["found"]
    assert worked == ["regrets"]


def test_a_fault_of_regret_costs_the_report_regret_alone() -> None:
    def broken(*_: object) -> None:
        what = "a fault of a pack"
        raise ValueError(what)

    state: Any = Labelled()
    given: Any = Of()
    with capture_logs() as logs:
        assert reckoned(state, cast("Any", None), given, broken) is given
    assert [entry["event"] for entry in logs] == ["report.regret_failed"]

"""Alarms: raised once, shown until they end, and never in the way of what they are about."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from pipeline.alarms import ALARMS, Alarm, Alarms, open_alarms

if TYPE_CHECKING:
    from sqlalchemy import Engine

PACK = "merchants"
AWAY = Alarm("source.unreachable", "no answer for 61 s", "start it")


def names(engine: Engine) -> list[tuple[str, str]]:
    return [(alarm.name, alarm.subject) for alarm in open_alarms(engine, "postgresql:///test", PACK)]


def alarms_of(engine: Engine, at: list[float] | None = None) -> Alarms:
    return Alarms(engine, "postgresql:///test", PACK, (lambda: at[0]) if at else (lambda: 0.0))


def test_an_alarm_is_open_until_it_ends(state_engine: Engine) -> None:
    alarms = alarms_of(state_engine)
    alarms.raise_alarm(AWAY)
    alarms.raise_alarm(Alarm("rows.outside_span", "3 rows", subject="transactions"))
    assert names(state_engine) == [("source.unreachable", ""), ("rows.outside_span", "transactions")]
    alarms.end("source.unreachable")
    alarms.end("rows.outside_span", "totals")  # never raised
    assert names(state_engine) == [("rows.outside_span", "transactions")]
    assert alarms.counts() == {name: int(name == "rows.outside_span") for name in ALARMS}


def test_an_alarm_that_goes_on_is_said_once_an_hour(state_engine: Engine) -> None:
    now = [0.0]
    alarms = alarms_of(state_engine, now)
    with capture_logs() as said:
        for now[0] in (0.0, 1.0, 61.0, 3599.0, 3601.0):
            alarms.raise_alarm(AWAY)
    assert [line["event"] for line in said] == ["source.unreachable"] * 2
    assert all(line["alarm"] for line in said)


def test_a_restarted_process_ends_what_the_one_before_it_raised(state_engine: Engine) -> None:
    alarms_of(state_engine).raise_alarm(AWAY)
    alarms_of(state_engine).end("source.unreachable")
    assert names(state_engine) == []


def test_one_that_comes_back_began_when_it_came_back(state_engine: Engine) -> None:
    alarms = alarms_of(state_engine)
    alarms.raise_alarm(AWAY)
    with state_engine.begin() as connection:
        connection.execute(text("UPDATE alarm SET since = now() - interval '1 day'"))
    alarms.end("source.unreachable")
    alarms.raise_alarm(AWAY)
    (again,) = open_alarms(state_engine, "", PACK)
    assert again.seen_at - again.since < timedelta(hours=1)


def test_what_happened_once_is_shown_for_as_long_as_it_says(state_engine: Engine) -> None:
    alarms_of(state_engine).raise_alarm(AWAY, lasts=timedelta(hours=1))
    assert names(state_engine) == [("source.unreachable", "")]
    with state_engine.begin() as connection:
        connection.execute(text("UPDATE alarm SET until = now() - interval '1 s'"))
    assert names(state_engine) == []


def test_an_operational_database_that_is_away_does_not_raise_through_an_alarm(state_engine: Engine) -> None:
    with state_engine.begin() as connection:
        connection.execute(text("DROP TABLE alarm"))
    alarms = alarms_of(state_engine)
    with capture_logs() as said:
        alarms.raise_alarm(AWAY)
        alarms.end("source.unreachable")
    assert "source.unreachable" in [line["event"] for line in said]


def test_a_name_that_nobody_has_given_a_meaning_is_a_fault(state_engine: Engine) -> None:
    with pytest.raises(KeyError):
        alarms_of(state_engine).raise_alarm(Alarm("no.such.alarm", "?"))

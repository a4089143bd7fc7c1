"""The job of actions, turn by turn: what fails is one alarm from beginning to end, and starves nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from pipeline.act.actions import Actions
from pipeline.alarms.ornaments import ALARM, Ornaments
from pipeline.minute import MINUTE
from pipeline.money import Outcome
from pipeline.packs.merchants import PACK
from pipeline.store.state import MinuteCommit
from pipeline.tell.slack import Refused
from tests.unit.money_office import HOLD, NOON, SEOUL, Office, Receiver, call, emptied, opened
from tests.unit.open_alarms import OpenAlarms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.money import Acted


@pytest.fixture(scope="module")
def shared(postgres_url: str, migrated: str) -> Iterator[Office]:
    yield from opened(postgres_url, migrated)


@pytest.fixture
def office(shared: Office) -> Office:
    return emptied(shared)


class Heard(OpenAlarms):
    """Alarms, and each time that one ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[str] = []

    def end(self, name: str, subject: str = "") -> None:
        if (name, subject) in self.open:
            self.ended.append(subject)
        super().end(name, subject)


def job(office: Office, alarms: OpenAlarms, outcome: Any = None) -> Actions:  # noqa: ANN401 - a function
    """The job, whose source shows what `outcome` says."""
    exposures = PACK.exposures
    assert exposures is not None
    assert exposures.following is not None
    following = exposures.following if outcome is None else replace(exposures.following, outcome=outcome)
    pack = replace(PACK, exposures=replace(exposures, following=following))
    lake: Any = SimpleNamespace(pack=pack, zone=SEOUL, read=lambda *_: pl.DataFrame())
    settings: Any = SimpleNamespace(action_url=None, action_secret=None)
    tuned: Any = lambda _: None  # noqa: E731 - what is tuned plays no part here
    return Actions(office.state, lake, settings, Ornaments(alarms, {}), tuned)  # type: ignore[arg-type]


def test_what_was_given_up_is_one_alarm_until_it_is_told_again(office: Office) -> None:
    alarms = Heard()
    actions = job(office, alarms)
    action = office.proposed()
    office.do("ann", "approve_action", action)
    assert call(office, Receiver(Refused("HTTP 404", "correct the address"))) == "dead"
    for _ in range(3):
        actions.turn()
        said = alarms.open[ALARM, "action_calls"]
        assert f"action.approved of action {action}: HTTP 404" in said.what
        assert f"retell {action}" in said.hint
    assert alarms.ended == []
    office.do("ann", "retell_action", action, reason="mended")
    actions.turn()
    assert (alarms.open, alarms.ended) == ({}, ["action_calls"])

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


def test_an_action_that_cannot_be_followed_starves_no_other_and_is_an_alarm_until_it_is_read_again(
    office: Office,
) -> None:
    broken, read = ["M1"], list[str]()

    def outcome(acted: Acted, *_: object) -> Outcome:
        read.append(acted.entity_id)
        if acted.entity_id in broken:
            raise ZeroDivisionError
        return Outcome(None, {"kept": 1})

    alarms = Heard()
    actions = job(office, alarms, outcome)
    for entity in ("M1", "M2"):
        office.open(entity, proposal=HOLD)
    office.change(
        "UPDATE action SET status = 'told', approved_by = 'ann', decided_at = now(), told_at = '2026-03-10'"
    )
    first = office.listed()[1]["action_id"]
    for minute in (1, 1, 2, 2, 9):
        office.state.commit(MinuteCommit([], [], NOON + minute * MINUTE))
        actions.turn()
        assert f"action {first}: ZeroDivisionError" in alarms.open[ALARM, "actions"].what
    assert read == ["M1", "M2"]
    assert [row["outcome"] for row in office.listed()] == [{"kept": 1, "settled": False}, {}]
    broken.clear()
    office.state.commit(MinuteCommit([], [], NOON + 11 * MINUTE))
    actions.turn()
    assert (alarms.open, alarms.ended) == ({}, ["actions"])
    assert read == ["M1", "M2"] * 2


def test_where_nothing_can_be_read_at_all_the_next_turn_tries_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarms = Heard()
    actions = job(office, alarms)
    office.open()

    def broken(_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(actions, "_tuned_at", broken)
        for _ in range(3):
            actions.turn()
            assert (alarms.subjects(ALARM), alarms.ended) == (["actions"], [])
    actions.turn()
    assert (alarms.open, alarms.ended) == ({}, ["actions"])

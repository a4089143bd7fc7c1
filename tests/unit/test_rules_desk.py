"""The life of a version at the desk: drafted, handed in, approved by somebody else; and pauses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from baselines.merchants.rules import load_rules
from pipeline.desk.roles import OPS_AGENT, READ_ONLY, RISK_ANALYST, RULE_ADMIN
from pipeline.errors import NotAllowed, UsageError
from pipeline.minute import EPOCH, MINUTE
from pipeline.packs.merchants import PACK
from pipeline.store.database import connect_state
from pipeline.store.rules import RulesReader, read_rules_file
from pipeline.store.state import MinuteCommit, State
from tests.people import do, insert_people

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.desk.roles import Actor

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SHIPPED = Path(__file__).resolve().parents[2] / "baselines" / "merchants" / "rules.toml"
PEOPLE = {"ann": RULE_ADMIN, "ben": RULE_ADMIN, "ray": RISK_ANALYST, "ops": OPS_AGENT, "eve": READ_ONLY}
TWO = {"changes": "cancel_surge.factor=3\nbudget.drift_percent=50", "reason": "they flap"}


@dataclass(frozen=True)
class Office:
    state: State
    people: dict[str, Actor]

    def do(self, who: str, name: str, thing: str | int = "", **given: object) -> dict[str, Any]:
        return do(self.state, name, thing, actor=self.people[who], **given)

    def refused(self, who: str, name: str, thing: str | int = "", **given: object) -> str:
        with pytest.raises(UsageError) as caught:
            self.do(who, name, thing, **given)
        assert caught.value.hint
        return f"{caught.value.what} / {caught.value.hint}"

    def draft(self, who: str = "ray", **given: Any) -> int:  # noqa: ANN401 - parameters of the act
        said: dict[str, Any] = {**TWO, **given}
        return int(self.do(who, "draft_rules", **said)["version"])

    def submitted(self, author: str = "ray", by: str = "ann", **given: object) -> int:
        """A version that was handed in and measured."""
        version = self.draft(author, **given)
        self.do(by, "submit_rules", version)
        assert self.state.store_backtest(version, {"measured": True})
        return version

    def in_force(self) -> list[tuple[int, datetime]]:
        rows = self.state.rules_in_time()
        return [(row["version"], row["start"]) for row in rows if row["version"]]


@pytest.fixture
def office(state_url: str) -> Iterator[Office]:
    """The file's version in force, the next minute to judge is noon, and five people."""
    with State(connect_state(state_url), state_url, "merchants", "KRW") as state:
        state.lead()
        RulesReader(state, PACK, read_rules_file(PACK, SHIPPED)).keep_file()
        state.commit(MinuteCommit([], [], NOON))
        yield Office(state, insert_people(state, PEOPLE))


def test_a_version_is_in_force_from_the_minute_after_the_next_once_two_have_seen_it(office: Office) -> None:
    version = office.draft("ray")
    assert office.in_force() == [(1, EPOCH)]
    assert "nobody knows yet" in office.refused("ben", "approve_rules", _handed_in(office, version))
    assert office.state.store_backtest(version, {"incidents_per_day": 3})
    assert office.do("ben", "approve_rules", version)["in_force_from"] == NOON + MINUTE
    assert office.in_force() == [(1, EPOCH), (2, NOON + MINUTE)]
    found = office.state.rule_version(version)
    assert found is not None
    names = ("author", "submitted_by", "approved_by", "backtest", "reason")
    assert [found[name] for name in names] == ["ray", "ann", "ben", {"incidents_per_day": 3}, "they flap"]
    assert not office.state.store_backtest(version, {})  # what stands beside an approval stays


def _handed_in(office: Office, version: int) -> int:
    office.do("ann", "submit_rules", version)
    return version


def test_what_somebody_without_an_account_wrote_nobody_approves(office: Office) -> None:
    version = office.submitted()
    with office.state.engine.begin() as connection:  # written before there were accounts
        connection.exec_driver_sql(
            "UPDATE rule_version SET author = 'root', author_id = NULL WHERE version = %s", (version,)
        )
    assert "root had no account / draft it again" in office.refused("ben", "approve_rules", version)


def test_what_changed_stands_in_the_audit_with_both_sides(office: Office) -> None:
    office.draft()
    with office.state.engine.connect() as connection:
        row = connection.exec_driver_sql("SELECT actor, thing, before, after, why FROM audit").one()
    before = {"cancel_surge.factor": 2, "budget.drift_percent": 40}
    after = {"cancel_surge.factor": 3, "budget.drift_percent": 50}
    assert tuple(row) == ("ray", "2", before, after, "they flap")


def test_nobody_approves_what_they_wrote_or_handed_in(office: Office) -> None:
    assert "somebody else" in office.refused("ann", "approve_rules", office.submitted("ray", "ann"))
    assert "somebody else" in office.refused("ben", "approve_rules", office.submitted("ben", "ann"))
    assert office.in_force() == [(1, EPOCH)]


def test_the_table_of_roles_holds_for_rules(office: Office) -> None:
    version = office.submitted()
    for who, name, thing, given in (
        ("ray", "submit_rules", office.draft(), {}),
        ("ray", "approve_rules", version, {}),
        ("ops", "draft_rules", "", TWO),
        ("eve", "draft_rules", "", TWO),
        ("ray", "pause_rule", "cancel_surge", {"for": "1h", "reason": "x"}),
        ("ray", "withdraw_rules", version, {}),
    ):
        with pytest.raises(NotAllowed):
            office.do(who, name, thing, **given)
    office.do("ops", "pause_rule", "cancel_surge", **{"for": "1h"}, reason="x")
    assert office.do("ray", "withdraw_rules", office.draft("ray"))["status"] == "withdrawn"  # an own draft


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            "cancel_surge.factor=0",
            "factor in [cancel_surge] of the draft is 0 / a whole number from 1 to 100",
        ),
        ("cancel_surge.factr=3", "did you mean factor?"),
        ("volume_drop.mode=daily", "'daily' / one of paced, full_day"),
        ("cancel_surge.factor=2", "the same as version 1"),
        ("factor=3", "'factor=3' changes nothing"),
        ("= =", "changes nothing"),
        ("severity.surge_high=6", "surge_critical"),
        ("cancel_surge.minimum=", "there is no number cancel_surge.minimum"),
    ],
)
def test_a_draft_that_cannot_be_meant_is_refused_with_the_next_step(
    office: Office, changes: str, said: str
) -> None:
    assert said in office.refused("ray", "draft_rules", changes=changes, reason="x")
    assert len(office.state.rows("rule_versions")) == 1


def test_a_version_says_everything_and_one_that_came_between_is_not_undone(office: Office) -> None:
    first, second = office.submitted(), office.submitted(changes="cancel_surge.factor=4")
    office.do("ben", "approve_rules", first)
    assert "draft the change again" in office.refused("ben", "approve_rules", second)
    again = office.submitted(changes="cancel_surge.factor=4")
    office.do("ben", "approve_rules", again)
    tuned = RulesReader(office.state, PACK, read_rules_file(PACK, SHIPPED)).read().tuned(NOON + 2 * MINUTE)
    assert (tuned.cancel_surge.factor, tuned.budget.drift_percent) == (4, 50)
    back = office.submitted(changes="", parent=1)  # what was in force at first is a draft like any other
    office.do("ben", "approve_rules", back, from_minute=NOON + timedelta(hours=1))
    reader = RulesReader(office.state, PACK, read_rules_file(PACK, SHIPPED))
    assert reader.read().tuned(NOON + timedelta(hours=1)) == load_rules(SHIPPED)


def test_a_version_is_taken_back_as_long_as_no_minute_was_judged_by_it(office: Office) -> None:
    version = office.submitted()
    late = NOON + timedelta(hours=1)
    for wrong in (NOON, late + timedelta(seconds=30)):
        assert "whole minute" in office.refused("ben", "approve_rules", version, from_minute=wrong)
    office.do("ben", "approve_rules", version, from_minute=late)
    office.do("ann", "withdraw_rules", version)
    assert office.in_force() == [(1, EPOCH)]
    assert "already" in office.refused("ann", "withdraw_rules", version)
    other = office.submitted()
    office.do("ben", "approve_rules", other)
    office.state.commit(MinuteCommit([], [], NOON + MINUTE))
    assert "in force since" in office.refused("ann", "withdraw_rules", other)
    assert "in force since" in office.refused("ann", "withdraw_rules", 1)


def test_steps_come_in_their_order(office: Office) -> None:
    version = office.draft()
    assert "is draft, not submitted" in office.refused("ben", "approve_rules", version)
    office.do("ann", "submit_rules", version)
    assert "is submitted by ann, not draft" in office.refused("ann", "submit_rules", version)
    assert "there is no version 9" in office.refused("ben", "approve_rules", 9)


def test_a_pause_has_a_reason_and_an_end_and_is_ended_before_it(office: Office) -> None:
    assert "needs an end" in office.refused("ops", "pause_rule", "cancel_surge", reason="x")
    assert "reason" in office.refused("ops", "pause_rule", "cancel_surge", **{"for": "1h"})
    for wrong in ({"for": "8d"}, {"until": NOON}):
        assert "is not taken" in office.refused("ops", "pause_rule", "cancel_surge", reason="x", **wrong)
    assert "did you mean cancel_surge?" in office.refused(
        "ops", "pause_rule", "cancel_surg", **{"for": "1h"}, reason="x"
    )
    answer = office.do("ops", "pause_rule", "cancel_surge", **{"for": "1h"}, reason="feed is late")
    assert answer["until_minute"] - answer["from_minute"] == timedelta(hours=1)
    assert "already" in office.refused("ann", "pause_rule", "cancel_surge", **{"for": "1h"}, reason="x")
    office.state.commit(MinuteCommit([], [], NOON + 9 * MINUTE))
    office.do("ops", "resume_rule", "cancel_surge")
    (row,) = (row for row in office.state.rules_in_time() if row["rule"])
    assert (row["start"], row["ends"]) == (NOON + MINUTE, NOON + 10 * MINUTE)
    assert "is not paused" in office.refused("ops", "resume_rule", "cancel_surge")
    office.do("ops", "pause_rule", "cancel_surge", **{"for": "1h"}, reason="again")
    office.do("ops", "resume_rule", "cancel_surge")  # before it has begun: it never does
    assert len([row for row in office.state.rules_in_time() if row["rule"]]) == 1


def test_the_next_minute_stays_the_next_one_while_a_change_is_decided(office: Office) -> None:
    version = office.submitted()
    later = MinuteCommit([], [], NOON + MINUTE)
    with office.state.changing() as deciding:
        assert office.state.next_judged(deciding) == NOON
        with office.state.engine.connect() as judging:
            judging.exec_driver_sql("SET lock_timeout = '50ms'")
            mark = {"next_minute": later.next_minute, "history_until": None}
            with pytest.raises(Exception, match="lock timeout"):
                office.state.ask(judging, "advance_watermark", **mark)
            judging.invalidate()
    office.state.commit(later)
    assert office.do("ben", "approve_rules", version)["in_force_from"] == NOON + 2 * MINUTE


IMPOSSIBLE = {
    "approved by nobody": """
        UPDATE rule_version SET status = 'approved', in_force_from = '2026-03-10T12:00Z' WHERE version = 2
    """,
    "approved by its author": """
        UPDATE rule_version SET status = 'approved', in_force_from = '2026-03-10T12:00Z', backtest = '{}',
            submitted_by = 'ann', submitted_at = now(), approved_by = 'ray', decided_at = now()
        WHERE version = 2
    """,
    "a rule paused twice at once": """
        INSERT INTO rule_pause (pack, rule, reason, from_minute, until_minute, paused_by)
        SELECT 'merchants', 'r', 'x', '2026-03-10T12:00Z', '2026-03-10T13:00Z', 'a' FROM generate_series(1, 2)
    """,
}


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_the_database_itself_refuses_what_the_desk_never_does(office: Office, impossible: str) -> None:
    office.draft()
    with pytest.raises(Exception, match=r"violates|conflicting"), office.state.engine.begin() as connection:
        connection.exec_driver_sql(IMPOSSIBLE[impossible])

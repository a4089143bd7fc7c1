"""What people do with incidents, in the database: each act whole, once, told, and never lost to the judge."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text

from pipeline.desk.acts import ACTS
from pipeline.desk.roles import Actor
from pipeline.errors import MinuteriskError, UsageError
from pipeline.judge.life import Changes, Event, Incident
from pipeline.minute import MINUTE
from pipeline.money import AtRisk
from pipeline.packs.merchants import PACK
from pipeline.store import audit
from pipeline.store.state import MinuteCommit, State
from pipeline.tell.message import read_message
from tests.people import do as do_it

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

NOON = datetime(2026, 3, 10, 3, tzinfo=UTC)
REASON = {"approvals_hour": 10, "cancels_hour": 6, "approvals_week": 1000, "cancels_week": 50}
UNTIL = (NOON + timedelta(hours=1)).isoformat()
#: Each act with what it is given, and the event that tells of it.
GIVEN: dict[str, tuple[dict[str, Any], str]] = {
    "acknowledge": ({}, "acknowledged"),
    "assign": ({"to": "이담당"}, "assigned"),
    "note": ({"text": "called the shop"}, "noted"),
    "snooze": ({"until": UNTIL}, "snoozed"),
    "resolve": ({"reason": "payout held"}, "resolved_by"),
    "reopen": ({"reason": "too early"}, "reopened_by"),
    "label": ({"label": "true_alarm", "reason": "fraud"}, "labelled"),
}
#: An exclusion that nobody has to be asked about for a while.
TEST_SHOP: dict[str, Any] = {"entity": "M9", "reason": "test shop", "for": "30d"}
KEPT = ("incident", "incident_act", "outbox", "audit", "withheld")


@pytest.fixture
def state(state_engine: Engine, state_url: str) -> Iterator[State]:
    with State(state_engine, state_url, "merchants", "KRW") as found:
        found.lead()
        yield found


def do(state: State, act: str, thing_id: str | int = "", **given: Any) -> dict[str, Any]:  # noqa: ANN401
    """Do an act as somebody who has no account, but for those who have one."""
    nobody = {} if "actor" in given else {"by": "park"}
    return do_it(state, act, thing_id, **{**nobody, **given})


def new(state: State, entity: str = "M1", **changes: Any) -> Incident:  # noqa: ANN401 - values of a row
    given = {
        "incident_id": None,
        "rule": "cancel_surge",
        "entity_id": entity,
        "tier": "top",
        "severity": "high",
        "status": "open",
        "policy": "budgeted",
        "opened_minute": NOON,
        "last_breach_minute": NOON,
        "reason": REASON,
        "at_risk": AtRisk({"paid_out_cancelable": 800, "unrecovered": 200}, "Shop"),
        "told_minute": NOON,
        **changes,
    }
    opened = Incident(**given)
    state.commit(MinuteCommit([], [], NOON + MINUTE, Changes(opened=[opened]), NOON))
    return state.unresolved()[opened.key]


def rows(state: State, query: str) -> list[dict[str, Any]]:
    with state.reading() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def told(state: State) -> list[str]:
    return [row["event"] for row in rows(state, "SELECT event FROM outbox ORDER BY outbox_id")]


def everything(state: State) -> dict[str, list[dict[str, Any]]]:
    return {table: rows(state, f"SELECT * FROM {table} ORDER BY 1") for table in KEPT}


def ready(state: State, act: str) -> int:
    """An incident on which the act can be done."""
    number = new(state).incident_id
    assert number is not None
    if act == "reopen":
        do(state, "resolve", number, reason="over")
    return number


@pytest.mark.parametrize("act", GIVEN)
def test_every_act_is_told_with_the_incident_kept_in_its_timeline_and_in_the_audit(
    state: State, act: str
) -> None:
    number = ready(state, act)
    given, kind = GIVEN[act]
    do(state, act, number, **given, by="김위험")
    (message,) = rows(state, f"SELECT message FROM outbox WHERE event = '{kind}'")
    read = read_message(message["message"], number, PACK)
    assert (read.by, read.entity_id, read.at_risk) == ("김위험", "M1", 1000)
    *_, kept = rows(state, "SELECT act, by, given FROM incident_act ORDER BY act_id")
    assert (kept["act"], kept["by"]) == (act, "김위험")
    assert act in [row["act"] for row in rows(state, "SELECT act FROM audit WHERE outcome = 'done'")]
    timeline = [row["what"] for row in state.rows("incident_timeline", id=number)]
    assert timeline.count(act) == 1
    assert kind not in timeline  # what people were told of it is not a second entry


class Killed:
    """Ends the session of an act before its n-th statement, as a kill of the process would."""

    def __init__(self, engine: Engine, at: int) -> None:
        self.engine, self.at, self.seen, self.struck = engine, at, 0, False

    def __call__(self, _connection: Any, cursor: Any, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        self.seen += 1
        if self.seen == self.at:
            self.struck = True
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@contextmanager
def killed_at(engine: Engine, statement: int) -> Iterator[Killed]:
    killed = Killed(engine, statement)
    event.listen(engine, "before_cursor_execute", killed)
    yield killed
    event.remove(engine, "before_cursor_execute", killed)


@pytest.mark.parametrize("act", [*GIVEN, "add_exclusion", "end_exclusion"])
def test_a_kill_between_any_two_steps_leaves_nothing_of_the_act(state: State, act: str) -> None:
    given: dict[str, Any] = TEST_SHOP if act == "add_exclusion" else {}
    number: int | str = ""
    if act in GIVEN:
        number, given = ready(state, act), GIVEN[act][0]
    elif act == "end_exclusion":
        number = do(state, "add_exclusion", **TEST_SHOP)["withheld_id"]
    before = everything(state)
    for statement in range(1, 40):
        with killed_at(state.engine, statement) as killed, suppress(MinuteriskError):
            do(state, act, number, **given)
        if not killed.struck:
            break
        assert everything(state) == before
    after = everything(state)
    assert {table for table in KEPT if after[table] != before[table]} >= {"audit"}
    assert len(after["audit"]) == len(before["audit"]) + 1


def press_together(state: State, act: str, number: int) -> list[str]:
    """What two people are answered who do the same at once."""
    answers: list[str] = []
    together = threading.Barrier(2)

    def press(name: str) -> None:
        together.wait()
        try:
            do(state, act, number, **GIVEN[act][0], by=name)
            answers.append("done")
        except UsageError as error:
            answers.append(error.what)

    people = [threading.Thread(target=press, args=(name,)) for name in ("kim", "lee")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    return answers


@pytest.mark.parametrize("act", ["acknowledge", "snooze", "resolve", "reopen", "label", "assign"])
def test_of_two_people_at_once_one_has_the_effect_and_the_other_is_told_of_it(state: State, act: str) -> None:
    number = ready(state, act)
    answers = press_together(state, act, number)
    (other,) = [answer for answer in answers if answer != "done"]
    assert f"incident {number} is" in other
    assert told(state).count(GIVEN[act][1]) == 1
    with state.reading() as connection:
        assert list(audit.wrong_rows(connection, [])) == []


def test_what_the_judge_decided_without_knowing_of_an_act_is_not_written_and_not_told(state: State) -> None:
    read = new(state)
    do(state, "snooze", read.incident_id or 0, until=UNTIL)
    worse = replace(read, severity="critical", last_breach_minute=NOON + MINUTE)
    said = [Event("escalated", NOON + MINUTE, worse)]
    state.commit(MinuteCommit([], [], NOON + 2 * MINUTE, Changes(continued=[worse], events=said), NOON))
    kept = state.unresolved()[read.key]
    assert (kept.severity, kept.snooze is not None) == ("high", True)
    assert told(state) == ["snoozed"]
    over = Changes(resolved=[read], events=[Event("resolved", NOON + MINUTE, read)])
    state.commit(MinuteCommit([], [], NOON + 2 * MINUTE, over, NOON + MINUTE))
    assert state.unresolved()[read.key] == kept
    again = replace(kept, last_breach_minute=NOON + 2 * MINUTE)
    state.commit(MinuteCommit([], [], NOON + 3 * MINUTE, Changes(continued=[again]), NOON))
    assert state.unresolved()[read.key] == again  # a minute later it knows


def test_an_incident_that_is_opened_again_while_its_rule_opens_another_stays_the_only_one(
    state: State,
) -> None:
    number = ready(state, "reopen")
    do(state, "reopen", number, reason="too early")
    other = replace(state.unresolved()["cancel_surge", "M1"], incident_id=None, acted=0)
    opened = Changes(opened=[other], events=[Event("opened", NOON, other)])
    state.commit(MinuteCommit([], [], NOON + 2 * MINUTE, opened, NOON + MINUTE))
    assert [row["incident_id"] for row in rows(state, "SELECT incident_id FROM incident")] == [number]
    assert "opened" not in told(state)


def test_several_acts_in_one_minute_are_several_messages(state: State) -> None:
    number = ready(state, "note")
    for said in ("one", "two", "two"):
        do(state, "note", number, text=said)
    found = rows(state, "SELECT number, message #>> '{said,text}' AS said FROM outbox ORDER BY outbox_id")
    assert [(row["number"], row["said"]) for row in found] == [(0, "one"), (1, "two"), (2, "two")]


REFUSED = [
    ("snooze", {}, "a snooze needs an end"),
    ("snooze", {"for": "1h", "until": UNTIL}, "has one end"),
    ("snooze", {"until": (NOON - MINUTE).isoformat()}, "is over already"),
    ("snooze", {"for": "8d"}, "longer than 7 days"),
    ("snooze", {"for": "1h", "limit": 999}, "the limit 999 is passed already: 1,000 are at risk"),
    ("resolve", {"reason": "x", "limit": 10_001}, "10,001 is more than 10 times the 1,000 that are at risk"),
    ("reopen", {"reason": "x"}, "is not resolved: it is open"),
    ("label", {"label": "perhaps", "reason": "x"}, "label is 'perhaps'"),
    ("label", {"label": "false_alarm"}, "reason is missing"),
    ("resolve", {}, "reason is missing"),
]


@pytest.mark.parametrize(("act", "given", "why"), REFUSED)
def test_what_cannot_be_done_says_why_and_changes_nothing(
    state: State, act: str, given: dict[str, Any], why: str
) -> None:
    number = new(state).incident_id or 0
    before = everything(state)
    with pytest.raises(UsageError, match=why):
        do(state, act, number, **given)
    after = everything(state)
    assert {t: after[t] for t in KEPT if t != "audit"} == {t: before[t] for t in KEPT if t != "audit"}
    with pytest.raises(UsageError, match="there is no incident 99"):
        do(state, act, 99, **GIVEN[act][0])


def test_what_is_over_is_neither_snoozed_nor_resolved_again_and_a_later_end_makes_a_snooze_longer(
    state: State,
) -> None:
    number = new(state).incident_id or 0
    do(state, "snooze", number, until=UNTIL, by="kim")
    with pytest.raises(UsageError, match="already snoozed by kim until 2026-03-10 13:00 KST"):
        do(state, "snooze", number, until=(NOON + timedelta(minutes=62)).isoformat())
    do(state, "snooze", number, until=(NOON + timedelta(hours=2)).isoformat(), limit=5_000)
    snooze = state.unresolved()["cancel_surge", "M1"].snooze
    assert snooze is not None
    assert (snooze.until, snooze.limit) == (NOON + timedelta(hours=2), 5_000)
    do(state, "resolve", number, reason="done", by="lee")
    for act in ("resolve", "snooze"):
        with pytest.raises(UsageError, match="is resolved"):
            do(state, act, number, **GIVEN[act][0])


def account(state: State, name: str, role: str) -> Actor:
    with state.changing() as connection:
        insert = text("INSERT INTO account (name, role) VALUES (:name, :role) RETURNING account_id")
        number = connection.execute(insert, {"name": name, "role": role}).scalar_one()
    return Actor(number, name, role, "page")


def test_with_accounts_people_act_in_their_own_name_and_assign_to_those_who_may_handle(state: State) -> None:
    number = new(state).incident_id or 0
    kim = account(state, "kim", "OPS_AGENT")
    account(state, "lee", "RISK_ANALYST")
    account(state, "eye", "READ_ONLY")
    with pytest.raises(UsageError, match="kim acts for nobody else: lee"):
        do(state, "note", number, actor=kim, text="x", by="lee")
    for nobody in ("eye", "park"):
        with pytest.raises(UsageError, match=f"{nobody} is no account that takes care of incidents"):
            do(state, "assign", number, actor=kim, to=nobody)
    assert do(state, "assign", number, actor=kim)["owner"] == "kim"
    assert do(state, "assign", number, actor=kim, to="lee")["owner"] == "lee"
    with pytest.raises(UsageError, match="already assigned to lee"):
        do(state, "assign", number, actor=kim, to="lee")


def test_a_window_lasts_no_longer_than_anybody_remembers(state: State) -> None:
    for_ever: dict[str, Any] = {"everybody": True, "for": "99999w", "reason": "quiet"}
    with pytest.raises(UsageError, match=r"a maintenance window until .* lasts more than 90 days"):
        do(state, "add_window", **for_ever)


def test_a_window_begins_and_ends_with_minutes_that_nobody_can_be_judging(state: State) -> None:
    new(state)  # the next minute to judge is 12:01
    hour = (NOON + timedelta(hours=1)).isoformat()
    with pytest.raises(UsageError, match="12:01 KST is judged already, or just being judged"):
        do(
            state,
            "add_window",
            everybody=True,
            reason="x",
            **{"from": (NOON + MINUTE).isoformat()},
            until=hour,
        )
    first = {"from": (NOON + 2 * MINUTE).isoformat(), "until": hour, "reason": "bank closed"}
    made = do(state, "add_window", rule="volume_drop", **first)
    assert made["start"] == first["from"]
    for given, why in (
        (
            {**first, "rule": "volume_drop"},
            f"maintenance window {made['withheld_id']} already holds the same",
        ),
        ({**first, "rule": "volume_drip"}, "there is no rule 'volume_drip'"),
        (first, "is about nothing"),
        ({**first, "everybody": True, "entity": "M1"}, "everybody is said beside"),
        ({**first, "entity": "M1", "until": first["from"]}, "is not after the start"),
        ({"entity": "M1", "reason": "x"}, "a maintenance window needs an end"),
    ):
        with pytest.raises(UsageError, match=why):
            do(state, "add_window", **given)
    ended = do(state, "end_window", made["withheld_id"])
    assert ended["end"] == ended["start"]  # it never was
    assert state.withheld().spans == []
    with pytest.raises(UsageError, match="is over, ended by park"):
        do(state, "end_window", made["withheld_id"])
    with pytest.raises(UsageError, match="there is no exclusion"):
        do(state, "end_exclusion", made["withheld_id"])


def test_an_exclusion_has_a_reason_and_an_end_within_a_year(state: State) -> None:
    new(state)  # the next minute to judge is 12:01
    shop: dict[str, Any] = {"entity": "M9", "reason": "test shop", "from": (NOON + 2 * MINUTE).isoformat()}
    at_most, more = timedelta(days=366), timedelta(days=366, minutes=1)
    for given, what, hint in (
        (
            {"reason": "test shop"},
            "an exclusion needs an end",
            "for how long, as 2h, or until when; at most 366",
        ),
        ({"reason": None, "for": "2h"}, "reason is missing", "say it: why"),
        ({"for": "367d"}, "lasts more than 366 days", "give an earlier end; or add it again"),
        ({"until": (NOON + 2 * MINUTE + more).isoformat()}, "lasts more than 366 days", "earlier end"),
        (
            {"for": "2h", "until": (NOON + more).isoformat()},
            "an exclusion has one end",
            "either for how long",
        ),
    ):
        with pytest.raises(UsageError, match=what) as refused:
            do(state, "add_exclusion", **{**shop, **given})
        assert hint in refused.value.hint
    assert state.withheld().spans == []
    end = NOON + 2 * MINUTE + at_most
    assert do(state, "add_exclusion", **shop, until=end.isoformat())["end"] == end.isoformat()


def test_an_exclusion_of_an_earlier_version_that_has_no_end_holds_is_shown_and_is_ended(state: State) -> None:
    new(state)
    values = "'merchants', 'excluded', 'M9', '2026-01-01T00:00Z', 'test shop', 'kim'"
    with state.changing() as connection:
        made = connection.execute(
            text(
                "INSERT INTO withheld (pack, kind, entity_id, start_minute, reason, by)"
                f" VALUES ({values}) RETURNING withheld_id"
            )
        ).scalar_one()
    (span,) = state.withheld().spans
    assert (span.entity_id, span.end) == ("M9", None)
    (shown,) = state.rows("list_withheld", kind="excluded", with_past=False)
    assert (shown["withheld_id"], shown["end_minute"]) == (made, None)
    assert do(state, "end_exclusion", made)["end"] is not None


def test_every_act_on_incidents_is_tried_here() -> None:
    of_money = {"propose_action"}  # tests/unit/test_actions.py
    assert {act.name for act in ACTS.values() if act.kind == "incident"} - of_money == set(GIVEN)

"""The life of an event rule at the desk, from a draft to the second from which on it judges; and pauses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from pipeline.errors import NotAllowed
from pipeline.minute import EPOCH
from pipeline.online.transfers.in_force import InForceReader
from pipeline.online.transfers.shipped import install_shipped, shipped_rules
from pipeline.packs.transfers.language import RuleRefused, parse
from pipeline.packs.transfers.language.words import MOST_MEASURES_IN_FORCE
from tests.unit.transfers.office import Office, frequent, office_of, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def office(state_engine: Engine, state_url: str) -> Iterator[Office]:
    found = office_of(state_engine, state_url)
    with found.state:
        yield found


def test_a_rule_is_live_from_the_next_second_on_once_somebody_else_has_seen_what_it_does(
    office: Office,
) -> None:
    version = office.draft("ray")
    assert version == "HIGH_VALUE/1"
    office.do("ann", "submit_event_rule", version)
    assert office.judging() == []
    before = datetime.now(UTC)
    office.do("ann", "shadow_event_rule", version)
    assert office.judging() == [("HIGH_VALUE", 1, "shadow")]
    office.measure(version)
    done = office.do("ben", "approve_event_rule", version)
    assert before < done["from_at"] <= datetime.now(UTC) + timedelta(seconds=1, milliseconds=1)
    assert done["from_at"].microsecond % 1000 == 0
    assert office.judging() == [("HIGH_VALUE", 1, "live")]
    assert office.judging(done["from_at"]) == [("HIGH_VALUE", 1, "live")]
    assert office.judging(before) == []
    (kept,) = office.ask("app_event_rules", at=datetime.now(UTC))
    assert (kept["status"], kept["approved_by"]) == ("live", "ben")


def test_a_rule_warms_up_until_its_windows_are_full_if_it_asks_what_nobody_asked(office: Office) -> None:
    def warming() -> dict[str, bool]:
        return {row["rule"]: row["warming"] for row in office.ask("app_event_rules", at=datetime.now(UTC))}

    for content in (rule("PLAIN"), frequent("ONE", 5)):
        office.do("ben", "approve_event_rule", office.submitted(content=content))
    assert warming() == {"PLAIN": False, "ONE": True}
    office.ask("mark_filled", rules=["ONE"], versions=[1], at=datetime.now(UTC))
    same = {**frequent("SAME", 5), "score": 10}
    office.do("ann", "shadow_event_rule", office.submitted(content=same))
    assert warming() == {"PLAIN": False, "ONE": False, "SAME": False}


def test_a_new_version_takes_the_place_of_the_old_one_in_one_moment(office: Office) -> None:
    office.do("ben", "approve_event_rule", office.submitted())
    second = office.submitted(score=60)
    done = office.do("ben", "approve_event_rule", second)
    assert office.judging(done["from_at"]) == [("HIGH_VALUE", 2, "live")]
    assert office.judging(done["from_at"] - timedelta(milliseconds=1)) in ([], [("HIGH_VALUE", 1, "live")])
    assert [row["status"] for row in office.ask("app_event_rules", at=datetime.now(UTC))] == [
        "live",
        "retired",
    ]
    office.do("ann", "retire_event_rule", second, reason="it found nothing")
    assert office.judging() == []
    assert "is retired, not live or shadow" in office.refused("ann", "retire_event_rule", second, reason="x")


def test_who_wrote_or_handed_it_in_approves_nothing_and_nobody_approves_blindly(office: Office) -> None:
    by_ann = office.submitted("ann", "ann")
    assert "ann's own proposal" in office.refused("ann", "approve_event_rule", by_ann)
    handed_in_by_ben = office.submitted("ann", "ben", score=50)
    assert "HIGH_VALUE/2 is ann's own / somebody else" in office.refused(
        "ann", "approve_event_rule", handed_in_by_ben
    )
    fresh = office.draft("ray", score=55)
    office.do("ann", "submit_event_rule", fresh)
    assert "nobody knows yet what version HIGH_VALUE/3 would have done" in office.refused(
        "ben", "approve_event_rule", fresh
    )
    office.measure(fresh)
    seen = {"sha256": parse(json.dumps(rule(score=55))).sha256, "backtest_sha256": "b" * 64}
    assert "is not what was seen" in office.refused(
        "ben", "approve_event_rule", fresh, **{**seen, "backtest_sha256": "c" * 64}
    )
    assert "is not what was seen" in office.refused("ben", "approve_event_rule", fresh, sha256="d" * 64)
    done = office.do("ben", "approve_event_rule", fresh, **seen)
    assert {name: done[name] for name in seen} == seen
    (kept,) = office.ask("event_rule", rule="HIGH_VALUE", version=3)
    assert (kept["status"], kept["sha256"], kept["backtest_sha256"]) == ("live", *seen.values())
    with office.state.reading() as connection:
        approvals = connection.execute(
            text("SELECT rule, version, sha256 FROM transfers.rule_approval")
        ).all()
    assert [tuple(row) for row in approvals] == [("HIGH_VALUE", 3, seen["sha256"])]


def test_a_text_may_come_again_once_it_judges_no_longer_or_nobody_can_approve_it(office: Office) -> None:
    first = office.submitted()
    with office.state.engine.begin() as connection:  # written before there were accounts
        connection.exec_driver_sql("UPDATE transfers.rule_version SET author = 'root', author_id = NULL")
    assert "root had no account / draft it again" in office.refused("ben", "approve_event_rule", first)
    second = office.submitted("ray")
    office.do("ben", "approve_event_rule", second)
    office.do("ann", "retire_event_rule", second, reason="it found nothing")
    assert office.draft("ray") == "HIGH_VALUE/3"


def test_what_is_no_rule_is_refused_at_its_place_and_kept_nowhere(office: Office) -> None:
    strange = rule(when={"listed": [{"field": "payee_id"}, "mules"]})
    for who in ("ray", "ann"):
        with pytest.raises(RuleRefused) as refused:
            office.draft(who, strange)
        assert refused.value.place.startswith("when")
        assert "mules" in refused.value.what
    office.do("ann", "add_list_entry", list="mules", value="P1", reason="seen in case 7")
    assert office.draft("ray", strange) == "HIGH_VALUE/1"
    assert "the same as version 1 of HIGH_VALUE" in office.refused(
        "ray", "draft_event_rule", json=json.dumps(strange), reason="again"
    )
    assert "no version of an event rule" in office.refused("ann", "submit_event_rule", "HIGH_VALUE")
    assert "there is no version HIGH_VALUE/9" in office.refused("ann", "submit_event_rule", "HIGH_VALUE/9")
    assert "hand it in first" in office.refused("ben", "approve_event_rule", "HIGH_VALUE/1")
    office.do("ray", "withdraw_event_rule", "HIGH_VALUE/1")  # an own draft
    assert "is withdrawn, not draft" in office.refused("ann", "submit_event_rule", "HIGH_VALUE/1")


def test_all_rules_together_ask_so_much_and_no_more(office: Office) -> None:
    for name in "ABCDEFGH":
        measures = {
            f"m{n}": {"count": "*", "match": {"user_id": "user_id"}, "within": f"{60 + 8 * ord(name) + n}s"}
            for n in range(8)
        }
        content = rule(name, measures=measures, when={"gt": [{"measure": "m0"}, 1]})
        office.do("ann", "shadow_event_rule", office.submitted(content=content))
    one_more = office.submitted(content=frequent("MORE", 5))
    assert "the rules ask 65 measures, more than 64" in office.refused("ann", "shadow_event_rule", one_more)
    assert "more than 64" in office.refused("ben", "approve_event_rule", one_more)
    office.do("ann", "retire_event_rule", "A/1", reason="it found nothing")
    office.do("ben", "approve_event_rule", one_more)


def test_a_pause_takes_a_rule_out_at_once_and_ends_by_itself_or_before(office: Office) -> None:
    office.do("ben", "approve_event_rule", office.submitted())
    paused = office.do("ops", "pause_event_rule", "HIGH_VALUE", **{"for": "2h", "reason": "a storm"})
    assert office.judging(paused["from_at"]) == []
    assert office.judging(paused["until_at"]) == [("HIGH_VALUE", 1, "live")]
    assert "is paused already" in office.refused(
        "ops", "pause_event_rule", "HIGH_VALUE", **{"for": "1h", "reason": "x"}
    )
    assert office.ask("app_event_rules", at=paused["from_at"])[0]["paused_by"] == "ops"
    resumed = office.do("ops", "resume_event_rule", "HIGH_VALUE")
    assert office.judging(resumed["from_at"]) == [("HIGH_VALUE", 1, "live")]
    assert "is not paused" in office.refused("ops", "resume_event_rule", "HIGH_VALUE")
    for given, said in (
        ({"for": "8d"}, "is not taken"),
        ({}, "a pause needs an end"),
        ({"for": "1h", "until": "2030-01-01T00:00Z"}, "has one end"),
    ):
        assert said in office.refused("ops", "pause_event_rule", "HIGH_VALUE", reason="x", **given)
    assert "did you mean HIGH_VALUE" in office.refused(
        "ops", "pause_event_rule", "HIGH_VALU", **{"for": "1h", "reason": "x"}
    )


def test_who_may_what(office: Office) -> None:
    version = office.draft("ray")
    for who, act, thing in (
        ("ray", "submit_event_rule", version),
        ("ops", "approve_event_rule", version),
        ("eve", "draft_event_rule", ""),
        ("ray", "pause_event_rule", "HIGH_VALUE"),
        ("ray", "add_list_entry", ""),
    ):
        with pytest.raises(NotAllowed):
            office.do(who, act, thing)
    allow = {"list": "allow", "value": "P1", "reason": "the landlord"}
    with pytest.raises(NotAllowed):
        office.do("ops", "add_list_entry", **allow)
    number = office.do("ann", "add_list_entry", **allow)["entry_id"]
    with pytest.raises(NotAllowed):
        office.do("ops", "remove_list_entry", number, reason="x")
    office.do("ops", "add_list_entry", list="deny", value="P2", reason="case 7")
    with office.state.engine.begin() as connection:  # case 18: a role that was taken away works no longer
        connection.exec_driver_sql("UPDATE account SET role = 'READ_ONLY' WHERE name = 'ann'")
    with pytest.raises(NotAllowed):
        office.do("ann", "submit_event_rule", version)
    with office.state.reading() as connection:
        found = connection.execute(text("SELECT act, outcome, kind FROM audit ORDER BY number DESC LIMIT 1"))
        assert tuple(found.one()) == ("submit_event_rule", "refused", "rules")


def test_an_entry_of_a_list_counts_from_the_next_second_until_its_end_or_until_it_is_removed(
    office: Office,
) -> None:
    deny = {"list": "deny", "value": "A1", "reason": "case 7"}
    added = office.do("ops", "add_list_entry", **deny, **{"for": "2d"})
    assert office.at(added["from_at"]).lists == {"deny": {"A1"}}
    assert office.at(added["from_at"] - timedelta(milliseconds=1)).lists == {}
    assert office.at(added["until_at"]).lists == {}
    assert "stands on the list deny already" in office.refused("ops", "add_list_entry", **deny)
    removed = office.do("ops", "remove_list_entry", added["entry_id"], reason="cleared")
    assert office.at(removed["until_at"]).lists == {}
    assert "already" in office.refused("ops", "remove_list_entry", added["entry_id"], reason="again")
    assert "there is no list_entry 99" in office.refused("ops", "remove_list_entry", 99, reason="x")
    office.do("ops", "add_list_entry", **deny)
    for given, said in (
        ({"list": "Deny"}, "cannot be the name of a list"),
        ({"until": "2020-01-01T00:00Z"}, "is over already"),
        ({"value": "x" * 65}, "65 characters"),
    ):
        assert said in office.refused("ann", "add_list_entry", **{**deny, **given})


def test_whoever_follows_reads_anew_only_what_was_changed(office: Office) -> None:
    reader = InForceReader()
    with office.state.reading() as connection:
        first = reader.read(connection, EPOCH)
        assert reader.read(connection, EPOCH) is first
    office.do("ops", "add_list_entry", list="deny", value="A1", reason="case 7")
    with office.state.reading() as connection:
        second = reader.read(connection, EPOCH)
        assert second is not first
        assert second.at(datetime.now(UTC) + timedelta(seconds=2)).lists == {"deny": {"A1"}}


def test_a_fresh_installation_judges_by_what_comes_with_it_and_people_decide_from_then_on(
    office: Office,
) -> None:
    shipped = [parse(json.dumps(rule(name))) for name in ("HIGH_VALUE", "OTHER")]
    assert install_shipped(office.state, shipped) == 2
    assert office.judging(EPOCH) == [("HIGH_VALUE", 1, "live"), ("OTHER", 1, "live")]
    assert install_shipped(office.state, [*shipped, parse(json.dumps(rule("THIRD")))]) == 0
    office.do("ann", "retire_event_rule", "OTHER/1", reason="not ours")
    assert office.judging() == [("HIGH_VALUE", 1, "live")]


def test_what_became_of_a_transfer_is_kept_and_rules_are_measured_by_it(office: Office) -> None:
    with office.state.engine.begin() as connection:
        for number in range(4):
            connection.exec_driver_sql(
                "INSERT INTO transfers.risk_log (transfer_id, occurred_at, account_id, status, "
                "decision, score, why) VALUES (%s, %s, 'A', 'completed', 'review', 40, 'rules')",
                (f"T{number}", EPOCH),
            )
        for number, corrected in ((0, None), (1, None), (2, EPOCH)):
            connection.exec_driver_sql(
                "INSERT INTO transfers.risk_rule_hit (transfer_id, rule, version, severity, score, action, "
                "mode, occurred_at, explanation, corrected_at, corrected_by) "
                "VALUES (%s, 'R', 1, 'high', 40, 'review', 'live', %s, '{}', %s, %s)",
                (f"T{number}", EPOCH, corrected, corrected and "minute"),
            )
    for number, fraud in ((0, True), (1, True), (1, False), (3, True)):
        office.do("ray", "report_outcome", f"T{number}", fraud=fraud)
    (found,) = office.ask("app_rule_precision", start=EPOCH, stop=datetime.now(UTC))
    assert {name: found[name] for name in ("hits", "true_hits", "false_hits", "frauds")} == {
        "hits": 2,
        "true_hits": 1,
        "false_hits": 1,
        "frauds": 2,
    }
    assert "there is no transfer T9" in office.refused("ray", "report_outcome", "T9", fraud=True)


def test_the_rules_that_come_with_the_program_fit_together() -> None:
    shipped = shipped_rules()
    assert len(shipped) == len({one.rule for one in shipped}) == 12
    assert not any(one.lists for one in shipped)  # a fresh installation has none
    assert len({m for one in shipped for m in one.measures.values()}) <= MOST_MEASURES_IN_FORCE // 2

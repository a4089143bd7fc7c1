"""Where incidents go: routes, second channels, silences, each through the outbox of a real PostgreSQL."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.desk.roles import Actor
from pipeline.errors import NotAllowed, UsageError
from pipeline.store.state import State
from pipeline.tell.deliver import LIMITS
from pipeline.tell.routes import Reach
from tests.integration.channels import Town, do_with, judge_all
from tests.integration.delivery import CHANNEL, change, make_standin
from tests.people import do
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def town(state_engine: Engine) -> Iterator[Town]:
    state = State(state_engine, "", "merchants", "KRW", CHANNEL)
    with make_standin() as standin:
        yield Town(state, standin)


def test_an_event_is_a_row_for_each_channel_that_its_routes_name(town: Town) -> None:
    town.route("top", "C0TOP", "tier=top", **{"continue": True})
    town.route("marts", "C0MART", "entity=M*")
    town.open("M1", tier="top")
    town.open("M2")
    town.open("X1")
    assert [(r["incident_id"], r["destination"], r["why"], r["route"]) for r in town.rows()] == [
        (1, "C0TOP", "route", "top"),
        (1, "C0MART", "route", "marts"),
        (2, "C0MART", "route", "marts"),
        (3, "default", "no_route", None),
    ]
    town.drain()
    assert {c: len(town.posted(c)) for c in ("C0TOP", "C0MART", CHANNEL)} == {
        "C0TOP": 1,
        "C0MART": 2,
        CHANNEL: 1,
    }


def test_a_route_to_the_default_channel_by_its_own_name_tells_it_once(town: Town) -> None:
    town.route("named", CHANNEL, "tier=tail", **{"continue": True})
    town.route("all", "default")
    town.open("M1")
    assert [r["destination"] for r in town.rows()] == ["default"]


def test_a_process_without_the_keys_takes_the_default_channel_for_the_same(town: Town) -> None:
    """The page, where people press buttons, has no token: what it tells must not go to one channel twice."""
    town.route("named", CHANNEL, "tier=tail")
    incident = town.open("M1")
    town.state.say_reach(Reach(home_channel=CHANNEL, slack=True, apprise=["mail"]))
    town.state.home_channel = "console"
    town.say(incident, event="acknowledged", at=1)
    assert [r["destination"] for r in town.rows()] == ["default", "default"]
    do(town.state, "add_route", "mail", channel="apprise:mail")
    with pytest.raises(UsageError, match="apprise:pager"):
        do(town.state, "add_route", "pager", channel="apprise:pager")


def test_what_stands_in_a_channel_is_brought_up_to_date_wherever_the_routes_lead_by_now(town: Town) -> None:
    town.route("high", "C0HIGH", "severity=high")
    incident = town.open("M1")
    town.drain()
    change(town.engine, "UPDATE incident SET severity = 'critical'")
    town.say(incident, event="escalated", at=1)
    town.say(incident, event="repeated", at=2)
    assert [(r["event"], r["destination"], r["why"]) for r in town.rows()] == [
        ("opened", "C0HIGH", "route"),
        ("escalated", "default", "no_route"),
        ("escalated", "C0HIGH", "told_before"),
        ("repeated", "default", "no_route"),
    ]
    town.drain()
    first, reply = town.posted("C0HIGH")
    assert "edited" in first
    assert reply["thread_ts"] == first["ts"]


def test_a_fact_of_the_source_can_choose_the_channel(town: Town) -> None:
    change(
        town.engine,
        "INSERT INTO watermark (pack, next_minute) VALUES ('merchants', '2026-11-21 09:04Z');"
        "INSERT INTO entity_fact (pack, entity_id, from_minute, value) VALUES"
        " ('merchants', 'M1', '2026-11-20 00:00Z', 'travel'),"
        " ('merchants', 'M1', '2026-11-22 00:00Z', 'food')",
    )
    town.route("travel", "C0TRAVEL", "category=trav*")
    town.open("M1")
    town.open("M2")
    assert [r["destination"] for r in town.rows()] == ["C0TRAVEL", "default"]


def test_each_channel_has_its_own_storm_pace_and_order(town: Town) -> None:
    town.route("marts", "C0MART", "entity=M*")
    for number in range(30):
        town.open(f"M{number}", tier="top" if number == 29 else "tail")
    for number in range(3):
        town.open(f"X{number}")
    outcomes = sorted((d.outcome, d.sent) for d in town.drain())
    assert outcomes == [("digest", 30), ("sent", 1), ("sent", 1), ("sent", 1)]
    (digest,) = town.posted("C0MART")
    assert digest["metadata"]["event_payload"]["event"] == "opened"
    found = judge_all(town)
    assert (found.lost, found.strangers) == ([], [])


def test_the_first_digest_of_a_storm_holds_the_top_tier(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.tell.deliver.DIGEST_KEY_LENGTH", 40)
    for number in range(30):
        town.open(f"M{number}", tier="top" if number % 6 == 5 else "tail")
    change(town.engine, "DELETE FROM outbox WHERE incident_id % 3 = 1")  # no neighbours: the longest names
    top = {row["outbox_id"] for row in town.rows() if row["incident_id"] % 6 == 0}
    town.limits = replace(LIMITS, storm=10)
    first, *_ = town.drain()
    assert (first.outcome, len(top)) == ("digest", 5)
    assert set(first.outbox_ids) > top


def test_a_dead_channel_holds_up_no_other_and_its_second_one_is_told_and_says_so(town: Town) -> None:
    town.route("marts", "C0GONE", "entity=M*", second="C0BACK")
    town.standin.workspace.archived = frozenset({"C0GONE"})
    town.standin.workspace.channels = frozenset({"C0BACK", CHANNEL})
    town.open("M1")
    town.open("X1")
    town.drain()
    assert [(r["destination"], r["status"], r["why"], r["instead_of"]) for r in town.rows()] == [
        ("C0GONE", "dead", "route", None),
        ("default", "sent", "no_route", None),
        ("C0BACK", "sent", "second", 1),
    ]
    (message,) = town.posted("C0BACK")
    assert "C0GONE" in message["text"]
    assert "C0GONE" in str(message["blocks"][0])
    assert "C0GONE" not in town.posted(CHANNEL)[0]["text"]
    town.say(1, event="resolved", at=3)
    town.drain()
    first, reply = town.posted("C0BACK")
    assert "해소" in first["text"]
    assert "C0GONE" in first["text"], "an edit must not take the note away"
    assert reply["thread_ts"] == first["ts"]


def test_an_incident_that_waits_in_one_channel_goes_on_in_another(town: Town) -> None:
    town.route("slow", "C0SLOW", **{"continue": "true"})
    town.route("all", "default")
    incident = town.open("M1")
    town.say(incident, event="escalated", at=1)
    town.standin.fail_next("limited_200")
    for name in ("C0SLOW", "default", "default"):
        town.deliver(name)
    assert (len(town.posted(CHANNEL)), town.posted("C0SLOW")) == (2, [])


def test_a_channel_that_is_away_for_long_is_waited_for_and_the_second_one_told_meanwhile(town: Town) -> None:
    town.limits = replace(LIMITS, overdue=timedelta(seconds=30))
    town.route("marts", "C0SLOW", "entity=M*", second="C0BACK")
    town.open("M1")
    town.standin.fail_next("limited_200", times=8)
    town.deliver("C0SLOW")
    town.clock.sleep(40)
    town.drain(step_s=1)
    assert [(r["destination"], r["status"], r["why"]) for r in town.rows()] == [
        ("C0SLOW", "sent", "route"),
        ("C0BACK", "sent", "second"),
    ]


def test_two_channels_that_fail_over_to_one_another_end(town: Town) -> None:
    town.route("there", "C0GONE", "entity=M*", second="C0LOST", **{"continue": True})
    town.route("back", "C0LOST", "entity=M*", second="C0GONE")
    town.standin.workspace.archived = frozenset({"C0GONE", "C0LOST"})
    town.standin.workspace.channels = frozenset({CHANNEL})
    town.open("M1")
    town.drain()
    assert town.statuses() == {("C0GONE", "dead"): 1, ("C0LOST", "dead"): 1}


def test_a_silenced_incident_is_there_and_recorded_and_told_by_nobody(town: Town) -> None:
    silence = town.silence("entity=M*")
    incident = town.open("M1")
    town.open("X1")
    town.drain()
    assert [(r["destination"], r["status"], r["silence_id"]) for r in town.rows()] == [
        ("default", "silenced", silence),
        ("default", "sent", None),
    ]
    assert len(town.posted(CHANNEL)) == 1
    assert town.state.rows("show_incident", id=incident)[0]["status"] == "open"
    assert town.state.silences(with_ended=False)[0]["silenced"] == 1


def test_when_a_silence_ends_people_get_one_digest_of_what_is_still_open(town: Town) -> None:
    silence = town.silence("entity=M*")
    ids = [town.open(f"M{number}") for number in range(5)]
    change(
        town.engine,
        "UPDATE incident SET status = 'resolved', resolved_at = now(), resolved_minute = '2026-11-21 09:10Z' "
        f"WHERE incident_id = {ids[0]}",
    )
    town.say(ids[0], event="resolved", at=7)
    assert town.state.close_silences() == 0, "it has not ended"
    do(town.state, "end_silence", silence)
    assert (town.state.close_silences(), town.state.close_silences()) == (1, 0)
    town.drain()
    (digest,) = town.posted(CHANNEL)
    assert digest["metadata"]["event_payload"]["incidents"] == "2-5"
    assert "알림 중지" in digest["text"]
    assert town.statuses() == {("default", "silenced"): 6, ("default", "sent"): 4}
    town.say(ids[1], event="escalated", at=9)
    town.drain()
    assert town.posted(CHANNEL)[1]["thread_ts"] == digest["ts"], "what comes later answers the digest"


def test_what_resolved_in_a_silence_is_told_where_people_know_that_it_opened(town: Town) -> None:
    incident = town.open("M1")
    town.drain()
    silence = town.silence("entity=M*")
    change(
        town.engine,
        "UPDATE incident SET status = 'resolved', resolved_at = now(), resolved_minute = '2026-11-21 09:10Z'",
    )
    town.say(incident, event="resolved", at=7)
    town.drain()
    assert "해소" not in town.posted(CHANNEL)[0]["text"]
    do(town.state, "end_silence", silence)
    town.state.close_silences()
    town.drain()
    first, reply = town.posted(CHANNEL)
    assert "해소" in first["text"]
    assert reply["thread_ts"] == first["ts"]


def test_what_another_silence_still_keeps_is_told_when_that_one_ends_too(town: Town) -> None:
    first, second = town.silence("entity=M*"), town.silence("tier=tail")
    town.open("M1")
    do(town.state, "end_silence", first)
    town.state.close_silences()
    town.drain()
    assert town.posted(CHANNEL) == []
    do(town.state, "end_silence", second)
    town.state.close_silences()
    town.drain()
    (message,) = town.posted(CHANNEL)
    assert "알림 중지" in message["text"]


def test_an_ambiguous_digest_of_a_silence_is_found_and_not_told_twice(town: Town) -> None:
    silence = town.silence("entity=M*")
    for number in range(3):
        town.open(f"M{number}")
    do(town.state, "end_silence", silence)
    town.state.close_silences()
    town.standin.fail_next("close_posted")
    assert [d.outcome for d in town.drain()] == ["retry", "found"]
    assert len(town.posted(CHANNEL)) == 1


def test_nothing_slips_between_the_end_of_a_silence_and_what_is_still_being_silenced(town: Town) -> None:
    """A minute that was silenced and commits while the silence is closed: its incident must be told."""
    silence = town.silence("entity=M*")
    ids = [town.open(f"M{number}") for number in range(2)]
    closed = threading.Event()

    def close() -> None:
        do(town.state, "end_silence", silence)
        town.state.close_silences()
        closed.set()

    with town.state.changing() as connection:
        row = town.state.ask(connection, "silences_in_force").mappings().one()
        assert row["silence_id"] == silence
        thread = threading.Thread(target=close)
        thread.start()
        assert not closed.wait(0.3), "it was closed under a transaction that silences by it"
        connection.exec_driver_sql(
            "INSERT INTO outbox (incident_id, event, minute, message, status, silence_id)"
            f" SELECT {ids[0]}, 'escalated', now(), '{{}}', 'silenced', {silence}"
        )
    thread.join(PATIENCE_S)
    assert closed.is_set()
    town.drain()
    assert town.posted(CHANNEL)[0]["metadata"]["event_payload"]["incidents"] == "1-2"


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"reason": ""}, "reason is missing"),
        ({"for": None}, "needs an end"),
        ({"for": "91d"}, "would last 91 days"),
        ({"match": ""}, "match is missing"),
        ({"match": "merchant=A*", "for": None, "until": "2020-01-01T00:00Z"}, "before it begins"),
        ({"match": "severity=urgent"}, "no severity 'urgent'"),
        ({"match": "colour=red"}, "no matcher 'colour'"),
        ({"match": "entity"}, "is not FIELD=PATTERN"),
    ],
)
def test_a_silence_without_reason_end_or_matcher_is_refused_and_in_the_audit(
    town: Town, given: dict[str, Any], what: str
) -> None:
    whole: dict[str, Any] = {"match": "tier=tail", "reason": "move", "for": "1h", **given}
    with pytest.raises(UsageError, match=what) as error:
        do_with(town.state, {}, "add_silence", **whole)
    assert error.value.hint
    assert town.state.silences(with_ended=True) == []
    with town.engine.connect() as connection:
        refused = connection.exec_driver_sql("SELECT act, outcome FROM audit").all()
    assert [tuple(row) for row in refused] == [("add_silence", "refused")]


def test_only_those_who_may_deliver_change_routes_and_silences(town: Town) -> None:
    analyst = Actor(None, "kim", "RISK_ANALYST", "page")
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("add_route", "all", {"channel": "console"}),
        ("add_silence", "", {"match": "tier=tail", "reason": "x", "for": "1h"}),
    ]
    for name, thing, given in tries:
        with pytest.raises(NotAllowed, match="RISK_ANALYST"):
            do(town.state, name, thing, actor=analyst, **given)


def test_the_list_keeps_its_order_and_refuses_what_is_never_reached(town: Town) -> None:
    town.route("b", "console", "tier=top")
    town.route("a", "console", "tier=tail", place=1)
    with pytest.raises(UsageError, match="b below it is never reached"):
        town.route("all", "console", place=2)
    town.route("all", "console")
    with pytest.raises(UsageError, match="name of a route") as error:
        town.route("a", "console", "rule=cancel_surge", place=1)
    assert "'a'" in error.value.what
    do(town.state, "remove_route", "a")
    with town.state.reading() as connection:
        assert [route.name for route in town.state.routes(connection)] == ["b", "all"]

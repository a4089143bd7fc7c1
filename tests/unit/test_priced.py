"""The money of open incidents: anew each minute from a book, in order, and shown where it has moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from pipeline.judge.hold import Gates
from pipeline.judge.life import Changes, Incident, Key, Known, changes_of, message_of
from pipeline.judge.people import Snooze
from pipeline.judge.priced import (
    EDITED_AT_ONCE,
    MONEY_TOLD_EVERY,
    as_told,
    is_material,
    most_first,
)
from pipeline.judge.verdicts import EVERYBODY
from pipeline.minute import MINUTE
from pipeline.money import AtRisk
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import SIGNAL
from pipeline.run import settle_minute
from pipeline.steps import Steps
from tests.unit.test_life import NOON, RULES, breached, incident

NOTHING: pl.DataFrame = pl.DataFrame(schema=SIGNAL)
MILD = {"approvals_hour": 10, "cancels_hour": 1, "approvals_week": 1000, "cancels_week": 50}
GATES = Gates(PACK, RULES, "budgeted")


def money(at_risk: int | None, loss: int | None, **figures: Any) -> AtRisk:  # noqa: ANN401 - amounts and dates
    return AtRisk(
        {"paid_out_cancelable": at_risk, "unrecovered": 0}, None, {"expected_loss": loss, **figures}
    )


def lasting(number: int = 1, at_risk: AtRisk = money(1000, 100), told: int = 60, **changes: Any) -> Incident:  # noqa: ANN401, B008
    changes.setdefault("reason", MILD)
    given = {"severity": "medium", "last_breach_minute": NOON - MINUTE, **changes}
    made = incident(number, at_risk=at_risk, **given)
    return as_told(replace(made, told_minute=NOON), NOON - told * MINUTE)


def mild(numbers: range) -> pl.DataFrame:
    return breached(numbers).with_columns(pl.lit(value).alias(name) for name, value in MILD.items())


def settle(
    *known: Incident, now: dict[str, AtRisk], booked: bool = True, signals: pl.DataFrame = NOTHING
) -> Changes:
    unresolved = {one.key: one for one in known}
    return changes_of(NOON, signals, Known(unresolved, {}, now, booked=now if booked else ()), GATES)


def test_every_open_incident_has_the_money_of_the_minute_whether_its_rule_is_breached_or_not() -> None:
    quiet, breached_again = lasting(1), lasting(2)
    now = {"M1": money(900, 90), "M2": money(1100, 120)}
    changes = settle(quiet, breached_again, now=now, signals=mild(range(2, 3)))
    assert {i.entity_id: i.at_risk for i in changes.continued} == now
    assert [event.kind for event in changes.events] == []


def test_what_the_book_says_counts_also_where_it_is_not_known_any_more() -> None:
    (one,) = settle(lasting(1), now={"M1": money(None, None)}).continued
    assert (one.at_risk.total, one.at_risk.expected_loss) == (None, None)


def test_a_query_is_not_taken_for_more_than_it_was_asked() -> None:
    assert (
        settle(
            incident(1, last_breach_minute=NOON, told_minute=NOON),
            now={"M1": AtRisk({"one": 5})},
            booked=False,
        ).continued
        == []
    )


def test_an_incident_from_a_book_that_is_no_more_takes_what_the_query_says() -> None:
    (one,) = settle(lasting(1), now={"M1": AtRisk({"paid_out_cancelable": 5})}, booked=False).continued
    assert (one.at_risk.total, one.at_risk.expected_loss) == (5, None)


def test_the_name_stays_where_the_book_knows_none() -> None:
    named = lasting(1, at_risk=replace(money(1000, 100), name="Shop"))
    assert settle(named, now={"M1": money(1000, 100)}).continued == []
    (one,) = settle(named, now={"M1": money(2000, 100)}).continued
    assert one.at_risk.name == "Shop"


def test_an_expected_loss_past_the_border_escalates_and_what_is_told_shows_it() -> None:
    changes = settle(lasting(1), now={"M1": money(10**9, 50_000_000)})
    (event,) = changes.events
    (one,) = changes.continued
    assert (event.kind, event.incident.severity) == ("escalated", "critical")
    assert message_of(event)["figures"] == {"expected_loss": 50_000_000}
    assert one.told_money == {
        "minute": NOON.isoformat(),
        "shown": {"at_risk": 10**9, "expected_loss": 50_000_000},
    }


def test_an_incident_that_ends_shows_the_money_of_its_end() -> None:
    over = lasting(1, last_breach_minute=NOON - timedelta(hours=2))
    changes = settle(over, now={"M1": money(900, 90)})
    (event,) = changes.events
    (one,) = changes.resolved
    assert (event.kind, message_of(event)["at_risk"], message_of(event)["figures"]) == (
        "resolved",
        900,
        {"expected_loss": 90},
    )
    assert one.at_risk == money(900, 90)
    assert one.told_money == {"minute": NOON.isoformat(), "shown": {"at_risk": 900, "expected_loss": 90}}
    assert changes.continued == []


def test_incidents_stand_by_expected_loss_where_it_is_known_else_by_what_is_at_risk() -> None:
    worth = [money(10**12, 5), money(10**6, 70), money(60, None), money(None, None), money(10**9, 50)]
    made = [lasting(n, at_risk=at_risk) for n, at_risk in enumerate(worth)]
    everybody = lasting(9, rule="platform_outage", entity_id=EVERYBODY, at_risk=money(1, 1))
    ordered = sorted([*made, everybody], key=lambda one: most_first(one, PACK))
    assert [one.incident_id for one in ordered] == [9, 3, 1, 2, 4, 0]


def test_everybody_together_has_the_sum() -> None:
    outage = lasting(9, rule="platform_outage", entity_id=EVERYBODY, severity="critical", at_risk=money(1, 1))
    changes = settle(outage, lasting(1), now={EVERYBODY: money(10**13, 10**9), "M1": money(1000, 100)})
    assert [(i.entity_id, i.at_risk.total) for i in changes.continued] == [(EVERYBODY, 10**13)]


@pytest.mark.parametrize(
    ("before", "now", "material"),
    [
        ({"at_risk": 100}, {"at_risk": 150}, False),  # half as much again and no more
        ({"at_risk": 100}, {"at_risk": 151}, True),
        ({"at_risk": 151}, {"at_risk": 100}, True),
        ({"at_risk": 150}, {"at_risk": 100}, False),
        ({"at_risk": None}, {"at_risk": 0}, True),  # known at last
        ({"at_risk": 0}, {"at_risk": None}, True),
        ({"at_risk": 10_000, "expected_loss": 1}, {"at_risk": 10_000, "expected_loss": 102}, True),
        (
            {"at_risk": 10_000, "expected_loss": 1},
            {"at_risk": 10_000, "expected_loss": 100},
            False,
        ),  # 1 in 100
        (
            {"at_risk": 5, "next_payout_date": "2026-03-11"},
            {"at_risk": 5, "next_payout_date": "2026-03-12"},
            True,
        ),
        ({"at_risk": 5, "expected_loss": 100}, {"at_risk": 5}, True),  # nobody says it any more
        ({"at_risk": 5, "expected_loss": None}, {"at_risk": 5}, False),
        ({"at_risk": 5}, {"at_risk": 5}, False),
    ],
)
def test_money_has_moved_where_people_would_see_another_thing(
    before: dict[str, Any], now: dict[str, Any], *, material: bool
) -> None:
    assert is_material(before, now) == material


def test_a_message_is_edited_where_its_money_has_moved_and_at_most_every_quarter_of_an_hour() -> None:
    half, moved = money(1000, 150), money(1000, 151)
    assert settle(lasting(1), now={"M1": half}).events == []
    (event,) = settle(lasting(1), now={"M1": moved}).events
    assert (event.kind, event.visible, event.incident.told_minute) == ("priced", False, NOON)
    quarter = MONEY_TOLD_EVERY // MINUTE
    assert [e.kind for e in settle(lasting(1, told=quarter), now={"M1": moved}).events] == ["priced"]
    assert settle(lasting(1, told=quarter - 1), now={"M1": moved}).events == []


def test_money_that_swings_each_minute_edits_four_times_an_hour_and_money_that_stands_never() -> None:
    one, edits = lasting(1), 0
    for passed in range(60):
        minute, swung = NOON + passed * MINUTE, money(1000, 100 if passed % 2 else 1000)
        changes = changes_of(
            minute,
            NOTHING,
            Known({one.key: replace(one, last_breach_minute=minute)}, {}, {"M1": swung}, booked={"M1"}),
            GATES,
        )
        (one,) = changes.continued or (one,)
        edits += len(changes.events)
    assert edits == 4
    stands = settle(lasting(1), now={"M1": money(1000, 100)})
    assert (stands.continued, stands.events) == ([], [])


def test_of_many_whose_money_moves_at_once_those_with_most_to_lose_are_edited_first() -> None:
    known = [lasting(n) for n in range(1, 31)]
    changes = settle(*known, now={f"M{n}": money(10**6, 1000 + n) for n in range(1, 31)})
    edited = [int(event.incident.entity_id[1:]) for event in changes.events]
    assert edited == list(range(30, 30 - EDITED_AT_ONCE, -1))
    unresolved = {**{one.key: one for one in known}, **{one.key: one for one in changes.continued}}
    later = changes_of(NOON + MINUTE, NOTHING, Known(unresolved), GATES)
    assert [int(event.incident.entity_id[1:]) for event in later.events] == list(range(20, 10, -1))


def test_nobody_is_told_of_money_beside_something_else_or_of_one_that_is_snoozed() -> None:
    snooze = Snooze(
        by="Kim", since=NOON, until=NOON + timedelta(hours=1), at_risk=1000, severity="medium", limit=2000
    )
    assert settle(lasting(1, snooze=snooze), now={"M1": money(1900, 900)}).events == []
    (event,) = settle(lasting(1, snooze=snooze), now={"M1": money(2001, 900)}).events
    assert event.kind == "broke_through"
    (event,) = settle(lasting(1), now={"M1": money(10**9, 10**8)}).events
    assert event.kind == "escalated"


def test_a_message_does_not_go_on_showing_figures_that_nobody_knows_any_more() -> None:
    (event,) = settle(lasting(1), now={"M1": AtRisk({"paid_out_cancelable": 1000})}, booked=False).events
    assert event.kind == "priced"
    assert event.incident.told_money == {"minute": NOON.isoformat(), "shown": {"at_risk": 1000}}
    plain = lasting(1, at_risk=AtRisk({"paid_out_cancelable": 5}))
    assert (
        settle(plain, now={"M1": AtRisk({"paid_out_cancelable": 5000})}).events == []
    )  # no book, then or now


def test_a_message_of_a_version_without_figures_gets_them() -> None:
    old = replace(lasting(1), told_money=None)
    assert [event.kind for event in settle(old, now={"M1": money(1000, 100)}).events] == ["priced"]


def test_pricing_is_a_step_of_its_own() -> None:
    clock = [0.0]
    known = lasting(1, last_breach_minute=NOON)

    class Slow:
        """A book that takes a second to say nothing; of incidents it knows one."""

        def of(self, *_: object) -> dict[str, AtRisk]:
            clock[0] += 1
            return {}

        def unresolved(self) -> dict[Key, Incident]:
            return {known.key: known}

        def at_risk(self, *_: object) -> dict[str, AtRisk]:
            return {}

    steps, slow = Steps(lambda: clock[0]), Slow()
    settle_minute(NOON, NOTHING, GATES, slow, None, slow, steps)  # type: ignore[arg-type]
    assert steps.ms == {"settle": 0.0, "money": 1000.0}

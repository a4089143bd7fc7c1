"""What is proposed to do about a merchant's incident: which act, what it keeps, and until when."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipeline.minute import business_day
from pipeline.money import AtRisk, Proposal, shown_amounts
from pipeline.packs.merchants.money.propose import propose
from tests.unit.merchants.test_exposure import RULES, ZONE, moment, some_days


def money(**figures: int | str | None) -> AtRisk:
    return AtRisk({"paid_out_cancelable": 800_000, "unrecovered": 100_000}, None, figures)


NOON = moment("2026-11-30T03:00")
FRIDAY = moment("2026-12-03T15:00")  # when it begins in Seoul


@pytest.mark.parametrize(
    ("rule", "found", "expected"),
    [
        # 200,000 are given back, whatever of it is lost: a fifth of the 1,000,000 still to be paid out.
        (
            "cancel_surge",
            money(
                pending_payout=1_000_000,
                next_payout=300_000,
                next_payout_date="2026-12-04",
                expected_loss=120_000,
                expected_loss_whole=200_000,
            ),
            Proposal(kind="rolling_reserve", amount=60_000, until=FRIDAY, percent=20),
        ),
        (
            "cancel_surge",
            money(
                pending_payout=300_000,
                next_payout=300_000,
                next_payout_date="2026-12-04",
                expected_loss=10_000,
                expected_loss_whole=200_000,
            ),
            Proposal(kind="hold_payout", amount=300_000, until=FRIDAY),
        ),
        # Sales have vanished: no more than is at risk can be lost. On the payday it helps until its end.
        (
            "volume_drop",
            money(
                pending_payout=2_000_000,
                next_payout=2_000_000,
                next_payout_date="2026-11-30",
                expected_loss=1,
            ),
            Proposal(kind="hold_payout", amount=900_000, until=moment("2026-11-30T15:00")),
        ),
        (
            "volume_drop",
            money(pending_payout=0, next_payout=0, next_payout_date=None),
            Proposal(kind="call", amount=None),
        ),
        ("cancel_surge", AtRisk(), Proposal(kind="call", amount=None)),
        ("platform_outage", money(next_payout=5, next_payout_date="2026-12-04"), None),
    ],
)
def test_a_proposal_says_what_it_keeps_and_until_when(
    rule: str, found: AtRisk, expected: Proposal | None
) -> None:
    assert propose(rule, {}, found, NOON, ZONE, RULES) == expected


def test_what_is_proposed_to_be_kept_is_what_is_given_back_whatever_the_probability() -> None:
    """A tuned and a measured share, and one of two states: the losses differ, and the reserve is the same."""
    minute, found = business_day(date(2011, 2, 10), ZONE).end - timedelta(minutes=1), []
    for rules, labelled in (
        (["cancel_surge"], 0),
        (["cancel_surge"], 20),
        (["cancel_surge", "volume_drop"], 0),
    ):
        book = some_days()
        book.measured = {"surge": (labelled // 4, labelled)}
        found.append(book.of(minute, {"A": rules}, "A")["A"])
    whole, pending = (found[0].figures[name] for name in ("expected_loss_whole", "pending_payout"))
    assert isinstance(whole, int)
    assert isinstance(pending, int)
    assert [one.expected_loss for one in found] == [
        pytest.approx(whole * p, abs=1) for p in (0.05, 0.25, 0.6)
    ]
    percent = -(-100 * whole // pending)
    assert percent <= RULES.exposure.reserve_up_to_percent
    for one in found:
        said = propose("cancel_surge", {}, one, minute, ZONE, RULES)
        assert said is not None
        assert (said.kind, said.percent) == ("rolling_reserve", percent)
        assert "expected_loss_whole" not in shown_amounts(one)

"""Checks of the published data: nothing is found in sound data, and each finds what it is for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.minute import MINUTE
from pipeline.packs.merchants import PACK
from pipeline.store.views.checks import checks_of
from tests.unit.merchants.small_lake import END, START, Rows, build

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CHECKS = {check.name: check for check in checks_of(PACK.name)}
NOON = START + timedelta(days=4, hours=12)
SOLD = {
    "approval_count": 10,
    "cancel_count": 2,
    "approval_amount": 1000,
    "cancel_amount": 200,
    "cancel_fresh_count": 1,
    "cancel_older_count": 1,
}
JUDGED = {"row_count": 12, "quarantined_count": 0, "source_row_count": 12, "revision": 0, "judged_at": NOON}


def sound() -> dict[str, Rows]:
    """Five days of one merchant, with all that goes with them."""
    minutes = [NOON + timedelta(days=n) for n in range(-4, 1)]
    day = NOON.date()
    paid = {"merchant_id": "A", "settled_at": minutes[1], "minute": minutes[1], "amount": 5, "wrong": None}
    book = {"paid_out_cancelable": 5, "unrecovered": 3, "pending_payout": 9, "next_payout": 4}
    interval = {"expected_loss": 2, "expected_loss_low": 1, "expected_loss_high": 3, "merchant_id": "A"}
    incident = {"incident_id": 1, "merchant_id": "A", "status": "open", "unrecovered": 3}
    cohort = {"merchant_id": "A", "approval_date": day - timedelta(days=5), "cancel_count": 1}
    return {
        "merchant_minute": [{"minute": minute, "merchant_id": "A", **SOLD} for minute in minutes],
        "minute_ledger": [
            {"minute": minute + n * MINUTE, **(JUDGED if n else {**JUDGED, **SOLD})}
            | ({} if n else {"row_count": 12})
            | (dict.fromkeys(list(SOLD)[:4], 0) if n else {})
            for minute in minutes
            for n in range(1440)
        ],
        "cancel_cohort": [cohort | {"minute": minutes[-1], "cancel_amount": 100}],
        "settlement": [paid | {"business_date": day - timedelta(days=4)}],
        "exposure": [{"minute": minutes[-1], "state": "healthy", **book, **interval}],
        "incident": [incident | {"paid_out_cancelable": 5, "opened_minute": NOON}],
        "message": [{"message_id": 1, "incident_id": 1, "status": "sent", "event": "opened"}],
        "reconciliation": [{"kind": "prove", "compared_at": END, "difference_left_count": 0}],
    }


def first(name: str, **other: Any) -> Callable[[dict[str, Rows]], None]:  # noqa: ANN401 - values of a row
    """The first row of a view has other values."""

    def change(rows: dict[str, Rows]) -> None:
        rows[name][0] = rows[name][0] | other

    return change


def again(name: str, **other: Any) -> Callable[[dict[str, Rows]], None]:  # noqa: ANN401 - the same
    """A view has its newest row twice."""

    def change(rows: dict[str, Rows]) -> None:
        rows[name] = [*rows[name], rows[name][-1] | other]

    return change


def hole(rows: dict[str, Rows]) -> None:
    """A minute of the ledger is missing."""
    del rows["minute_ledger"][700]


WRONG: Mapping[str, Callable[[dict[str, Rows]], None]] = {
    "cohorts_within_cancels": first("cancel_cohort", cancel_amount=900),
    "counts_not_negative": first("merchant_minute", cancel_older_count=9),
    "differences_left": first("reconciliation", difference_left_count=2),
    "exposure_adds_up": first("exposure", next_payout=10),
    "exposure_of_incidents": first("incident", unrecovered=4),
    "ledger_equals_files": lambda rows: rows["merchant_minute"].__setitem__(
        2, rows["merchant_minute"][2] | {"approval_count": 11}
    ),
    "ledger_without_holes": hole,
    "message_arrived": first("message", status="dead"),
    "minute_once": again("merchant_minute"),
    "set_aside_share": lambda rows: rows["minute_ledger"].__setitem__(
        5, rows["minute_ledger"][5] | {"quarantined_count": 900, "source_row_count": 912}
    ),
    "settlement_stranger": again("settlement", merchant_id="Z", business_date=NOON.date()),
    "settlement_twice": again("settlement", amount=6, wrong=None),
    "settlement_wrong": again("settlement", wrong="no_merchant"),
}


def newest_judged(rows: dict[str, Rows]) -> dict[str, Rows]:
    """The ledger ends with the minute of the book."""
    until = rows["exposure"][0]["minute"]
    return {**rows, "minute_ledger": [r for r in rows["minute_ledger"] if r["minute"] <= until]}


@pytest.fixture(scope="module")
def found_in_sound(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    world = build(tmp_path_factory.mktemp("sound"), newest_judged(sound()))
    return {name: world.ask(check.text) for name, check in CHECKS.items()}


def test_each_check_has_something_that_it_is_for() -> None:
    untold = sorted(set(CHECKS) ^ set(WRONG))
    assert untold == [], "a check has rows here that it is for (WRONG), and they their check"


@pytest.mark.parametrize("name", CHECKS)
def test_nothing_is_found_in_sound_data(found_in_sound: Mapping[str, Any], name: str) -> None:
    assert found_in_sound[name] == []


@pytest.fixture(scope="module")
def found_in_wrong(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    rows = newest_judged(sound())
    for change in WRONG.values():
        change(rows)
    world = build(tmp_path_factory.mktemp("wrong"), rows)
    return {name: world.ask(check.text) for name, check in CHECKS.items()}


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_finds_what_it_is_for_and_nothing_else(found_in_wrong: Mapping[str, Any], name: str) -> None:
    assert len(found_in_wrong[name]) == 1


def test_a_whole_day_that_is_gone_from_the_files_is_found(tmp_path: Path) -> None:
    rows = newest_judged(sound())
    del rows["merchant_minute"][2]
    day = str((NOON - timedelta(days=2)).date())
    world = build(tmp_path, rows)
    assert world.ask(CHECKS["ledger_equals_files"].text) == [(day, 10, 0, 200, 0)]


def test_cancels_of_a_day_that_is_gone_from_the_files_are_found(tmp_path: Path) -> None:
    rows = newest_judged(sound())
    rows["cancel_cohort"][0]["minute"] = rows["merchant_minute"].pop(1)["minute"]
    ((_, merchant, count, cancels, amount, _),) = build(tmp_path, rows).ask(
        CHECKS["cohorts_within_cancels"].text
    )
    assert (merchant, count, cancels, amount) == ("A", 1, None, 100)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_says_what_holds_and_what_to_do(name: str) -> None:
    check = CHECKS[name]
    assert check.english.endswith(".")
    assert check.korean.endswith(".")
    assert check.next

"""At night the day's checks are judged again: the same, unless events came late; a wrong answer is found."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import text

from pipeline.minute import Span, floor_minute
from pipeline.online.transfers.check.reader import Reader
from pipeline.online.transfers.check.rejudge import Snapshot, rejudge
from scheduler import open_lake
from tests.integration.transfers.serving import Bank, new_bank, payment, serving, soon

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.store.state import State


def judged_again(bank: Bank) -> dict[str, Any]:
    reader = Reader(bank.state, open_lake(bank.settings))
    now = floor_minute(datetime.now(UTC))
    span = Span(now - timedelta(hours=1), now + timedelta(minutes=1))
    try:
        return rejudge(bank.state, reader, bank.settings.business_timezone, span).as_json()
    finally:
        reader.close()


def test_checks_judged_again_are_the_same_but_for_what_came_late(state: State, tmp_path: Path) -> None:
    with serving(new_bank(state, tmp_path / "home")) as bank:
        bank.ready()
        bank.book(payment("b-1", "a-1", 700_000, occurred_at=soon(-600)))
        bank.wait(lambda: bank.decision(400_000) == "review")
        for number in range(4):  # booked as they were asked
            asked = payment(f"t-{number}", "a-2", 300_000)
            bank.check(asked)
            if number < 3:
                bank.book(asked)
                bank.wait(partial(bank.released, f"t-{number}"))
        bank.check(payment("t-8", "a-3", 900_000))  # never booked, and another one beside it
        assert bank.check(payment("t-9", "a-3", 900_000))["decision"] == "review"
        first = judged_again(bank)
        assert first["differs"] == 0
        asked_ids = ("t-0", "t-1", "t-2", "t-3", "t-8", "t-9")
        assert {one: bank.reservation(one)["rejudged"] for one in asked_ids} == dict.fromkeys(
            asked_ids, "same"
        )
        bank.check(payment("t-10", "a-4", 600_000))
        bank.book(payment("b-2", "a-4", 800_000, occurred_at=soon(-60)))  # came later than the check
        second = judged_again(bank)
        assert second["differs"] == 0
        assert bank.reservation("t-10")["rejudged"] == "late"
        wrong = {**bank.reservation("t-3")["answer"], "decision": "block"}
        with bank.state.changing() as connection:
            change = text(
                "UPDATE transfers.reservation SET answer = CAST(:a AS jsonb) WHERE transfer_id = 't-3'"
            )
            connection.execute(change, {"a": json.dumps(wrong)})
        third = judged_again(bank)
        assert (third["differs"], third["differing"]) == (1, ["t-3"])


def test_a_reversal_after_the_check_is_no_difference(state: State, tmp_path: Path) -> None:
    with serving(new_bank(state, tmp_path / "home")) as bank:
        bank.ready()
        paid = payment("b-1", "a-1", 900_000, occurred_at=soon(-5))
        bank.book(paid)
        bank.wait(lambda: bank.decision(200_000) == "review")
        bank.book({**paid, "status": "reversed"})
        found = judged_again(bank)
        assert found["differs"] == 0
        assert found["late"] >= 1  # also those that asked before it was seen that it was booked


def test_a_snapshot_shows_what_had_ended() -> None:
    shown = Snapshot.of("10:20:12,15").shows(pl.Series([9, 10, 12, 13, 15, 19, 20, 25]))
    assert shown.to_list() == [True, True, False, True, False, True, False, False]

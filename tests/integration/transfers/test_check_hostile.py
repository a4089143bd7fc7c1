"""What a client sends that is wrong harms nobody but itself."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests

from tests.integration.transfers.serving import Bank, new_bank, payment, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.store.state import State


@pytest.fixture
def bank(state: State, tmp_path: Path) -> Iterator[Bank]:
    with serving(new_bank(state, tmp_path / "home")) as bank:
        bank.ready()
        yield bank


def test_an_id_that_nobody_can_have_asked_about_is_unknown_and_the_others_are_answered(bank: Bank) -> None:
    strange_ids = ("%00", "a%00b", "%20", "x" * 65, "x" * 5_000, "%ed%a0%80")
    for number, strange in enumerate(strange_ids):
        assert bank.ask("DELETE", f"/v1/check/{strange}").status_code == 404
        assert bank.check(payment(f"after-{number}"))["decided_by"] == "rules"


def test_a_job_that_the_database_refuses_as_such_costs_nobody_the_right_to_check(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.online.transfers.check.checks.is_id", lambda _: True)
    assert bank.ask("DELETE", "/v1/check/a%00b").status_code == 503
    assert bank.leads
    assert bank.check(payment("t-1"))["decided_by"] == "rules"


def test_a_value_of_another_kind_is_refused_in_every_field(bank: Bank) -> None:
    whole = payment(
        "t-1", payee_id="b", card_id="c", device_id="d", merchant_id="m", channel="app", user_id="u"
    )
    for field in (*whole, "account_opened", "lat", "lon"):
        values: tuple[object, ...] = ([], {}, [1], True, 1.5, "\0", "x" * 65)
        for value in values:
            answer = bank.ask("POST", "/v1/check", {**whole, field: value})
            assert (answer.status_code, bool(answer.json().get("field"))) == (400, True), (field, value)
    assert bank.check(whole)["decided_by"] == "rules"


def test_a_field_that_stands_twice_sets_its_event_aside_and_no_other(bank: Bank) -> None:
    twice = json.dumps(payment("t-1", status="completed"))[:-1] + ', "amount": 900000}'
    good = json.dumps(payment("t-2", status="completed"))
    answer = bank.ask("POST", "/v1/events", f"[{twice}, {good}]".encode()).json()
    assert answer["new"] == 1
    assert [(one["index"], one["field"]) for one in answer["refused"]] == [(0, "amount")]


def test_the_same_events_at_once_in_another_order_wait_for_nobody(bank: Bank) -> None:
    def send(number: int) -> int:
        events = [
            payment(f"t-{number // 2}-{place}", status="completed", occurred_at="2026-11-30T03:00:00Z")
            for place in range(400)
        ]
        turned = events if number % 2 else events[::-1]
        return bank.ask("POST", "/v1/events", turned).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(24))) == {200}


def test_a_last_event_id_that_is_none_begins_the_feed_now(bank: Bank) -> None:
    for strange in ("9" * 19, "9" * 5_000, "-1", "x"):
        headers = {"Authorization": f"Bearer {bank.key}", "Last-Event-ID": strange}
        with requests.get(f"{bank.address}/v1/feed", headers=headers, stream=True, timeout=10) as answer:
            assert answer.status_code == 200
            lines = answer.iter_lines()
            assert next(lines) == b"retry: 1000"
            assert b"event: beat" in (next(lines), next(lines))

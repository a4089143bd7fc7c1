"""The check before a transfer over real HTTP: what it answers, holds and refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.integration.transfers.serving import Bank, new_bank, payment, serving, soon
from tests.people import do

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.store.state import State


@pytest.fixture
def bank(state: State, tmp_path: Path) -> Iterator[Bank]:
    with serving(new_bank(state, tmp_path / "home")) as bank:
        bank.ready()
        yield bank


def test_a_check_says_what_the_rules_say_and_holds_it_for_30_seconds(bank: Bank) -> None:
    asked = payment("t-1", amount=600_000)
    answer = bank.check(asked)
    assert answer["stale_ms"] < 5_000
    assert {**answer, "stale_ms": 0, "reserved_until": ""} == {
        "transfer_id": "t-1",
        "decision": "allow",
        "score": 0,
        "hits": [],
        "decided_by": "rules",
        "stale_ms": 0,
        "reserved_until": "",
    }
    row = bank.reservation("t-1")
    assert (row["reserved_until"] - row["checked_at"]).total_seconds() == 30
    assert row["reserved_until"].isoformat() == answer["reserved_until"]
    second = bank.check(payment("t-2", amount=600_000))
    assert (second["decision"], second["score"]) == ("review", 50)
    (hit,) = second["hits"]
    assert (hit["rule"], hit["version"], hit["say"]) == (
        "HOUR_LIMIT",
        1,
        "over the limit of an hour: 1,200,000",
    )
    assert bank.check(asked) == answer  # the same question, the same answer
    other = bank.ask("POST", "/v1/check", {**asked, "amount": 1})
    assert (other.status_code, "another content" in other.json()["error"]) == (409, True)


def test_checks_at_the_same_time_answer_as_if_one_came_after_the_other(bank: Bank) -> None:
    asked = [payment(f"t-{number}", amount=400_000) for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(bank.check, asked))
    assert sorted(one["decision"] for one in answers) == ["allow"] * 2 + ["review"] * 10
    with ThreadPoolExecutor(12) as pool:
        again = list(pool.map(bank.check, asked))
    assert again == answers
    same = payment("t-again", account_id="a-2")
    with ThreadPoolExecutor(12) as pool:
        assert len({str(one) for one in pool.map(bank.check, [same] * 12)}) == 1


def test_the_booked_event_takes_the_place_of_what_was_held(bank: Bank) -> None:
    asked = payment("t-1", amount=600_000)
    bank.check(asked)
    bank.book(asked)
    bank.wait(lambda: bank.reservation("t-1")["released_by"] == "booked")
    assert bank.check(payment("t-2", amount=300_000))["decision"] == "allow"  # it counts once: 900,000
    assert bank.check(payment("t-3", amount=200_000))["decision"] == "review"
    late = bank.ask("POST", "/v1/check", payment("t-4"))
    assert late.status_code == 200
    bank.book(payment("t-5"))
    happened = bank.ask("POST", "/v1/check", payment("t-5"))
    assert (happened.status_code, "has happened" in happened.json()["error"]) == (409, True)
    assert bank.check(asked)["decided_by"] == "rules"  # asked before: the answer stands


def test_what_is_released_is_free_again(bank: Bank) -> None:
    bank.check(payment("t-1", amount=900_000))
    released = bank.ask("DELETE", "/v1/check/t-1").json()
    assert (released["transfer_id"], released["released_by"]) == ("t-1", "asked")
    assert bank.check(payment("t-2", amount=900_000))["decision"] == "allow"
    again = bank.ask("DELETE", "/v1/check/t-1")
    assert (again.status_code, again.json()) == (200, released)
    assert bank.ask("DELETE", "/v1/check/nobody").status_code == 404


def test_who_may_not_is_refused_and_a_revoked_key_with_the_next_request(bank: Bank) -> None:
    asked = payment("t-1")
    assert bank.ask("POST", "/v1/check", asked, key="").status_code == 401
    assert bank.ask("POST", "/v1/check", asked, key=f"mk_1_{'x' * 43}").status_code == 401
    narrow = bank.new_key(actions="see")["key"]
    assert bank.ask("POST", "/v1/check", asked, key=narrow).status_code == 403
    made = bank.new_key()
    assert bank.ask("POST", "/v1/check", asked, key=made["key"]).status_code == 200
    do(bank.state, "revoke_key", made["api_key_id"], actor=bank.people["boss"])
    refused = bank.ask("POST", "/v1/check", payment("t-2"), key=made["key"])
    assert (refused.status_code, "revoked" in refused.json()["error"]) == (401, True)
    assert bank.check(payment("t-2"))["decided_by"] == "rules"  # nothing of the refused one is left


def test_what_is_no_question_is_refused(bank: Bank) -> None:
    for content in (b"[1]", b"{", b'{"amount": NaN}', b'{"status": 1, "status": 2}', b"\xff"):
        assert bank.ask("POST", "/v1/check", content).status_code == 400
    assert bank.ask("POST", "/v1/check", {"x": "y" * 17_000}).status_code == 413
    refused = bank.ask("POST", "/v1/check", payment("t-1", amount=-1))
    assert (refused.status_code, refused.json()["field"]) == (400, "amount")
    assert bank.ask("GET", "/v1/nothing").status_code == 404
    assert bank.ask("POST", "/v1/check", payment("t-1", occurred_at=soon(1))).status_code == 200

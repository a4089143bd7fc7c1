"""Events handed in over HTTP, and what fires as it is seen: the latest, the feed, the page."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests
from sqlalchemy import text

from tests.integration.transfers.serving import Bank, new_bank, payment, serving, soon
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.store.state import State


@pytest.fixture
def bank(state: State, tmp_path: Path) -> Iterator[Bank]:
    with serving(new_bank(state, tmp_path / "home")) as bank:
        bank.ready()
        yield bank


_HIT = """
INSERT INTO transfers.risk_rule_hit (
    transfer_id, rule, version, severity, score, action, mode, occurred_at, explanation
)
VALUES (:id, 'HOUR_LIMIT', 1, 'high', 50, 'review', :mode, now(), :said)
RETURNING number
"""
_CORRECT = (
    "UPDATE transfers.risk_rule_hit SET corrected_at = now(), corrected_by = 'minute' WHERE number = :n"
)


def fire(bank: Bank, transfer_id: str, **more: object) -> int:
    """A hit, as the watch writes it; gives its number."""
    say = {"ko": f"한도 초과 {transfer_id}", "en": f"over the limit {transfer_id}"}
    with bank.state.changing() as connection:
        found = connection.execute(
            text(_HIT),
            {"id": transfer_id, "mode": "live", "said": json.dumps({"say": say}), **more},
        )
        return int(found.scalar_one())


class Listener:
    """A browser that listens to the feed."""

    def __init__(self, bank: Bank, after: int | None = None, last: int | None = None) -> None:
        query = "" if after is None else f"?after={after}"
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        given = {"Authorization": f"Bearer {bank.key}", **({"Last-Event-ID": str(last)} if last else {})}
        self.answer = requests.get(f"{bank.address}/v1/feed{query}", headers=given, stream=True, timeout=30)
        assert self.answer.status_code == 200
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in map(bytes.decode, self.answer.iter_lines(chunk_size=1)):
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                elif "data" in fields:
                    said = (fields.get("event", ""), fields.get("id", ""), json.loads(fields["data"]))
                    self.heard.append(said)
                    fields = {}
        except (requests.RequestException, AttributeError, ValueError):
            return

    def hits(self) -> list[str]:
        return [said["transfer_id"] for name, _, said in self.heard if name == "hit"]


def test_events_are_taken_once_and_each_refusal_has_its_reason(bank: Bank) -> None:
    good = [payment(f"t-{number}", status="completed") for number in range(3)]
    bad = payment("t-9", status="completed", amount=-5)
    answer = bank.ask("POST", "/v1/events", {"events": [*good, bad]})
    assert answer.status_code == 200
    assert {**answer.json(), "refused": 0} == {
        "new": 3,
        "equal": 0,
        "corrected": 0,
        "conflicts": [],
        "refused": 0,
    }
    (refused,) = answer.json()["refused"]
    assert (refused["index"], refused["reason"], refused["field"]) == (3, "amount_negative", "amount")
    again = bank.ask("POST", "/v1/events", good).json()
    assert (again["new"], again["equal"]) == (0, 3)
    later = [{**good[0], "status": "reversed"}, {**good[1], "amount": 7}]
    changed = bank.ask("POST", "/v1/events", later).json()
    assert (changed["corrected"], changed["conflicts"]) == (1, ["t-1"])
    for content, status in ((b"{", 400), ({"events": [1]}, 400), ([{}] * 1_001, 413), ([], 200)):
        assert bank.ask("POST", "/v1/events", content).status_code == status
    assert bank.ask("POST", "/v1/events", good, key="").status_code == 401


def test_a_reversed_payment_leaves_the_windows_of_the_check(bank: Bank) -> None:
    paid = payment("t-1", status="completed", amount=900_000, occurred_at=soon(-5))
    bank.ask("POST", "/v1/events", [paid])
    bank.wait(lambda: bank.decision(200_000) == "review")
    bank.ask("POST", "/v1/events", [{**paid, "status": "reversed"}])
    bank.wait(lambda: bank.decision(200_000) == "allow")


def test_the_latest_hits_newest_first_without_those_in_the_shadow(bank: Bank) -> None:
    bank.book(payment("t-1", amount=5_000))
    first, second = fire(bank, "t-1"), fire(bank, "t-2")
    fire(bank, "t-3", mode="shadow")
    alerts = bank.ask("GET", "/v1/alerts?limit=10").json()["alerts"]
    assert [one["number"] for one in alerts] == [second, first]
    assert (alerts[1]["amount"], alerts[1]["account_id"], alerts[0]["amount"]) == (5_000, "a-1", None)
    assert alerts[1]["say"]["en"] == "over the limit t-1"
    assert [one["number"] for one in bank.ask("GET", "/v1/alerts?limit=1").json()["alerts"]] == [second]
    assert bank.ask("GET", "/v1/alerts?limit=x").status_code == 400
    assert bank.ask("GET", "/v1/alerts", key="").status_code == 401


def test_whoever_listens_hears_each_hit_once_also_after_the_connection_was_lost(bank: Bank) -> None:
    before = fire(bank, "t-0")
    listener = Listener(bank, after=before)
    wide = Listener(bank, after=0)
    sent = [fire(bank, f"t-{number}") for number in range(1, 4)]
    bank.wait(lambda: len(listener.hits()) == 3)
    assert listener.hits() == ["t-1", "t-2", "t-3"]
    bank.wait(lambda: wide.hits() == ["t-0", "t-1", "t-2", "t-3"])
    again = Listener(bank, None, sent[0])
    bank.wait(lambda: again.hits() == ["t-2", "t-3"])
    with bank.state.changing() as connection:
        connection.execute(text(_CORRECT), {"n": sent[1]})
    bank.wait(lambda: [said["number"] for name, _, said in listener.heard if name == "corrected"])
    assert [said["number"] for name, _, said in listener.heard if name == "corrected"] == [sent[1]]


def test_the_page_opens_to_who_may_look_and_to_the_dashboard_alone(bank: Bank) -> None:
    closed = requests.get(f"{bank.address}/live", timeout=PATIENCE_S)
    assert (closed.status_code, "로그인" in closed.text or "Sign in" in closed.text) == (401, True)
    shown = bank.ask("GET", "/live?lang=ko")
    assert (shown.status_code, "실시간 결제 알림" in shown.text) == (200, True)
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self' http://127.0.0.1:8501" in policy
    for name in ("live.js", "live.css"):
        assert bank.ask("GET", f"/live/{name}").status_code == 200
    own = {"Authorization": f"Bearer {bank.key}", "Origin": "http://127.0.0.1:8501"}
    allowed = requests.get(f"{bank.address}/v1/alerts", headers=own, timeout=30)
    assert allowed.headers["access-control-allow-origin"] == "http://127.0.0.1:8501"
    strange = requests.get(f"{bank.address}/v1/alerts", headers={**own, "Origin": "http://evil"}, timeout=30)
    assert "access-control-allow-origin" not in strange.headers
    assert b"minuterisk_check_seconds" in bank.ask("GET", "/metrics").content

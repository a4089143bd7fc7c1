"""A rule that people change judges the payments of the next second, and never half of a set does."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.minute import EPOCH, MINUTE, floor_minute
from pipeline.online.transfers.beside import say_warm
from pipeline.online.transfers.explain import explain_at
from pipeline.online.transfers.in_force import InForceReader
from tests.integration.transfers.bank import bank_of, event
from tests.integration.transfers.test_watch import watched
from tests.unit.transfers.office import Office, frequent, office_of, rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from pipeline.watch.watcher import Watcher
    from tests.integration.transfers.bank import Bank


@pytest.fixture
def office(state_engine: Engine, state_url: str) -> Iterator[Office]:
    found = office_of(state_engine, state_url)
    with found.state:
        yield found


@pytest.fixture
def bank(office: Office, postgres_url: str, tmp_path: Path) -> Bank:
    """A bank with a quiet account, which judges by what the office lets be in force."""
    made = bank_of(postgres_url, office.state.url, tmp_path / "home")
    now = datetime.now(UTC)
    made.book(*(event(f"q{n}", now - n * MINUTE, "quiet") for n in range(4, 30)))
    return made


def judged(bank: Bank, watcher: Watcher, name: str, at: datetime, **more: Any) -> list[tuple[str, int]]:  # noqa: ANN401 - values of a row
    """The hits of a payment that happens at that moment, once it has been looked at."""
    time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
    bank.book(event(name, at, "payer", **more))
    assert watcher.look() is not None
    assert bank.ours("SELECT 1 FROM transfers.risk_log WHERE transfer_id = %s", name)
    found = bank.ours(
        "SELECT rule, version FROM transfers.risk_rule_hit WHERE transfer_id = %s ORDER BY 1, 2", name
    )
    return [(row["rule"], row["version"]) for row in found]


def test_a_change_is_in_force_two_seconds_later_at_the_most(bank: Bank, office: Office) -> None:
    odd = rule("ODD", when={"eq": [{"field": "currency"}, "CHF"]})
    first = office.submitted(content=odd)
    office.do("ben", "approve_event_rule", office.submitted(content=frequent("OFTEN", 5)))
    assert [row["warming"] for row in office.ask("app_event_rules", at=EPOCH) if row["rule"] == "OFTEN"] == [
        True
    ]
    with watched(bank, floor_minute(datetime.now(UTC)) - MINUTE) as (pipeline, watcher):
        watcher.look()
        assert judged(bank, watcher, "c1", datetime.now(UTC), currency="CHF") == []
        asked = datetime.now(UTC)
        live = office.do("ben", "approve_event_rule", first)["from_at"]
        assert judged(bank, watcher, "c2", live, currency="CHF") == [("ODD", 1)]
        assert live - asked < timedelta(seconds=2)
        wider = {**odd, "when": {"in": [{"field": "currency"}, ["CHF", "SEK"]]}}
        second = office.submitted(content=wider)
        then = office.do("ben", "approve_event_rule", second)["from_at"]
        assert judged(bank, watcher, "s1", then - timedelta(milliseconds=1), currency="SEK") == []
        assert judged(bank, watcher, "s2", then, currency="SEK") == [("ODD", 2)]
        # What warms up until its minute holds nothing else up.
        office.do("ben", "approve_event_rule", office.submitted(content=frequent("RARE", 9)))
        off = office.do("ops", "pause_event_rule", "ODD", **{"for": "1h", "reason": "a storm"})["from_at"]
        assert judged(bank, watcher, "s3", off, currency="SEK") == []
        deny = office.do("ops", "add_list_entry", list="deny", value="payer", reason="case 7")["from_at"]
        judged(bank, watcher, "d1", deny)
        (said,) = bank.ours("SELECT decision, why FROM transfers.risk_log WHERE transfer_id = 'd1'")
        assert said == {"decision": "block", "why": "denied"}
        say_warm(pipeline)
        (kept,) = bank.ours("SELECT explanation FROM transfers.risk_rule_hit WHERE transfer_id = 'c2'")
        why, why_not = (explain_at(pipeline.state, pipeline.lake, name, "ODD") for name in ("c2", "s1"))
        assert (why.version, why.stored, why.explanation) == (1, True, kept["explanation"])  # case 14
        assert (why_not.version, why_not.mode, why_not.as_json()["fires"]) == (1, "live", False)
    rows = office.ask("app_event_rules", at=datetime.now(UTC))
    live = {row["rule"]: row["warming"] for row in rows if row["status"] == "live"}
    assert live == {"OFTEN": False, "ODD": False, "RARE": True}


def test_whoever_reads_while_rules_change_sees_a_whole_set_or_none(office: Office) -> None:
    office.do("ben", "approve_event_rule", office.submitted(score=1))
    reader, ended, seen, wrong = InForceReader(), Event(), set[int](), list[Any]()

    def read() -> None:
        while not ended.is_set():
            with office.state.reading() as connection:
                line = reader.read(connection, EPOCH)
            for moment, of_set in line.sets:
                found = [(one.version, one.rule.score) for one in of_set.rules]
                seen.add(found[0][0] if found else 0)
                if [score for _, score in found] != [version for version, _ in found][:1]:
                    wrong.append((moment, found))

    readers = [Thread(target=read) for _ in range(2)]
    for one in readers:
        one.start()
    for score in range(2, 8):
        office.do(
            "ben", "approve_event_rule", office.submitted(content=json.loads(json.dumps(rule(score=score))))
        )
    ended.set()
    for one in readers:
        one.join()
    assert wrong == []
    assert max(seen) >= 5

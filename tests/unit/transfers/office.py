"""People who make event rules, for tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from pipeline.desk.roles import OPS_AGENT, READ_ONLY, RISK_ANALYST, RULE_ADMIN
from pipeline.errors import UsageError
from pipeline.minute import EPOCH
from pipeline.online.transfers.in_force import read_timeline
from pipeline.store.state import State
from queries import sql
from tests.people import do, insert_people

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from pipeline.desk.roles import Actor
    from pipeline.packs.transfers.ruleset import RuleSet

PEOPLE = {"ann": RULE_ADMIN, "ben": RULE_ADMIN, "ray": RISK_ANALYST, "ops": OPS_AGENT, "eve": READ_ONLY}
MEASURED = {"days": 30, "hits": 12}


def rule(name: str = "HIGH_VALUE", **changes: object) -> dict[str, Any]:
    return {
        "rule": name,
        "on": ["transfer", "card"],
        "severity": "high",
        "score": 40,
        "action": "review",
        "measures": {},
        "when": {"gt": [{"field": "amount"}, 1_000_000]},
        "say": {"ko": "고액 거래: {amount}원", "en": "{amount} at once"},
        **changes,
    }


def frequent(name: str, most: int) -> dict[str, Any]:
    n = {"count": "*", "match": {"user_id": "user_id"}, "within": f"{60 + most}s"}
    return rule(name, measures={"n": n}, when={"gt": [{"measure": "n"}, most]})


@dataclass(frozen=True)
class Office:
    state: State
    people: Mapping[str, Actor]

    def do(self, who: str, name: str, thing: str | int = "", **given: object) -> dict[str, Any]:
        return do(self.state, name, thing, actor=self.people[who], **given)

    def refused(self, who: str, name: str, thing: str | int = "", **given: object) -> str:
        with pytest.raises(UsageError) as caught:
            self.do(who, name, thing, **given)
        assert caught.value.hint
        return f"{caught.value.what} / {caught.value.hint}"

    def draft(self, who: str = "ray", content: object = None, **changes: object) -> str:
        asked = json.dumps(content or rule(**changes))  # type: ignore[arg-type]
        made = self.do(who, "draft_event_rule", json=asked, reason="they flap")
        return f"{made['rule']}/{made['version']}"

    def submitted(self, who: str = "ray", by: str = "ann", content: object = None, **changes: object) -> str:
        """A version that was handed in and measured."""
        version = self.draft(who, content, **changes)
        self.do(by, "submit_event_rule", version)
        self.measure(version)
        return version

    def measure(self, version: str, found: Mapping[str, Any] | None = None) -> None:
        name, _, number = version.partition("/")
        given = {"backtest": json.dumps(found or MEASURED), "backtest_sha256": "b" * 64, "waiting": False}
        self.ask("store_event_backtest", rule=name, version=int(number), **given)

    def ask(self, query: str, **given: object) -> list[dict[str, Any]]:
        with self.state.changing() as connection:
            found = connection.execute(text(sql(f"transfers/ops/{query}")), given)
            return [dict(row) for row in found.mappings()] if found.returns_rows else []

    def at(self, moment: datetime) -> RuleSet:
        with self.state.reading() as connection:
            return read_timeline(connection, EPOCH).at(moment)

    def judging(self, moment: datetime | None = None) -> list[tuple[str, int, str]]:
        found = self.at(moment or datetime.now(UTC) + timedelta(days=300))
        return [(one.rule.rule, one.version, one.mode) for one in found.rules]


def office_of(state_engine: Engine, state_url: str) -> Office:
    """Five people in the operational database of the pack."""
    state = State(state_engine, state_url, "transfers", "KRW")
    return Office(state, insert_people(state, PEOPLE))

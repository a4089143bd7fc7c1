"""The windows of the pack: they judge by what they hold, and say when they hold too little."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

import baselines.transfers
from baselines.transfers.rules import parse_rules
from pipeline.minute import MINUTE, Span, from_index, to_index
from pipeline.online.transfers.shipped import shipped_rules
from pipeline.packs.transfers import PACK
from pipeline.packs.transfers.count import count
from pipeline.packs.transfers.judge import judge
from pipeline.packs.transfers.schema import EVENT
from pipeline.packs.transfers.windows import KEPT_MINUTES, EventWindows

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")
TUNED = parse_rules(
    Path(baselines.transfers.__file__).with_name("rules.toml").read_text(encoding="utf-8"), "shipped"
)


def told(*names: str) -> dict[str, list[dict[str, Any]]]:
    """These shipped rules, live for ever."""
    rules = [rule for rule in shipped_rules() if rule.rule in names]
    always = {"version": 1, "mode": "live", "from_at": datetime(1970, 1, 1, tzinfo=UTC), "until_at": None}
    return {"rules_in_force": [{"rule": rule.rule, "content": rule.canonical, **always} for rule in rules]}


def minute_of(number: int, *accounts: str) -> pl.DataFrame:
    """A counted minute: one payment of each account."""
    at = NOON + number * MINUTE
    usual = {"kind": "card", "status": "completed", "amount": 1, "currency": "KRW", "occurred_at": at}
    rows = [
        {"transfer_id": f"{number}{a}{n}", "account_id": a, "user_id": a, **usual}
        for n, a in enumerate(accounts)
    ]
    return count(pl.DataFrame(rows, EVENT, orient="row"), Span(at, at + MINUTE))


def judged(windows: EventWindows) -> list[tuple[Any, ...]]:
    found = judge(windows, TUNED).frame()
    return found.select("rule", "entity_id").rows()


def test_a_rule_that_asks_what_is_not_held_waits_until_the_windows_are_built_anew() -> None:
    windows = PACK.windows(SEOUL, TUNED)
    assert PACK.know(windows, told("HIGH_VALUE"), NOON)
    windows.add(NOON, minute_of(0, *["rapid"] * 5))
    both = told("HIGH_VALUE", "HIGH_FREQUENCY")
    assert not PACK.know(windows, both, NOON)
    assert [one.rule.rule for one in windows.timeline.at(NOON).rules] == ["HIGH_VALUE"]
    anew = PACK.windows(SEOUL, TUNED)
    assert PACK.know(anew, both, NOON)
    for one in (windows, anew):
        one.add(NOON, minute_of(0, *["rapid"] * 6))
    assert (judged(windows), judged(anew)) == ([], [("to_review", "rapid")])


def test_windows_reach_as_far_back_as_any_rule_and_a_copy_goes_on_by_itself() -> None:
    windows = PACK.windows(SEOUL, TUNED)
    assert windows.history_minutes == 25 * 60
    assert PACK.know(windows, told("STRUCTURING", "NEW_PAYEE_LARGE"), NOON)
    assert windows.history_minutes > 25 * 60
    windows.fill(NOON, NOON + 5 * MINUTE, pl.concat(minute_of(number, "a") for number in range(5)))
    copy = windows.copy()
    copy.add(NOON + 5 * MINUTE, minute_of(5, "b"))
    assert (windows.recent.newest, copy.recent.newest) == (NOON + 4 * MINUTE, NOON + 5 * MINUTE)
    assert [events.height for _, events in copy.closed] == [1] * KEPT_MINUTES
    assert copy.reach == NOON + 3 * MINUTE
    ids = pl.Series(["0a0", "4a0", "5b0"])
    assert copy.held(ids)["transfer_id"].to_list() == ["4a0", "5b0"]
    assert copy.held(ids, NOON + 5 * MINUTE + timedelta(seconds=1))["transfer_id"].to_list() == ["5b0"]


def test_windows_go_back_minute_by_minute_and_on_from_there_as_if_they_had_never_been_further() -> None:
    windows = PACK.windows(SEOUL, TUNED)
    assert PACK.know(windows, told("HIGH_FREQUENCY"), NOON)
    assert not windows.undo()
    windows.fill(NOON, NOON + MINUTE, minute_of(0, "slow"))
    for number in range(1, 7):  # from the third on what would be told of, were it still held with more
        windows.add(NOON + number * MINUTE, minute_of(number, *["rapid"] * (4 if number > 2 else 0), "slow"))
    first = to_index(NOON)
    assert windows.at(first + 7) is None
    assert windows.at(first + 1) is None, "that was more than four minutes ago"
    for last in range(first + 2, first + 7):
        there = windows.at(last)
        assert there is not None
        assert (there.last, there.recent.newest) == (last, from_index(last))
    there = windows.at(first + 2)
    assert [windows.undo() for _ in range(5)] == [True] * 4 + [False]
    for one in (windows, there):
        assert one is not None
        for payments, found in ((5, []), (6, [("to_review", "rapid")])):
            one.add(NOON + 3 * MINUTE, minute_of(3, *["rapid"] * payments))
            assert one.last == first + 3
            assert [events.height for _, events in one.closed] == [1, 1, payments]
            assert judged(one) == found
            assert one.undo()

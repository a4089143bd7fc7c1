"""explain says why, also why not, with the oracle's numbers; a backtest's lines are fixed byte by byte."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from baselines.facts import Facts
from baselines.merchants.rules import load_rules
from baselines.merchants.windows import Windows
from pipeline.count import count
from pipeline.errors import UsageError
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants import JUDGE, PACK
from pipeline.packs.merchants.explain import account_text, explain
from pipeline.packs.merchants.rules.rule import Situation
from pipeline.packs.merchants.schema import TRANSACTION
from pipeline.packs.merchants.why_not import FirstFire, first_fires
from pipeline.replay.backtest import Backtest, require_published, signal_lines
from pipeline.replay.replay import Replayed
from pipeline.schema import FACT_CHANGE
from pipeline.store.ledger import Published
from tests.oracle import Numbers, Oracle, Transaction

if TYPE_CHECKING:
    from pipeline.packs.merchants.account import Account

SEOUL = ZoneInfo("Asia/Seoul")
RULES = load_rules(Path(__file__).resolve().parents[3] / "baselines" / "merchants" / "rules.toml")
MIDNIGHT = datetime(2026, 3, 10, 15, tzinfo=UTC)  # in Seoul
JUDGED = MIDNIGHT + timedelta(hours=12)
FIRST = MIDNIGHT - timedelta(days=8)


def history() -> list[Transaction]:
    """surging: cancels ×10; calm: as ever; fallen: a billion a day, today a tenth; steady: as ever."""
    rows = []
    for n in range(8):
        noon = MIDNIGHT - timedelta(days=n + 1) + timedelta(hours=11)
        rows += [
            Transaction(m, "APPROVAL", 1000, noon + i * MINUTE)
            for m in ("surging", "calm")
            for i in range(40)
        ]
        rows += [Transaction(m, "CANCEL", 1000, noon) for m in ("surging", "calm")]
        rows += [Transaction(m, "APPROVAL", 1_500_000_000, noon) for m in ("fallen", "steady")]
    hour = JUDGED - timedelta(minutes=59)
    rows += [
        Transaction(m, "APPROVAL", 1000, hour + i * MINUTE) for m in ("surging", "calm") for i in range(40)
    ]
    rows += [Transaction("surging", "CANCEL", 1000, hour + i * MINUTE) for i in range(10)]
    rows += [Transaction("calm", "CANCEL", 1000, hour)]
    rows += [
        Transaction("fallen", "APPROVAL", 150_000_000, hour),
        Transaction("steady", "APPROVAL", 1_500_000_000, hour),
    ]
    return rows


@pytest.fixture(scope="module")
def windows() -> Windows:
    return made_windows(history())


def made_windows(transactions: list[Transaction]) -> Windows:
    rows = [(i, t.merchant, t.kind, t.amount, t.at, t.approved) for i, t in enumerate(transactions)]
    windows = Windows(SEOUL, 7)
    span = Span(FIRST, JUDGED + MINUTE)
    counted = count(pl.DataFrame(rows, TRANSACTION, orient="row"), span, 0, span.end, PACK)
    windows.add_many(span.start, span.end, counted.rows)
    return windows


def signals_of(windows: Windows, policy: str) -> pl.DataFrame:
    return JUDGE.verdicts(Situation(windows, RULES, policy, Facts())).frame()


def accounts(windows: Windows, merchant: str) -> dict[str, Account]:
    return {account.rule: account for account in explain(JUDGE, windows, merchant, RULES)}


@pytest.mark.parametrize("merchant", ["surging", "calm", "fallen", "steady", "never seen"])
def test_the_numbers_are_the_oracles(windows: Windows, merchant: str) -> None:
    oracle = Oracle(history(), SEOUL, Numbers(), FIRST)
    found = accounts(windows, merchant)
    surge, drop = oracle.surge(merchant, JUDGED), oracle.drop(merchant, JUDGED)
    assert found["cancel_surge"].numbers == vars(surge)
    assert found["volume_drop"].numbers == vars(drop)
    assert found["cancel_surge"].breach == oracle.surge_breach(surge)
    assert found["volume_drop"].breach == oracle.drop_breach(drop, JUDGED)


@pytest.mark.parametrize("policy", ["literal", "supported", "budgeted"])
def test_what_explain_says_fires_is_what_the_judgement_lets_pass(windows: Windows, policy: str) -> None:
    passed = signals_of(windows, policy).filter("passed")
    fired = {
        (account.rule, merchant)
        for merchant in ("surging", "calm", "fallen", "steady")
        for account in explain(JUDGE, windows, merchant, RULES)
        if account.reasons[policy] == "fires"
    }
    assert fired == set(passed.select("rule", "entity_id").iter_rows())
    if policy != "budgeted":  # four merchants share a small budget, and a day of one payment proves nothing
        assert fired == {("cancel_surge", "surging"), ("volume_drop", "fallen")}


@pytest.mark.parametrize("merchant", ["surging", "calm", "fallen", "steady", "never seen"])
def test_a_breach_is_exactly_that_every_condition_holds(windows: Windows, merchant: str) -> None:
    for account in accounts(windows, merchant).values():
        assert account.breach == all(condition.holds for condition in account.conditions)
        fires = account.breach and all(gate.holds for gate in account.gates)
        assert (account.reasons["supported"] == "fires") == fires
        shown = account.as_json()
        assert [c["holds"] for c in shown["conditions"]] == [c.holds for c in account.conditions]
        assert {p: v["fires"] for p, v in shown["verdicts"].items()} == {
            p: r == "fires" for p, r in account.reasons.items()
        }


def test_what_did_not_fire_says_how_far_it_is_from_it(windows: Windows) -> None:
    calm, steady = accounts(windows, "calm")["cancel_surge"], accounts(windows, "steady")["volume_drop"]
    # 40 approvals now, 280 and 7 cancels in the week: two cancels in the hour are twice the rate.
    assert calm.distance == "1 more cancels in the hour would breach"
    assert steady.distance == "today would have to be 750,000,000 lower to be down that far"
    assert accounts(windows, "surging")["cancel_surge"].distance == "breached"


def test_a_new_merchant_is_not_judged_by_the_rule_but_by_the_windows_of_the_budget() -> None:
    new = [Transaction("new", kind, 100, JUDGED) for kind in ("APPROVAL", "APPROVAL", "CANCEL")]
    found = accounts(made_windows([*history(), *new]), "new")["cancel_surge"]
    plain = {"literal": "no_baseline", "supported": "no_baseline"}
    assert found.reasons == {**plain, "budgeted": "held_by_budget"}
    assert found.windows


def test_a_merchant_never_seen_has_zeros_and_no_baseline(windows: Windows) -> None:
    found = accounts(windows, "never seen")
    assert set(found["cancel_surge"].numbers.values()) == {0}
    assert set(found["cancel_surge"].reasons.values()) == {"no_baseline"}
    assert set(found["volume_drop"].reasons.values()) == {"below_daily_amount"}


def test_the_text_shows_every_number_and_every_verdict(windows: Windows) -> None:
    found = explain(JUDGE, windows, "fallen", RULES)
    text = account_text("fallen", JUDGED, found, SEOUL)
    for account in found:
        assert all(f"{value:,}" in text for value in account.numbers.values())
        assert all(f"{c.left:,} {c.sign} {c.right:,}" in text for c in (*account.conditions, *account.gates))
    assert "volume_drop: BREACH" in text
    assert "cancel_surge: no breach" in text


@pytest.mark.parametrize("merchant", ["surging", "calm", "steady"])
def test_every_window_says_its_evidence_and_how_many_cancels_it_lacks(
    windows: Windows, merchant: str
) -> None:
    seen = accounts(windows, merchant)["cancel_surge"].windows
    assert [w.minutes for w in seen] == [5, 15, 30, 60, 60, 360, 1440]
    signals = signals_of(windows, "budgeted").filter(rule="cancel_surge", entity_id=merchant)
    assert any(w.passed for w in seen) == signals["passed"].any()
    for window in seen:
        assert window.passed == (window.missing is None and window.evidence >= window.evidence_needed)


def test_with_as_many_more_cancels_as_it_lacks_a_window_would_have_passed_and_with_one_less_not() -> None:
    def judged(more: int) -> bool:
        rows = [t for t in history() if t.merchant in ("calm", "surging")]
        rows += [Transaction("calm", "CANCEL", 1000, JUDGED)] * more
        made = made_windows(rows)
        return next(w for w in accounts(made, "calm")["cancel_surge"].windows if w.minutes == 60).passed

    window = next(
        w
        for w in accounts(made_windows([t for t in history() if t.merchant in ("calm", "surging")]), "calm")[
            "cancel_surge"
        ].windows
        if w.minutes == 60
    )
    assert window.missing is not None
    assert window.missing > 1
    assert [judged(window.missing - 1), judged(window.missing)] == [False, True]


def test_a_window_says_whose_rate_it_rests_on() -> None:
    rows = [t for t in history() if t.merchant == "calm"]
    rows += [Transaction("new", "CANCEL", 1000, JUDGED)] * 6 + [Transaction("new", "APPROVAL", 1000, JUDGED)]
    made = made_windows(rows)
    changes = pl.DataFrame([(FIRST, name, "air") for name in ("calm", "new")], FACT_CHANGE, orient="row")
    # `calm` has 279 approvals and 6 cancels in the week. Of all: 7 to 280, with one of each added. Of the
    # category, with 200 more transactions at that rate: 6 + 200 * 7/287 cancels of 485.
    for categories, said in ((None, "all merchants, 2.500 %"), (changes, "its category 'air', 2.294 %")):
        rules = replace(RULES, budget=replace(RULES.budget, category_weight=200))
        (surge, _) = explain(JUDGE, made, "new", rules, Facts(categories))
        assert f"little history: rests on the rate of {said}" in account_text("new", JUDGED, [surge], SEOUL)
        shown = surge.as_json()["windows"][0]
        assert shown["category"] == (None if categories is None else "air")
        assert "rests on" not in account_text("calm", JUDGED, explain(JUDGE, made, "calm", rules), SEOUL)


def surge_row(minute: datetime, reason: str = "fires", cancels: int = 10) -> dict[str, object]:
    numbers = {"approvals_hour": 40, "cancels_hour": cancels, "approvals_week": 280, "cancels_week": 7}
    passed = reason == "fires"
    row = signal("cancel_surge", "surging", **numbers)
    return {**row, "minute": minute, "reason": reason, "passed": passed, "kind": "rule"}


def firsts(*rows: dict[str, object], policy: str = "budgeted") -> dict[str, FirstFire]:
    frame = pl.DataFrame(list(rows), JUDGE.schema, orient="row")
    around = Span(JUDGED - timedelta(hours=24), JUDGED + timedelta(hours=24))
    return first_fires(JUDGE.rules, JUDGED, frame, dict.fromkeys(around, policy), RULES)["cancel_surge"]


def test_the_first_fire_is_that_of_the_episode_around_the_minute_for_each_policy() -> None:
    hour = timedelta(hours=1)
    found = firsts(
        surge_row(JUDGED - 5 * hour, cancels=4),  # another episode: it ended more than an hour before
        surge_row(JUDGED - 20 * MINUTE, "few_cancels", cancels=4),
        surge_row(JUDGED - 10 * MINUTE, "held_by_budget"),
        surge_row(JUDGED - 2 * MINUTE, "pending"),
        surge_row(JUDGED + 3 * MINUTE),
    )
    assert {policy: first.minute for policy, first in found.items()} == {
        "literal": JUDGED - 20 * MINUTE,
        "supported": JUDGED - 10 * MINUTE,
        "budgeted": JUDGED + 3 * MINUTE,
    }
    assert found["budgeted"].as_json(JUDGED)["minutes_from_asked"] == 3


def test_without_an_episode_around_it_the_next_one_is_named_then_the_last_one() -> None:
    early, late = JUDGED - timedelta(hours=9), JUDGED + timedelta(hours=9)
    assert firsts(surge_row(early), surge_row(late))["budgeted"].minute == late
    assert firsts(surge_row(early), surge_row(early + MINUTE))["budgeted"].minute == early
    assert "not within 24 hours" in firsts()["literal"].text(JUDGED, SEOUL)


def test_what_another_policy_did_not_record_is_not_guessed() -> None:
    found = firsts(surge_row(JUDGED), policy="supported")
    assert found["supported"].minute == JUDGED
    assert found["budgeted"].minute is None
    assert "not recorded" in found["budgeted"].text(JUDGED, SEOUL)


def signal(rule: str, merchant: str, **numbers: int) -> dict[str, object]:
    head = {
        "minute": JUDGED,
        "rule": rule,
        "entity_id": merchant,
        "tier": "tail",
        "kind": "rule",
        "passed": True,
        "reason": "fires",
    }
    return {**dict.fromkeys(JUDGE.schema), **head, **numbers}


SIGNALS = pl.DataFrame(
    [
        signal("volume_drop", "fallen", amount_today=1, amount_paced=20, amount_days=70, days=7),
        signal(
            "cancel_surge", "surging", approvals_hour=40, cancels_hour=10, approvals_week=280, cancels_week=7
        ),
        signal("cancel_surge", "a b", approvals_hour=0, cancels_hour=1, approvals_week=2, cancels_week=0),
    ],
    JUDGE.schema,
    orient="row",
)


def test_signal_lines_are_sorted_and_hold_the_integers_of_their_rule() -> None:
    assert signal_lines(SIGNALS, PACK).to_list() == [
        "a b 2026-03-11T03:00 0 1 2 0",
        "fallen 2026-03-11T03:00 volume_drop 1 20 70 7",
        "surging 2026-03-11T03:00 40 10 280 7",
    ]
    assert signal_lines(SIGNALS.reverse(), PACK).equals(signal_lines(SIGNALS, PACK))
    assert signal_lines(JUDGE.schema.to_frame(), PACK).to_list() == []


def test_the_summary_counts_both_rules_and_hashes_the_sorted_lines(tmp_path: Path) -> None:
    span, path = Span(JUDGED, JUDGED + MINUTE), tmp_path / "signals.parquet"
    SIGNALS.write_parquet(path)
    counted = Counter({"cancel_surge": 2, "volume_drop": 1})
    replayed = Replayed([(span, path)], raw=counted, raw_entities={"a b", "fallen", "surging"})
    result = Backtest(span, "literal", PACK, replayed).as_json()
    lines = "\n".join(signal_lines(SIGNALS, PACK))
    by_rule: dict[str, int] = result["signals_by_rule"]
    assert {rule: n for rule, n in by_rule.items() if n} == {"cancel_surge": 2, "volume_drop": 1}
    assert (result["signals"], result["signal_merchants"], result["minutes"]) == (3, 3, 1)
    assert result["signals_sha256"] == hashlib.sha256(lines.encode()).hexdigest()
    replayed.whole = False
    assert Backtest(span, "literal", PACK, replayed).as_json()["signals_sha256"] is None


@pytest.mark.parametrize(
    ("start", "end", "ok"),
    [
        (FIRST, JUDGED + MINUTE, True),
        (FIRST - MINUTE, JUDGED, False),
        (FIRST, JUDGED + 2 * MINUTE, False),
    ],
)
def test_a_period_that_is_not_published_as_a_whole_is_refused(
    start: datetime, end: datetime, *, ok: bool
) -> None:
    published = Published(FIRST, JUDGED, 1, None, None, 1)
    if ok:
        require_published(Span(start, end), published, [], SEOUL)
        return
    with pytest.raises(UsageError, match="not published as a whole"):
        require_published(Span(start, end), published, [], SEOUL)


def test_where_nothing_is_published_every_period_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing"):
        require_published(Span(FIRST, JUDGED), Published(None, None, 0, None, None, 0), [], SEOUL)


def test_a_period_with_a_hole_inside_is_refused() -> None:
    """A minute that is missing would be judged as silence."""
    with pytest.raises(UsageError, match="hole"):
        require_published(
            Span(FIRST, JUDGED), Published(FIRST, JUDGED, 2, None, None, 1), [FIRST + MINUTE], SEOUL
        )

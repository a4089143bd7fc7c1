"""The gates that look at more than one minute or merchant: pending, and inhibition by the platform."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from baselines.merchants.rules import Rules, load_rules
from baselines.versions import Pause, Version, Versions
from pipeline.judge.hold import Gates, Past, hold, past_minutes, past_of
from pipeline.minute import EPOCH, MINUTE
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import SIGNAL

RULES = load_rules(Path(__file__).resolve().parents[2] / "baselines" / "merchants" / "rules.toml")
START = datetime(2026, 3, 1, tzinfo=UTC)

Row = tuple[str, str, str, str | None]  # rule, merchant, kind, cause
OUTAGE: Row = ("platform_outage", "*", "platform", None)
CANCELS: Row = ("platform_cancels", "*", "platform", None)
DROP: Row = ("volume_drop", "A", "rule", None)
MORE: Row = ("cancel_surge", "A", "fast", "more_cancels")
SLOW: Row = ("platform_outage", "*", "slow day", None)
FEWER: Row = ("cancel_surge", "B", "fast", "fewer_approvals")


PAUSED_OUTAGE = Pause("platform_outage", START, START + MINUTE)


def rules(quiet: int = 60, **pending: int) -> Rules:
    none = dict.fromkeys(RULES.pending.__slots__, 0)
    return replace(
        RULES,
        incident=replace(RULES.incident, resolve_after_minutes=quiet),
        pending=replace(RULES.pending, **{**none, **pending}),
    )


def signals(minute: datetime, rows: list[Row]) -> pl.DataFrame:
    found: list[dict[str, Any]] = [
        {
            "minute": minute,
            "rule": rule,
            "entity_id": merchant,
            "tier": "tail",
            "passed": kind != "slow day",
            "reason": "not_sudden" if kind == "slow day" else "fires",
            "kind": kind,
            "cause": cause,
        }
        for rule, merchant, kind, cause in rows
    ]
    return pl.DataFrame(found, SIGNAL, orient="row")


def play(minutes: list[list[Row]], numbers: Rules, policy: str = "budgeted") -> list[pl.DataFrame]:
    past, held, gates = Past(), [], Gates(PACK, numbers, policy)
    for n, rows in enumerate(minutes):
        minute = START + n * MINUTE
        held.append(hold(minute, signals(minute, rows), past, gates))
        past.add(minute, held[-1])
    return held


def reasons(held: list[pl.DataFrame], row: Row) -> list[str | None]:
    key = (pl.col("rule") == row[0]) & (pl.col("entity_id") == row[1])
    return [next(iter(frame.filter(key)["reason"]), None) for frame in held]


def test_a_breach_opens_after_it_has_lasted_and_one_that_pauses_begins_again() -> None:
    held = play([[DROP], [DROP], [DROP], [], [DROP], [DROP], [DROP]], rules(volume_drop=2))
    assert reasons(held, DROP) == ["pending", "pending", "fires", None, "pending", "pending", "fires"]
    assert [bool(f["passed"].any()) for f in held] == [r == "fires" for r in reasons(held, DROP)]


def paused(*rows: Row, policy: str = "budgeted") -> list[pl.DataFrame]:
    """Six minutes of the same rows, of which the third and the fourth are paused for all of their rules."""
    pauses = [Pause(rule, START + 2 * MINUTE, START + 4 * MINUTE) for rule, *_ in rows]
    past, held = Past(), []
    gates = Gates(PACK, RULES, policy, versions=Versions([Version(EPOCH, rules(volume_drop=2))], pauses))
    for n in range(6):
        minute = START + n * MINUTE
        held.append(hold(minute, signals(minute, list(rows)), past, gates))
        past.add(minute, held[-1])
    return held


def test_a_paused_rule_opens_nothing_under_any_policy_and_its_breach_goes_on_lasting() -> None:
    expected = ["pending", "pending", "paused", "paused", "fires", "fires"]
    assert reasons(paused(DROP), DROP) == expected
    literal = paused(DROP, policy="literal")
    assert reasons(literal, DROP) == ["fires", "fires", "paused", "paused", "fires", "fires"]
    assert [bool(frame["passed"].any()) for frame in literal] == [True, True, False, False, True, True]


def test_a_paused_outage_holds_nobody_back_and_does_not_go_on_by_being_slow() -> None:
    both = paused(OUTAGE, FEWER)
    assert reasons(both, FEWER)[1] == "inhibited_by_platform"
    gates = Gates(PACK, RULES, "budgeted", versions=Versions([Version(EPOCH, RULES)], [PAUSED_OUTAGE]))
    past = Past(fired={"platform_outage": START - MINUTE})
    held = hold(START, signals(START, [SLOW, FEWER]), past, gates)
    assert [reasons([held], row)[0] for row in (SLOW, FEWER)] == ["paused", "fires"]


def test_literal_neither_waits_nor_holds_back() -> None:
    held = play([[DROP, OUTAGE]] * 2, rules(volume_drop=2), "literal")
    assert reasons(held, DROP) == ["fires", "fires"]


def test_while_the_platform_fails_what_follows_from_it_is_held_back() -> None:
    held = play([[DROP, MORE, FEWER], [OUTAGE, DROP, MORE, FEWER]], rules())
    assert reasons(held, DROP) == ["fires", "inhibited_by_platform"]
    assert reasons(held, FEWER) == ["fires", "inhibited_by_platform"]
    assert reasons(held, MORE) == ["fires", "fires"]  # cancels that really rose do not follow from it
    held = play([[CANCELS, DROP, MORE, FEWER]], rules())
    assert [reasons(held, row)[0] for row in (DROP, MORE, FEWER)] == [
        "fires",
        "inhibited_by_platform",
        "inhibited_by_platform",
    ]


def test_it_is_held_back_as_long_as_the_incident_of_the_platform_lasts_and_opens_when_it_ends() -> None:
    held = play([[OUTAGE, DROP], [DROP], [DROP], [DROP]], rules(quiet=3))
    assert reasons(held, DROP) == ["inhibited_by_platform"] * 3 + ["fires"]


def test_a_failure_of_the_platform_that_is_still_pending_holds_nothing_back() -> None:
    held = play([[OUTAGE, DROP]] * 3, rules(platform_outage=2))
    assert reasons(held, OUTAGE) == ["pending", "pending", "fires"]
    assert reasons(held, DROP) == ["fires", "fires", "inhibited_by_platform"]


def test_a_failure_that_goes_on_after_a_pause_does_not_wait_again() -> None:
    held = play([[OUTAGE], [OUTAGE], [], [OUTAGE]], rules(platform_outage=1))
    assert reasons(held, OUTAGE) == ["pending", "fires", None, "fires"]


def test_a_failure_need_be_sudden_only_when_it_begins() -> None:
    held = play([[SLOW, DROP], [OUTAGE], [SLOW, DROP], [SLOW], [], [], [SLOW]], rules(quiet=2))
    assert reasons(held, SLOW) == ["not_sudden", "fires", "fires", "fires", None, None, "not_sudden"]
    assert reasons(held, DROP)[:3] == ["fires", None, "inhibited_by_platform"]


def test_a_breach_that_lasted_while_it_was_held_back_has_lasted() -> None:
    held = play([[OUTAGE, DROP], [DROP], [DROP]], rules(quiet=2, volume_drop=1))
    assert reasons(held, DROP) == ["pending", "inhibited_by_platform", "fires"]


@given(
    minutes=st.lists(
        st.lists(st.sampled_from([OUTAGE, CANCELS, DROP, MORE, FEWER, SLOW]), unique_by=lambda row: row[:2]),
        min_size=1,
        max_size=30,
    ),
    stop=st.integers(0, 30),
    quiet=st.integers(1, 8),
    pending=st.fixed_dictionaries(
        {name: st.integers(0, 4) for name in ("volume_drop", "cancel_surge_fast", "platform_outage")}
    ),
)
def test_what_is_remembered_is_read_back_from_the_published_signals(
    minutes: list[list[Row]], stop: int, quiet: int, pending: dict[str, int]
) -> None:
    """A restart at any minute goes on with the same verdicts as if there had been none."""
    numbers = rules(quiet, **pending)
    whole = play(minutes, numbers)
    stop = min(stop, len(minutes))
    start = max(0, stop - past_minutes(numbers))
    published = pl.concat([SIGNAL.to_frame(), *whole[start:stop]])
    past = past_of(published, START + start * MINUTE, START + stop * MINUTE)
    for n in range(stop, len(minutes)):
        minute = START + n * MINUTE
        held = hold(minute, signals(minute, minutes[n]), past, Gates(PACK, numbers, "budgeted"))
        assert held.equals(whole[n])
        past.add(minute, held)

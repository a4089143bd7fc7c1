"""Of labelled incidents, how many merchants could not pay: by the state they were in. Pure.

A merchant could not pay where people called the alarm true and, at the end of the last business day of the
incident's horizon, something was cancelled and not recovered while no payout was to come that it could be
taken off. Where the book does not say so, an incident called true tells nothing and is left out; a false
alarm counts as one of a merchant that could pay.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from baselines.merchants.priced import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.money import Case


def state_of(breached: Iterable[str]) -> int:
    """The place in STATES that the rules of a merchant's unresolved incidents say."""
    rules = set(breached)
    return ("cancel_surge" in rules) + 2 * ("volume_drop" in rules)


def shares_of(cases: Sequence[Case]) -> dict[str, tuple[int, int]]:
    """(could not pay, all that are known) by state. Incidents of a merchant that overlap are one."""
    found: dict[str, tuple[int, int]] = {}
    for _, of_merchant in groupby(sorted(cases, key=_order), key=lambda case: case.entity_id):
        for together in _overlapping(list(of_merchant)):
            outcome, state = _could_not_pay(together), state_of(case.rule for case in together)
            if outcome is not None and state:
                bad, known = found.get(STATES[state], (0, 0))
                found[STATES[state]] = bad + outcome, known + 1
    return found


def said_of(
    measured: Mapping[str, tuple[int, int]], likely: Sequence[float], needed: int
) -> dict[str, dict[str, Any]]:
    """By state the probability that prices use (of 10,000) and where it is from; JSON."""
    found = {}
    for state, p in zip(STATES, likely, strict=True):
        bad, known = measured.get(state, (0, 0))
        numbers = {"per_10000": round(p * 10_000), "could_not_pay": bad, "known": known}
        found[state] = numbers | {"measured": known >= needed}
    return found


def _order(case: Case) -> tuple[str, object, str]:
    return case.entity_id, case.opened_minute, case.rule


def _overlapping(cases: Sequence[Case]) -> list[list[Case]]:
    """In groups, of which each one begins after the one before has ended."""
    groups: list[list[Case]] = []
    for case in cases:
        if groups and case.opened_minute <= max(other.last_breach_minute for other in groups[-1]):
            groups[-1].append(case)
        else:
            groups.append([case])
    return groups


def _could_not_pay(together: Sequence[Case]) -> bool | None:
    """None: nobody can say."""
    true = [case for case in together if case.is_true]
    if not true:
        return False
    rows = [case.after for case in true if case.after is not None]
    known = [row for row in rows if row["unrecovered"] is not None and row["pending_payout"] is not None]
    if not known:
        return None
    return any(row["unrecovered"] > 0 and row["pending_payout"] <= 0 for row in known)

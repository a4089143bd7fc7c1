"""Merchants that are judged by numbers of their own: a rule is asked once for each set of numbers. Pure.

The sums over all merchants, and the false-alarm budget that they share, stay those of everybody.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.packs.merchants.rules.rule import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.facts import Facts
    from baselines.merchants.rules import Rules
    from baselines.merchants.windows import Windows
    from pipeline.judge.verdicts import Columns, Flags
    from pipeline.packs.merchants.rules.rule import EntityRule, Situation


def find(rule: EntityRule, situation: Situation) -> Found:
    """What a rule finds, each merchant judged by its own numbers."""
    if not situation.tuned.own:
        return rule.find(situation)
    parts = [_among(rule.find(part), part.only) for part in _by_numbers(situation)]
    return Found(
        [columns for part in parts for columns in part.parts],
        np.sort(np.concatenate([part.breached for part in parts])),
        {name: words for part in parts for name, words in part.words.items()},
    )


def numbers_of(tuned: Rules, facts: Facts, windows: Windows, merchant_id: str) -> Rules:
    """The numbers of one merchant at the minute that the windows stand at."""
    position = windows.entities.find(merchant_id)
    category = None
    if position is not None and windows.last is not None:
        code = int(facts.codes(windows.last, windows.entities)[position])
        category = facts.names[code] if code >= 0 else None
    return tuned.of(merchant_id, category)


def _by_numbers(situation: Situation) -> Sequence[Situation]:
    """The situation once for each set of numbers, about the merchants that have it."""
    windows, tuned, facts = situation.windows, situation.tuned, situation.facts
    codes = facts.codes(situation.last, windows.entities)
    sets: dict[Rules, int] = {tuned.of(None, None): 0}
    place = np.zeros(windows.size, np.int64)
    for own in tuned.own:
        if own.kind == "category" and own.name in facts.names:
            place[codes == facts.names.index(own.name)] = _number(sets, tuned.of(None, own.name))
    for own in tuned.own:
        position = windows.entities.find(own.name) if own.kind == "merchant" else None
        if position is not None:
            place[position] = _number(sets, numbers_of(tuned, facts, windows, own.name))
    return [_part(situation, rules, place == number) for rules, number in sets.items()]


def _number(sets: dict[Rules, int], rules: Rules) -> int:
    return sets.setdefault(rules, len(sets))


def _part(situation: Situation, rules: Rules, only: Flags) -> Situation:
    at = situation.always
    return replace(situation, tuned=rules, only=only, always=None if at is None or not only[at] else at)


def _among(found: Found, only: Flags | None) -> Found:
    """Of what was found, that which is about these merchants, also where a rule has looked at all of them."""
    if only is None:
        return found
    kept = [(part, np.flatnonzero(only[part["position"]])) for part in found.parts]
    parts: list[Columns] = [{name: a[rows] for name, a in part.items()} for part, rows in kept]
    return Found(parts, found.breached[only[found.breached]], found.words)

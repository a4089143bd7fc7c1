"""What becomes of an event by its hits and the lists: allowed, reviewed or blocked. In bulk and alone. Pure.

A value on the list `deny` blocks. So does a hit whose action it is. Else the scores of the hits, together at
most 100, and a hit's action `review` decide. An account or payee on the list `allow` is not reviewed; what is
blocked stays so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import polars as pl

from pipeline.packs.transfers.language.bulk import on_list
from pipeline.packs.transfers.ruleset import ALLOW, DENY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.packs.transfers.ruleset import RuleSet

    #: Of a live rule: at which events it fired (Boolean without null), its score or one for each, its action.
    Fired = tuple[pl.Series, int | pl.Series, str]

ALLOWED: Final = "allow"
REVIEW: Final = "review"
BLOCK: Final = "block"
#: A hit that only adds to the score.
NO_ACTION: Final = "none"
#: Why it was decided so: by the rules, or because of a list.
BY_RULES: Final = "rules"
BY_DENY: Final = "denied"
BY_ALLOW: Final = "allowed"
MOST_SCORE: Final = 100
REVIEW_SCORE: Final = 50
#: Whoever and whatever takes part in an event: each may stand on the list `deny`.
PARTIES: Final = ("account_id", "user_id", "payee_id", "card_id", "device_id", "merchant_id")
#: Who may stand on the list `allow`.
TRUSTED: Final = ("account_id", "payee_id")


class Decision(NamedTuple):
    """What becomes of an event, its score, and why."""

    decision: str
    score: int
    why: str


def decide(event: Mapping[str, Any], ruleset: RuleSet, hits: Iterable[tuple[int, str]]) -> Decision:
    """One event with the score and the action of each hit of a live rule."""
    hits = list(hits)
    score = min(MOST_SCORE, sum(points for points, _ in hits))
    actions = {action for _, action in hits}
    if _on(event, PARTIES, ruleset, DENY):
        return Decision(BLOCK, score, BY_DENY)
    if BLOCK in actions or score == MOST_SCORE:
        return Decision(BLOCK, score, BY_RULES)
    if REVIEW not in actions and score < REVIEW_SCORE:
        return Decision(ALLOWED, score, BY_RULES)
    if _on(event, TRUSTED, ruleset, ALLOW):
        return Decision(ALLOWED, score, BY_ALLOW)
    return Decision(REVIEW, score, BY_RULES)


def decided(ruleset: RuleSet, hits: Sequence[Fired]) -> list[pl.Expr]:
    """The columns `decision`, `score`, `why` of many events."""
    score = pl.lit(0, pl.Int64)
    blocked = reviewed = pl.lit(value=False)
    for fired, points, action in hits:
        score = score + pl.lit(fired).cast(pl.Int64) * pl.lit(points, pl.Int64)
        if action == BLOCK:
            blocked = blocked | pl.lit(fired)
        elif action == REVIEW:
            reviewed = reviewed | pl.lit(fired)
    score = pl.min_horizontal(score, pl.lit(MOST_SCORE, pl.Int64))
    denied, trusted = _on_column(PARTIES, ruleset, DENY), _on_column(TRUSTED, ruleset, ALLOW)
    blocked = blocked | (score == MOST_SCORE)
    suspect = ~denied & ~blocked & (reviewed | (score >= REVIEW_SCORE))
    return [
        pl.when(denied | blocked)
        .then(pl.lit(BLOCK))
        .when(suspect & ~trusted)
        .then(pl.lit(REVIEW))
        .otherwise(pl.lit(ALLOWED))
        .alias("decision"),
        score.alias("score"),
        pl.when(denied)
        .then(pl.lit(BY_DENY))
        .when(suspect & trusted)
        .then(pl.lit(BY_ALLOW))
        .otherwise(pl.lit(BY_RULES))
        .alias("why"),
    ]


def _on(event: Mapping[str, Any], fields: Sequence[str], ruleset: RuleSet, name: str) -> bool:
    values = ruleset.lists.get(name, frozenset())
    return any(event[field] in values for field in fields)


def _on_column(fields: Sequence[str], ruleset: RuleSet, name: str) -> pl.Expr:
    if not ruleset.lists.get(name):
        return pl.lit(value=False)
    values = on_list(ruleset.lists, name)
    return pl.any_horizontal(pl.col(field).is_in(values).fill_null(value=False) for field in fields)

"""Events to decisions and hits: by the rules and lists in force at each event's own time. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.packs.transfers.ruleset import DENY
from pipeline.schema import UTC_TIME, conform

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from baselines.transfers.recent import Recent
    from pipeline.packs.transfers.ruleset import RuleSet, Timeline

LOG: Final = pl.Schema(
    {
        "transfer_id": pl.String(),
        "occurred_at": UTC_TIME,
        "account_id": pl.String(),
        "decision": pl.String(),
        "score": pl.Int64(),
        "why": pl.String(),
    }
)
HIT: Final = pl.Schema(
    {
        "transfer_id": pl.String(),
        "rule": pl.String(),
        "version": pl.Int64(),
        "severity": pl.String(),
        "score": pl.Int64(),
        "action": pl.String(),
        "mode": pl.String(),
        "occurred_at": UTC_TIME,
        "explanation": pl.String(),
        "say_ko": pl.String(),
        "say_en": pl.String(),
    }
)


@dataclass(frozen=True)
class Answers:
    """What became of events, in their order, and which rules fired at them."""

    log: pl.DataFrame  # LOG
    hits: pl.DataFrame  # HIT


def judge_events(recent: Recent, events: pl.DataFrame, timeline: Timeline, zone: ZoneInfo) -> Answers:
    """Decide on events that `recent` holds."""
    del recent, zone
    parts = [_decided(part, of_set) for of_set, part in timeline.parts(events)]
    return Answers(pl.concat([LOG.to_frame(), *parts]), HIT.to_frame())


def _decided(events: pl.DataFrame, ruleset: RuleSet) -> pl.DataFrame:
    listed = list(ruleset.lists.get(DENY, ()))
    denied = pl.col("account_id").is_in(listed) | pl.col("payee_id").is_in(listed).fill_null(value=False)
    return conform(
        events.with_columns(
            decision=pl.when(denied).then(pl.lit("block")).otherwise(pl.lit("allow")),
            score=pl.lit(0, pl.Int64),
            why=pl.when(denied).then(pl.lit("denied")).otherwise(pl.lit("rules")),
        ),
        LOG,
    )

"""Judges events by the rules in force at their own time: many that are held, or one before it is. Pure.

Both ask the same measures of the same state, the same rules, and decide by the same table, so a payment gets
one answer whichever way it comes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import polars as pl

from baselines.transfers.measure import SUM
from pipeline.packs.transfers.decide import NO_ACTION, decide, decided
from pipeline.packs.transfers.derived import derived_one, with_derived
from pipeline.packs.transfers.language import bulk, explain, explanation_text
from pipeline.packs.transfers.language.strict import MOST_INTEGER
from pipeline.packs.transfers.ruleset import LIVE, RuleSet
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from baselines.transfers.measure import Measure
    from pipeline.packs.transfers.decide import Fired
    from pipeline.packs.transfers.language.tree import Known
    from pipeline.packs.transfers.learned import Learned
    from pipeline.packs.transfers.ruleset import InForce, Timeline

#: A row per judged event.
LOG: Final = pl.Schema(
    {
        "transfer_id": pl.String(),
        "occurred_at": UTC_TIME,
        "account_id": pl.String(),
        "decision": pl.String(),  # allow, review, block
        "score": pl.Int64(),  # 0..100
        "why": pl.String(),  # rules, denied, allowed
    }
)
#: A row per event and rule that fired at it.
HITS: Final = pl.Schema(
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
#: A column beside those of the events while they are judged.
_POINTS: Final = "learned points"


class Asks(Protocol):
    """What judging needs of the windows: `Recent` of baselines/transfers."""

    def ask(self, events: pl.DataFrame, measures: Sequence[Measure]) -> pl.DataFrame:
        """A column per measure, a row per event, which it holds."""
        ...

    def ask_one(
        self,
        event: Mapping[str, Any],
        measures: Sequence[Measure],
        extra: Sequence[Mapping[str, Any]] = (),
    ) -> dict[str, int | str | None]:
        """The same of one event that it does not hold."""
        ...


@dataclass(frozen=True, slots=True)
class Answers:
    """What judging many events came to."""

    log: pl.DataFrame  # LOG
    hits: pl.DataFrame  # HITS
    unknown: Mapping[str, int] = field(default_factory=dict)  # rule -> events at which nobody knows


@dataclass(frozen=True, slots=True)
class One:
    """What judging one event came to; `hits` have the columns of HITS."""

    decision: str
    score: int
    why: str
    hits: Sequence[Mapping[str, Any]]


def judge_events(recent: Asks, events: pl.DataFrame, timeline: Timeline, zone: ZoneInfo) -> Answers:
    """Events that `recent` holds, in the columns of EVENT. Rows come in order of the sets in force."""
    logs, hits = [LOG.to_frame()], [HITS.to_frame()]
    fired: list[Fired]
    unknown: dict[str, int] = {}
    for ruleset, part in timeline.parts(events):
        fired = []
        valued = _valued(recent, part, ruleset, zone)
        for one, answers in zip(ruleset.rules, _answers(valued, ruleset), strict=True):
            unknown[one.rule.rule] = unknown.get(one.rule.rule, 0) + answers.null_count()
            true = answers.fill_null(value=False)
            hits.append(_hits(one, valued.filter(true), ruleset))
            if one.mode == LIVE:
                fired.append((true, one.rule.score, one.rule.action))
        if ruleset.learned is not None:
            points = pl.Series(ruleset.learned.points(valued), dtype=pl.Int64)
            hits.append(_learned_hits(ruleset.learned, valued, points))
            fired.append((points > 0, points, NO_ACTION))
        logs.append(part.with_columns(decided(ruleset, fired)).select(LOG.names()))
    return Answers(pl.concat(logs), pl.concat(hits), unknown)


def judge_one(
    recent: Asks,
    event: Mapping[str, Any],
    ruleset: RuleSet,
    zone: ZoneInfo,
    extra: Sequence[Mapping[str, Any]] = (),
) -> One:
    """One event that `recent` does not hold; it and `extra`, such as reservations, count as well."""
    asked = recent.ask_one(event, ruleset.measures, extra) if ruleset.measures else {}
    values = {**event, **derived_one(event, zone), **{name: _bounded(value) for name, value in asked.items()}}
    found = [one for one, ask in zip(ruleset.rules, ruleset.asked, strict=True) if ask(values)]
    live = [(one.rule.score, one.rule.action) for one in found if one.mode == LIVE]
    hits = [_hit(one, values, ruleset) for one in found]
    if ruleset.learned is not None and (points := ruleset.learned.points_of(values)):
        live.append((points, NO_ACTION))
        hits.append(ruleset.learned.hit(values, points))
    return One(*decide(event, ruleset, live), hits)


def _valued(recent: Asks, events: pl.DataFrame, ruleset: RuleSet, zone: ZoneInfo) -> pl.DataFrame:
    """The events with all that rules may name."""
    valued = with_derived(events, zone)
    if not ruleset.measures:
        return valued
    asked = recent.ask(events, ruleset.measures)
    sums = [measure.column for measure in ruleset.measures if measure.of == SUM]
    return valued.hstack(asked.with_columns(pl.col(sums).clip(upper_bound=MOST_INTEGER)))


def _answers(valued: pl.DataFrame, ruleset: RuleSet) -> Iterator[pl.Series]:
    rules = [bulk(one.rule, ruleset.lists).alias(str(number)) for number, one in enumerate(ruleset.rules)]
    yield from valued.select(rules)


def _bounded(value: Known) -> Known:
    return min(value, MOST_INTEGER) if isinstance(value, int) else value


def _hits(one: InForce, fired: pl.DataFrame, ruleset: RuleSet) -> pl.DataFrame:
    return pl.DataFrame([_hit(one, row, ruleset) for row in fired.iter_rows(named=True)], schema=HITS)


def _learned_hits(learned: Learned, valued: pl.DataFrame, points: pl.Series) -> pl.DataFrame:
    scored = valued.with_columns(points.alias(_POINTS)).filter(pl.col(_POINTS) > 0)
    rows = [learned.hit(row, row[_POINTS]) for row in scored.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=HITS)


def _hit(one: InForce, values: Mapping[str, Any], ruleset: RuleSet) -> dict[str, Any]:
    explanation = explain(one.rule, ruleset.lists, values)
    return {
        "transfer_id": values["transfer_id"],
        "rule": one.rule.rule,
        "version": one.version,
        "severity": one.rule.severity,
        "score": one.rule.score,
        "action": one.rule.action,
        "mode": one.mode,
        "occurred_at": values["occurred_at"],
        "explanation": explanation_text(explanation),
        "say_ko": explanation["say"]["ko"],
        "say_en": explanation["say"]["en"],
    }


def decisions(
    recent: Asks, events: pl.DataFrame, ruleset: RuleSet, zone: ZoneInfo
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events with all that rules may name, and what `judge_events` decides by them, without a word why."""
    valued = _valued(recent, events, ruleset, zone)
    fired = [
        (answers.fill_null(value=False), one.rule.score, one.rule.action)
        for one, answers in zip(ruleset.rules, _answers(valued, ruleset), strict=True)
        if one.mode == LIVE
    ]
    return valued, events.with_columns(decided(ruleset, fired)).select(LOG.names())


def fired(
    recent: Asks, events: pl.DataFrame, timeline: Timeline, zone: ZoneInfo
) -> Iterator[tuple[InForce, pl.DataFrame]]:
    """At which of the events each rule fires, without a word why: what `judge_events` finds, in less time."""
    for ruleset, part in timeline.parts(events):
        valued = _valued(recent, part, ruleset, zone)
        for one, answers in zip(ruleset.rules, _answers(valued, ruleset), strict=True):
            yield one, part.filter(answers.fill_null(value=False))


def explained(
    recent: Asks, events: pl.DataFrame, one: InForce, lists: Mapping[str, frozenset[str]], zone: ZoneInfo
) -> list[dict[str, Any]]:
    """Why a rule fires at each of the events, or does not, whatever is in force."""
    valued = _valued(recent, events, RuleSet((one,), lists), zone)
    return [explain(one.rule, lists, row) for row in valued.iter_rows(named=True)]

"""Why a rule fired at a payment, or why not.

A hit is told as it was stored when it was found: the same bytes, whatever became of rule, lists and events.
Where none is stored, the payment is judged again by what is known now, from the files and what came since.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from sqlalchemy import text

from baselines.transfers.recent import Recent
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase
from pipeline.figures import one_line
from pipeline.minute import DAY_MINUTES, EPOCH, MINUTE, Span, floor_minute
from pipeline.online.transfers.in_force import read_timeline
from pipeline.packs.transfers.backtest import reach_of
from pipeline.packs.transfers.judging import explained
from pipeline.packs.transfers.language import explanation_text, parse
from pipeline.packs.transfers.ruleset import InForce
from pipeline.packs.transfers.schema import EVENT
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from baselines.transfers.measure import Measure
    from pipeline.packs.transfers.ruleset import RuleSet
    from pipeline.store.lake import Lake
    from pipeline.store.state import State

#: A payment that was never handed in beside the minute is looked for in so many days of files, newest first.
_LOOKED: Final = 90


@dataclass(frozen=True, slots=True)
class Why:
    """What is said of a rule at a payment."""

    transfer_id: str
    rule: str
    version: int
    mode: str | None  # how this version judged then; None: it did not
    explanation: str  # canonical JSON; of a hit the stored bytes
    stored: bool
    hit: Mapping[str, Any] | None = None  # what else is stored of the hit

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        tree = json.loads(self.explanation)
        hit = {name: value for name, value in (self.hit or {}).items() if name != "explanation"}
        return {
            "transfer_id": self.transfer_id,
            "rule": self.rule,
            "version": self.version,
            "mode": self.mode,
            "stored": self.stored,
            "fires": tree["value"],
            "explanation": tree,
            "explanation_text": self.explanation,
            "hit": hit or None,
        }


def explain_at(state: State, lake: Lake, transfer_id: str, rule: str, version: int | None = None) -> Why:
    """Why `rule` fired at a payment or did not; by the version that judged then, or by the one named.

    Raises UsageError where nobody knows the payment, or the rule.
    """
    for hit in _rows(state, "stored_hit", transfer_id=transfer_id, rule=rule):
        if version in (None, hit["version"]):
            stored = str(hit["explanation"])
            return Why(transfer_id, rule, hit["version"], hit["mode"], stored, stored=True, hit=hit)
    event = _event(state, lake, transfer_id)
    with state.reading() as connection:
        then = read_timeline(connection, EPOCH).at(event["occurred_at"].item())
    one, judged = _version(state, rule, version, then)
    recent = _around(state, lake, event, one)
    (tree,) = explained(recent, event, one, then.lists, lake.zone)
    mode = one.mode if judged else None
    return Why(transfer_id, rule, one.version, mode, explanation_text(tree), stored=False)


def _version(state: State, rule: str, version: int | None, then: RuleSet) -> tuple[InForce, bool]:
    """The version that is asked about, and whether it judged then; that of the live one before its shadow."""
    judging = [one for one in then.rules if one.rule.rule == rule and version in (None, one.version)]
    if judging:
        return min(judging, key=lambda one: one.mode), True
    found = next(iter(_rows(state, "event_rule", rule=rule, version=version)), None)
    if found is None:
        named = rule if version is None else f"{rule}/{version}"
        msg = phrase("there is no rule {rule!r}", rule=one_line(named))
        raise UsageError(msg, phrase("see `minuterisk event-rules list`"))
    return InForce(parse(found["content"]), found["version"], ""), False


def _event(state: State, lake: Lake, transfer_id: str) -> pl.DataFrame:
    """The payment, as a frame of one row."""
    rows = _rows(state, "event_now", transfer_id=transfer_id)
    if rows:
        return _frame(rows)
    published = state.published()
    if published.first_minute is not None and published.last_minute is not None:
        files, end = state.publication().files, published.last_minute + MINUTE
        for _ in range(_LOOKED):
            day = Span(max(end - DAY_MINUTES * MINUTE, published.first_minute), end)
            found = lake.read(files, lake.pack.dataset, day, where=pl.col("transfer_id") == transfer_id)
            if not found.is_empty():
                return found.select(EVENT.names())
            end = day.start
            if end <= published.first_minute:
                break
    msg = phrase("nobody knows the transfer {transfer!r}", transfer=one_line(transfer_id))
    raise UsageError(msg, "see the ids on the screen of payments, or with `minuterisk sql`")


def _around(state: State, lake: Lake, event: pl.DataFrame, one: InForce) -> Recent:
    """All events that the rule's measures may count at this one: from the files, and what came since."""
    recent = Recent(one.rule.measures.values())
    at: datetime = event["occurred_at"].item()
    start, published = at - reach_of([one.rule]), state.published()
    fits = _fits(one.rule.measures.values(), event.row(0, named=True))
    known, end = [event], start
    if published.first_minute is not None and published.last_minute is not None:
        end = published.last_minute + MINUTE
        first = max(floor_minute(start), published.first_minute)
        last = min(floor_minute(at) + MINUTE, end)
        if fits is not None and first < last:  # else all of it came since
            files, span = state.publication().files, Span(first, last)
            known.append(lake.read(files, lake.pack.dataset, span, where=fits).select(EVENT.names()))
    if fits is not None:
        since = _frame(_rows(state, "events_between", since=max(start, end), until=at))
        known.append(since.filter(fits))
    recent.fill(pl.concat(known).unique("transfer_id", keep="first"))
    return recent


def _fits(measures: Any, event: Mapping[str, Any]) -> pl.Expr | None:  # noqa: ANN401 - values of a dict
    """Which earlier events match any of the measures; None: there is none that could."""
    alternatives = [one for measure in measures if (one := _matches(measure, event)) is not None]
    return reduce(or_, alternatives) if alternatives else None


def _matches(measure: Measure, event: Mapping[str, Any]) -> pl.Expr | None:
    """Fields that are missing match nothing."""
    if any(event[ours] is None for _, ours in measure.match):
        return None
    return pl.all_horizontal(
        pl.lit(value=True), *(pl.col(theirs) == event[ours] for theirs, ours in measure.match)
    )


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([{name: row[name] for name in EVENT} for row in rows], EVENT)


def _rows(state: State, query: str, **given: object) -> list[dict[str, Any]]:
    with state.reading() as connection:
        return [
            dict(row) for row in connection.execute(text(sql(f"transfers/ops/{query}")), given).mappings()
        ]

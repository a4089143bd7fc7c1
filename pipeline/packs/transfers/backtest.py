"""What a rule would have done in a known past: hits, accounts, money, and how often it is right. Pure.

It is measured by what the live judging asks, on events as they are known now.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from baselines.chance import wilson_interval
from baselines.transfers.measure import LONGEST_MS
from pipeline.minute import EPOCH
from pipeline.packs.transfers.judging import fired
from pipeline.packs.transfers.ruleset import LIVE, SHADOW, timeline_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from pipeline.packs.transfers.judging import Asks
    from pipeline.packs.transfers.language import RuleText
    from pipeline.packs.transfers.ruleset import Timeline

DAYS: Final = timedelta(days=30)
#: What somebody said became of transfers.
LABELS: Final = pl.Schema({"transfer_id": pl.String(), "fraud": pl.Boolean()})
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Trial:
    """Versions of one rule over one past: the one that is asked about, and the live one, if any."""

    rule: str
    versions: Mapping[int, str]  # version -> text
    asked: int
    live: int | None
    entries: Sequence[Mapping[str, Any]]  # rows of `lists_in_force`

    @property
    def timeline(self) -> Timeline:
        """Both for events of any time, on lists as they were."""
        spans = [
            {
                "rule": self.rule,
                "version": version,
                "mode": SHADOW if version == self.asked else LIVE,
                "from_at": EPOCH,
                "until_at": None,
                "content": content,
            }
            for version, content in self.versions.items()
        ]
        return timeline_of(spans, self.entries)


@dataclass(slots=True)
class Side:
    """What one version has found so far."""

    hits: int = 0
    days: Counter[str] = field(default_factory=Counter)  # business day -> hits
    money: Counter[str] = field(default_factory=Counter)  # currency -> minor units
    accounts: set[str] = field(default_factory=set)
    true: int = 0
    false: int = 0

    def add(self, found: pl.DataFrame, labels: pl.DataFrame, zone: ZoneInfo) -> None:
        """Events at which it fires."""
        self.hits += found.height
        day = found["occurred_at"].dt.convert_time_zone(zone.key).dt.strftime("%Y-%m-%d")
        self.days.update(day.to_list())
        for currency, amount in found.group_by("currency").agg(pl.col("amount").sum()).iter_rows():
            self.money[currency] += amount
        self.accounts.update(found["account_id"].unique())
        known = found.join(labels, on="transfer_id")["fraud"]
        self.true += int(known.sum())
        self.false += len(known) - int(known.sum())

    def as_json(self, days: float) -> dict[str, Any]:
        """For machines; null where it is not known."""
        labels = self.true + self.false
        low, high = wilson_interval(self.true, labels) if labels else (None, None)
        return {
            "hits": self.hits,
            "hits_per_day": round(self.hits / days, 1) if days else None,
            "by_day": dict(sorted(self.days.items())),
            "accounts": len(self.accounts),
            "money": dict(sorted(self.money.items())),
            "true_hits": self.true,
            "false_hits": self.false,
            "precision": round(self.true / labels, 4) if labels else None,
            "precision_low": None if low is None else round(low, 4),
            "precision_high": None if high is None else round(high, 4),
        }


class Tally:
    """What all versions of a trial have found so far."""

    def __init__(self, trial: Trial, labels: pl.DataFrame, zone: ZoneInfo) -> None:
        self._trial = trial
        self._labels = labels
        self._zone = zone
        self._timeline = trial.timeline
        self._sides = {version: Side() for version in trial.versions}
        self._alone = 0
        self._events = self._frauds = 0

    def add(self, recent: Asks, events: pl.DataFrame) -> None:
        """Judge events, in the columns of EVENT, that `recent` holds."""
        self._events += events.height
        self._frauds += events.join(self._labels.filter("fraud"), on="transfer_id", how="semi").height
        found: dict[int, list[pl.DataFrame]] = {version: [] for version in self._sides}
        for one, hits in fired(recent, events, self._timeline, self._zone):
            found[one.version].append(hits)
            self._sides[one.version].add(hits, self._labels, self._zone)
        self._alone += self._only(found)

    def _only(self, found: Mapping[int, Sequence[pl.DataFrame]]) -> int:
        """Hits of the version that is asked about, without those that the live one has as well."""
        live = self._trial.live
        ours, theirs = (
            pl.concat(
                [pl.DataFrame(schema={"transfer_id": pl.String}), *(f.select("transfer_id") for f in some)]
            )
            for some in (found[self._trial.asked], found.get(live, ()) if live is not None else ())
        )
        return ours.join(theirs, on="transfer_id", how="anti").height

    def as_json(self, days: float) -> dict[str, Any]:
        """For machines."""
        live = self._trial.live
        return {
            "events": self._events,
            "frauds_known": self._frauds,
            "candidate": self._sides[self._trial.asked].as_json(days),
            "only_candidate": self._alone,
            "version_live": live,
            "live": None if live is None else self._sides[live].as_json(days),
        }


def reach_of(rules: Iterable[RuleText]) -> timedelta:
    """How far back the events lie that these rules ask for; without a window, as far as events are held."""
    measures = [measure for rule in rules for measure in rule.measures.values()]
    # A long window begins at a full hour.
    reaches = [_HOUR_MS + (m.within_ms or LONGEST_MS) for m in measures]
    return timedelta(milliseconds=max(reaches, default=0))

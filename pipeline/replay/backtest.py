"""Judge a published period again without telling anybody: live's functions, other hands at both ends."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from baselines.merchants.windows import Windows
from pipeline.errors import UsageError
from pipeline.feeds import LakeFeed
from pipeline.figures import moment, span_text
from pipeline.minute import DAY_MINUTES, MINUTE, MINUTE_US, Span, split_by_day, to_index
from pipeline.packs.merchants.judge import CANCEL_SURGE, SETTLING, VOLUME_DROP
from pipeline.replay.replay import KEPT_WHOLE, replay_all, stretches_of
from pipeline.replay.score import money_caught, score
from pipeline.run import Line, settle_minute
from pipeline.schema import MERCHANT_MINUTE, RULE_NUMBERS, SIGNAL
from pipeline.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from pipeline.catch_up import Progress
    from pipeline.count import Counted
    from pipeline.judge.life import AtRisk, Changes, Incident, Key
    from pipeline.replay.replay import Replayed, Stretch
    from pipeline.replay.score import Score
    from pipeline.store.state import Published

_KEY = ["rule", "merchant_id"]
#: Breaches of the raw conditions.
_RAW = pl.col("kind") == "rule"


class MemoryBook:
    """Keeps incidents in memory; publishes and sends nothing. Money at risk is not known in a backtest."""

    def __init__(self) -> None:
        self._unresolved: dict[Key, Incident] = {}
        self._resolved: dict[Key, Incident] = {}
        self.opened: list[Incident] = []
        self.reopened: list[Incident] = []
        self.notices: Counter[str] = Counter()

    def unresolved(self) -> Mapping[Key, Incident]:
        """Incidents that are not resolved at the minute being judged."""
        return self._unresolved

    def resolved_since(self, since: datetime) -> Mapping[Key, Incident]:
        """Incidents that have resolved after `since` and may come back."""
        return {k: i for k, i in self._resolved.items() if i.resolved_minute and i.resolved_minute > since}

    def at_risk(
        self,
        merchants: Sequence[str],  # noqa: ARG002 - the protocol's
        minute: datetime,  # noqa: ARG002 - the protocol's
        windows: Windows,  # noqa: ARG002 - the protocol's
        again: Collection[str] | None = None,  # noqa: ARG002 - the protocol's
    ) -> Mapping[str, AtRisk]:
        """Not known: payouts belong to the present, not to the judged period."""
        return {}

    def record(
        self,
        minute: datetime,
        counted: Counted,  # noqa: ARG002 - the protocol's
        signals: pl.DataFrame,  # noqa: ARG002 - the protocol's
        changes: Changes,
        steps: Steps,  # noqa: ARG002 - the protocol's
    ) -> None:
        """Apply the changes to the incidents in memory."""
        self.apply(minute, changes)

    def apply(self, minute: datetime, changes: Changes) -> None:
        """Apply what a minute does to the incidents, and count what people would have been told."""
        self.notices.update(event.kind for event in changes.events)
        for incident in changes.opened:
            self.opened.append(incident)
            self._unresolved[incident.key] = replace(incident, incident_id=len(self.opened))
        # For a label it is as good as a new one: people are told of it then.
        self.reopened += [replace(incident, opened_minute=minute) for incident in changes.reopened]
        for incident in (*changes.reopened, *changes.continued):
            self._unresolved[incident.key] = incident
        for incident in changes.resolved:
            del self._unresolved[incident.key]
            self._resolved[incident.key] = replace(incident, resolved_minute=minute)


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a policy would have done over a period."""

    span: Span
    policy: str
    replayed: Replayed
    opened: Sequence[Incident] = field(default=())
    reopened: Sequence[Incident] = field(default=())  # each as if it had opened when it came back
    notices: Mapping[str, int] = field(default_factory=dict)  # messages people would have got, by kind

    @property
    def merchants(self) -> int:
        """How many merchants are known at the end."""
        return self.replayed.merchants

    def signals(self) -> pl.DataFrame:
        """Every signal kept, as SIGNAL; all of them where `replayed.whole`."""
        return pl.concat([SIGNAL.to_frame(), *(pl.read_parquet(path) for _, path in self.replayed.files)])

    def lines(self) -> pl.Series:
        """One text line per signal, sorted; see `signal_lines`."""
        return signal_lines(self.signals())

    def _digest(self) -> str:
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """The summary for machines."""
        raw = self.replayed.raw
        # Of tens of millions of signals only those are kept that matter; lines are made when asked for.
        whole = self.replayed.whole and raw.total() <= KEPT_WHOLE
        return {
            "from": self.span.start.isoformat(),
            "to": self.span.end.isoformat(),
            "policy": self.policy,
            "minutes": self.span.minutes,
            "signals": raw.total(),
            "signals_by_rule": {rule: raw[rule] for rule in (CANCEL_SURGE, VOLUME_DROP)},
            "signal_merchants": len(self.replayed.raw_merchants),
            "signals_beside": dict(+self.replayed.beside),
            "signals_sha256": self._digest() if whole else None,
            "incidents_opened": len(self.opened),
            "incidents_reopened": len(self.reopened),
            "incidents_per_day": round(len(self.opened) * DAY_MINUTES / self.span.minutes, 2),
            "incident_merchants": len({incident.merchant_id for incident in self.opened}),
            "notices": dict(self.notices),
        }


@dataclass(frozen=True, slots=True)
class Run:
    """A backtest with the file of rules it used and, where there are labels, how it compares with them."""

    result: Backtest
    rules: Path
    score: Score | None = None
    money: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The summary for machines."""
        content = {**self.result.as_json(), "rules": str(self.rules)}
        return content if self.score is None else {**content, "score": {**self.score.as_json(), **self.money}}


def compare_with(labels: pl.DataFrame, result: Backtest, whole: Stretch) -> tuple[Score, dict[str, int]]:
    """How a backtest compares with labels, and the money that its incidents came in time for."""
    found = score([*result.opened, *result.reopened], labels, result.span, result.merchants)
    merchants = sorted({d.label["merchant_id"] for d in found.detections})
    files = whole.history.files
    days = [
        whole.lake.read(files, "merchant_minute", day, merchants)
        for day in split_by_day(result.span, whole.lake.zone)
    ]
    return found, money_caught(found.detections, pl.concat([MERCHANT_MINUTE.to_frame(), *days]))


def backtest(whole: Stretch, progress: Progress, jobs: int | None = None) -> Backtest:
    """Judge every minute of a period again, in `jobs` processes (default: by cores), then settle them.

    Nothing is sent or stored; `whole.folder` gets the files of signals.
    """
    replayed = replay_all(stretches_of(whole, jobs), MemoryBook(), progress)
    book = settle(whole, replayed.files)
    return Backtest(whole.span, whole.policy, replayed, book.opened, book.reopened, dict(book.notices))


def settle(whole: Stretch, files: Sequence[tuple[Span, Path]]) -> MemoryBook:
    """What becomes of the incidents over the minutes of a period, from its files of signals in order."""
    book, windows = MemoryBook(), Windows(whole.lake.zone, whole.rules.volume_drop.baseline_days)
    feed = LakeFeed(whole.lake, [], windows.merchants)
    line = Line(feed, book, windows, whole.rules, whole.policy, Steps(time.monotonic))
    for span, path in files:
        signals = _that_matter(pl.read_parquet(path), book)
        index = signals["minute"].dt.epoch("us").to_numpy() // MINUTE_US
        borders = np.searchsorted(index, np.arange(to_index(span.start), to_index(span.end) + 1))
        for minute, (start, stop) in zip(span, pairwise(borders.tolist()), strict=True):
            if start < stop or book.unresolved():
                book.apply(minute, settle_minute(minute, signals.slice(start, stop - start), line)[1])
    return book


def _that_matter(signals: pl.DataFrame, book: MemoryBook) -> pl.DataFrame:
    """Signals that open an incident or keep one open; the others are nearly all and change nothing."""
    open_now = pl.DataFrame(list(book.unresolved()), {name: SIGNAL[name] for name in _KEY}, orient="row")
    keys = pl.concat([signals.filter("passed").select(_KEY), open_now]).unique()
    settles = signals.filter(pl.col("reason").is_in(SETTLING))
    return settles.join(keys, on=_KEY, how="semi", maintain_order="left")


def signal_lines(signals: pl.DataFrame) -> pl.Series:
    """Breaches of the raw conditions as sorted text lines, to compare two judgements byte by byte.

    They are the same under every policy: what `budgeted` sees beside them has another kind and no line.

    `merchant minute approvals(hour) cancels(hour) approvals(week) cancels(week)` for cancel_surge, and
    `merchant minute volume_drop amount(today) amount(paced) amount(days) days` for volume_drop.
    """
    signals = signals.filter(_RAW)
    head = [pl.col("merchant_id"), pl.col("minute").dt.strftime("%Y-%m-%dT%H:%M")]
    surge = signals.filter(pl.col("rule") == CANCEL_SURGE).select(_line(head, CANCEL_SURGE))
    drop = signals.filter(pl.col("rule") == VOLUME_DROP).select(
        _line([*head, pl.lit(VOLUME_DROP)], VOLUME_DROP)
    )
    return pl.concat([surge, drop])["line"].sort()


def require_published(span: Span, published: Published, missing: Sequence[datetime], zone: ZoneInfo) -> None:
    """Refuse a period that is not published as a whole; `missing` are the unpublished minutes inside it."""
    first, last = published.first_minute, published.last_minute
    if first is None or last is None or span.start < first or span.end > last + MINUTE:
        found = span_text(Span(first, last + MINUTE), zone) if first and last else "nothing"
        msg = f"{span_text(span, zone)} is not published as a whole; published is {found}"
        raise UsageError(msg, "choose a period inside it, or `minuterisk backfill` it first")
    if missing:
        first_missing = moment(missing[0], zone)
        what = f"{span_text(span, zone)} has a hole"
        msg = f"{what}: {len(missing)} minutes are not published, the first is {first_missing}"
        raise UsageError(msg, "`minuterisk backfill` it first; a missing minute would be judged as silence")


def _line(head: Sequence[pl.Expr], rule: str) -> pl.Expr:
    return pl.concat_str([*head, *(pl.col(name) for name in RULE_NUMBERS[rule])], separator=" ").alias("line")

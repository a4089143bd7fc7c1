"""Judge a published period again without telling anybody: live's functions, other hands at both ends."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from pipeline.errors import UsageError
from pipeline.figures import moment, span_text
from pipeline.judge.verdicts import RAW, SETTLING
from pipeline.minute import DAY_MINUTES, MINUTE, MINUTE_US, Span, split_by_day, to_index
from pipeline.replay.replay import KEPT_WHOLE, gates_of, replay_all, stretches_of
from pipeline.replay.score import rules_of, score
from pipeline.run import settle_minute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from pipeline.catch_up import Progress
    from pipeline.judge.life import Changes, Incident, Key
    from pipeline.money import AtRisk
    from pipeline.pack import Pack
    from pipeline.replay.replay import Replayed, Stretch
    from pipeline.replay.score import Score
    from pipeline.store.ledger import Published

_KEY = ["rule", "entity_id"]
#: Breaches of the raw conditions.
_RAW = pl.col("kind") == RAW


class MemoryBook:
    """Keeps incidents in memory; sends nothing. Money at risk is not known in a backtest."""

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

    def dismissed(self, since: datetime) -> Mapping[Key, Incident]:  # noqa: ARG002 - the protocol's
        """None: what people did belongs to the incidents of their time."""
        return {}

    def at_risk(self, *_: object, **__: object) -> Mapping[str, AtRisk]:
        """Not known: money belongs to the present, not to the judged period."""
        return {}

    def names(self, entities: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's
        """Nobody is told."""
        return {}

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
    pack: Pack[Any, Any]
    replayed: Replayed
    opened: Sequence[Incident] = field(default=())
    reopened: Sequence[Incident] = field(default=())  # each as if it had opened when it came back
    notices: Mapping[str, int] = field(default_factory=dict)  # messages people would have got, by kind

    @property
    def entities(self) -> int:
        """How many entities are known at the end."""
        return self.replayed.entities

    def signals(self) -> pl.DataFrame:
        """Every signal kept; all of them where `replayed.whole`."""
        return pl.concat(
            [self.pack.signal.to_frame(), *(pl.read_parquet(path) for _, path in self.replayed.files)]
        )

    def lines(self) -> pl.Series:
        """One text line per signal, sorted; see `signal_lines`."""
        return signal_lines(self.signals(), self.pack)

    def _digest(self) -> str:
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """The summary for machines."""
        raw, nouns = self.replayed.raw, self.pack.nouns
        # Of tens of millions of signals only those are kept that matter; lines are made when asked for.
        whole = self.replayed.whole and raw.total() <= KEPT_WHOLE
        return {
            "from": self.span.start.isoformat(),
            "to": self.span.end.isoformat(),
            "policy": self.policy,
            "minutes": self.span.minutes,
            "signals": raw.total(),
            "signals_by_rule": {name: raw[name] for name in rules_of(self.pack)},
            f"signal_{nouns}": len(self.replayed.raw_entities),
            "signals_beside": dict(+self.replayed.beside),
            "signals_sha256": self._digest() if whole else None,
            "incidents_opened": len(self.opened),
            "incidents_reopened": len(self.reopened),
            "incidents_per_day": round(len(self.opened) * DAY_MINUTES / self.span.minutes, 2),
            f"incident_{nouns}": len({incident.entity_id for incident in self.opened}),
            "notices": dict(self.notices),
        }


@dataclass(frozen=True, slots=True)
class Run:
    """A backtest with the rules it used and, where there are labels, how it compares with them."""

    result: Backtest
    rules: str  # a file, or "in force": those of each minute
    score: Score | None = None
    money: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The summary for machines."""
        content = {**self.result.as_json(), "rules": self.rules}
        return content if self.score is None else {**content, "score": {**self.score.as_json(), **self.money}}


def compare_with(
    labels: pl.DataFrame, result: Backtest, whole: Stretch, *, complete: bool = True
) -> tuple[Score, dict[str, int]]:
    """How a backtest compares with labels, and the money that its incidents came in time for."""
    pack, files = result.pack, whole.history.files
    opened = [*result.opened, *result.reopened]
    found = score(opened, labels, result.span, result.entities, pack, complete=complete)
    if pack.caught is None:
        return found, {}
    entities = sorted({d.label["entity_id"] for d in found.detections})
    days = [
        whole.lake.read(files, pack.dataset, day, entities)
        for day in split_by_day(result.span, whole.lake.zone)
    ]
    labelled = [
        {**d.label, "opened_minute": d.incident and d.incident.opened_minute} for d in found.detections
    ]
    return found, pack.caught(labelled, pl.concat([pack.counted.to_frame(), *days]))


def backtest(whole: Stretch, progress: Progress, jobs: int | None = None) -> Backtest:
    """Judge every minute of a period again, in `jobs` processes (default: by cores), then settle them.

    Nothing is sent or stored; `whole.folder` gets the files of signals.
    """
    replayed = replay_all(stretches_of(whole, jobs), progress)
    book, pack = settle(whole, replayed.files), whole.lake.pack
    return Backtest(whole.span, whole.policy, pack, replayed, book.opened, book.reopened, dict(book.notices))


def settle(whole: Stretch, files: Sequence[tuple[Span, Path]]) -> MemoryBook:
    """What becomes of the incidents over the minutes of a period, from its files of signals in order."""
    book, pack = MemoryBook(), whole.lake.pack
    gates = gates_of(whole)
    windows = pack.windows(whole.lake.zone, gates.tuned)  # empty: money is not asked for
    for span, path in files:
        signals = _that_matter(pl.read_parquet(path), book)
        index = signals["minute"].dt.epoch("us").to_numpy() // MINUTE_US
        borders = np.searchsorted(index, np.arange(to_index(span.start), to_index(span.end) + 1))
        for minute, (start, stop) in zip(span, pairwise(borders.tolist()), strict=True):
            if start < stop or book.unresolved():
                settled = settle_minute(minute, signals.slice(start, stop - start), gates, book, windows)
                book.apply(minute, settled.changes)
    return book


def _that_matter(signals: pl.DataFrame, book: MemoryBook) -> pl.DataFrame:
    """Signals that open an incident or keep one open; the others are nearly all and change nothing."""
    open_now = pl.DataFrame(list(book.unresolved()), dict.fromkeys(_KEY, pl.String), orient="row")
    keys = pl.concat([signals.filter("passed").select(_KEY), open_now]).unique()
    settles = signals.filter(pl.col("reason").is_in(SETTLING))
    return settles.join(keys, on=_KEY, how="semi", maintain_order="left")


def signal_lines(signals: pl.DataFrame, pack: Pack[Any, Any]) -> pl.Series:
    """Breaches of the raw conditions as sorted text lines, to compare two judgements byte by byte.

    They are the same under every policy: what is seen beside them has another kind and no line. Where the
    pack has no lines of its own: `entity minute rule numbers...`.
    """
    signals = signals.filter(_RAW)
    if pack.lines is not None:
        return pack.lines(signals).sort()
    head = [pl.col("entity_id"), pl.col("minute").dt.strftime("%Y-%m-%dT%H:%M"), pl.col("rule")]
    parts = [
        signals.filter(rule=rule.name).select(
            line=pl.concat_str([*head, *(pl.col(name) for name in rule.numbers)], separator=" ")
        )
        for rule in pack.rules
    ]
    return pl.concat(parts)["line"].sort()


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

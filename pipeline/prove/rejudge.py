"""Late commits: which published minutes changed at the source, and everything that follows from it.

A dirty minute is read again as a whole and replaces its earlier revision; nothing is ever added to a
count, so double counting is impossible by construction. Its revision grows only if the result differs.
The minutes since are judged again with the corrected numbers, from a copy of the windows that stood
before them: an incident the old numbers hid is opened, one they made up is marked corrected, and none
is ever doubled. Files, ledger, signals, incidents and messages change in one commit.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.judge.hold import hold
from pipeline.judge.life import (
    AtRisk,
    Changes,
    Event,
    Incident,
    back_again,
    may_come_back,
    merchants_to_price,
    open_incident,
)
from pipeline.minute import Span, one_minute
from pipeline.packs.merchants.compare import compare
from pipeline.packs.merchants.judge import judge
from pipeline.schema import SIGNAL
from pipeline.source.asked import KnownMinute, Totals
from pipeline.source.look_back import HORIZON
from pipeline.source.pieces import pieces_of_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from baselines.merchants.rules import Rules
    from baselines.merchants.windows import Windows
    from pipeline.count import Counted
    from pipeline.judge.hold import Past
    from pipeline.judge.life import Key
    from pipeline.store.lake import Lake, LakeFile


@dataclass(frozen=True, slots=True)
class Gates:
    """Judges minutes in order as the live line does: verdicts, then what holds them back."""

    past: Past
    rules: Rules
    policies: Mapping[datetime, str]  # by minute; `policy` for the others
    policy: str = ""

    def judge(self, minute: datetime, windows: Windows) -> pl.DataFrame:
        """The signals (SIGNAL) of the minute that `windows` stand at."""
        policy = self.policies.get(minute, self.policy)
        signals = judge(compare(windows, self.rules), policy, self.rules)
        signals = hold(minute, signals, self.past, policy, self.rules)
        self.past.add(minute, signals)
        return signals


@dataclass(frozen=True, slots=True)
class Rejudged:
    """The minutes since a correction, judged again."""

    windows: Windows  # stand at the newest minute, with the corrected numbers
    past: Past  # the same
    signals: pl.DataFrame  # SIGNAL of every judged minute since
    span: Span  # these minutes


def known_minutes(ledger: Iterable[Mapping[str, Any]]) -> dict[datetime, KnownMinute]:
    """Ledger rows as the source wants to know them."""
    return {row["minute"]: KnownMinute(Totals.of_ledger(row), row["source_xmin"]) for row in ledger}


def differs(counted: Counted, lake: Lake, files: Sequence[LakeFile]) -> bool:
    """Does a minute, counted anew, differ from what is published of it?"""
    published = lake.read(files, "merchant_minute", counted.span)
    counted_anew = counted.merchant_minutes.sort("minute", "merchant_id")
    if not counted_anew.equals(published):
        return True
    order = ["transaction_id", "reason", "kind", "amount", "merchant_id"]
    aside = lake.read(files, "quarantine", counted.span).sort(order)
    return not counted.quarantine.select(aside.columns).sort(order).equals(aside)


def replace_files(
    lake: Lake, files: Sequence[LakeFile], dataset: str, revised: Mapping[datetime, pl.DataFrame]
) -> tuple[list[LakeFile], list[LakeFile]]:
    """Write files that hold the revised minutes instead of the old ones; gives (new files, files replaced).

    A minute inside a compacted file means that file is written again as a whole.
    """
    new: list[LakeFile | None] = []
    replaced: dict[str, tuple[LakeFile, list[datetime]]] = {}
    for minute in revised:
        holder = next(
            (f for f in files if f.dataset == dataset and f.span.start <= minute < f.span.end), None
        )
        if holder is None:
            new.append(lake.write(dataset, revised[minute], one_minute(minute)))
        else:
            replaced.setdefault(holder.path, (holder, []))[1].append(minute)
    for file, minutes in replaced.values():
        kept = lake.read([file], dataset, file.span).filter(~pl.col("minute").is_in(minutes))
        rows = pl.concat([kept, *(revised[m].select(kept.columns) for m in minutes)])
        new.append(lake.write(dataset, rows.sort("minute", "merchant_id"), file.span))
    return [f for f in new if f is not None], [file for file, _ in replaced.values()]


def replace_span(
    lake: Lake, files: Sequence[LakeFile], dataset: str, span: Span, rows: pl.DataFrame
) -> tuple[list[LakeFile], list[LakeFile]]:
    """Write one file that holds `rows` instead of everything published in `span`; gives (new, replaced)."""
    overlapping = [
        f for f in files if f.dataset == dataset and f.span.start < span.end and span.start < f.span.end
    ]
    cover = Span(
        min([span.start, *(f.span.start for f in overlapping)]),
        max([span.end, *(f.span.end for f in overlapping)]),
    )
    outside = (pl.col("minute") < span.start) | (pl.col("minute") >= span.end)
    kept = lake.read(overlapping, dataset, cover).filter(outside)
    written = lake.write(dataset, pl.concat([kept, rows]).sort("minute", "merchant_id"), cover)
    return [written] if written else [], overlapping


def rejudge(
    windows: Windows,
    revised: Mapping[datetime, Counted],
    published: pl.DataFrame,
    judged: Span,
    gates: Gates,
) -> Rejudged:
    """Judge the minutes of `judged` again; moves `windows`, which stand right before the first revised one.

    `published` holds the old rows of these minutes. Minutes before `judged` only slide the windows; `gates`
    stand at its start.
    """
    first = min(revised)
    signals = [SIGNAL.to_frame()]
    by_minute = {key[0]: rows for key, rows in published.partition_by("minute", as_dict=True).items()}
    for minute in Span(first, judged.end):
        counts = (
            revised[minute].merchant_minutes
            if minute in revised
            else by_minute.get(minute, published.clear())
        )
        windows.add(minute, counts)
        if minute >= judged.start:
            signals.append(gates.judge(minute, windows))
    return Rejudged(windows, gates.past, pl.concat(signals), judged)


def changes_of(
    rejudged: Rejudged,
    incidents: Sequence[Mapping[str, Any]],
    at_risk: Mapping[str, AtRisk],
    policy: str,
    rules: Rules,
) -> tuple[Changes, list[int]]:
    """What the minutes judged again do to the incidents: new ones, and ids of those no longer supported.

    `incidents` are all that were unresolved at any of these minutes. An ended episode that turns up while a
    later incident of its key is unresolved opens nothing, as one at a time is the promise: see `mended`.
    """
    fired = _fired(rejudged.signals)
    covered = _covered(incidents)
    opened: list[Incident] = []
    reopened: list[Incident] = []
    for key, rows in fired.items():
        uncovered = [row for row in rows if not any(a <= row["minute"] <= b for a, b in covered.get(key, ()))]
        unresolved = any(
            i["resolved_minute"] is None for i in incidents if (i["rule"], i["merchant_id"]) == key
        )
        if not uncovered or unresolved:
            continue
        before = _before(key, uncovered[0]["minute"], incidents, rules)
        incident = open_incident(uncovered, at_risk.get(key[1]), policy, rules, before)
        (opened if before is None else reopened).append(incident)
    events = [Event("opened", incident.opened_minute, incident) for incident in opened]
    events += back_again(reopened)
    changes = Changes(opened=opened, reopened=reopened, events=events)
    return changes, _unsupported(rejudged, incidents, fired)


def mended(
    rejudged: Rejudged, incidents: Sequence[Mapping[str, Any]]
) -> tuple[list[int], dict[int, datetime]]:
    """Ids of incidents marked corrected that signals support after all, and earlier beginnings by id.

    An episode that turns up before an unresolved incident of its key belongs to the next incident after it.
    """
    supported: list[int] = []
    earlier: dict[int, datetime] = {}
    covered = _covered(incidents)
    for key, rows in _fired(rejudged.signals).items():
        same = [i for i in incidents if (i["rule"], i["merchant_id"]) == key]
        for incident in same:
            (span,) = _covered([incident])[key]
            if incident["corrected_minute"] and any(span[0] <= row["minute"] <= span[1] for row in rows):
                supported.append(incident["incident_id"])
        if all(i["resolved_minute"] is not None for i in same):
            continue
        for row in reversed(rows):
            if not any(a <= row["minute"] <= b for a, b in covered[key]):
                after = [i for i in same if i["opened_minute"] > row["minute"]]
                for owner in sorted(after, key=lambda i: i["opened_minute"])[:1]:
                    earlier[owner["incident_id"]] = row["minute"]
    return supported, earlier


def _before(
    key: Key, minute: datetime, incidents: Sequence[Mapping[str, Any]], rules: Rules
) -> Incident | None:
    """The resolved incident that comes back when its rule is breached again at `minute`."""
    same = [incident_of(row) for row in incidents if (row["rule"], row["merchant_id"]) == key]
    ended = [i for i in same if i.resolved_minute and i.resolved_minute <= minute]
    newest = max(ended, key=lambda i: i.resolved_minute or i.opened_minute, default=None)
    return newest if newest is not None and may_come_back(newest, minute, rules) else None


def incident_of(row: Mapping[str, Any]) -> Incident:
    """An incident as `incidents_between` gives it."""
    at_risk = AtRisk(row["paid_out_cancelable"], row["cancelled_unrecovered"], row["merchant_name"])
    names = [f.name for f in fields(Incident) if f.name != "at_risk"]
    return Incident(**{name: row[name] for name in names}, at_risk=at_risk)


def keys_to_open(rejudged: Rejudged, incidents: Sequence[Mapping[str, Any]]) -> list[str]:
    """Merchants whose money at risk is needed for `changes_of`."""
    unresolved = {(i["rule"], i["merchant_id"]) for i in incidents if i["resolved_minute"] is None}
    return merchants_to_price(key for key in _fired(rejudged.signals) if key not in unresolved)


def _fired(signals: pl.DataFrame) -> dict[Key, list[dict[str, Any]]]:
    fired: dict[Key, list[dict[str, Any]]] = {}
    for row in signals.filter("passed").sort("minute").iter_rows(named=True):
        fired.setdefault((row["rule"], row["merchant_id"]), []).append(row)
    return fired


def _covered(incidents: Sequence[Mapping[str, Any]]) -> dict[Key, list[tuple[datetime, datetime]]]:
    covered: dict[Key, list[tuple[datetime, datetime]]] = {}
    for incident in incidents:
        end = incident["resolved_minute"] or incident["last_breach_minute"] + HORIZON
        covered.setdefault((incident["rule"], incident["merchant_id"]), []).append(
            (incident["opened_minute"], end)
        )
    return covered


def _unsupported(
    rejudged: Rejudged,
    incidents: Sequence[Mapping[str, Any]],
    fired: Mapping[Key, Sequence[Mapping[str, Any]]],
) -> list[int]:
    """Incidents opened in the span that no minute of it supports any more."""
    found = []
    for incident in incidents:
        if incident["opened_minute"] < rejudged.span.start or incident["corrected_minute"] is not None:
            continue
        rows = fired.get((incident["rule"], incident["merchant_id"]), ())
        if not any(row["minute"] >= incident["opened_minute"] for row in rows):
            found.append(incident["incident_id"])
    return found


def rejudge_published(
    windows: Windows,
    lake: Lake,
    files: Sequence[LakeFile],
    span: Span,
    gates: Gates,
) -> pl.DataFrame:
    """Signals (SIGNAL) of a published span, judged again from the lake under each minute's own policy.

    `windows` and `gates` stand right before the span; minutes without a policy were never judged and have no
    signals.
    """
    signals = [SIGNAL.to_frame()]
    for piece in pieces_of_files(files, "merchant_minute", span, lake.zone):
        published = lake.read(files, "merchant_minute", piece)
        by_minute = {key[0]: rows for key, rows in published.partition_by("minute", as_dict=True).items()}
        for minute in piece:
            windows.add(minute, by_minute.get(minute, published.clear()))
            if minute in gates.policies:
                signals.append(gates.judge(minute, windows))
    return pl.concat(signals)

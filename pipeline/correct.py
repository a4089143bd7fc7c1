"""Late commits: which published minutes changed at the source, and everything that follows from it.

A dirty minute is read again as a whole and replaces its earlier revision; nothing is ever added to a
count, so double counting is impossible by construction. Its revision grows only if the result differs.
The minutes since are judged again with the corrected numbers, from a copy of the windows that stood
before them: an incident the old numbers hid is opened, one they made up is marked corrected, and none
is ever doubled. Files, ledger, signals, incidents and messages change in one commit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.alert import Changes, Event, open_incident
from pipeline.compare import compare
from pipeline.judge import judge
from pipeline.minute import MINUTE, Span, one_minute
from pipeline.schema import SIGNAL
from pipeline.source import KnownMinute, Totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from baselines.rules import Rules
    from baselines.windows import Windows
    from pipeline.alert import AtRisk, Key
    from pipeline.count import Counted
    from pipeline.lake import Lake, LakeFile
    from pipeline.source import Fence

#: A published minute is corrected for this long; later changes are recorded and raise an alarm.
HORIZON = timedelta(hours=48)
#: Rows written this long ago are always looked at again: a transaction may sit idle before its first write.
LOOK_BACK_LEAST = timedelta(minutes=5)
#: A forgotten transaction must not make every poll read hours; reconciliation covers what is older.
LOOK_BACK_MOST = timedelta(hours=1)
#: A look-back older than this means a transaction is open for that long: an alarm.
LOOK_BACK_ALARM = timedelta(minutes=5)


class LookBack:
    """The adaptive floor of the search for late commits.

    A transaction that is open now has an id at or above the snapshot's xmin, so it took that id after the
    newest poll whose xmax was not above it. Nothing unseen was written before that poll, except by
    transactions that began long before they first wrote; LOOK_BACK_LEAST allows for those.
    """

    def __init__(self) -> None:
        self._polls: deque[Fence] = deque(maxlen=4096)

    def add(self, fence: Fence) -> None:
        """Remember a poll."""
        self._polls.append(fence)

    def open_since(self, fence: Fence) -> datetime:
        """The oldest moment at which a transaction still open at `fence` can have taken its id."""
        before = [poll.clock for poll in self._polls if poll.xmax <= fence.xmin]
        oldest = self._polls[0].clock if self._polls else fence.clock
        return max(before, default=oldest)

    def floor(self, fence: Fence) -> datetime:
        """From when on rows have to be looked at again at the next poll."""
        wanted = min(self.open_since(fence) - timedelta(seconds=60), fence.clock - LOOK_BACK_LEAST)
        return max(wanted, fence.clock - LOOK_BACK_MOST)


@dataclass(frozen=True, slots=True)
class Rejudged:
    """The minutes since a correction, judged again."""

    windows: Windows  # stand at the newest minute, with the corrected numbers
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
    last: datetime,
    judged_from: datetime,
    policy: str,
    rules: Rules,
) -> Rejudged:
    """Judge the minutes up to `last` again; moves `windows`, which stand right before the first revised one.

    `published` holds the old rows of these minutes. Minutes before `judged_from` only slide the windows.
    """
    first = min(revised)
    signals = [SIGNAL.to_frame()]
    by_minute = {key[0]: rows for key, rows in published.partition_by("minute", as_dict=True).items()}
    for minute in Span(first, last + MINUTE):
        counts = (
            revised[minute].merchant_minutes
            if minute in revised
            else by_minute.get(minute, published.clear())
        )
        windows.add(minute, counts)
        if minute >= judged_from:
            signals.append(judge(compare(windows, rules), policy, rules))
    return Rejudged(windows, pl.concat(signals), Span(max(first, judged_from), last + MINUTE))


def changes_of(
    rejudged: Rejudged,
    incidents: Sequence[Mapping[str, Any]],
    at_risk: Mapping[str, AtRisk],
    policy: str,
    rules: Rules,
) -> tuple[Changes, list[int]]:
    """What the minutes judged again do to the incidents: new ones, and ids of those no longer supported.

    `incidents` are all that were unresolved at any of these minutes.
    """
    fired = _fired(rejudged.signals)
    covered = _covered(incidents)
    opened = []
    for key, rows in fired.items():
        uncovered = [row for row in rows if not any(a <= row["minute"] <= b for a, b in covered.get(key, ()))]
        unresolved = any(
            i["resolved_minute"] is None for i in incidents if (i["rule"], i["merchant_id"]) == key
        )
        if uncovered and not unresolved:
            opened.append(open_incident(uncovered, at_risk.get(key[1]), policy, rules))
    events = [Event("opened", incident.opened_minute, incident) for incident in opened]
    return Changes(opened=opened, events=events), _unsupported(rejudged, incidents, fired)


def keys_to_open(rejudged: Rejudged, incidents: Sequence[Mapping[str, Any]]) -> list[str]:
    """Merchants whose money at risk is needed for `changes_of`."""
    unresolved = {(i["rule"], i["merchant_id"]) for i in incidents if i["resolved_minute"] is None}
    return sorted(
        {merchant for rule, merchant in _fired(rejudged.signals) if (rule, merchant) not in unresolved}
    )


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
    policies: Mapping[datetime, str],
    rules: Rules,
) -> pl.DataFrame:
    """Signals (SIGNAL) of a published span, judged again from the lake under each minute's own policy.

    `windows` stand right before the span; minutes without a policy were never judged and have no signals.
    """
    published = lake.read(files, "merchant_minute", span)
    by_minute = {key[0]: rows for key, rows in published.partition_by("minute", as_dict=True).items()}
    signals = [SIGNAL.to_frame()]
    for minute in span:
        windows.add(minute, by_minute.get(minute, published.clear()))
        if minute in policies:
            signals.append(judge(compare(windows, rules), policies[minute], rules))
    return pl.concat(signals)

"""Late commits: which published minutes changed at the source, and everything that follows from it.

A dirty minute is read again as a whole and replaces its earlier revision; nothing is ever added to a
count, so double counting is impossible by construction. Its revision grows only if the result differs.
The minutes since are judged again with the corrected numbers, from a copy of the windows that stood
before them: an incident the old numbers hid is opened, one they made up is marked corrected, and none
is ever doubled. Files, ledger, signals, incidents and messages change in one commit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.count import Counted
from pipeline.judge.life import (
    Changes,
    Event,
    Incident,
    back_again,
    ended_minute,
    is_more_than_was_resolved,
    may_come_back,
    open_incident,
)
from pipeline.judge.priced import to_price
from pipeline.judge.seconds import TELLS
from pipeline.minute import MINUTE, Span, one_minute
from pipeline.run import judge_minute, prices_of
from pipeline.source.asked import KnownMinute, Totals
from pipeline.source.look_back import HORIZON
from pipeline.source.pieces import pieces_of_files
from pipeline.store.incidents import incident_of
from pipeline.store.manifest import runs_within, span_of_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from baselines.facts import Facts
    from pipeline.judge.hold import Gates, Past
    from pipeline.judge.life import Key
    from pipeline.money import AtRisk, ExposureBook
    from pipeline.pack import Pack, Windows
    from pipeline.run import Book
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile


@dataclass(frozen=True, slots=True)
class Rejudged:
    """The minutes since a correction, judged again."""

    windows: Windows  # stand at the newest minute, with the corrected numbers
    past: Past  # the same
    signals: pl.DataFrame  # of every judged minute since
    span: Span  # these minutes
    judged: pl.DataFrame | None = (
        None  # what the pack writes of their rows, of the others what tells something
    )


def known_minutes(ledger: Iterable[Mapping[str, Any]]) -> dict[datetime, KnownMinute]:
    """Ledger rows as the source wants to know them."""
    return {row["minute"]: KnownMinute(Totals.of_ledger(row), row["source_xmin"]) for row in ledger}


def differs(counted: Counted, lake: Lake, files: Sequence[LakeFile]) -> bool:
    """Does a minute, counted anew, differ from what is published of it?"""
    pack = lake.pack
    published = lake.read(files, pack.dataset, counted.span)
    if not counted.rows.sort("minute", pack.entity, maintain_order=True).equals(published):
        return True
    aside = lake.read(files, "quarantine", counted.span)
    order = [*pack.key, *(name for name in aside.columns if name not in pack.key)]
    return not counted.quarantine.select(aside.columns).sort(order).equals(aside.sort(order))


def replace_files(
    lake: Lake, files: Sequence[LakeFile], dataset: str, revised: Mapping[datetime, pl.DataFrame]
) -> tuple[list[LakeFile], list[LakeFile]]:
    """Write files that hold the revised minutes instead of the old ones; gives (new files, files replaced).

    A minute inside a compacted file means that file is written again as a whole. Where several files hold the
    slots of a minute, one of all slots takes the place of all that overlap in time.
    """
    new: list[LakeFile | None] = []
    replaced: list[LakeFile] = []
    left = dict(revised)
    for run in runs_within(files, dataset, Span(min(revised), max(revised) + MINUTE)) if revised else ():
        span = span_of_files(run)
        minutes = [minute for minute in revised if span.start <= minute < span.end]
        if minutes:
            # Whoever revises these minutes knows only of the files that hold them.
            lake.require_whole(f for f in run if not any(f.span.start <= m < f.span.end for m in minutes))
            kept = lake.read(run, dataset, span).filter(~pl.col("minute").is_in(minutes))
            rows = pl.concat([kept, *(left.pop(m).select(kept.columns) for m in minutes)])
            rows = rows.sort("minute", lake.pack.entity, maintain_order=True)
            new.append(lake.write(dataset, rows, span))
            replaced += run
    new += [lake.write(dataset, rows, one_minute(minute)) for minute, rows in left.items()]
    return [f for f in new if f is not None], replaced


def replace_signals(
    lake: Lake, files: Sequence[LakeFile], span: Span, rows: pl.DataFrame
) -> tuple[list[LakeFile], list[LakeFile]]:
    """Write one file of signals `rows` instead of everything published in `span`; gives (new, replaced)."""
    overlapping = [file for run in runs_within(files, "signal", span) for file in run]
    lake.require_whole(file for file in overlapping if not file.span.overlaps(span))
    cover = Span(
        min([span.start, *(f.span.start for f in overlapping)]),
        max([span.end, *(f.span.end for f in overlapping)]),
    )
    outside = (pl.col("minute") < span.start) | (pl.col("minute") >= span.end)
    kept = lake.read(overlapping, "signal", cover).filter(outside)
    written = lake.write(
        "signal", pl.concat([kept, rows]).sort("minute", "entity_id", maintain_order=True), cover
    )
    return [written] if written else [], overlapping


def rejudge(
    windows: Windows,
    revised: Mapping[datetime, Counted],
    published: pl.DataFrame,
    judged: Span,
    gates: Gates,
    facts: Facts,
) -> Rejudged:
    """Judge the minutes of `judged` again; moves `windows`, which stand right before the first revised one.

    `published` holds the old rows of these minutes. Minutes before `judged` only slide the windows; `gates`
    stand at its start.
    """
    span, signals = Span(min(revised), judged.end), [gates.pack.signal.to_frame()]
    own: list[pl.DataFrame] = []
    for counted in _by_minute(published, span):
        minute = counted.span.start
        now = revised.get(minute, counted)
        if minute < judged.start:
            windows.add(minute, now.rows)
            continue
        found = judge_minute(now, windows, gates, facts)
        signals.append(gates.hold(minute, found.frame()))
        if found.judged is not None:
            own.append(found.judged if minute in revised else found.judged.filter(TELLS))
    return Rejudged(windows, gates.past, pl.concat(signals), judged, pl.concat(own) if own else None)


def rejudge_published(
    windows: Windows, lake: Lake, files: Sequence[LakeFile], span: Span, gates: Gates, facts: Facts
) -> pl.DataFrame:
    """Signals of a published span, judged again from the lake under each minute's own policy.

    `windows` and `gates` stand right before the span; minutes without a policy were never judged and have no
    signals.
    """
    signals = [gates.pack.signal.to_frame()]
    for piece in pieces_of_files(files, lake.pack.dataset, span, lake.zone):
        for counted in _by_minute(lake.read(files, lake.pack.dataset, piece), piece):
            if counted.span.start in gates.policies:
                signals.append(_judged(counted, windows, gates, facts))
            else:
                windows.add(counted.span.start, counted.rows)
    return pl.concat(signals)


def _by_minute(published: pl.DataFrame, span: Span) -> Iterator[Counted]:
    """The published rows of each minute of `span`, in order."""
    rows = {key[0]: part for key, part in published.partition_by("minute", as_dict=True).items()}
    nothing = published.clear()
    for minute in span:
        # What was set aside stays published as it is: nobody looks at it here.
        yield Counted(one_minute(minute), rows.get(minute, nothing), nothing, (), published=True)


def _judged(counted: Counted, windows: Windows, gates: Gates, facts: Facts) -> pl.DataFrame:
    """The signals of a minute as the live line would have them."""
    return gates.hold(counted.span.start, judge_minute(counted, windows, gates, facts).frame())


def corrections_of(
    rejudged: Rejudged,
    incidents: Sequence[Mapping[str, Any]],
    at_risk: Mapping[str, AtRisk],
    gates: Gates,
) -> tuple[Changes, list[int]]:
    """What the minutes judged again do to the incidents: new ones, and ids of those no longer supported.

    `incidents` are all that were unresolved at any of these minutes. An ended episode that turns up while a
    later incident of its key is unresolved opens nothing, as one at a time is the promise: see `mended`.
    What people did is not undone: one that a person resolved stays so while its breach goes on, unless the
    corrected numbers turn it critical, as the live minute would have it.
    """
    fired = _fired(rejudged.signals)
    dismissed = still_dismissed(fired, incidents, gates)
    covered = _covered(incidents, {i.incident_id: _over(i, fired.get(i.key, ()), gates) for i in dismissed})
    opened: list[Incident] = []
    reopened: list[Incident] = []
    for key, rows in fired.items():
        uncovered = [row for row in rows if not any(a <= row["minute"] <= b for a, b in covered.get(key, ()))]
        unresolved = any(
            i["resolved_minute"] is None for i in incidents if (i["rule"], i["entity_id"]) == key
        )
        if not uncovered or unresolved:
            continue
        before = _before(key, uncovered[0]["minute"], incidents, dismissed, gates)
        incident = open_incident(uncovered, at_risk.get(key[1]), gates, before)
        (opened if before is None else reopened).append(incident)
    events = [Event("opened", incident.opened_minute, incident) for incident in opened]
    events += back_again(reopened, gates.pack)
    back = {incident.key for incident in reopened}
    still = [i for i in dismissed if i.key not in back]
    changes = Changes(opened=opened, reopened=reopened, dismissed=still, events=events)
    return changes, _unsupported(rejudged, incidents, fired)


def still_dismissed(
    fired: Mapping[Key, Sequence[Mapping[str, Any]]], incidents: Sequence[Mapping[str, Any]], gates: Gates
) -> list[Incident]:
    """Incidents that a person resolved, with the newest breach that followed without a pause."""
    found = []
    for incident in (incident_of(row) for row in incidents if row["dismissal"]):
        newest = incident.breached_minute or incident.last_breach_minute
        for row in fired.get(incident.key, ()):
            quiet = gates.tuned_at(row["minute"]).incident.resolve_after_minutes * MINUTE
            if newest < row["minute"] < newest + quiet:
                newest = row["minute"]
        found.append(replace(incident, breached_minute=newest))
    return found  # those whose newest breach stays what it was are written as they are


def _over(incident: Incident, rows: Sequence[Mapping[str, Any]], gates: Gates) -> datetime | None:
    """When one that a person resolved was over: at the latest before a breach that is more than that.

    A correction changes numbers and no money, so it is weighed by the money that the person saw.
    """
    since, over = incident.resolved_minute, ended_minute(incident, gates)
    more = (
        row["minute"] - MINUTE
        for row in rows
        if since is not None
        and row["minute"] >= since
        and is_more_than_was_resolved(incident, row, incident.at_risk, gates)
    )
    return min(filter(None, (over, next(more, None))), default=None)


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
        same = [i for i in incidents if (i["rule"], i["entity_id"]) == key]
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
    key: Key,
    minute: datetime,
    incidents: Sequence[Mapping[str, Any]],
    dismissed: Sequence[Incident],
    gates: Gates,
) -> Incident | None:
    """The resolved incident that comes back when its rule is breached again at `minute`."""
    moved = {i.incident_id: i for i in dismissed}  # with the newest breach that followed
    of_key = (incident_of(row) for row in incidents if (row["rule"], row["entity_id"]) == key)
    same = [moved.get(i.incident_id, i) for i in of_key]
    ended = [i for i in same if i.resolved_minute and i.resolved_minute <= minute]
    newest = max(ended, key=lambda i: i.resolved_minute or i.opened_minute, default=None)
    return newest if newest is not None and may_come_back(newest, minute, gates) else None


def money_for(
    rejudged: Rejudged,
    incidents: Sequence[Mapping[str, Any]],
    book: Book,
    pack: Pack[Any, Any],
    exposures: ExposureBook | None,
) -> Mapping[str, AtRisk]:
    """The money at risk that `corrections_of` needs, of the newest minute."""
    open_now = [incident_of(row) for row in incidents if row["resolved_minute"] is None]
    unresolved, last = {incident.key: incident for incident in open_now}, rejudged.span.end - MINUTE
    opening = [key for key in _fired(rejudged.signals) if key not in unresolved]
    if exposures is None:
        return book.at_risk(to_price(opening, pack), last, rejudged.windows)
    return prices_of(last, unresolved, opening, pack, book, rejudged.windows, exposures)[0]


def _fired(signals: pl.DataFrame) -> dict[Key, list[dict[str, Any]]]:
    fired: dict[Key, list[dict[str, Any]]] = {}
    for row in signals.filter("passed").sort("minute").iter_rows(named=True):
        fired.setdefault((row["rule"], row["entity_id"]), []).append(row)
    return fired


def _covered(
    incidents: Sequence[Mapping[str, Any]], ended: Mapping[int | None, datetime | None] | None = None
) -> dict[Key, list[tuple[datetime, datetime]]]:
    """The minutes of each incident; `ended` says of some that they were over only later."""
    covered: dict[Key, list[tuple[datetime, datetime]]] = {}
    for incident in incidents:
        end = incident["resolved_minute"] or incident["last_breach_minute"] + HORIZON
        end = (ended or {}).get(incident["incident_id"]) or end
        covered.setdefault((incident["rule"], incident["entity_id"]), []).append(
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
        rows = fired.get((incident["rule"], incident["entity_id"]), ())
        if not any(row["minute"] >= incident["opened_minute"] for row in rows):
            found.append(incident["incident_id"])
    return found

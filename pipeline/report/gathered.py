"""What a report needs of the operational database, as plain values that go to another process."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import structlog

from pipeline.desk.budget import STANDS, budgets_of
from pipeline.desk.precision import labelled, since
from pipeline.errors import UsageError
from pipeline.minute import MINUTE, Span, business_date, split_by_day
from pipeline.prove.statement import read_statements
from pipeline.replay.regret import Told, kept_in, labelled_true_in, names_of, regrets, told_live
from pipeline.report.about import AFTER, INCIDENT, about_days, about_incident, clip, incident_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from pipeline.desk.precision import Labelled
    from pipeline.pack import Budget, Pack
    from pipeline.replay.regret import Regret
    from pipeline.report.about import About
    from pipeline.settings import Settings
    from pipeline.store.lake import Lake
    from pipeline.store.ledger import Published
    from pipeline.store.manifest import Publication
    from pipeline.store.state import State

    Row = Mapping[str, Any]
    #: Does a piece of work with what it is given, here or in another process.
    Work = Callable[..., Any]

log = structlog.get_logger()

#: More incidents and actions than this are counted, and not listed.
MOST_ROWS: Final = 1_000
#: So many incidents are told in full: their sentence, picture and timeline.
DETAILED: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All of it. `span` is what is published of what the report is about."""

    about: About
    span: Span
    language: str
    zone: ZoneInfo
    currency: str
    named: bool  # are people called by their names?
    installation: str
    written_at: datetime
    publication: Publication
    known_from: datetime  # nothing before it is published
    incidents: Sequence[Row]
    timeline: Mapping[int, Sequence[Row]]
    actions: Sequence[Row]
    delays: Sequence[Row]
    budgets: Sequence[tuple[date, Budget]]
    labels: Sequence[Labelled]
    ledger: Sequence[Row]
    statements: Sequence[Mapping[str, Any]]  # signed ones that tell of any of its minutes
    regrets: Sequence[Regret] | None = None  # None: not reckoned

    @property
    def whole(self) -> bool:
        """Is all of it published?"""
        return self.span == self.about.span

    @property
    def detailed(self) -> Sequence[Row]:
        """The incidents that are told in full."""
        return self.incidents[:DETAILED]


def gather(
    state: State,
    pack: Pack[Any, Any],
    settings: Settings,
    about: About,
    now: datetime,
    *,
    named: bool = False,
) -> Gathered:
    """Read all rows that the report needs. Raises UsageError where nothing of it is published."""
    zone = settings.business_timezone
    with state.one_moment() as connection:  # a correction between them would look like a fault in the proof
        publication = state.publication_in(connection)
        known, span = _published_of(state.published_in(connection), about, zone)
        ledger = state.minutes_in(connection, span)
    asked = {"start": span.start, "stop": span.end}
    listed = {**asked, "incident_id": about.incident_id, "at_most": MOST_ROWS}
    incidents = state.rows("report_incidents", **listed)
    timeline = defaultdict[int, list[Any]](list)
    for row in state.rows("report_timeline", ids=[row["incident_id"] for row in incidents[:DETAILED]]):
        timeline[row["incident_id"]].append(row)
    weeks = labelled(state.rows("labels_by_week", since=since(span.end - MINUTE, zone), zone=zone.key))
    return Gathered(
        about=about,
        span=span,
        language=settings.language,
        zone=zone,
        currency=settings.currency,
        named=named,
        installation=state.installation(),
        written_at=now,
        publication=publication,
        known_from=known.start,
        incidents=incidents,
        timeline=dict(timeline),
        actions=state.rows("report_actions", **listed),
        delays=state.rows("app_delays", **asked),
        budgets=_budgets(state, pack, span, zone),
        labels=[week for week in weeks if week.week <= business_date(span.end - MINUTE, zone)],
        ledger=ledger,
        statements=[said for said in read_statements(settings) if _tells_of(said, span)],
    )


def reckoned(state: State, lake: Lake, gathered: Gathered, work: Work) -> Gathered:
    """The same with what acting in time would have kept; the files are read by `work`.

    Where that fails, however it does, it stays not reckoned: the report has much else to tell.
    """
    try:
        found = _regrets(state, lake, gathered, work)
    except Exception:
        log.exception("report.regret_failed", about=gathered.about.key)
        return gathered
    return replace(gathered, regrets=found)


def _regrets(state: State, lake: Lake, gathered: Gathered, work: Work) -> list[Regret]:
    span, publication = gathered.span, gathered.publication
    kept, told = kept_in(state, span), list[Told]()
    if publication.published_through is not None:
        told = told_live(state, labelled_true_in(state, span), publication.published_through)
    if gathered.about.kind == INCIDENT:
        ids = {row["entity_id"] for row in gathered.incidents}
        kept = [one for one in kept if one.entity_id in ids]
        told = [one for one in told if one.entity_id in ids]
    live = work(regrets, lake, publication.files, told, names_of(state, told)) if told else []
    return [*kept, *live]


def about_of(state: State, text: str, settings: Settings, now: datetime) -> About:
    """What a report is asked for: a day, a week, or the number of an incident. Raises UsageError."""
    number = incident_number(text)
    if number is None:
        return about_days(text, settings.business_timezone, now)
    whole = {"start": now, "stop": now, "incident_id": number, "at_most": 1}
    found = state.rows("report_incidents", **whole)
    if not found:
        msg = f"there is no incident {number}"
        raise UsageError(msg, "see the numbers with `minuterisk incidents list --all`")
    opened, resolved = found[0]["opened_minute"], found[0]["resolved_minute"]
    newest = state.next_minute() or opened + MINUTE
    ended = newest if resolved is None else min(resolved + AFTER, newest)
    return about_incident(number, opened, max(ended, opened + MINUTE))


def _published_of(published: Published, about: About, zone: ZoneInfo) -> tuple[Span, Span]:
    """All that is published, and what of it is asked for."""
    if published.first_minute is None or published.last_minute is None:
        msg = f"nothing of {about.key} is published"
        raise UsageError(msg, "nothing is published yet: start `minuterisk run`")
    known = Span(published.first_minute, published.last_minute + MINUTE)
    found = clip(about, known)
    if found is None:
        first, last = (business_date(minute, zone) for minute in (known.start, published.last_minute))
        msg = f"nothing of {about.key} is published"
        raise UsageError(msg, f"known are {first} to {last}")
    return known, found


def _budgets(state: State, pack: Pack[Any, Any], span: Span, zone: ZoneInfo) -> Sequence[tuple[date, Budget]]:
    """What of the false-alarm budget each day has spent; a pack may have none."""
    if pack.nightly is None:
        return ()
    days = [business_date(part.start, zone) for part in split_by_day(span, zone)]
    nights = state.rows("app_nights", first=days[0] - STANDS, last=days[-1])
    rows = state.rows("app_openings", start=span.start, stop=span.end, zone=zone.key)
    opened = ((row["day"], row["policy"], row["rule"], row["incidents"]) for row in rows)
    return budgets_of(pack.nightly, days, nights, opened, within=STANDS)


def _tells_of(statement: Mapping[str, Any], span: Span) -> bool:
    """Was any minute of the span proven by it?"""
    ends = [str(statement.get(name)) for name in ("from", "to")]
    return ends[0] < span.end.isoformat() and span.start.isoformat() < ends[1]

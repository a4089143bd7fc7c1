"""What happened to an incident: when, what, by whom, and what was told of it. One table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import reads
from app.format import clock, won
from app.markup import Markup, chip, join, table, tag, visible
from app.pages.incidents.reason import NOTHING
from pipeline.minute import parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.reads import Page
    from app.rows import Entry, Event, Incident


def timeline(page: Page, incident: Incident) -> Markup:
    """Newest first. A message stands beside what it tells of, or has its own row."""
    texts = page.texts
    entries = reads.timeline(page, incident.incident_id)
    told = list(reads.events(page, incident.incident_id))
    heading = tag("div", texts("timeline.heading"), cls="mr-h3")
    rows = []
    for entry in entries:
        own = [event for event in told if _tells(event, entry)]
        told = [event for event in told if event not in own]
        rows.append((entry.at, _row(page, entry, own)))
    rows += [(event.created_at, _alone(page, event)) for event in told]
    if not rows:
        return join([heading, tag("div", texts("timeline.none"), cls="mr-note")])
    head = [texts(f"timeline.{name}") for name in ("when", "what", "who", "words", "told")]
    shown = [row for _, row in sorted(rows, key=lambda pair: pair[0], reverse=True)]
    return join([heading, table(head, shown)])


def _tells(event: Event, entry: Entry) -> bool:
    """An act and its messages are written at one time; what the judge told has the name of its event."""
    if entry.by is not None:
        return event.created_at == entry.at
    minute = entry.said.get("minute")
    return event.event == entry.what and (minute is None or parse_time(str(minute)) == event.minute)


def _row(page: Page, entry: Entry, told: Sequence[Event]) -> list[str]:
    what = page.texts.word("did" if entry.by else "event", entry.what)
    who = visible(entry.by, 80) if entry.by else NOTHING
    return [_when(page, entry), what, who, _said(page, entry), _deliveries(page, told)]


def _alone(page: Page, event: Event) -> list[str]:
    at = tag("span", clock(event.created_at, page.zone, seconds=True), cls="mr-line")
    return [at, page.texts.word("event", event.event), NOTHING, NOTHING, _deliveries(page, [event])]


def _when(page: Page, entry: Entry) -> Markup:
    return tag("span", clock(entry.at, page.zone, seconds=True), cls="mr-line")


def _said(page: Page, entry: Entry) -> str:
    """What somebody wrote, to whom they gave it, until when."""
    texts, said = page.texts, entry.said
    parts = [texts.word("act", said["label"])] if "label" in said else []
    if "kind" in said:
        what = page.pack.words[texts.language].get(said["kind"], said["kind"])
        parts.append(f"{what}: {texts.word('action_status', said['status'])}")
    elif said.get("until"):
        until = clock(parse_time(str(said["until"])), page.zone)
        parts.append(texts("timeline.until", time=until))
    if isinstance(said.get("limit"), int) and page.priced:
        parts.append(texts("timeline.limit", amount=won(said["limit"], texts.language)))
    parts += [visible(str(said[name]), 500) for name in ("to", "text", "reason") if said.get(name)]
    return " · ".join(parts) or NOTHING


def _deliveries(page: Page, told: Sequence[Event]) -> str:
    pieces = [piece for event in told for piece in _delivery(page, event)]
    return join(pieces) if pieces else NOTHING


def _delivery(page: Page, event: Event) -> list[Markup]:
    texts, zone = page.texts, page.zone
    remarks = [clock(event.sent_at, zone, seconds=True)] if event.sent_at else []
    remarks += [visible(event.destination, 40)] if event.destination else []
    if event.attempts > 1 or event.status == "dead":
        remarks.append(texts("events.attempts", count=event.attempts))
    if event.ambiguous:
        remarks.append(texts("events.ambiguous"))
    if event.status == "pending" and event.attempts:
        remarks.append(texts("events.next", time=clock(event.next_attempt_at, zone, seconds=True)))
    if event.last_error and event.status != "sent":
        remarks.append(visible(event.last_error, 200))
    said = tag("span", " · ".join(remarks), cls="mr-remark")
    return [tag("div", chip(texts.word("delivery", event.status), event.status), said)]

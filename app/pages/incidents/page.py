"""The incidents by money at risk, or the worst first, and everything stored about the chosen one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app import reads
from app.format import capital, clock, count, duration, moment, won, won_short
from app.markup import Markup, chip, join, notice, table, tag, visible
from app.pages.alone import alone, markup_alone
from app.pages.choice import asked_incident, choose_incident, chosen_incident
from app.pages.incidents.acts import show_acts
from app.pages.incidents.filters import show_filters
from app.reason import NOTHING, reason_rows
from pipeline.errors import MinuteriskError
from pipeline.minute import parse_time

if TYPE_CHECKING:
    from app.reads import Page
    from app.rows import Entry, Event, Filters, Incident, IncidentList

LIST_HEIGHT: Final = 640


def show(page: Page) -> None:
    """The list on the left, the chosen incident on the right. Without the database the header says why."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        heading = st.empty()
        filters = show_filters(page)
    try:
        found = reads.incidents(page, filters)
        chosen = _chosen(page)
    except MinuteriskError:
        return
    with left, alone(page, "list"):
        with heading:
            _show_heading(page, found)
        _show_list(page, found, chosen, filters)
    with right, alone(page, "detail"):
        _show_detail(page, found, chosen)


def _chosen(page: Page) -> Incident | None:
    number = chosen_incident()
    return None if number is None else reads.incident(page, number)


def _show_heading(page: Page, found: IncidentList) -> None:
    sorting = "incidents.sorted" if page.priced else "incidents.sorted.severity"
    note = page.texts(sorting, count=count(found.total))
    st.html(tag("div", page.texts("incidents.heading"), tag("small", note), cls="mr-h2"))


def _show_list(page: Page, found: IncidentList, chosen: Incident | None, filters: Filters) -> None:
    if not found.shown and filters.any:
        st.html(notice(page.texts("incidents.filtered"), page.texts("incidents.filtered.note")))
        return
    if not found.shown:
        st.html(notice(page.texts("incidents.none"), page.texts("incidents.none.note"), tone="good"))
        return
    with st.container(height=LIST_HEIGHT, border=False):
        for incident in found.shown:
            _show_row(
                page, incident, chosen=chosen is not None and incident.incident_id == chosen.incident_id
            )
    if found.total > len(found.shown):
        cutting = "incidents.cut" if page.priced else "incidents.cut.severity"
        cut = page.texts(cutting, shown=len(found.shown), count=count(found.total))
        st.html(tag("div", cut, cls="mr-note"))


def _show_row(page: Page, incident: Incident, *, chosen: bool) -> None:
    number = incident.incident_id
    with st.container(border=True, key=f"incident-{number}"):
        st.html(_row(page, incident, chosen=chosen))
        label = page.texts("incidents.open_button", id=number)
        if st.button(label, key=f"open-{number}", on_click=choose_incident, args=(number,)):
            st.rerun()  # the trend below follows the choice, and it is another part of the page


def _row(page: Page, incident: Incident, *, chosen: bool) -> Markup:
    texts = page.texts
    small = [
        _severity(page, incident),
        texts.word("rule", incident.rule),
        texts.word("status", incident.status if incident.snoozed_until is None else "snoozed"),
        *([incident.owner] if incident.owner else []),
    ]
    name = tag("div", visible(_name(page, incident), 60), cls="mr-name")
    about = tag("div", *(s if isinstance(s, Markup) else tag("span", s) for s in small), cls="mr-small")
    when = tag("div", clock(incident.opened_minute, page.zone), cls="mr-small mr-when")
    money = tag("div", _money_short(page, incident), cls="mr-money")
    cells = (name, money, about, when) if page.priced else (name, when, about)
    return tag("div", *cells, cls="mr-row mr-chosen" if chosen else "mr-row")


def _name(page: Page, incident: Incident) -> str:
    return capital(page.texts("everybody")) if incident.of_everybody else incident.title


def _money_short(page: Page, incident: Incident) -> str:
    if incident.of_everybody:
        return NOTHING
    if incident.at_risk is None:
        return page.texts("incident.risk.not_known")
    return won_short(incident.at_risk, page.texts.language)


def _won(page: Page, amount: int | None) -> str:
    return page.texts("money.not_known") if amount is None else won(amount, page.texts.language)


def _severity(page: Page, incident: Incident) -> Markup:
    return chip(page.texts.word("severity", incident.severity), incident.severity)


def _show_detail(page: Page, found: IncidentList, chosen: Incident | None) -> None:
    asked = asked_incident()
    if chosen is not None:
        st.html(join(markup_alone(page, part, chosen) for part in (_title, _money, _facts)))
        with alone(page, "acts"):
            show_acts(page, chosen)
        st.html(join(markup_alone(page, part, chosen) for part in (_reason, _timeline, _events)))
    elif asked is not None:
        st.html(
            notice(
                page.texts("incidents.unknown", id=visible(asked, 24)), page.texts("incidents.unknown.note")
            )
        )
    elif found.shown:
        st.html(tag("div", page.texts("incidents.choose"), cls="mr-note"))


def _title(page: Page, incident: Incident) -> Markup:
    texts = page.texts
    number = texts("incident.heading", id=incident.incident_id)
    heading = tag("div", visible(_name(page, incident)), tag("small", number), cls="mr-h2")
    if incident.resolved_minute is None:
        since = duration(page.clock() - incident.opened_minute, texts.language)
        time = texts("incidents.since", time=moment(incident.opened_minute, page.zone), duration=since)
    else:
        until = moment(incident.resolved_minute, page.zone)
        time = texts("incidents.ended", time=moment(incident.opened_minute, page.zone), until=until)
    words = [texts.word(name, getattr(incident, name)) for name in ("rule", "status", "tier")]
    if incident.times > 1:
        words.append(texts("incident.times", count=incident.times))
    chips = [_severity(page, incident), *(chip(word, "plain") for word in words), tag("span", time)]
    return join([heading, tag("div", tag("div", *chips, cls="mr-small"), cls="mr-row")])


def _money(page: Page, incident: Incident) -> Markup:
    texts = page.texts
    if incident.of_everybody:
        note = texts("incident.everybody.note", everybody=capital(texts("everybody")))
        return tag("div", note, cls="mr-note")
    if not page.priced:
        return Markup("")
    amounts = [(part, _won(page, incident.parts.get(part))) for part in page.pack.parts]
    shown = "  ·  ".join(f"{texts.word('number', part)} {amount}" for part, amount in amounts)
    total = tag("div", _won(page, incident.at_risk), tag("small", texts("incident.risk")), cls="mr-big")
    return join([total, tag("div", shown, cls="mr-note")])


def _facts(page: Page, incident: Incident) -> Markup:
    texts, zone = page.texts, page.zone
    facts = [
        (texts("incident.entity", entity=capital(texts("entity"))), incident.entity_id),
        (texts("incident.policy"), texts.word("policy", incident.policy)),
        (texts("incident.opened"), moment(incident.opened_minute, zone)),
        (texts("incident.breach"), moment(incident.last_breach_minute, zone)),
    ]
    if incident.acknowledged_at is not None:
        who = f"{moment(incident.acknowledged_at, zone)} {incident.acknowledged_by or ''}"
        facts.append((texts("incident.acknowledged"), who))
    if incident.owner:
        facts.append((texts("incident.owner"), incident.owner))
    if incident.snoozed_until is not None:
        until = f"{moment(incident.snoozed_until, zone)} {incident.snoozed_by or ''}"
        facts.append((texts("incident.snoozed"), until))
    if incident.label:
        facts.append((texts("incident.label"), texts.word("act", incident.label)))
    if incident.resolved_minute is not None:
        who = f"{moment(incident.resolved_minute, zone)} {incident.resolved_by or ''}".rstrip()
        facts.append((texts("incident.resolved"), who))
    return tag("div", *(_fact(label, value) for label, value in facts), cls="mr-facts")


def _fact(label: str, value: str) -> Markup:
    return tag("div", tag("div", label, cls="mr-label"), tag("div", value, cls="mr-fact"))


def _reason(page: Page, incident: Incident) -> Markup:
    texts = page.texts
    heading = tag("div", texts("reason.heading"), tag("small", texts("reason.note")), cls="mr-h3")
    rows = reason_rows(incident.reason, incident.latest_reason, texts, page.zone, page.money)
    if not rows:
        return join([heading, tag("div", texts("reason.empty"), cls="mr-note")])
    head = [texts("reason.item"), texts("reason.first"), texts("reason.latest")]
    return join([heading, table(head, rows, numbers=True)])


def _timeline(page: Page, incident: Incident) -> Markup:
    """What happened, newest first: what people did stands beside what the judge told of."""
    texts, entries = page.texts, reads.timeline(page, incident.incident_id)
    heading = tag("div", texts("timeline.heading"), cls="mr-h3")
    rows = [
        [
            tag("span", clock(entry.at, page.zone, seconds=True), cls="mr-line"),
            texts.word("did" if entry.by else "event", entry.what),
            visible(entry.by, 80) if entry.by else NOTHING,
            _said(page, entry),
        ]
        for entry in reversed(entries)
    ]
    if not rows:
        return join([heading, tag("div", texts("timeline.none"), cls="mr-note")])
    head = [texts(f"timeline.{name}") for name in ("when", "what", "who", "words")]
    return join([heading, table(head, rows)])


def _said(page: Page, entry: Entry) -> str:
    """What somebody wrote, to whom they gave it, until when."""
    texts, said = page.texts, entry.said
    parts = [texts.word("act", said["label"])] if "label" in said else []
    if said.get("until"):
        parts.append(texts("timeline.until", time=moment(parse_time(str(said["until"])), page.zone)))
    if isinstance(said.get("limit"), int) and page.priced:
        parts.append(texts("timeline.limit", amount=_won(page, said["limit"])))
    parts += [visible(str(said[name]), 500) for name in ("to", "text", "reason") if said.get(name)]
    return " · ".join(parts) or NOTHING


def _events(page: Page, incident: Incident) -> Markup:
    texts, told = page.texts, reads.events(page, incident.incident_id)
    heading = tag("div", texts("events.heading"), cls="mr-h3")
    if not told:
        return join([heading, tag("div", texts("events.none"), cls="mr-note")])
    head = [texts(f"events.{name}") for name in ("event", "minute", "delivery", "when", "detail")]
    return join([heading, table(head, [_event(page, event) for event in told])])


def _event(page: Page, event: Event) -> list[str]:
    texts, zone = page.texts, page.zone
    remarks = [visible(event.destination, 40)] if event.destination else []
    if event.attempts > 1 or event.status == "dead":
        remarks.append(texts("events.attempts", count=event.attempts))
    if event.ambiguous:
        remarks.append(texts("events.ambiguous"))
    if event.status == "pending" and event.attempts:
        remarks.append(texts("events.next", time=clock(event.next_attempt_at, zone, seconds=True)))
    if event.last_error and event.status != "sent":
        remarks.append(visible(event.last_error, 200))
    return [
        texts.word("event", event.event),
        tag("span", clock(event.minute, zone), cls="mr-line"),
        chip(texts.word("delivery", event.status), event.status),
        tag("span", clock(event.sent_at or event.created_at, zone, seconds=True), cls="mr-line"),
        " · ".join(remarks) or NOTHING,
    ]

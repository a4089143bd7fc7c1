"""One incident: a sentence first, then money, acts, picture, what happened, the numbers behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from app import reads as shared_reads
from app.format import capital, clock, duration, moment, won_short
from app.markup import Markup, chip, join, table, tag, visible
from app.pages.alone import alone, markup_alone
from app.pages.incidents.actions import show_actions
from app.pages.incidents.acts import show_acts
from app.pages.incidents.history import timeline
from app.pages.incidents.inbox import name_of
from app.pages.incidents.likes import show_likes
from app.pages.incidents.picture import show_picture
from app.pages.incidents.reason import reason_rows
from app.pages.links import link
from app.pages.worth import exact, lines
from pipeline.minute import HOUR_MINUTES, MINUTE

if TYPE_CHECKING:
    from app.reads import Page
    from app.rows import Incident

#: Growth is not said of less: a minute more or less would be all of it.
_LEAST: Final = timedelta(minutes=10)
#: What the screen of the entity shows around an incident.
_BEFORE: Final = timedelta(hours=6)
_AFTER: Final = timedelta(hours=1)


def show_one(page: Page, incident: Incident) -> None:
    """Everything about it; a part that fails leaves the others."""
    st.html(join(markup_alone(page, part, incident) for part in (_title, _sentence, _money)))
    with alone(page, "acts"):
        show_acts(page, incident)
    with alone(page, "actions"):
        show_actions(page, incident)
    with alone(page, "picture"):
        show_picture(page, incident)
    with alone(page, "links"):
        _show_links(page, incident)
    st.html(join(markup_alone(page, part, incident) for part in (_facts, timeline)))
    with alone(page, "likes"):
        show_likes(page, incident)
    st.html(markup_alone(page, _reason, incident))


def _title(page: Page, incident: Incident) -> Markup:
    texts = page.texts
    number = texts("incident.heading", id=incident.incident_id)
    heading = tag("div", visible(name_of(page, incident)), tag("small", number), cls="mr-h2")
    if incident.resolved_minute is None:
        since = duration(page.clock() - incident.opened_minute, texts.language)
        time = texts("incidents.since", time=moment(incident.opened_minute, page.zone), duration=since)
    else:
        until = moment(incident.resolved_minute, page.zone)
        time = texts("incidents.ended", time=moment(incident.opened_minute, page.zone), until=until)
    status = incident.status if incident.snoozed_until is None else "snoozed"
    words = [
        texts.word("rule", incident.rule),
        texts.word("status", status),
        texts.word("tier", incident.tier),
    ]
    if incident.times > 1:
        words.append(texts("incident.times", count=incident.times))
    severity = chip(texts.word("severity", incident.severity), incident.severity)
    chips = [severity, *(chip(word, "plain") for word in words), tag("span", time)]
    return join([heading, tag("div", *chips, cls="mr-small")])


def _sentence(page: Page, incident: Incident) -> Markup:
    """What the pack says of it, as the messages do: of the newest numbers."""
    event = "opened" if incident.resolved_minute is None else "resolved"
    reason = incident.latest_reason or incident.reason
    if not reason:
        return Markup("")
    said = page.pack.say(incident.rule, reason, event, page.texts.language)
    parts = [tag("b", part) if odd % 2 else tag("span", part) for odd, part in enumerate(said.split("`"))]
    return tag("div", *parts, cls="mr-say")


def _money(page: Page, incident: Incident) -> Markup:
    texts = page.texts
    notes = []
    if incident.of_everybody:
        note = texts("incident.everybody.note", everybody=capital(texts("everybody")))
        notes.append(tag("div", note, cls="mr-note"))
    if not page.priced or not incident.has_money:
        return join(notes)
    total = tag("div", exact(page, incident.at_risk), tag("small", texts("incident.risk")), cls="mr-big")
    parts = [_part(page, incident, part) for part in page.pack.parts]
    figures = lines(page, incident.figures, saves=incident.resolved_minute is None)
    return join([*notes, total, *parts, *figures, tag("div", _growth(page, incident), cls="mr-note")])


def _part(page: Page, incident: Incident, part: str) -> Markup:
    """A part of the money, and what acting now does for it, where the pack's page says so."""
    texts = page.texts
    amount = exact(page, incident.parts.get(part))
    saves = texts.word("saves", part)
    more = [] if saves == part or incident.resolved_minute is not None else [tag("small", saves)]
    return tag("div", f"{texts.word('number', part)} {amount}", *more, cls="mr-part")


def _growth(page: Page, incident: Incident) -> str:
    """How fast the money has grown, by what was stored when it opened and what is stored now."""
    texts = page.texts
    events = shared_reads.events(page, incident.incident_id)
    opening = [event for event in events if event.event == "opened" and event.at_risk is not None]
    lasted = incident.last_breach_minute - incident.opened_minute
    if not opening or opening[-1].at_risk is None or incident.at_risk is None or lasted < _LEAST:
        return texts("incident.growth.not_known")
    grown = incident.at_risk - opening[-1].at_risk
    an_hour = grown * HOUR_MINUTES // (lasted // MINUTE)
    shown = {
        "grown": _signed(grown, texts.language),
        "hour": _signed(an_hour, texts.language),
        "lasted": duration(lasted, texts.language),
    }
    return texts("incident.growth", **shown)


def _signed(amount: int, language: str) -> str:
    return f"{'-' if amount < 0 else '+'}{won_short(abs(amount), language)}"


def _show_links(page: Page, incident: Incident) -> None:
    texts = page.texts
    with st.container(horizontal=True, gap="small"):
        if not incident.of_everybody:
            around: dict[str, str] = {
                "at": incident.last_breach_minute.isoformat(),
                "from": (incident.opened_minute - _BEFORE).isoformat(),
                "to": (incident.last_breach_minute + _AFTER).isoformat(),
            }
            label = texts("incident.to_entity", entity=page.entity)
            link(page, "entity", label, icon=":material/show_chart:", **{"id": incident.entity_id, **around})
        link(page, "rules", texts("incident.to_rule"), icon=":material/rule:", rule=incident.rule)


def _facts(page: Page, incident: Incident) -> Markup:
    texts, zone = page.texts, page.zone
    facts = [
        (texts("incident.entity", entity=capital(texts("entity"))), incident.entity_id),
        (texts("incident.policy"), texts.word("policy", incident.policy)),
        (texts("incident.breach"), clock(incident.last_breach_minute, zone)),
    ]
    if incident.acknowledged_at is not None:
        who = f"{clock(incident.acknowledged_at, zone)} {incident.acknowledged_by or ''}"
        facts.append((texts("incident.acknowledged"), who))
    if incident.owner:
        facts.append((texts("incident.owner"), incident.owner))
    if incident.snoozed_until is not None:
        until = f"{clock(incident.snoozed_until, zone)} {incident.snoozed_by or ''}"
        facts.append((texts("incident.snoozed"), until))
    if incident.label:
        facts.append((texts("incident.label"), texts.word("act", incident.label)))
    if incident.resolved_minute is not None:
        who = f"{clock(incident.resolved_minute, zone)} {incident.resolved_by or ''}".rstrip()
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

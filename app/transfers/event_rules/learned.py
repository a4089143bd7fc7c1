"""The learned score: its versions beside their controls, what moved it at its latest hits, and the acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import count, moment
from app.markup import Markup, chip, join, notice, table, tag, visible
from app.pages import actor
from app.pages.press import press
from app.transfers.event_rules import reads
from app.transfers.feed.alerts import address_of
from app.transfers.tree import read, shown
from pipeline.desk.precision import percent_of
from pipeline.errors.phrases import in_language
from pipeline.packs.transfers.learned.features import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.reads import Page
    from app.transfers.event_rules.reads import LearnedHit, LearnedVersion

    Button = tuple[str, Mapping[str, Any]]

_KIND: Final = "rules"
_TONES: Final = {"draft": "draft", "submitted": "pending", "live": "sent", "retired": "plain"}
_SIDES: Final = ("learned", "amount", "rules")


def show_learned(page: Page) -> None:
    """The versions, the newest first, then what the score said lately."""
    texts, known = page.texts, reads.learned(page)
    st.html(tag("h2", texts("learned.heading"), tag("small", texts("learned.note")), cls="mr-h2"))
    if not known:
        st.html(notice(texts("learned.none"), texts("learned.none.note")))
        return
    for version in known:
        with st.container(key=f"learned-{version.version}"):
            _show_version(page, version)
    _show_hits(page, reads.learned_hits(page))


def _show_version(page: Page, version: LearnedVersion) -> None:
    texts = page.texts
    told = [chip(texts.word("version_is", version.status), _TONES[version.status])]
    author = texts(
        "rule_one.author", by=visible(version.author, 60), time=moment(version.created_at, page.zone)
    )
    told.append(tag("span", author))
    if version.approved_by and version.from_at:
        at = moment(version.from_at, page.zone, seconds=True)
        told.append(tag("span", texts("rule_one.approved", by=visible(version.approved_by, 60), time=at)))
    heading = tag("h3", texts("learned.version", version=version.version), cls="mr-h3")
    st.html(join([heading, tag("div", *told, cls="mr-small"), *_measured(page, version)]))
    _show_buttons(page, version)


def _measured(page: Page, version: LearnedVersion) -> Sequence[Markup]:
    """How many frauds it finds in the last third of the time, beside the amount alone and the rules."""
    texts, found = page.texts, version.measured
    if not found:
        return [tag("div", texts("learned.learning"), cls="mr-note")]
    test, of = found["test"], found["trained_on"]
    said = {
        "events": count(of["events"]),
        "frauds": count(of["frauds"]),
        "test_events": count(test["events"]),
        "test_frauds": count(test["frauds"]),
    }
    head = [texts(f"learned.{name}") for name in ("beside", "alerts", "caught", "precision")]
    rows = [_side(page, name, test[name]) for name in _SIDES]
    parts = [tag("div", texts("learned.measured", **said), cls="mr-note"), table(head, rows, numbers=True)]
    if found.get("why_off"):
        why = in_language(str(found["why_off"]), texts.language)
        parts.append(notice(texts("learned.off", why=visible(why, 200))))
    return [*parts, tag("div", f"sha256 {version.sha256}", cls="mr-technical")]


def _side(page: Page, name: str, side: Mapping[str, Any]) -> list[str]:
    share = percent_of(side["precision"], page.texts("precision.unknown"))
    low, high = (percent_of(end) for end in side["interval"])
    return [
        page.texts(f"learned.{name}"),
        count(side["alerts"]),
        count(side["caught"]),
        f"{share} ({low}–{high})",
    ]


def _show_buttons(page: Page, version: LearnedVersion) -> None:
    """One for each act that makes sense now."""
    for name, given in _acts(page, version):
        key = f"{name}-{version.version}"
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if name == "retire_learned_score":
                st.text_input(page.texts("event_act.why"), key=f"why-{key}", max_chars=1_000, width=240)
            label = page.texts.word("event_act", name)
            st.button(label, key=key, on_click=_do, args=(page, name, version.version, given))


def _acts(page: Page, version: LearnedVersion) -> list[Button]:
    if version.status == reads.DRAFT and version.measured and not version.measured.get("why_off"):
        return [("submit_learned_score", {})] if actor.may(page, "submit", _KIND) else []
    if version.status == reads.SUBMITTED and actor.may(page, "approve", _KIND):
        return _approval(page, version)
    if version.status == reads.LIVE and actor.may(page, "submit", _KIND):
        return [("retire_learned_score", {})]
    return []


def _approval(page: Page, version: LearnedVersion) -> list[Button]:
    """The button binds what is on this screen; whoever learned it gets none."""
    if page.actor.account_id is not None and page.actor.account_id == version.author_id:
        st.html(notice(page.texts("event_act.own")))
        return []
    return [("approve_learned_score", {"sha256": version.sha256})]


def _do(page: Page, name: str, version: int, given: Mapping[str, Any]) -> None:
    if name == "retire_learned_score":
        why = st.session_state[f"why-{name}-{version}"]
        given = {"reason": str(why or "").strip()}
    press(page, name, version, given, page.texts.word("event_done", name).format(version=version))


def _show_hits(page: Page, found: Sequence[LearnedHit]) -> None:
    texts = page.texts
    st.html(tag("h3", texts("learned.hits"), tag("small", texts("learned.hits.note")), cls="mr-h3"))
    if not found:
        st.html(tag("div", texts("learned.hits.none"), cls="mr-note"))
        return
    head = [texts(f"learned.{name}") for name in ("payment", "points", "control", "reasons")]
    st.html(table(head, [_hit(page, hit) for hit in found]))


def _hit(page: Page, hit: LearnedHit) -> list[str]:
    """A payment with its points, those of the amount alone, and the values that moved the score most."""
    address = address_of(hit.transfer_id, page.pack.name if page.among_others else None)
    points = f"{hit.score} · v{hit.version}"
    if hit.corrected_at is not None:
        points = f"{points} · {page.texts('feed.corrected')}"
    way = tag("a", visible(hit.transfer_id, 64), href=address, target="_self")
    explained = read(hit.explanation)
    if explained is None:
        return [way, points, "–", page.texts("tree.unreadable")]
    control = explained.get("control", {}).get("amount_points")
    reasons = (_reason(page, reason) for reason in explained["when"].get("of", ()))
    return [way, points, shown(control, page.texts), join(tag("div", reason) for reason in reasons)]


def _reason(page: Page, reason: Mapping[str, Any]) -> str:
    """What it is called, its value, and by how much it moved the score: up is towards fraud."""
    name = str(reason.get("name"))
    called = WORDS[name][page.texts.language] if name in WORDS else visible(name, 64)
    moved = f"{int(reason.get('thousandths', 0)) / 1000:+.3f}"
    return f"{called} {shown(reason.get('value'), page.texts)} ({moved})"

"""One rule: how a version of it stands, what it asks, what differs, what it would have done, and the acts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import moment
from app.markup import Markup, chip, join, notice, table, tag, visible
from app.pages.given import keep
from app.transfers.event_rules import reads
from app.transfers.event_rules.buttons import show_buttons, show_pause
from app.transfers.event_rules.listing import paused_said, state_of
from app.transfers.event_rules.measured import show_measured
from app.transfers.event_rules.text import difference, difference_shown, pretty, shown_at
from app.transfers.feed.alerts import rule_name
from app.transfers.tree import measure_said, tree, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.reads import Page
    from app.transfers.event_rules.reads import Rule, Told, Version

_CHOSEN: Final = "event-rule-version"
_TONES: Final = {
    "draft": "draft", "submitted": "pending", "shadow": "plain", "live": "sent", "retired": "plain",
    "withdrawn": "plain",
}  # fmt: skip


def show_rule(page: Page, rule: Rule, version: Version) -> None:
    """Everything about it."""
    told = reads.told(page, rule.name, version.version)
    st.html(_title(page, rule, version))
    if version.paused_until is not None:
        st.html(notice(visible(paused_said(page, version), 400)))
    if told is None:
        return
    show_buttons(page, rule, version, told)
    _choose(page, rule, version)
    st.html(_who(page, version))
    st.html(_asks(page, told))
    _show_difference(page, rule, version, told)
    show_measured(page, version, told)
    show_pause(page, rule)


def _title(page: Page, rule: Rule, version: Version) -> Markup:
    texts = page.texts
    called = rule_name(rule.name, texts)
    small = f"{rule.name} · v{version.version}" if called != rule.name else f"v{version.version}"
    heading = tag("h2", visible(called, 64), tag("small", small), cls="mr-h2")
    chips = [chip(state_of(page, version), _TONES[version.status])]
    if version.from_at is not None:
        at = moment(version.from_at, page.zone, seconds=True)
        chips.append(tag("span", texts("rule_one.since", since=at)))
    return join([heading, tag("div", *chips, cls="mr-small")])


def _choose(page: Page, rule: Rule, version: Version) -> None:
    """Another version of it."""
    numbers = {one.version: one for one in rule.versions}
    if len(numbers) < 2:  # noqa: PLR2004 - one needs no choice
        return
    key = f"{_CHOSEN}-{rule.name}"
    st.session_state[key] = version.version
    st.selectbox(
        page.texts("rule_one.version"),
        list(numbers),
        key=key,
        format_func=lambda n: visible(f"v{n} · {state_of(page, numbers[n])} · {numbers[n].reason}", 100),
        on_change=_remember,
        args=(key,),
    )


def _remember(key: str) -> None:
    keep(version=st.session_state[key])


def _who(page: Page, version: Version) -> Markup:
    texts = page.texts
    said = [
        texts("rule_one.author", by=visible(version.author, 60), time=moment(version.created_at, page.zone))
    ]
    if version.submitted_by and version.submitted_at:
        said.append(
            texts(
                "rule_one.submitted",
                by=visible(version.submitted_by, 60),
                time=moment(version.submitted_at, page.zone),
            )
        )
    if version.approved_by and version.approved_at:
        said.append(
            texts(
                "rule_one.approved",
                by=visible(version.approved_by, 60),
                time=moment(version.approved_at, page.zone),
            )
        )
    parts = [tag("span", one) for one in said]
    reason = tag("div", visible(version.reason, 1_000))
    return join([reason, tag("div", *parts, cls="mr-note mr-counts")])


def _asks(page: Page, told: Told) -> Markup:
    """What the rule asks, in words: the same tree that a hit is explained by."""
    texts, asked = page.texts, _read(told.content)
    if asked is None:
        return notice(texts("tree.unreadable"), tone="bad")
    kinds = ", ".join(texts.word("kind_of", kind) for kind in asked["on"])
    head = [
        tag("span", texts("rule_one.on", kinds=kinds)),
        chip(texts.word("severity", asked["severity"]), asked["severity"]),
        chip(texts("hits.score", score=asked["score"]), "plain"),
        chip(texts.word("action_of", asked["action"]), "plain"),
    ]
    say = tag("div", visible(str(asked["say"].get(texts.language, "")), 400), cls="mr-say")
    parts = [say, tag("div", *head, cls="mr-small"), tree(written(asked["when"]), texts)]
    rows = [[tag("code", name), measure_said(one, texts)] for name, one in asked.get("measures", {}).items()]
    if rows:
        parts.append(table([texts("measure.name"), texts("measure.asks")], rows))
    raw = tag(
        "details", tag("summary", texts("rule_one.text")), shown_at(pretty(told.content), None), cls="mr-raw"
    )
    return join([*parts, raw, tag("div", f"sha256 {told.sha256}", cls="mr-technical")])


def _read(content: str) -> Mapping[str, Any] | None:
    """The text of a version; None where this program cannot read what another one wrote."""
    try:
        found = json.loads(content)
        written(found["when"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return dict(found)


def _show_difference(page: Page, rule: Rule, version: Version, told: Told) -> None:
    """Beside the version that judges; where that is this one, beside the one before it."""
    texts = page.texts
    other = rule.live
    if other is None or other.version == version.version:
        other = next((one for one in rule.versions if one.version < version.version), None)
    before = reads.told(page, rule.name, other.version) if other else None
    if other is None or before is None:
        st.html(tag("div", texts("rule_one.first"), cls="mr-note"))
        return
    st.html(tag("h3", texts("rule_one.difference", other=other.version), cls="mr-h3"))
    st.html(difference_shown(difference(before.content, told.content)))

"""One payment: what was decided, every node of what fired, why another rule did not, what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import moment
from app.markup import Markup, chip, join, notice, plain, sentence, table, tag, visible
from app.pages import actor
from app.pages.alone import alone
from app.pages.links import link
from app.pages.press import press
from app.transfers.event_rules.reads import content_of, versions
from app.transfers.feed import reads
from app.transfers.feed.alerts import TONES, rule_name
from app.transfers.hit_tree import hit_tree
from app.transfers.money import money
from app.why import explain
from pipeline.errors import MinuteriskError
from pipeline.packs.transfers.schema import STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.reads import Page
    from app.transfers.feed.reads import Hit, LaterWord, Payment

_RULE: Final = "payment-why-not"
_STATUS, _WHY = "correct-status", "correct-reason"
_KEPT: Final = 64
_MILLION: Final = 10**6


def show_payment(page: Page, transfer_id: str) -> None:
    """Everything about it; a part that fails leaves the others."""
    link(page, "feed", page.texts("payment.back"), icon=":material/arrow_back:")
    found = reads.payment(page, transfer_id)
    if found is None:
        title = page.texts("payment.unknown", id=visible(transfer_id, 64))
        st.html(notice(title, page.texts("payment.unknown.note")))
        return
    st.html(join([_title(page, found), _facts(page, found)]))
    for part in (_show_outcome, _show_hits, _show_why_not, _show_later_words, _show_correction):
        with alone(page, part.__name__):
            part(page, found)


def _title(page: Page, payment: Payment) -> Markup:
    texts = page.texts
    heading = tag(
        "h2",
        money(payment.amount, payment.currency, texts.language),
        tag("small", visible(payment.transfer_id)),
        cls="mr-h2",
    )
    chips = [_decision(page, payment), *(chip(word, "plain") for word in _words(page, payment))]
    return join([heading, tag("div", *chips, cls="mr-small")])


def _decision(page: Page, payment: Payment) -> Markup:
    if payment.decision is None:
        return chip(page.texts("payment.not_judged"), "plain")
    said = f"{page.texts.word('decision', payment.decision)} {payment.score}"
    return chip(said, TONES[payment.decision])


def _words(page: Page, payment: Payment) -> list[str]:
    texts, found = page.texts, []
    if payment.why in ("denied", "allowed"):
        found.append(texts.word("why_decided", payment.why))
    if payment.late:
        found.append(texts("feed.late"))
    if payment.revision:
        found.append(texts("feed.revised", count=payment.revision))
    if payment.decision is not None:
        found.append(texts("payment.confirmed" if payment.confirmed_at else "payment.unconfirmed"))
    return found


def _facts(page: Page, payment: Payment) -> Markup:
    texts = page.texts
    facts = [
        (texts("payment.account"), payment.account_id),
        (texts("payment.occurred"), moment(payment.occurred_at, page.zone, seconds=True)),
    ]
    facts += [(texts(f"field.{name}"), said) for name, said in _fields(page, payment).items()]
    if payment.lat_e6 is not None and payment.lon_e6 is not None:
        place = f"{payment.lat_e6 / _MILLION:.5f}, {payment.lon_e6 / _MILLION:.5f}"
        facts.append((texts("payment.place"), place))
    if payment.account_opened is not None:
        facts.append((texts("payment.account_opened"), moment(payment.account_opened, page.zone)))
    if payment.judged_at is not None:
        after = (payment.judged_at - payment.arrived_at).total_seconds()
        facts.append((texts("payment.judged"), texts("payment.judged.value", seconds=f"{max(after, 0):.2f}")))
    if payment.check_decision is not None:
        by = texts.word("decided_by", payment.check_decided_by or "")
        facts.append((texts("payment.check"), f"{texts.word('decision', payment.check_decision)} ({by})"))
    return tag("div", *(_fact(label, value) for label, value in facts if value), cls="mr-facts")


def _fields(page: Page, payment: Payment) -> dict[str, str]:
    """Its own columns in words; what is not known is empty, and left out."""
    texts = page.texts
    return {
        "kind": texts.word("kind_of", payment.kind),
        "status": texts.word("status_of", payment.status),
        "country": payment.country or "",
        "user_id": "" if payment.user_id == payment.account_id else payment.user_id,
        "payee_id": payment.payee_id or "",
        "card_id": payment.card_id or "",
        "device_id": payment.device_id or "",
        "merchant_id": payment.merchant_id or "",
        "channel": payment.channel or "",
    }


def _fact(label: str, value: str) -> Markup:
    return tag("div", tag("div", label, cls="mr-label"), tag("div", visible(value), cls="mr-fact"))


def _show_outcome(page: Page, payment: Payment) -> None:
    """What became of it, and saying so: rules are measured by that."""
    texts = page.texts
    if payment.fraud is not None and payment.reported_at is not None:
        said = texts("payment.fraud" if payment.fraud else "payment.honest")
        by = texts(
            "payment.said_by",
            by=visible(payment.said_by or "", 60),
            time=moment(payment.reported_at, page.zone),
        )
        st.html(notice(said, by, tone="bad" if payment.fraud else "good"))
    with st.container(horizontal=True):
        if actor.may(page, "handle", "transfer"):
            for fraud, name in ((True, "fraud"), (False, "honest")):
                if payment.fraud is not fraud:
                    st.button(
                        texts(f"payment.say.{name}"),
                        key=f"outcome-{name}",
                        on_click=_report,
                        args=(page, payment.transfer_id, fraud),
                    )
        link(
            page,
            "entity",
            texts("payment.to_account"),
            icon=":material/account_balance:",
            id=payment.account_id,
        )


def _report(page: Page, transfer_id: str, fraud: bool) -> None:  # noqa: FBT001 - an answer
    done = page.texts("payment.reported", id=visible(transfer_id, 64))
    press(page, "report_outcome", transfer_id, {"fraud": fraud}, done)


def _show_correction(page: Page, payment: Payment) -> None:
    """Another status: windows, hits and incidents follow it."""
    if not actor.may(page, "deliver", "event"):
        return
    texts = page.texts
    others = [status for status in STATUSES if status != payment.status]
    with (
        st.expander(f"**{texts('payment.correct')}**", key="payment-correct"),
        st.form("correct", border=False),
    ):
        st.selectbox(
            texts("payment.correct.status"),
            others,
            key=_STATUS,
            format_func=lambda status: texts.word("status_of", status),
        )
        st.text_input(texts("payment.correct.reason"), key=_WHY, max_chars=1_000)
        st.form_submit_button(
            texts("payment.correct"),
            key="correct-button",
            on_click=_correct,
            args=(page, payment.transfer_id),
        )


def _correct(page: Page, transfer_id: str) -> None:
    given = {"status": st.session_state[_STATUS], "reason": str(st.session_state[_WHY] or "").strip()}
    press(
        page,
        "correct_event",
        transfer_id,
        given,
        page.texts("payment.corrected", id=visible(transfer_id, 64)),
    )


def _show_hits(page: Page, payment: Payment) -> None:
    texts, found = page.texts, reads.hits(page, payment.transfer_id)
    st.html(tag("h2", texts("hits.heading"), tag("small", texts("hits.note")), cls="mr-h2"))
    if not found:
        st.html(notice(texts("hits.none"), texts("hits.none.note"), tone="good"))
    for hit in found:
        _show_hit(page, hit)


def _show_hit(page: Page, hit: Hit) -> None:
    texts = page.texts
    words = [rule_name(visible(hit.rule, 64), texts), texts("hits.version", version=hit.version)]
    title = f"**{plain(words[0])}** {plain(words[1])} · {plain(texts('hits.score', score=hit.score))}"
    if hit.mode == "shadow":
        title += f" :gray-badge[{plain(texts('hits.shadow'))}]"
    if hit.corrected_at is not None:
        title += f" :orange-badge[{plain(texts('feed.corrected'))}]"
    with st.expander(
        title, expanded=hit.mode == "live" and hit.corrected_at is None, key=f"hit-{hit.rule}-{hit.version}"
    ):
        st.html(_hit_words(page, hit))
        st.html(hit_tree(hit.explanation, content_of(page, hit.rule, hit.version), texts))
        link(
            page,
            "event_rules",
            texts("hits.to_rule"),
            icon=":material/rule:",
            rule=hit.rule,
            version=hit.version,
        )


def _hit_words(page: Page, hit: Hit) -> Markup:
    texts = page.texts
    chips = [
        chip(texts.word("severity", hit.severity), hit.severity),
        chip(texts.word("action_of", hit.action), "plain"),
        tag("span", moment(hit.hit_at, page.zone, seconds=True)),
        *([tag("span", texts("feed.late"))] if hit.late else []),
    ]
    if hit.corrected_at is not None:
        by = texts("hits.by_minute") if hit.corrected_by == "minute" else visible(hit.corrected_by or "", 64)
        chips.append(
            tag(
                "span", texts("hits.corrected", by=by, time=moment(hit.corrected_at, page.zone, seconds=True))
            )
        )
    return tag("div", *chips, cls="mr-small")


def _show_why_not(page: Page, payment: Payment) -> None:
    """Why another rule did not fire: its windows are built anew for it, in a process of its own."""
    texts = page.texts
    fired = {hit.rule for hit in reads.hits(page, payment.transfer_id)}
    rules = [rule for rule in dict.fromkeys(v.rule for v in versions(page) if v.mode) if rule not in fired]
    if not rules:
        return
    st.html(tag("h2", texts("why_not.heading"), tag("small", texts("why_not.note")), cls="mr-h2"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rule = st.selectbox(
            texts("why_not.rule"),
            rules,
            key=_RULE,
            width=320,
            format_func=lambda name: rule_name(name, texts),
        )
        asked = st.button(texts("why_not.ask"), key="why-not-ask")
    key = f"why-not-{payment.transfer_id}-{rule}"
    if asked:
        st.session_state[key] = True
    if rule and st.session_state.get(key):
        _show_answer(page, payment.transfer_id, rule)


def _show_answer(page: Page, transfer_id: str, rule: str) -> None:
    texts = page.texts
    try:
        with st.spinner(texts("why_not.asking")):
            found = _explained(page.name, page, transfer_id, rule)
    except MinuteriskError as error:
        st.html(notice(texts("why_not.failed"), sentence(error, texts.language)))
        return
    if found.get("mode") is None:
        st.html(notice(texts("why_not.idle")))
    version = found.get("version")
    content = content_of(page, rule, version) if isinstance(version, int) else None
    st.html(hit_tree(found.get("explanation", found), content, texts))


@st.cache_data(max_entries=_KEPT, ttl=600, show_spinner=False)
def _explained(name: str, _page: Page, transfer_id: str, rule: str) -> Mapping[str, Any]:  # noqa: ARG001
    return explain(_page.door.settings, transfer_id, rule)


def _show_later_words(page: Page, payment: Payment) -> None:
    texts, found = page.texts, reads.later_words(page, payment.transfer_id)
    if not found:
        return
    st.html(tag("h2", texts("later.heading"), cls="mr-h2"))
    head = [texts(f"later.{name}") for name in ("when", "what", "change", "origin")]
    rows = [
        [
            moment(word.at, page.zone, seconds=True),
            texts.word("later_kind", word.kind),
            _change(word),
            texts.word("origin", word.origin),
        ]
        for word in found
    ]
    st.html(table(head, rows))


def _change(word: LaterWord) -> str:
    names = [name for name in word.after if word.before.get(name) != word.after[name]]
    return ", ".join(visible(f"{name}: {word.before.get(name)} → {word.after[name]}") for name in names)

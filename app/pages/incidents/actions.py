"""What is done about an incident's money: what is proposed, who decided, what came of it, and the buttons."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import clock, won
from app.markup import Markup, chip, join, table, tag, visible
from app.pages import actor
from app.pages.incidents import reads
from app.pages.incidents.acts import words_key
from app.pages.incidents.reason import NOTHING
from app.pages.press import press
from app.pages.worth import exact
from pipeline.store.actions import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.reads import Page
    from app.rows import Incident

    Action = Mapping[str, Any]

#: How the chip of each looks.
_TONES: Final = {"proposed": "high", "approved": "sending", "told": "sending", "confirmed": "sent"}
#: Calls that may be tried again.
_UNTAKEN: Final = ("dead", "nowhere")


def show_actions(page: Page, incident: Incident) -> None:
    """Nothing for a pack that knows nothing to do about money, and of everybody together."""
    exposures = page.pack.exposures
    if exposures is None or not exposures.actions or incident.of_everybody:
        return
    found = reads.actions(page, incident.incident_id)
    if found or incident.resolved_minute is None:
        st.html(_shown(page, found))
    for action in found:
        _show_buttons(page, incident, action)
    if incident.resolved_minute is None and actor.may(page, "propose_money"):
        _show_form(page, incident, [a["kind"] for a in found if a["status"] in LIVE])


def _shown(page: Page, found: Sequence[Action]) -> Markup:
    texts = page.texts
    heading = tag("div", texts("actions.heading"), cls="mr-h3")
    if not found:
        return join([heading, tag("div", texts("actions.none"), cls="mr-note")])
    what, keeps, until = texts("actions.what"), texts("actions.keeps"), texts("actions.until")
    head = [what, keeps, until, texts("actions.state"), texts("actions.who"), texts("actions.outcome")]
    return join([heading, table(head, [_row(page, action) for action in found])])


def _row(page: Page, action: Action) -> list[str]:
    texts = page.texts
    until = NOTHING if action["helps_until"] is None else clock(action["helps_until"], page.zone)
    state = chip(texts.word("action_status", action["status"]), _TONES.get(action["status"], "plain"))
    return [
        _name(page, action),
        exact(page, action["amount"]),
        until,
        state,
        _who(page, action),
        _outcome(page, action),
    ]


def _name(page: Page, action: Action) -> str:
    share = "" if action["percent"] is None else f" {action['percent']}%"
    return f"{kind_of(page, action['kind'])}{share}"


def kind_of(page: Page, kind: str) -> str:
    """What the pack calls it."""
    return page.pack.words[page.texts.language].get(kind, kind)


def _who(page: Page, action: Action) -> str:
    texts = page.texts
    said = [texts("actions.proposed_by", name=visible(action["proposed_by"], 80))]
    if action["approved_by"]:
        said.append(texts("actions.approved_by", name=visible(action["approved_by"], 80)))
    if action["ended_by"]:
        ended = texts.word("action_status", action["status"])
        said.append(f"{ended}: {visible(action['ended_by'], 80)}")
    if action["recall_status"] in _UNTAKEN:  # it matters more than what became of what it recalls
        said.append(texts.word("call", f"recall_{action['recall_status']}"))
    elif action["call_status"] in _UNTAKEN and action["recall_status"] is None:
        said.append(texts.word("call", action["call_status"]))
    return " · ".join(said)


def _outcome(page: Page, action: Action) -> str:
    """The figures that the pack has a word for, as far as they are known."""
    words, said, exposures = page.pack.words[page.texts.language], [], page.pack.exposures
    counts = () if exposures is None or exposures.following is None else exposures.following.counts
    for name, value in action["outcome"].items():
        if name in words and isinstance(value, int) and not isinstance(value, bool):
            amount = str(value) if name in counts else won(value, page.texts.language)
            said.append(f"{words[name]} {amount}")
    if action["end_why"] and not said:
        said.append(visible(action["end_why"], 200))
    return " · ".join(said) or NOTHING


def _show_buttons(page: Page, incident: Incident, action: Action) -> None:
    """The acts that make sense now, for those whose role may; the reason is the line above."""
    names = [name for name in _acts(page, action) if actor.may(page, _NEEDS[name], "action")]
    if not names:
        return
    with st.container(horizontal=True, gap="xsmall"):
        st.html(tag("div", _name(page, action), cls="mr-small"))
        for name in names:
            args = (page, incident.incident_id, action["action_id"], name)
            label = page.texts.word("to_do", name)
            st.button(label, key=f"{name}-{action['action_id']}", on_click=_do, args=args)


#: Which right each act needs.
_NEEDS: Final = {
    "approve_action": "approve_money",
    "decline_action": "approve_money",
    "withdraw_action": "propose_money",
    "recall_action": "approve_money",
    "confirm_action": "propose_money",
    "retell_action": "deliver",
}


def _acts(page: Page, action: Action) -> Iterator[str]:
    status, exposures = action["status"], page.pack.exposures
    own = action["proposed_by"] == page.actor.name and not action["by_machine"]
    if status == "proposed":
        if own:
            yield "withdraw_action"
        else:
            yield from ("approve_action", "decline_action")
    if status in ("approved", "told"):
        yield "recall_action"
    if status == "told" and exposures is not None and action["kind"] in exposures.by_people:
        yield "confirm_action"
    told = "call_status" if status in ("approved", "told") else "recall_status"
    if action[told] in _UNTAKEN and (told == "recall_status" or _still_helps(action)):
        yield "retell_action"


def _still_helps(action: Action) -> bool:
    return action["helps_until"] is None or action["helps_until"] > datetime.now(UTC)


def _show_form(page: Page, incident: Incident, live: Sequence[str]) -> None:
    texts, exposures, number = page.texts, page.pack.exposures, incident.incident_id
    kinds = [] if exposures is None else [kind for kind in exposures.actions if kind not in live]
    if not kinds:
        return
    with st.popover(texts("actions.propose")):
        st.selectbox(
            texts("actions.what"),
            kinds,
            key=f"action-kind-{number}",
            format_func=lambda kind: kind_of(page, kind),
        )
        st.number_input(texts("actions.percent"), 1, 100, 10, key=f"action-percent-{number}")
        st.text_input(texts("acts.words"), key=f"action-why-{number}", max_chars=1_000)
        st.button(
            texts("actions.propose_it"),
            key=f"propose-action-{number}",
            on_click=_propose,
            args=(page, number),
        )


def _propose(page: Page, number: int) -> None:
    kind, exposures = st.session_state.get(f"action-kind-{number}"), page.pack.exposures
    given: dict[str, Any] = {"kind": kind, "reason": st.session_state.get(f"action-why-{number}", "")}
    if exposures is not None and kind in exposures.shares:
        given["percent"] = st.session_state.get(f"action-percent-{number}")
    done = page.texts("actions.proposed", what=kind_of(page, str(kind)))
    if press(page, "propose_action", number, given, done):
        st.session_state[f"action-why-{number}"] = ""


def _do(page: Page, number: int, action_id: int, name: str) -> None:
    given = {"reason": st.session_state.get(words_key(number), "")}
    done = page.texts("actions.done", id=action_id, act=page.texts.word("to_do", name))
    if press(page, name, action_id, given, done) and given["reason"]:
        st.session_state[words_key(number)] = ""

"""Does the audit still stand as it was written? When that was last looked at, and a button that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import count, moment
from app.markup import notice, table
from app.pages.access import reads
from app.pages.press import press
from pipeline.errors.phrases import in_language

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.markup import Markup
    from app.pages.access.reads import Verified
    from app.reads import Page

_FINDINGS: Final = "access-findings"
#: Whoever rewrote all of it left as many findings as there are rows.
_MOST_SHOWN: Final = 20


def show_proof(page: Page) -> None:
    """What the last verification found, and the findings of one that was just made."""
    texts = page.texts
    st.html(_said(page, reads.verified(page)))
    if findings := st.session_state.get(_FINDINGS):
        rows = [[in_language(one, texts.language)] for one in findings[:_MOST_SHOWN]]
        st.html(table([texts("proof.findings", count=count(len(findings)))], rows))
    st.button(texts("proof.verify"), key="access-verify", on_click=_verify, args=(page,))


def _verify(page: Page) -> None:
    press(page, "verify_audit", "", {}, page.texts("proof.done"), _keep)


def _keep(answer: Mapping[str, Any]) -> None:
    st.session_state[_FINDINGS] = answer["wrong"]


def _said(page: Page, last: Verified) -> Markup:
    texts = page.texts
    if last.at is None or last.after is None:
        return notice(texts("proof.never"), texts("proof.rows", rows=count(last.rows)))
    by = texts("proof.by", time=moment(last.at, page.zone), name=last.actor or "")
    since = texts("proof.since", count=count(last.rows - last.after["rows"]))
    if last.after["wrong"]:
        wrong = texts("proof.wrong", count=count(last.after["wrong"]))
        return notice(wrong, f"{by} {texts('proof.wrong.note')}", tone="bad")
    said = {"rows": count(last.after["rows"]), "kept": count(last.after["kept_elsewhere"])}
    return notice(texts("proof.whole", **said), f"{by} {since}", tone="good")

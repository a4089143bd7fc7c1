"""Choices that the address keeps: a widget shows what it says, and a choice goes into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from app.pages.given import keep

if TYPE_CHECKING:
    from collections.abc import Mapping


def shows(name: str, value: object, **others: None) -> Mapping[str, Any]:
    """What a widget of that parameter is given. A choice takes the `others` out of the address."""
    key = f"access-{name}"
    st.session_state[key] = value
    return {"key": key, "on_change": _keep, "args": (name, others)}


def _keep(name: str, others: Mapping[str, None]) -> None:
    said = st.session_state[f"access-{name}"]
    keep(**{**others, name: None if said in (None, "") else str(said)})

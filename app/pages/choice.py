"""Which incident the person looks at: kept in the address, so that a link opens the same."""

from __future__ import annotations

from typing import Final

import streamlit as st

from app.address import Param, number
from app.pages.given import quietly

INCIDENT: Final = "incident"


def asked_incident() -> str | None:
    """What the address says after ?incident=, whatever it is."""
    asked: str | None = st.query_params.get(INCIDENT)
    return asked


def chosen_incident() -> int | None:
    """The incident's number in the address; None without one and for what cannot be one."""
    return quietly(Param(INCIDENT, number))


def choose_incident(incident_id: int) -> None:
    """Put an incident into the address; used as a button's callback."""
    st.query_params[INCIDENT] = str(incident_id)

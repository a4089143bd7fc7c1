"""Which incident the person looks at: kept in the address, so that a link opens the same."""

from __future__ import annotations

import re
from typing import Final

import streamlit as st

INCIDENT: Final = "incident"
#: The largest number an incident can have in the database (bigint).
_LARGEST: Final = 2**63 - 1


def asked_incident() -> str | None:
    """What the address says after ?incident=, whatever it is."""
    asked: str | None = st.query_params.get(INCIDENT)
    return asked


def chosen_incident() -> int | None:
    """The incident's number in the address; None without one and for what cannot be one."""
    asked = asked_incident()
    if asked is None or not re.fullmatch(r"[0-9]{1,19}", asked) or int(asked) > _LARGEST:
        return None
    return int(asked)


def choose_incident(incident_id: int) -> None:
    """Put an incident into the address; used as a button's callback."""
    st.query_params[INCIDENT] = str(incident_id)

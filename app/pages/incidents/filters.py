"""Which incidents the inbox shows. The address says it; what people choose is written there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from app.address import Param, day, number, words
from app.markup import visible
from app.pages.given import given, keep
from app.pages.incidents import reads
from app.rows import Filters
from pipeline.judge.verdicts import SEVERITIES, TIERS
from pipeline.minute import business_date

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from app.reads import Page

STATES: Final = ("open", "acknowledged", "snoozed", "resolved")
#: Words that the address says of an owner, beside a name.
ME, NOBODY = "me", "nobody"
#: A day that moves on by itself.
TODAY: Final = "today"
PLACE: Final = "p"
#: What a view keeps: everything but the place in the list.
NAMES: Final = ("state", "severity", "rule", "tier", "owner", "from", "to", "q")
_WIDGET: Final = "inbox-"
_READ: Final = "inbox-read-"
_LONGEST: Final = 200
#: So many pages nobody has; the rows before it are still a number that the database knows.
_LAST_PLACE: Final = 10**9


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for, each value as it stands there."""

    said: dict[str, str]
    filters: Filters
    place: int  # the page of the list, from 1

    @property
    def query(self) -> str:
        """The filters as an address says them; the same ones are always the same text."""
        return query_of(self.said)


def query_of(said: dict[str, str]) -> str:
    """The filters of an address, in one order."""
    return urlencode([(name, said[name]) for name in NAMES if said.get(name)])


def said_by(query: str) -> dict[str, str]:
    """The filters that a kept query names; what is none of them is left out."""
    return {name: value for name, value in parse_qsl(query) if name in NAMES}


def several(known: Collection[str]) -> Callable[[str], tuple[str, ...] | None]:
    """Some of these words, with commas between them."""

    def read(text: str) -> tuple[str, ...] | None:
        found = tuple(dict.fromkeys(text.split(",")))
        return found if found and all(word in known for word in found) else None

    return read


def place(text: str) -> int | None:
    """A page of a list that some database could hold."""
    found = number(text)
    return found if found is not None and found <= _LAST_PLACE else None


def _first_day(text: str) -> date | str | None:
    return TODAY if text == TODAY else day(text)


def params(page: Page) -> tuple[Param[Any], ...]:
    """What the address of the inbox may say."""
    return (
        Param("state", several(STATES)),
        Param("severity", several(SEVERITIES)),
        Param("rule", several([rule.name for rule in page.pack.rules])),
        Param("tier", several(TIERS)),
        Param("owner", words),
        Param("from", _first_day),
        Param("to", day),
        Param("q", words),
        Param(PLACE, place),
    )


def read_address(page: Page) -> Asked:
    """What the address asks for; what cannot be read is said, and left out."""
    found: dict[str, Any] = {}
    said: dict[str, str] = {}
    for param in params(page):
        value = given(page, param)
        if value is not None:
            found[param.name], said[param.name] = value, st.query_params[param.name]
    return Asked(said, _filters(page, found), max(found.get(PLACE, 1), 1))


def _filters(page: Page, found: dict[str, Any]) -> Filters:
    first = found.get("from")
    if first == TODAY:
        first = business_date(page.clock(), page.zone)
    return Filters(
        states=found.get("state", ()),
        severities=found.get("severity", ()),
        rules=found.get("rule", ()),
        text=found.get("q", ""),
        tiers=found.get("tier", ()),
        owner=_owner(page, found.get("owner")),
        first=_midnight(page, first),
        stop=_midnight(page, found.get("to"), days=1),
    )


def _owner(page: Page, said: str | None) -> str | None:
    if said == NOBODY:
        return ""
    return page.actor.name if said == ME else said


def _midnight(page: Page, at: date | None, days: int = 0) -> datetime | None:
    if at is None:
        return None
    return datetime.combine(at + timedelta(days=days), time(), page.zone).astimezone(UTC)


def show_filters(page: Page, asked: Asked) -> None:
    """The choices as the address has them; a change is written there."""
    texts = page.texts
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _seed("q", asked.said.get("q", ""))
        st.text_input(
            texts("filter.text"),
            key=f"{_WIDGET}q",
            type="search",
            max_chars=_LONGEST,
            placeholder=texts("filter.text"),
            label_visibility="collapsed",
            on_change=_keep_text,
            width=220,
        )
        used = len([name for name in asked.said if name in NAMES and name != "q"])
        label = texts("inbox.filters.used", count=used) if used else texts("filter.heading")
        with st.popover(label, icon=":material/filter_list:"):
            _pills(page, asked, "state", STATES, "status")
            _pills(page, asked, "severity", SEVERITIES[::-1], "severity")
            _pills(page, asked, "rule", [rule.name for rule in page.pack.rules], "rule")
            _pills(page, asked, "tier", TIERS, "tier")
            _ask_owner(page, asked)
            _ask_days(page, asked)
            st.button(texts("inbox.filters.clear"), key="inbox-clear", on_click=choose, args=({},))


def choose(said: dict[str, str]) -> None:
    """Show the list by other filters, from its beginning."""
    keep(**{**dict.fromkeys(NAMES), PLACE: None, **said})


def _seed(name: str, value: object) -> None:
    """Give a widget what the address says, where the address says another thing than before."""
    if st.session_state.get(f"{_READ}{name}", ()) != value or f"{_WIDGET}{name}" not in st.session_state:
        st.session_state[f"{_WIDGET}{name}"] = value
        st.session_state[f"{_READ}{name}"] = value


def _pills(page: Page, asked: Asked, name: str, known: Sequence[str], group: str) -> None:
    said = asked.said.get(name)
    _seed(name, said.split(",") if said else [])
    st.pills(
        page.texts(f"filter.{name}"),
        known,
        selection_mode="multi",
        key=f"{_WIDGET}{name}",
        format_func=lambda word: page.texts.word(group, word),
        on_change=_keep_several,
        args=(name, known),
    )


def _ask_owner(page: Page, asked: Asked) -> None:
    said = asked.said.get("owner")
    names = [name for name in reads.owners(page) if name not in (ME, NOBODY)]
    known = [ME, NOBODY, *names, *([said] if said and said not in (ME, NOBODY, *names) else [])]
    _seed("owner", said)
    st.selectbox(
        page.texts("filter.owner"),
        known,
        key=f"{_WIDGET}owner",
        index=None,
        format_func=lambda name: page.texts(f"owner.{name}") if name in (ME, NOBODY) else visible(name, 60),
        placeholder=page.texts("filter.owner.any"),
        on_change=_keep_one,
        args=("owner",),
    )


def _ask_days(page: Page, asked: Asked) -> None:
    with st.container(horizontal=True):
        for name in ("from", "to"):
            said = asked.said.get(name)
            shown = business_date(page.clock(), page.zone) if said == TODAY else day(said) if said else None
            _seed(name, shown)
            st.date_input(
                page.texts(f"filter.{name}"),
                value=None,
                min_value=date(2000, 1, 1),
                max_value=date(2100, 1, 1),
                key=f"{_WIDGET}{name}",
                format="YYYY-MM-DD",
                on_change=_keep_one,
                args=(name,),
            )


def _keep_several(name: str, known: Sequence[str]) -> None:
    chosen = st.session_state[f"{_WIDGET}{name}"]
    _write(name, ",".join(word for word in known if word in chosen))


def _keep_text() -> None:
    _write("q", st.session_state[f"{_WIDGET}q"].strip())


def _keep_one(name: str) -> None:
    chosen = st.session_state[f"{_WIDGET}{name}"]
    _write(name, "" if chosen is None else str(chosen))


def _write(name: str, text: str) -> None:
    keep(**{name: text or None, PLACE: None})

"""Incidents as somebody in Slack is shown them: lines of text, and the home tab. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.figures import clean, escape, moment
from pipeline.packs import PACKS, load_pack
from pipeline.talk.words import TEXTS
from pipeline.tell.buttons import Place, render_buttons
from pipeline.tell.render import LIGHTS, RESOLVED_LIGHT, page_link, risk_text
from pipeline.tell.words import TEXTS as MESSAGE_TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.pack import Pack
    from pipeline.tell.slack import Block

    Row = Mapping[str, Any]

#: So many incidents are listed; Slack takes 100 blocks on a home tab, and nobody reads more.
SHOWN: Final = 20
LISTED: Final = 10


def known(rows: Sequence[Row]) -> list[Row]:
    """Those of packs that this version knows."""
    return [row for row in rows if row["pack"] in PACKS]


def line(row: Row, language: str, zone: ZoneInfo, url: str) -> str:
    """One incident on one line; names from outside stand in code spans alone."""
    pack, words = load_pack(row["pack"]), TEXTS[language]
    resolved = row["status"] == "resolved"
    by = clean(row["acknowledged_by"] or "")
    status = words[f"status_{row['status']}"] + (f" (`{by}`)" if by else "")
    said = [
        f"{RESOLVED_LIGHT if resolved else LIGHTS[row['severity']]} *{row['incident_id']}*",
        pack.words[language][row["rule"]],
        _entity(row, pack, language),
        *_risk(row, pack, language),
        status,
        words["since"].format(at=moment(row["opened_minute"], zone)),
        f"<{escape(page_link(url, row['incident_id']))}|{MESSAGE_TEXTS[language]['link']}>",
    ]
    return " · ".join(said)


def sentence(row: Row, language: str) -> str:
    """Why it is an incident, from the reason that is stored."""
    return load_pack(row["pack"]).say(row["rule"], row["reason"], "opened", language)


def more(rows: Sequence[Row], language: str, url: str) -> list[str]:
    """How many there are beyond those that are listed."""
    left = rows[0]["total"] - len(rows) if rows else 0
    return [TEXTS[language]["more"].format(count=f"{left:,}", url=escape(page_link(url)))] if left > 0 else []


def render_home(
    rows: Sequence[Row], at: datetime, language: str, zone: ZoneInfo, url: str, *, said: str = ""
) -> list[Block]:
    """The home tab: open incidents with their buttons; above them what became of the last press."""
    words = TEXTS[language]
    blocks = [_header(words["home_title"])]
    blocks += [_section(said)] if said else []
    if not rows:
        blocks.append(_section(words["home_none"]))
    for row in known(rows):
        place = Place(row["installation"], row["pack"], row["incident_id"])
        text = f"{line(row, language, zone, url)}\n{sentence(row, language)}"
        blocks += [_section(text), render_buttons(place, row["status"], language)]
    blocks += [_section(text) for text in more(rows, language, url)]
    footer = words["home_at"].format(at=moment(at, zone), url=escape(url))
    return [*blocks, {"type": "context", "elements": [_mrkdwn(footer)]}]


def render_guest(language: str) -> list[Block]:
    """The home tab of somebody of another workspace."""
    return [_section(TEXTS[language]["home_guest"])]


def _entity(row: Row, pack: Pack[Any, Any], language: str) -> str:
    if row["rule"] in pack.of_everybody:
        return pack.words[language]["everybody"]
    identifier, name = clean(row["entity_id"]) or "?", clean(row["entity_name"] or "")
    return f"`{name}` (`{identifier}`)" if name else f"`{identifier}`"


def _risk(row: Row, pack: Pack[Any, Any], language: str) -> list[str]:
    if not pack.has_money or (row["rule"] in pack.of_everybody and not row["figures"]):
        return []
    return [risk_text(row["at_risk"], row["figures"], pack.words[language], language)]


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": True}}


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}

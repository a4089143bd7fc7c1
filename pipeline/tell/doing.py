"""What is being done about an incident's money, in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.figures import moment, money
from pipeline.tell.words import TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from pipeline.pack import Pack


def action_text(pack: Pack[Any, Any], action: Mapping[str, Any], language: str, zone: ZoneInfo) -> str:
    """What it is, what it keeps and until when it helps; of a kind that the pack does not know its name."""
    words = TEXTS[language]
    said = [pack.words[language].get(action["kind"], "?")]
    if action["percent"] is not None:
        said[0] += f" {action['percent']}%"
    if action["amount"] is not None and pack.has_money:
        said.append(words["action_keeps"].format(amount=money(action["amount"], language)))
    if action["until"] is not None:
        said.append(words["action_until"].format(until=moment(action["until"], zone)))
    return " · ".join(said)


def doing_text(pack: Pack[Any, Any], action: Mapping[str, Any], language: str, zone: ZoneInfo) -> str:
    """The same with how it stands."""
    return f"{TEXTS[language]['action_is_' + action['status']]}: {action_text(pack, action, language, zone)}"

"""The buttons under an incident: how they are made, and what a press of one says. Pure.

A button's name is one of ours and its value holds numbers and names that we gave: whatever a name in a
message says, it cannot become a button.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pipeline.tell.words import TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Block = dict[str, Any]

_PREFIX: Final = "minuterisk_"
#: Each button: the act of the desk, and what it is told. A reason is the name of a text.
_ACTS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "acknowledge": ("acknowledge", {}),
    "snooze": ("snooze", {"for": "1h"}),
    "resolve": ("resolve", {"reason": "pressed_resolve"}),
    "false_alarm": ("label", {"label": "false_alarm", "reason": "pressed_false_alarm"}),
}
_STYLES: Final = {"acknowledge": "primary"}
#: Which of them make sense, by how the incident stands.
SHOWN: Final[Mapping[str, Sequence[str]]] = {
    "open": ("acknowledge", "snooze", "resolve", "false_alarm"),
    "acknowledged": ("snooze", "resolve", "false_alarm"),
    "resolved": ("false_alarm",),
}
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where an incident is: pressed in Slack, a button says it back."""

    installation: str
    pack: str
    incident_id: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a press asks for: an act of the desk on an incident."""

    place: Place
    act: str
    given: Mapping[str, str] = field(default_factory=dict)


def render_buttons(place: Place, status: str, language: str) -> Block:
    """The buttons of an incident that stands so, in one row."""
    value = json.dumps(
        {"installation": place.installation, "pack": place.pack, "incident": place.incident_id},
        separators=(",", ":"),
    )
    return {"type": "actions", "elements": [_button(name, value, language) for name in SHOWN[status]]}


def _button(name: str, value: str, language: str) -> Block:
    text = {"type": "plain_text", "text": TEXTS[language][f"button_{name}"], "emoji": True}
    style = {"style": _STYLES[name]} if name in _STYLES else {}
    return {"type": "button", "action_id": _PREFIX + name, "text": text, "value": value, **style}


def read_press(action_id: object, value: object, language: str) -> Pressed | None:
    """What a pressed button says; None where it is none of ours, or says something that we never wrote."""
    name = action_id.removeprefix(_PREFIX) if isinstance(action_id, str) else ""
    place = _read_place(value)
    if action_id != _PREFIX + name or name not in _ACTS or place is None:
        return None
    act, given = _ACTS[name]
    reason = {"reason": TEXTS[language][given["reason"]]} if "reason" in given else {}
    return Pressed(place, act, {**given, **reason})


def _read_place(value: object) -> Place | None:
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    try:
        content = json.loads(value)
    except ValueError:
        return None
    if not isinstance(content, dict):
        return None
    installation, pack, number = (content.get(name) for name in ("installation", "pack", "incident"))
    if not isinstance(installation, str) or not isinstance(pack, str):
        return None
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 1 << 63:
        return None
    return Place(installation, pack, number)

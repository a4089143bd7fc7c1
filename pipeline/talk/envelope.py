"""What an envelope of Slack says, read with suspicion: a press, a command, somebody at the home tab. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pipeline.tell.buttons import Place, read_press

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Ids of Slack and what it calls moments are short; what is longer was not written by it.
_LONGEST: Final = 300
_URL: Final = 2_000


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as Slack names them."""

    team: str
    user: str

    @property
    def name(self) -> str:
        """TEAM/USER, as accounts are linked."""
        return f"{self.team}/{self.user}"


@dataclass(frozen=True, slots=True)
class Press:
    """An act that somebody asks for in Slack, by a button or a command. `key` is Slack's own for it."""

    key: str
    asker: Asker
    place: Place
    act: str
    given: Mapping[str, str] = field(default_factory=dict)
    response_url: str = ""
    at_home: bool = False  # pressed on the home tab, which is shown anew


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wrote behind /minuterisk."""

    key: str
    asker: Asker
    text: str
    response_url: str


def asker_of(payload: Mapping[str, Any]) -> Asker | None:
    """Who is behind an interaction. The person's own team: a shared channel has people of others."""
    user, team = payload.get("user"), payload.get("team")
    if not isinstance(user, dict):
        return None
    of_channel = team.get("id") if isinstance(team, dict) else None
    return _asker(user.get("team_id") or of_channel, user.get("id"))


def press_of(payload: Mapping[str, Any], language: str) -> Press | None:
    """The press of one of our buttons; None for everything else."""
    asker, actions = asker_of(payload), payload.get("actions")
    if payload.get("type") != "block_actions" or asker is None or not isinstance(actions, list):
        return None
    for action in actions:
        if not isinstance(action, dict):
            continue
        pressed = read_press(action.get("action_id"), action.get("value"), language)
        at = _short(action.get("action_ts"))
        if pressed is None or not at:
            continue
        number = pressed.place.incident_id
        key = f"{asker.name}:{at}:{action['action_id']}:{pressed.place.pack}:{number}"
        return Press(
            key,
            asker,
            pressed.place,
            pressed.act,
            pressed.given,
            _url(payload.get("response_url")),
            at_home=isinstance(payload.get("view"), dict),
        )
    return None


def command_of(payload: Mapping[str, Any]) -> Command | None:
    """A command, as it was given."""
    asker = _asker(payload.get("team_id"), payload.get("user_id"))
    key, text = _short(payload.get("trigger_id")), payload.get("text")
    if asker is None or not key:
        return None
    said = text if isinstance(text, str) else ""
    return Command(f"{asker.name}:{key}", asker, said[:_LONGEST], _url(payload.get("response_url")))


def home_opened_by(payload: Mapping[str, Any]) -> Asker | None:
    """Who has opened the home tab."""
    event = payload.get("event")
    if not isinstance(event, dict) or event.get("type") != "app_home_opened":
        return None
    return _asker(payload.get("team_id"), event.get("user")) if event.get("tab") == "home" else None


def _asker(team: object, user: object) -> Asker | None:
    found = _short(team), _short(user)
    return Asker(*found) if all(found) else None


def _short(value: object) -> str:
    fits = isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()
    return str(value) if fits else ""


def _url(value: object) -> str:
    fits = isinstance(value, str) and len(value) <= _URL and value.startswith(("https://", "http://"))
    return str(value) if fits else ""

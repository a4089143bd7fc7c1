"""What people of the stand-in do, as Slack tells an app: buttons, commands, the home tab."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from data.slack_blocks import buttons_of
from data.slack_socket import Envelope
from data.slack_workspace import APP, TEAM, Workspace

if TYPE_CHECKING:
    from data.slack_workspace import Person

Json = dict[str, Any]

COMMAND: Final = "/minuterisk"


class NoSuchButton(LookupError):
    """The message does not show this button."""


def button_of(message: Json, action_id: str) -> Json:
    """A button as somebody sees it on a message or a home tab; NoSuchButton where it is not shown."""
    blocks = message.get("blocks") or []
    found = next((b for b in buttons_of(blocks) if b.get("action_id") == action_id), None)
    if found is None:
        raise NoSuchButton(action_id)
    return found


def press(workspace: Workspace, user: str, channel: str, message: Json, button: Json) -> Envelope:
    """Somebody presses a button of a message, as it was shown to them: it may have changed meanwhile."""
    ts = message["ts"]
    payload = _of_person(workspace, user) | {
        "type": "block_actions",
        "container": {
            "type": "message",
            "message_ts": ts,
            "channel_id": channel,
            "is_ephemeral": False,
        },
        "channel": {"id": channel, "name": "risk"},
        "message": deepcopy(message),
        "state": {"values": {}},
        "response_url": workspace.hook(user, channel, ts),
        "actions": [_action(workspace, button)],
    }
    return Envelope("interactive", payload)


def press_at_home(workspace: Workspace, user: str, button: Json) -> Envelope:
    """Somebody presses a button of their home tab: there is no response_url."""
    payload = _of_person(workspace, user) | {
        "type": "block_actions",
        "container": {"type": "view", "view_id": "V1"},
        "view": {"id": "V1", "type": "home"},
        "actions": [_action(workspace, button)],
    }
    return Envelope("interactive", payload)


def command(workspace: Workspace, user: str, channel: str, text: str) -> Envelope:
    """Somebody gives the command."""
    person = workspace.people[user]
    payload = {
        "token": "stand-in",
        "team_id": person.team,
        "team_domain": "stand-in",
        "channel_id": channel,
        "channel_name": "risk",
        "user_id": user,
        "user_name": person.name,
        "command": COMMAND,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": workspace.hook(user, channel, None),
        "trigger_id": workspace.timestamp(),
    }
    return Envelope("slash_commands", payload, accepts_response=True)


def open_home(workspace: Workspace, user: str) -> Envelope:
    """Somebody opens the app's home tab."""
    ts = workspace.timestamp()
    payload = {
        "token": "stand-in",
        "team_id": workspace.people[user].team,
        "api_app_id": APP,
        "type": "event_callback",
        "event_id": f"Ev{ts.replace('.', '')}",
        "event_time": int(float(ts)),
        "event": {"type": "app_home_opened", "user": user, "channel": "D0", "tab": "home", "event_ts": ts},
        "authorizations": [{"team_id": TEAM, "is_bot": True}],
    }
    return Envelope("events_api", payload)


def _of_person(workspace: Workspace, user: str) -> Json:
    person: Person = workspace.people[user]
    return {
        "user": {"id": user, "username": person.name, "name": person.name, "team_id": person.team},
        "team": {"id": person.team, "domain": "stand-in"},
        "api_app_id": APP,
        "token": "stand-in",
        "trigger_id": workspace.timestamp(),
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _action(workspace: Workspace, button: Json) -> Json:
    return {
        "type": "button",
        "block_id": "b",
        "action_id": button["action_id"],
        "text": button["text"],
        "value": button.get("value", ""),
        "action_ts": workspace.timestamp(),
    }

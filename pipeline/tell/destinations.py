"""The channels that routes name, opened as the settings say. A name alone opens no connection."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.errors.phrases import phrase
from pipeline.tell.by_apprise import ByApprise
from pipeline.tell.channels import Console, Slack
from pipeline.tell.route_texts import APPRISE, CONSOLE
from pipeline.tell.routes import DEFAULT, Reach
from pipeline.tell.slack import Refused, SlackClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.settings import Settings
    from pipeline.tell.channels import Channel, Parcel
    from pipeline.tell.outbox import Claimed, Thread


def home_channel(settings: Settings) -> str:
    """What the default channel is called by its own name."""
    return (settings.slack_token and settings.slack_channel) or CONSOLE


def reach_of(settings: Settings) -> Reach:
    """What a process with these settings can reach."""
    slack = bool(settings.slack_token)
    return Reach(home_channel=home_channel(settings), slack=slack, apprise=sorted(settings.apprise))


def problem_of(destination: str, reach: Reach) -> str | None:
    """What has to be set before this channel can be used; None where nothing is missing."""
    if destination.startswith(APPRISE):
        name = destination.removeprefix(APPRISE)
        setting = f"MINUTERISK_APPRISE_{name.upper()}"
        return None if name in reach.apprise else phrase("set {setting} to its address", setting=setting)
    if destination in (DEFAULT, CONSOLE) or reach.slack:
        return None
    return phrase("set MINUTERISK_SLACK_TOKEN and MINUTERISK_SLACK_CHANNEL")


def open_channel(destination: str, settings: Settings, installation: str) -> Channel:
    """The channel of that name; one that cannot be used refuses everything and says what is missing."""
    missing = problem_of(destination, reach_of(settings))
    if missing is not None:
        return Nowhere(destination, missing)
    name = home_channel(settings) if destination == DEFAULT else destination
    language, zone = settings.language, settings.business_timezone
    if name == CONSOLE:
        return Console(language, zone)
    if name.startswith(APPRISE):
        url = settings.apprise[name.removeprefix(APPRISE)]
        return ByApprise(name, url, language=language, zone=zone, dashboard_url=settings.dashboard_url)
    return Slack(
        SlackClient(settings.slack_token or "", settings.slack_base_url),
        name,
        installation=installation,
        language=language,
        zone=zone,
        dashboard_url=settings.dashboard_url,
        buttons=settings.slack_app_token is not None,
    )


class Nowhere:
    """A channel that the settings do not know: its messages are set aside, and the second one is told."""

    gap = timedelta()

    def __init__(self, name: str, missing: str) -> None:
        self.name = name
        self._missing = missing

    def send(self, parcel: Parcel, turn: Callable[[], None]) -> str | None:  # noqa: ARG002 - as Channel
        """Refuse."""
        code = "not_set_up"
        raise Refused(code, f"{self._missing}, then `minuterisk outbox requeue`")

    def find(self, rows: Sequence[Claimed], thread: Thread | None) -> Mapping[int, str]:  # noqa: ARG002
        """Nothing has ever arrived."""
        return {}

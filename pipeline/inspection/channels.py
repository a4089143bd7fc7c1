"""Can the channels be used that settings and routes name? Asked without telling anybody anything."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import sqlalchemy
from sqlalchemy import text

from pipeline.errors import MinuteriskError
from pipeline.finding import Finding
from pipeline.inspection.live import state_connection
from pipeline.store.incidents import route_of
from pipeline.tell.by_apprise import ByApprise
from pipeline.tell.destinations import home_channel, open_channel, problem_of, reach_of
from pipeline.tell.route_texts import APPRISE, CONSOLE
from pipeline.tell.routes import DEFAULT
from pipeline.tell.slack import DeliveryError, Refused, SlackClient
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.finding import Level
    from pipeline.settings import Settings

CHECK: Final = "channels"
_TIMEOUT_S: Final = 10.0
#: Rights that an app need not have; without them nobody can say whether it may write in a channel.
_NOT_ASKED: Final = ("missing_scope", "unknown_method", "no_permission")


def channel_findings(settings: Settings) -> Iterator[Finding]:
    """Of each channel whether it can be used, as far as that can be asked."""
    names = _named(settings)
    if settings.slack_token:
        client = SlackClient(settings.slack_token, settings.slack_base_url, _TIMEOUT_S)
        found = _workspace(client)
        yield found
        if found.level == "ok":
            channels = sorted({home_channel(settings), *(name for name in names if _is_slack(name))})
            yield from (_slack(client, channel) for channel in channels)
    else:
        yield Finding(CHECK, "ok", "messages go to the console: no MINUTERISK_SLACK_TOKEN is set")
    for name in sorted({*names, *(APPRISE + name for name in settings.apprise)}):
        missing = problem_of(name, reach_of(settings))
        if missing is not None:
            yield Finding(
                CHECK, "failure", f"a route names {name}, which is not set up", missing, exit_code=2
            )
        elif name.startswith(APPRISE):
            yield _apprise(name, settings)


def _named(settings: Settings) -> set[str]:
    """The channels of the routes; none where nothing has run here, or an older version."""
    with (
        suppress(MinuteriskError),
        state_connection(settings) as connection,
    ):  # of the database, `state` tells
        if not sqlalchemy.inspect(connection).has_table("route"):
            return set()
        routes = [route_of(row) for row in connection.execute(text(sql("ops/routes"))).mappings()]
        return {name for route in routes for name in (route.channel, route.second) if name}
    return set()


def _is_slack(name: str) -> bool:
    return name not in (DEFAULT, CONSOLE) and not name.startswith(APPRISE)


def _workspace(client: SlackClient) -> Finding:
    try:
        return Finding(CHECK, "ok", f"Slack knows us in the workspace {client.check()}")
    except DeliveryError as error:
        return _failed("Slack", error)


def _failed(what: str, error: DeliveryError) -> Finding:
    """What Slack refuses fails the check; what may pass is worth knowing."""
    hint = error.hint or "can this machine reach MINUTERISK_SLACK_BASE_URL? Messages wait meanwhile"
    level: Level = "failure" if isinstance(error, Refused) else "warning"
    return Finding(CHECK, level, f"{what}: {error.code}", hint)


def _slack(client: SlackClient, channel: str) -> Finding:
    try:
        found = client.channel(channel)
    except DeliveryError as error:
        if error.code in _NOT_ASKED:
            hint = "give the app channels:read and groups:read to have it asked"
            return Finding(CHECK, "note", f"{channel}: nobody can say whether we may write there", hint)
        return _failed(channel, error)
    if found.get("is_archived"):
        return Finding(CHECK, "failure", f"{channel} is archived", "name another channel")
    if found.get("is_member") is False:
        return Finding(CHECK, "failure", f"{channel}: the app is not in it", "invite the app to the channel")
    return Finding(CHECK, "ok", f"{channel} can be written to")


def _apprise(name: str, settings: Settings) -> Finding:
    channel = open_channel(name, settings, "")
    try:
        if isinstance(channel, ByApprise):
            channel.service()
    except DeliveryError as error:
        return Finding(
            CHECK, "failure", f"{name}: Apprise makes nothing of its address", error.hint, exit_code=2
        )
    hint = "the first message shows it: `minuterisk outbox list`"
    return Finding(CHECK, "note", f"{name} cannot be asked without sending something", hint)

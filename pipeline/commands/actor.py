"""Who acts on the command line: the account of the operating-system user."""

from __future__ import annotations

import os
import pwd
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.commands.common import read_settings
from pipeline.desk.acts import act
from pipeline.desk.perform import Desk
from pipeline.desk.roles import READ_ONLY, SUPER_ADMIN, Actor
from pipeline.embedded import open_urls
from pipeline.figures import one_line
from scheduler import open_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.settings import Settings
    from pipeline.store.state import State


@contextmanager
def open_desk(settings: Settings | None = None) -> Iterator[Desk]:
    """The desk of the settings' first pack, for one command."""
    found = settings or read_settings()
    with open_state(open_urls(found), found) as state:
        yield Desk(state, found)


def actor_of_terminal(state: State) -> Actor:
    """The account that the operating-system user is linked to.

    While there are no accounts at all, whoever may start the command owns the installation.
    """
    user, origin = one_line(_user()), one_line(socket.gethostname())
    with state.reading() as connection:
        row = state.ask(connection, "account_of_os_user", os_user=user).one()
    if row.account_id is not None:
        return Actor(row.account_id, row.name, row.role, "cli", origin=origin)
    return Actor(None, user, READ_ONLY if row.accounts else SUPER_ADMIN, "cli", origin=origin)


def do(
    desk: Desk, name: str, thing_id: str | int = "", given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Do an act as the user of this terminal."""
    return act(desk, actor_of_terminal(desk.state), name, thing_id, given)


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user may have no name
        return f"uid {os.geteuid()}"

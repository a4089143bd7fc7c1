"""users, sessions, keys: who may come in, who is in, and what machines hold."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.actor import actor_of_terminal, do, open_desk
from pipeline.commands.common import fields, json_option, report, table
from pipeline.desk.people import accounts
from pipeline.desk.people import keys as api_keys
from pipeline.desk.people import sessions as open_sessions
from pipeline.desk.perform import require
from pipeline.desk.roles import ACTIONS, ROLES, Thing, may
from pipeline.errors import UsageError
from pipeline.figures import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

    from pipeline.desk.perform import Desk

_LONGEST_LINE = 1_000

reason_option = click.option("--reason", help="Why; it is kept in the audit.")
password_option = click.option(
    "--password-stdin", "from_stdin", is_flag=True, help="Read the password from standard input, one line."
)


@click.group()
def users() -> None:
    """Accounts: who there is and what they may do."""


@users.command("add")
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--display-name", help="The name that people know.")
@click.option("--email", help="Joins the company login and Slack to the account.")
@click.option("--os-user", help="Who on the command line it is; of the first account you.")
@password_option
@click.option("--no-password", is_flag=True, help="For the company login, or for an API key, alone.")
@json_option
def add_user(  # noqa: PLR0913 - each is an option
    *,
    name: str,
    role: str,
    display_name: str | None,
    email: str | None,
    os_user: str | None,
    from_stdin: bool,
    no_password: bool,
    as_json: bool,
) -> None:
    """Add an account; the first one has to be a SUPER_ADMIN."""
    password = None if no_password else _password(from_stdin=from_stdin)
    given = {
        "name": name,
        "role": role,
        "display_name": display_name,
        "email": email,
        "os_user": os_user,
        "password": password,
    }
    with open_desk() as desk:
        done = do(desk, "add_account", "", given)
    linked = f", on the command line {done['os_user']}" if done["os_user"] else ""
    report(done, as_json=as_json, text=f"account {done['account']} added: {role}{linked}")


@users.command("list")
@json_option
def list_users(*, as_json: bool) -> None:
    """List all accounts."""
    with open_desk() as desk:
        _require_admin(desk, "account")
        rows, zone = accounts.listed(desk.state), desk.zone
    report({"accounts": rows}, as_json=as_json, text=table(rows, _account_columns(zone)))


@users.command("show")
@click.argument("name")
@json_option
def show_user(name: str, *, as_json: bool) -> None:
    """Show one account."""
    with open_desk() as desk:
        actor, wanted = actor_of_terminal(desk.state), accounts.account_name(name)
        if actor.name != wanted:
            require(desk, actor, "administer", Thing("account", wanted))
        rows, zone = accounts.listed(desk.state, wanted), desk.zone
    if not rows:
        msg = f"there is no account {wanted}"
        raise UsageError(msg, "see `minuterisk users list`")
    report(rows[0], as_json=as_json, text=fields(rows[0], zone))


@users.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@reason_option
@json_option
def set_role(name: str, role: str, reason: str | None, *, as_json: bool) -> None:
    """Give another role; it holds from the next click on."""
    _do("set_role", name, {"role": role, "reason": reason}, as_json=as_json, said="{account} is {role} now")


@users.command("disable")
@click.argument("name")
@reason_option
@json_option
def disable(name: str, reason: str | None, *, as_json: bool) -> None:
    """Let an account do nothing any more; nobody is ever deleted."""
    said = "{account} is disabled, and signed out everywhere"
    _do("disable_account", name, {"reason": reason}, as_json=as_json, said=said)


@users.command("enable")
@click.argument("name")
@reason_option
@json_option
def enable(name: str, reason: str | None, *, as_json: bool) -> None:
    """Let an account act again; also ends a lock after failed sign-ins."""
    _do("enable_account", name, {"reason": reason}, as_json=as_json, said="{account} may sign in")


@users.command("password")
@click.argument("name")
@password_option
@json_option
def set_password(name: str, *, from_stdin: bool, as_json: bool) -> None:
    """Set a password; asked for twice. One's own needs the old one, asked for first."""
    with open_desk() as desk:
        actor = actor_of_terminal(desk.state)
        lines = _lines() if from_stdin else iter(())
        own = not may(actor, "administer")
        current = (next(lines, "") if from_stdin else _ask("Current password")) if own else None
        password = next(lines, "") if from_stdin else _password(from_stdin=False)
        given = {"password": password, "current": current}
        done = do(desk, "set_password", accounts.account_name(name), given)
    report(done, as_json=as_json, text=f"the password of {done['account']} is changed; other sessions ended")


@users.command("totp")
@click.argument("name")
@click.option("--reset", is_flag=True, help="Forget it: the next sign-in sets a new one up.")
@json_option
def totp(name: str, *, reset: bool, as_json: bool) -> None:
    """Set an account's authenticator up anew; its secret is shown once."""
    said = "{account} has no authenticator" if reset else "{account}\nsecret   {secret}\naddress  {address}"
    _do("reset_totp", name, {"new": not reset}, as_json=as_json, said=said)


@users.command("link")
@click.argument("name")
@click.option("--os-user", help="User of the operating system; - for none.")
@click.option("--slack-user", help="Slack user as TEAM/USER; - for none.")
@click.option("--email", help="E-mail address; - for none.")
@json_option
def link(name: str, os_user: str | None, slack_user: str | None, email: str | None, *, as_json: bool) -> None:
    """Say who an account is on the command line, in Slack and by e-mail."""
    given = {"os_user": os_user, "slack_user": slack_user, "email": email}
    said = "{account}: command line {os_user}, Slack {slack_user}, e-mail {email}"
    _do("link_account", name, given, as_json=as_json, said=said)


@users.command("whoami")
@json_option
def whoami(*, as_json: bool) -> None:
    """Who you are here, and what you may do."""
    with open_desk() as desk:
        actor = actor_of_terminal(desk.state)
    actions = [action for action in ACTIONS if may(actor, action)]
    has = actor.account_id is not None
    found = {
        "account": actor.name if has else None,
        "os_user": None if has else actor.name,
        "role": actor.role,
        "actions": actions,
    }
    whose = "" if has else ", who has no account"
    report(found, as_json=as_json, text=f"{actor.name}{whose}: {actor.role}\nmay {', '.join(actions)}")


@click.group()
def sessions() -> None:
    """Who is signed in on the page."""


@sessions.command("list")
@click.option("--account", help="Only of this account.")
@json_option
def list_sessions(account: str | None, *, as_json: bool) -> None:
    """List sessions that are not over; without the right to see all, your own."""
    with open_desk() as desk:
        actor = actor_of_terminal(desk.state)
        if not may(actor, "administer"):
            account = account or actor.name
        if account is None or account != actor.name:
            require(desk, actor, "administer", Thing("session"))
        rows, zone = open_sessions.listed(desk.state, desk.clock(), account), desk.zone
    report({"sessions": rows}, as_json=as_json, text=table(rows, _session_columns(zone)))


@sessions.command("revoke")
@click.argument("session_id", type=int)
@json_option
def revoke_session(session_id: int, *, as_json: bool) -> None:
    """End a session; the page that is open in it closes at its next look."""
    said = "session {session_id} of {account} is over"
    _do("revoke_session", session_id, {}, as_json=as_json, said=said)


@sessions.command("revoke-all")
@click.argument("account")
@reason_option
@json_option
def revoke_sessions(account: str, reason: str | None, *, as_json: bool) -> None:
    """End all sessions of an account; without the right to do that, your own."""
    said = "{account} is signed out: sessions that ended: {ended}"
    _do("revoke_sessions", account, {"reason": reason}, as_json=as_json, said=said)


@click.group()
def keys() -> None:
    """API keys: what machines hold."""


@keys.command("add")
@click.argument("account")
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--action", "actions", required=True, multiple=True, type=click.Choice(ACTIONS), help="More than once."
)
@click.option("--days", type=click.IntRange(1, api_keys.MOST_DAYS), default=api_keys.DAYS, show_default=True)
@json_option
def add_key(account: str, name: str, actions: tuple[str, ...], days: int, *, as_json: bool) -> None:
    """Make a key for an account; it is shown once, here."""
    given = {"name": name, "actions": ",".join(actions), "days": days}
    said = "{key}\nkey {api_key_id} of {account}; it is shown only now"
    _do("add_key", accounts.account_name(account), given, as_json=as_json, said=said)


@keys.command("list")
@json_option
def list_keys(*, as_json: bool) -> None:
    """List keys, without what makes them work."""
    with open_desk() as desk:
        _require_admin(desk, "api_key")
        rows, zone = api_keys.listed(desk.state), desk.zone
    report({"keys": rows}, as_json=as_json, text=table(rows, _key_columns(zone)))


@keys.command("revoke")
@click.argument("api_key_id", type=int)
@json_option
def revoke_key(api_key_id: int, *, as_json: bool) -> None:
    """Let a key open nothing any more."""
    _do("revoke_key", api_key_id, {}, as_json=as_json, said="key {api_key_id} is revoked")


def _do(name: str, thing: str | int, given: Mapping[str, Any], *, as_json: bool, said: str) -> None:
    known = accounts.account_name(thing) if isinstance(thing, str) else thing
    with open_desk() as desk:
        done = do(desk, name, known, given)
    shown = {key: "-" if value is None else value for key, value in done.items()}
    report(done, as_json=as_json, text=said.format(**shown))


def _require_admin(desk: Desk, kind: str) -> None:
    require(desk, actor_of_terminal(desk.state), "administer", Thing(kind))


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return next(_lines(), "")
    first = _ask("Password")
    if _ask("Again") != first:
        msg = "the two passwords differ"
        raise UsageError(msg, "type it again")
    return first


def _ask(what: str) -> str:
    if not sys.stdin.isatty():
        msg = "there is no terminal to ask for a password"
        raise UsageError(msg, "use --password-stdin, or --no-password where an account needs none")
    return str(click.prompt(what, hide_input=True, err=True))


def _lines() -> Any:  # noqa: ANN401 - an iterator of lines
    return (line.rstrip("\r\n") for line in iter(lambda: sys.stdin.readline(_LONGEST_LINE), ""))


def _account_columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "name": str,
        "role": str,
        "password": _tick,
        "totp": _tick,
        "company_login": _tick,
        "os_user": _or_none,
        "slack_user": _or_none,
        "email": _or_none,
        "seen_at": _moment(zone),
        "disabled_at": _moment(zone),
    }


def _session_columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "session_id": str,
        "name": str,
        "way": str,
        "origin": str,
        "created_at": _moment(zone),
        "seen_at": _moment(zone),
    }


def _key_columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "api_key_id": str,
        "name": str,
        "account": str,
        "actions": ",".join,
        "expires_at": _moment(zone),
        "revoked_at": _moment(zone),
        "last_used_at": _moment(zone),
        "last_origin": _or_none,
    }


def _tick(value: object) -> str:
    return "yes" if value else "-"


def _or_none(value: object) -> str:
    return str(value) if value else "-"


def _moment(zone: ZoneInfo) -> Callable[[Any], str]:
    return lambda at: "-" if at is None else moment(at, zone)

"""start-anew: delete everything published, for a mapping that was wrong from the start."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeline.commands.actor import actor_of_terminal
from pipeline.commands.common import json_option, read_settings, report
from pipeline.desk.perform import Desk, record, require
from pipeline.desk.roles import Thing
from pipeline.embedded import open_urls
from pipeline.errors import UsageError
from pipeline.minute import MINUTE, Span
from pipeline.packs import load_pack
from pipeline.store.leader import refuse_pooler
from pipeline.store.start_anew import size_of
from pipeline.store.start_anew import start_anew as forget
from scheduler import open_lake, open_state

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.store.start_anew import Size

#: What a person types, so that a habit of pressing Enter deletes nothing.
WORD = "delete"


@click.command("start-anew")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@json_option
def start_anew(*, yes: bool, as_json: bool) -> None:
    """Delete every published minute, incident and message; `run` then begins with fresh history.

    For a mapping of tables that was wrong from the start. Where only some hours are wrong, correct the
    queries and let `minuterisk reconcile --from --to` read these hours again: nothing else is lost.
    Stop `minuterisk run` first.
    """
    settings = read_settings()
    with open_state(open_urls(settings), settings) as state:
        refuse_pooler(state.engine, state.url)
        desk, actor, thing = Desk(state, settings), actor_of_terminal(state), Thing("pack", state.pack)
        require(desk, actor, "administer", thing)
        state.lead()  # before anything is asked: nobody else may write meanwhile
        size = size_of(state)
        click.echo(_told(size, settings), err=as_json)
        if not yes:
            _confirm()
        record(desk, actor, "start_anew", thing, _json(size))
        forget(state, open_lake(settings), settings)
        installation = state.installation()
    content = {"deleted": _json(size), "installation": installation}
    report(
        content,
        as_json=as_json,
        text="deleted. Check the queries with `minuterisk check`, then start `minuterisk run`.",
    )


def _confirm() -> None:
    if not sys.stdin.isatty():
        msg = "start-anew deletes what is listed above, and nobody is there to confirm it"
        raise UsageError(msg, "add --yes")
    if click.prompt(f"type {WORD} to go on", default="", show_default=False).strip() != WORD:
        raise click.Abort


def _told(size: Size, settings: Settings) -> str:
    """What goes and what stays."""
    span = (
        f" ({Span(size.first_minute, size.last_minute + MINUTE)} UTC)"
        if size.first_minute and size.last_minute
        else ""
    )
    fact = load_pack(settings.pack).fact
    facts = f" {fact[0]}," if fact else ""
    return "\n".join(
        [
            "this deletes, for good:",
            f"  {size.minutes:,} published minutes{span}, in {size.files:,} files under {settings.lake}",
            f"  {size.incidents:,} incidents, {size.unresolved:,} of them unresolved",
            f"  {size.messages:,} messages, {size.unsent:,} of them not sent; what was posted stays there",
            f"  alarms,{facts} the measured false-alarm budget, the place of the search for late commits",
            "it keeps: settings, queries, rules, statements and reports; the source database is not touched",
            "only some hours are wrong? `minuterisk reconcile --from --to` reads just them again",
        ]
    )


def _json(size: Size) -> dict[str, object]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in asdict(size).items()
    }

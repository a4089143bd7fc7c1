"""explain: say why, why not, and when."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import click

from baselines.merchants.rules import load_rules
from pipeline.commands.common import (
    TIME,
    json_option,
    read_settings,
    report,
)
from pipeline.embedded import open_urls
from pipeline.errors import UsageError
from pipeline.figures import moment, one_line
from pipeline.history import rebuild_windows, unpublished
from pipeline.minute import DAY_MINUTES, MINUTE, Span, one_minute
from pipeline.packs.merchants.explain import account_text
from pipeline.packs.merchants.explain import explain as account_for
from pipeline.packs.merchants.why_not import SEARCHED, first_fires
from pipeline.replay.backtest import require_published
from scheduler import open_lake, open_state

if TYPE_CHECKING:
    from datetime import datetime

    from baselines.merchants.windows import Windows


@click.command()
@click.argument("merchant")
@click.argument("minute", type=TIME)
@click.option("--rules", type=click.Path(exists=True, dir_okay=False), help="Another file of tuned numbers.")
@json_option
def explain(merchant: str, minute: datetime, rules: str | None, *, as_json: bool) -> None:
    """Say why MERCHANT fired at MINUTE or did not: every number, how far it was, when it first could."""
    settings = read_settings(rules=rules or "")
    numbers = load_rules(settings.rules)
    with open_state(open_urls(settings)) as state:
        judged = one_minute(minute)
        zone = settings.business_timezone
        require_published(judged, state.published(), unpublished(state, judged), zone)
        lake = open_lake(settings)
        windows = rebuild_windows(lake, state, minute + MINUTE, numbers)
        around = Span(minute - SEARCHED, minute + SEARCHED + MINUTE)
        found = lake.read(state.signal_files(around), "signal", around, [merchant])
        if windows.merchants.find(merchant) is None and found.is_empty():
            _refuse_unknown(merchant, moment(minute, zone), windows)
        ledger = state.minutes(around)
        policies = {row["minute"]: row["policy"] for row in ledger if row["policy"]}
        first = first_fires(minute, found, policies, numbers)
        accounts = [
            replace(account, first=first[account.rule]) for account in account_for(windows, merchant, numbers)
        ]
        stored = found.filter(minute=minute).to_dicts()
    content = {
        "merchant_id": merchant,
        "minute": minute.isoformat(),
        "policy": settings.policy,
        "accounts": [account.as_json_at(minute) for account in accounts],
        "stored_signals": stored,
    }
    text = account_text(merchant, minute, accounts, zone)
    listed = "\n".join(f"  {row['rule']}: {row['reason']} ({row['tier']})" for row in stored) or "  none"
    report(content, as_json=as_json, text=f"{text}\n\nsignals stored when the minute was judged:\n{listed}")


def _refuse_unknown(merchant: str, minute: str, windows: Windows) -> NoReturn:
    days = windows.history_minutes // DAY_MINUTES
    msg = f"merchant {merchant!r} is unknown: no transaction in the {days} days up to {minute}"
    near = difflib.get_close_matches(merchant, windows.merchants.ids.to_list(), n=3)
    hint = f"did you mean {', '.join(map(one_line, near))}?" if near else "see the ids with `minuterisk sql`"
    raise UsageError(msg, hint)

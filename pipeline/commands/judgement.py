"""backtest and explain: judge again, and say why."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from baselines.rules import load_rules
from pipeline.backtest import MemoryBook, require_published
from pipeline.backtest import backtest as judge_again
from pipeline.catch_up import rebuild_windows, unpublished
from pipeline.commands.common import (
    TIME,
    from_option,
    json_option,
    progress_bar,
    read_settings,
    report,
    span_of,
    to_option,
)
from pipeline.embedded import open_urls
from pipeline.explain import account_text
from pipeline.explain import explain as account_for
from pipeline.feeds import LakeFeed
from pipeline.minute import MINUTE, one_minute
from pipeline.run import Line
from pipeline.settings import POLICIES
from pipeline.steps import Steps
from pipeline.translate import storage_errors
from scheduler import open_lake, open_state

if TYPE_CHECKING:
    from datetime import datetime


@click.command()
@from_option
@to_option
@click.option("--policy", type=click.Choice(POLICIES), help="Default: MINUTERISK_POLICY.")
@click.option("--rules", type=click.Path(exists=True, dir_okay=False), help="Another file of tuned numbers.")
@click.option(
    "--signals", type=click.Path(dir_okay=False, path_type=Path), help="Write every signal here, a line each."
)
@json_option
def backtest(
    start: datetime,
    end: datetime,
    policy: str | None,
    rules: str | None,
    signals: Path | None,
    *,
    as_json: bool,
) -> None:
    """Judge a published period again, through the same functions as live; nothing is sent or stored."""
    settings = read_settings(policy=policy or "", rules=rules or "")
    span, numbers = span_of(start, end), load_rules(settings.rules)
    with open_state(open_urls(settings)) as state, progress_bar("backtest") as progress:
        require_published(span, state.published(), unpublished(state, span))
        lake, book = open_lake(settings), MemoryBook()
        windows = rebuild_windows(lake, state, span.start, numbers)
        line = Line(LakeFeed(lake, state), book, windows, numbers, settings.policy, Steps(time.monotonic))
        result = judge_again(line, book, span, progress)
    if signals is not None:
        with storage_errors(signals):
            signals.write_text("\n".join(result.lines()), encoding="utf-8")
    content = result.as_json()
    report(content, as_json=as_json, text="\n".join(f"{name:<20}{value}" for name, value in content.items()))


@click.command()
@click.argument("merchant")
@click.argument("minute", type=TIME)
@click.option("--rules", type=click.Path(exists=True, dir_okay=False), help="Another file of tuned numbers.")
@json_option
def explain(merchant: str, minute: datetime, rules: str | None, *, as_json: bool) -> None:
    """Show every number behind the verdicts on MERCHANT at MINUTE, also behind "did not fire"."""
    settings = read_settings(rules=rules or "")
    numbers = load_rules(settings.rules)
    with open_state(open_urls(settings)) as state:
        judged = one_minute(minute)
        require_published(judged, state.published(), unpublished(state, judged))
        lake = open_lake(settings)
        accounts = account_for(rebuild_windows(lake, state, minute + MINUTE, numbers), merchant, numbers)
        stored = lake.read(state.publication().files, "signal", one_minute(minute), merchant).to_dicts()
    content = {
        "merchant_id": merchant,
        "minute": minute.isoformat(),
        "policy": settings.policy,
        "accounts": [account.as_json() for account in accounts],
        "stored_signals": [{**row, "minute": row["minute"].isoformat()} for row in stored],
    }
    text = account_text(merchant, minute, accounts)
    listed = "\n".join(f"  {row['rule']}: {row['reason']} ({row['tier']})" for row in stored) or "  none"
    report(content, as_json=as_json, text=f"{text}\n\nsignals stored when the minute was judged:\n{listed}")

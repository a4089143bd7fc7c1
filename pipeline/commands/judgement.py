"""backtest and explain: judge again, and say why."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from pipeline.labels import read_labels
from pipeline.minute import MINUTE, one_minute
from pipeline.run import Line
from pipeline.score import score
from pipeline.settings import POLICIES
from pipeline.steps import Steps
from pipeline.translate import storage_errors
from scheduler import open_lake, open_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import polars as pl

    from pipeline.backtest import Backtest


@click.command()
@from_option
@to_option
@click.option("--policy", type=click.Choice(POLICIES), help="Default: MINUTERISK_POLICY.")
@click.option(
    "--rules",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Another file of tuned numbers; given twice or more, they are compared side by side.",
)
@click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What was really wrong (Parquet or CSV: label, rule, merchant_id, start, end, expected).",
)
@click.option(
    "--signals", type=click.Path(dir_okay=False, path_type=Path), help="Write every signal here, a line each."
)
@json_option
def backtest(
    start: datetime,
    end: datetime,
    policy: str | None,
    rules: tuple[Path, ...],
    labels: Path | None,
    signals: Path | None,
    *,
    as_json: bool,
) -> None:
    """Judge a published period again, through the same functions as live; nothing is sent or stored."""
    settings = read_settings(policy=policy or "", rules=str(rules[0]) if rules else "")
    known = read_labels(labels) if labels else None
    span, files = span_of(start, end), rules or (settings.rules,)
    numbers = [load_rules(path) for path in files]
    results = []
    with open_state(open_urls(settings)) as state, progress_bar("backtest") as progress:
        require_published(span, state.published(), unpublished(state, span))
        lake = open_lake(settings)
        for one in numbers:
            book = MemoryBook()
            windows = rebuild_windows(lake, state, span.start, one)
            line = Line(LakeFeed(lake, state), book, windows, one, settings.policy, Steps(time.monotonic))
            results.append(judge_again(line, book, span, progress))
    if signals is not None:
        with storage_errors(signals):
            signals.write_text("\n".join(results[0].lines()), encoding="utf-8")
    runs = [_run(result, path, known) for result, path in zip(results, files, strict=True)]
    content = runs[0] if len(runs) == 1 else {"runs": runs}
    report(content, as_json=as_json, text=side_by_side(runs))


def _run(result: Backtest, rules: Path, labels: pl.DataFrame | None) -> dict[str, Any]:
    """The summary of one backtest, with its score where there are labels."""
    content = {**result.as_json(), "rules": str(rules)}
    if labels is not None:
        content["score"] = score(result.opened, labels, result.span, result.merchants).as_json()
    return content


def side_by_side(runs: Sequence[Mapping[str, Any]]) -> str:
    """One line a number, one column a run."""
    flat = [{k: v for k, v in run.items() if k != "score"} | run.get("score", {}) for run in runs]
    return "\n".join(f"{name:<30}" + "  ".join(f"{run[name]!s:<24}" for run in flat) for name in flat[0])


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

"""backtest: what policies and rule files would have raised over a period, side by side."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from baselines.versions import always
from pipeline.commands.common import (
    from_option,
    json_option,
    progress_bar,
    read_settings,
    report,
    require_outside,
    span_of,
    to_option,
)
from pipeline.embedded import open_urls
from pipeline.errors.translate import storage_errors
from pipeline.figures import moment, one_line, pad
from pipeline.judge.verdicts import POLICIES
from pipeline.minute import parse_time
from pipeline.packs import load_pack
from pipeline.replay.backtest import Run, compare_with, require_published
from pipeline.replay.backtest import backtest as judge_again
from pipeline.replay.labels import live_labels, read_labels
from pipeline.replay.replay import whole_period
from pipeline.store.rules import read_rules_file, versions_of
from scheduler import open_lake, open_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
#: The name of the rules of each minute's own time.
IN_FORCE = "in force"
#: Instead of a file of labels.
LIVE = "live"
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@from_option
@to_option
@click.option(
    "--policy", "policies", type=click.Choice(POLICIES), multiple=True, help="Default: MINUTERISK_POLICY."
)
@click.option("--rules", type=_FILE, multiple=True, help="Another file of tuned numbers.")
@click.option(
    "--labels",
    help="What was really wrong: a file (Parquet or CSV: label, rule, the entity's id, start, end, expected),"
    " or `live`, the labels that people gave incidents.",
)
@click.option("--signals", type=_NEW_FILE, help="Write every signal of the first run here, a line each.")
@click.option("--html", type=_NEW_FILE, help="Write a report with pictures here, one file without links.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes; default: the cores, at most 4.")
@json_option
def backtest(  # noqa: PLR0913, PLR0917 - one parameter an option
    start: datetime,
    end: datetime,
    policies: tuple[str, ...],
    rules: tuple[Path, ...],
    labels: str | None,
    signals: Path | None,
    html: Path | None,
    jobs: int | None,
    *,
    as_json: bool,
) -> None:
    """Judge a published period again, through the same functions as live; nothing is sent or stored.

    --policy and --rules may be given more than once: every combination is judged, side by side. Without
    --rules each minute is judged by the numbers that were in force then.
    """
    settings = read_settings(policy=policies[0] if policies else "")
    for file in (signals, html):
        if file is not None and file.exists():  # a file of the pipeline's own is never replaced
            require_outside(file, settings)
    pack = load_pack(settings.pack)
    span, live = span_of(start, end), labels == LIVE
    known = read_labels(Path(labels), pack) if labels and not live else None
    files = {str(path): always(read_rules_file(pack, path).tuned) for path in rules}
    with ExitStack() as stack:
        state = stack.enter_context(open_state(open_urls(settings), settings))
        require_published(span, state.published(), state.unpublished(span), settings.business_timezone)
        lake, numbers = open_lake(settings), files or {IN_FORCE: versions_of(state, settings)}
        known = live_labels(state, span, pack) if live else known
        runs: list[Run] = []
        for policy, name in product(policies or (settings.policy,), numbers):
            with storage_errors(settings.home):
                folder = Path(stack.enter_context(TemporaryDirectory(dir=settings.home, prefix="backtest-")))
            wanted = signals is not None and not runs
            whole = whole_period(lake, state, span, policy, numbers[name], folder, whole=wanted)
            progress = stack.enter_context(progress_bar(f"{policy}, {name.rpartition('/')[2]}"))
            result = judge_again(whole, progress, jobs)
            compared = () if known is None else compare_with(known, result, whole, complete=not live)
            runs.append(Run(result, name, *compared))
        if signals is not None:
            with storage_errors(signals):
                signals.write_text("\n".join(runs[0].result.lines()), encoding="utf-8")
        content = [run.as_json() for run in runs]  # reads the files of signals, which go with the folders
    if html is not None:
        from pipeline.replay.report import write_report  # noqa: PLC0415 - drawing takes a second to load

        with storage_errors(html):
            write_report(html, runs, content, settings.language, lake.zone)
    shown = content[0] if len(runs) == 1 else {"runs": content}
    report(shown, as_json=as_json, text=side_by_side(content, lake.zone))


def side_by_side(runs: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> str:
    """One line a number, one column a run; times in `zone`."""
    flat = [{k: v for k, v in run.items() if k != "score"} | run.get("score", {}) for run in runs]
    flat = [{**run, **{end: moment(parse_time(run[end]), zone) for end in ("from", "to")}} for run in flat]
    lines = ([pad(one_line(str(run[name]), 1000), 24) for run in flat] for name in flat[0])
    return "\n".join(
        f"{name:<30}{'  '.join(line).rstrip()}" for name, line in zip(flat[0], lines, strict=True)
    )

"""regret: what labelled disturbances cost if nobody acts, on the first message, or an hour later."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pipeline.commands.common import TIME, json_option, progress_bar, read_settings, report
from pipeline.embedded import open_urls
from pipeline.errors import UsageError
from pipeline.figures import moment
from pipeline.minute import MINUTE, Span
from pipeline.money import TRUE_ALARM
from pipeline.packs import load_pack
from pipeline.replay.labels import read_labels
from pipeline.replay.regret import Regret, keep, live_regrets
from pipeline.replay.relived import relive
from scheduler import open_lake, open_state

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import polars as pl

    from pipeline.store.lake import Lake
    from pipeline.store.state import State

LIVE: Final = "live"
#: The three lines, and how they are said.
LINES: Final = {
    "without": "nobody acts",
    "at_once": "on the first message",
    "hour_later": "an hour later",
}


@click.command()
@click.option(
    "--labels",
    required=True,
    help="What was really wrong: a file as `backtest` takes it, whose alarms are judged again; or `live`,"
    " incidents that people labelled true.",
)
@click.option("--from", "start", type=TIME, help="Those that begin from here on; default: all published.")
@click.option("--to", "end", type=TIME, help="And before this.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes; default: the cores, at most 4.")
@json_option
def regret(
    labels: str, start: datetime | None, end: datetime | None, jobs: int | None, *, as_json: bool
) -> None:
    """Say what labelled disturbances cost: if nobody acts, on the first message, an hour later.

    Each is looked at minute by minute: what is lost if from then on nothing more is paid to it. What a file's
    labels give is kept, for reports; nothing is sent.
    """
    settings = read_settings()
    with ExitStack() as stack:
        state = stack.enter_context(open_state(open_urls(settings), settings))
        lake = open_lake(settings)
        span = _period(state, start, end)
        if labels == LIVE:
            found = _live(state, lake, span)
        else:
            known = read_labels(Path(labels), load_pack(settings.pack))
            progress = stack.enter_context(progress_bar("judging again"))
            found = relive(settings, state, lake, _within(known, span), progress, jobs)
            keep(state, found)
    content = {"regrets": [one.as_json() for one in found]}
    report(content, as_json=as_json, text=as_text(found, lake.zone))


def as_text(found: Sequence[Regret], zone: ZoneInfo) -> str:
    """Three lines each."""
    return "\n\n".join(_one(one, zone) for one in found) or "no labelled disturbance lies in the period"


def _one(one: Regret, zone: ZoneInfo) -> str:
    told = "never told" if one.told_at is None else f"told {moment(one.told_at, zone)}"
    who = one.entity_name or one.entity_id
    lines = [f"{one.label} · {who} · {told} · up to {moment(one.until, zone)}"]
    for name, said in LINES.items():
        amount: int | None = getattr(one, name)
        lines.append(f"  {said:<22}{'not known' if amount is None else f'{amount:,}':>22}")
    return "\n".join(lines)


def _period(state: State, start: datetime | None, end: datetime | None) -> Span:
    published = state.published()
    first, last = published.first_minute, published.last_minute
    if first is None or last is None:
        msg = "nothing is published yet"
        raise UsageError(msg, "`minuterisk run` or `backfill` publishes minutes")
    begin, until = start or first, end or last + MINUTE
    if begin >= until:
        msg = f"the period {begin.isoformat()} to {until.isoformat()} is empty"
        raise UsageError(msg, "let --to be later than --from")
    return Span(begin, until)


def _live(state: State, lake: Lake, span: Span) -> list[Regret]:
    labelled = state.rows("labelled_incidents", start=span.start, end=span.end)
    return live_regrets(state, lake, [r["incident_id"] for r in labelled if r["label"] == TRUE_ALARM])


def _within(labels: pl.DataFrame, span: Span) -> pl.DataFrame:
    """Those that begin in the period."""
    return labels.filter((labels["start"] >= span.start) & (labels["start"] < span.end))

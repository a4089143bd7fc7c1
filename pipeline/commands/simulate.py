"""simulate: feed the stand-in of a pack's company. The pipeline itself never writes there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Timer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from data.simulator import LiveOptions
from pipeline.commands import SHOWS
from pipeline.commands.common import json_option, progress_bar, read_settings, report
from pipeline.commands.shows import Asked, own_options, show_of
from pipeline.commands.work import stop_on_signals
from pipeline.embedded import open_urls
from pipeline.errors import ConfigurationError, UsageError
from pipeline.errors.translate import source_errors
from pipeline.minute import Span, floor_minute

if TYPE_CHECKING:
    from collections.abc import Collection

    from data.commits import LiveReport
    from pipeline.commands.shows import Show
    from pipeline.settings import Settings


@click.command()
@click.option("--pack", type=click.Choice(list(SHOWS)), help="Whose company; default: the first pack's.")
@click.option("--tps", type=click.FloatRange(0.01, 30_000), help="Rows a second, day and night.")
@click.option("--per-day", type=click.IntRange(1), help="Rows a day, with rhythm; default: the pack's own.")
@click.option(
    "--incidents",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Labelled incidents or cases (TOML).",
)
@click.option("--no-incidents", is_flag=True, help="Ordinary traffic only.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option(
    "--history-days",
    default=0,
    show_default=True,
    type=click.IntRange(0, 400),
    help="Write so many days first.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, 1_000_000),
    help="Stop after so many minutes; default: run until stopped.",
)
@json_option
@click.pass_context
def simulate(  # noqa: PLR0913 - the options of the command
    context: click.Context,
    /,
    *,
    pack: str | None,
    tps: float | None,
    per_day: int | None,
    incidents: Path | None,
    no_incidents: bool,
    seed: int,
    history_days: int,
    minutes: float | None,
    as_json: bool,
    **own: Any,  # noqa: ANN401 - options of packs
) -> None:
    """Feed the stand-in of a company with realistic traffic. The same seed and options give the same rows."""
    settings, now = read_settings(), datetime.now(UTC)
    settings = settings.of(pack) if pack else settings
    show = show_of(settings.pack)
    refuse_foreign(context, [settings.pack])
    url = stand_in_url(settings)
    with source_errors(url):
        show.create(url, database_of(url))
        newest = show.newest(url)
    asked = Asked(
        now, settings.business_timezone, history_days, seed, tps, per_day, incidents, no_incidents, own
    )
    traffic = show.traffic(asked)
    history = 0
    if history_days and newest is None:
        with progress_bar("history") as progress:
            span = Span(show.begin(asked), floor_minute(now))
            history = show.write_history(url, traffic, span, lambda done, total: progress(done, total, ""))
    live = _live(show, url, traffic, minutes, newest)
    content = {
        "history_rows": history,
        "live_rows": live.rows,
        "late_rows": live.late_rows,
        "behind_s_max": live.behind_s_max,
    }
    report(
        content,
        as_json=as_json,
        text=f"{history:,} rows of history, {live.rows:,} live rows, {live.late_rows:,} of them late",
    )


simulate.params.extend(own_options())


def refuse_foreign(context: click.Context, packs: Collection[str]) -> None:
    """Refuse an option that somebody gave and that only packs have which are not there."""
    for pack in (name for name in SHOWS if name not in packs):
        for option in show_of(pack).options:
            if context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE:
                msg = f"{option.opts[0]} is an option of the pack {pack}"
                raise UsageError(msg, f"leave it out, or name the pack: --pack {pack}")


def stand_in_url(settings: Settings) -> str:
    """Where the stand-in of the settings' pack is written to."""
    url = open_urls(settings).stand_in_url
    if url is None:
        msg = "MINUTERISK_SOURCE_URL names a source database that minuterisk may only read"
        raise ConfigurationError(msg, "set MINUTERISK_TRADE_URL to a database that may be written to")
    return url


def database_of(url: str) -> str:
    """The name of the database at `url`."""
    return urlsplit(url).path.removeprefix("/")


def _live(show: Show, url: str, traffic: Any, minutes: float | None, newest: datetime | None) -> LiveReport:  # noqa: ANN401 - the pack's own
    stop = Event()
    stop_on_signals(stop)
    if minutes is not None:
        timer = Timer(minutes * 60, stop.set)
        timer.daemon = True
        timer.start()
    return show.run_live(url, traffic, lambda: datetime.now(UTC), stop, LiveOptions(since=newest))

"""budget: the false-alarm budget, what was spent of it today, and what chance alone spends."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from pipeline.commands.common import json_option, read_settings, report
from pipeline.embedded import open_urls
from pipeline.errors import UsageError
from pipeline.minute import business_date, business_day
from pipeline.replay.nightly import budget_of
from scheduler import open_lake, open_state


@click.command()
@json_option
def budget(*, as_json: bool) -> None:
    """Show the false-alarm budget: allowed, spent today, and the rate measured nightly on a permuted null."""
    settings = read_settings()
    zone = settings.business_timezone
    today = business_day(business_date(datetime.now(UTC), zone), zone)
    with open_state(open_urls(settings), settings) as state:
        found = budget_of(state, open_lake(settings), today.start)
    if found is None:
        msg = f"the pack {settings.pack} measures no false-alarm budget"
        raise UsageError(msg, "see pipeline/packs for one that does")
    report(found.as_json(), as_json=as_json, text=found.as_text())

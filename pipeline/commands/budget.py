"""budget: the false-alarm budget, what of it was spent, what chance alone spends, and what people say."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from pipeline.commands.common import json_option, read_settings, report
from pipeline.desk.precision import labelled, precision_text, since
from pipeline.embedded import open_urls
from pipeline.errors import UsageError
from pipeline.minute import business_date, business_day
from pipeline.replay.nightly import budget_of
from scheduler import open_lake, open_state


@click.command()
@json_option
def budget(*, as_json: bool) -> None:
    """Show the false-alarm budget: allowed, spent today, and the rate measured nightly on a permuted null.

    And the precision of the alarms that people labelled, by rule, tier and week.
    """
    settings = read_settings()
    zone, now = settings.business_timezone, datetime.now(UTC)
    today = business_day(business_date(now, zone), zone)
    with open_state(open_urls(settings), settings) as state:
        found = budget_of(state, open_lake(settings), today.start)
        weeks = labelled(state.rows("labels_by_week", since=since(now, zone), zone=zone.key))
    if found is None and not any(week.labels for week in weeks):
        msg = f"the pack {settings.pack} measures no false-alarm budget, and no incident is labelled"
        raise UsageError(msg, "label some: `minuterisk incidents label`")
    content = {} if found is None else found.as_json()
    texts = [*([] if found is None else [found.as_text()]), precision_text(weeks)]
    report(
        {**content, "precision": [week.as_json() for week in weeks]}, as_json=as_json, text="\n".join(texts)
    )

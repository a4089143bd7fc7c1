"""serve, rejudge: the check before a transfer and what fires, over HTTP; checks judged again at night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from pipeline.alarms import Alarm, Alarms
from pipeline.commands.common import json_option, read_settings, report
from pipeline.embedded import open_urls
from pipeline.errors import DifferencesFound, UsageError
from pipeline.minute import business_date, business_day
from scheduler import open_lake, open_state

_PACK = "transfers"
_READ = (
    "MINUTERISK_TRANSFERS_INTAKE is source: what is handed in (POST /v1/events) counts for checks, and is"
    " judged only if the company's table holds it too"
)


@click.command()
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: MINUTERISK_SERVE_PORT.")
@click.option("--feed-only", is_flag=True, help="Never take the right to check; only show what fires.")
def serve(*, address: str, port: int | None, feed_only: bool) -> None:
    """Serve the check before a transfer (POST /v1/check), events (/v1/events) and the live feed (/live)."""
    from pipeline.online.transfers.check.run import serve as run  # noqa: PLC0415 - only this command needs it

    settings = read_settings()
    if _PACK not in settings.packs:
        msg = f"MINUTERISK_PACKS does not name {_PACK}, whose payments are checked"
        raise UsageError(msg, f"set MINUTERISK_PACKS={','.join((*settings.packs, _PACK))}")
    urls, own = open_urls(settings), settings.of(_PACK)
    chosen = settings.serve_port if port is None else port
    with open_state(urls, own) as state:
        if own.intake != "inbox":
            click.echo(_READ, err=True)
        click.echo(f"serve  http://{f'[{address}]' if ':' in address else address}:{chosen}/live")
        run(own, state, open_lake(own), address, chosen, feed_only=feed_only)


@click.command()
@click.option("--day", help="A business day, as 2026-11-29. Default: yesterday.")
@json_option
def rejudge(*, day: str | None, as_json: bool) -> None:
    """Judge the checks of a day again, in bulk; exit code 3 where an answer does not follow."""
    from pipeline.online.transfers.check.reader import Reader  # noqa: PLC0415 - only this command needs it
    from pipeline.online.transfers.check.rejudge import rejudge as judge_again  # noqa: PLC0415 - the same

    settings = read_settings().of(_PACK)
    zone = settings.business_timezone
    try:
        yesterday = business_date(datetime.now(UTC), zone) - timedelta(days=1)
        chosen = yesterday if day is None else datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=zone).date()
    except ValueError as error:
        msg = f"{day!r} is no day"
        raise UsageError(msg, "write it as 2026-11-29") from error
    with open_state(open_urls(settings), settings) as state:
        reader = Reader(state, open_lake(settings))
        try:
            found = judge_again(state, reader, zone, business_day(chosen, zone)).as_json()
        finally:
            reader.close()
        alarms = Alarms(state.engine, state.url, state.pack)
        what = f"{found['differs']} of {found['checks']} checks of {chosen} answered what does not follow"
        hint = f"minuterisk rejudge --day {chosen} --json names them; report it"
        if found["differs"]:
            alarms.raise_alarm(Alarm("checks.differ", what, hint, chosen.isoformat()), timedelta(days=7))
    said = f"{found['same']} the same, {found['late']} late, {found['differs']} differ"
    report(
        {"day": chosen.isoformat(), **found},
        as_json=as_json,
        text=f"{chosen}: {found['checks']} checks: {said}",
    )
    if found["differs"]:
        raise DifferencesFound(what, hint)

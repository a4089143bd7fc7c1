"""The job: once a business day programmes are looked at ahead, kept for the page, and alarms raised."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Final

import structlog

from pipeline.alarms import Alarm
from pipeline.online.beside import Job
from pipeline.online.merchants.ahead import Looked, foresee, today_of
from pipeline.packs.merchants.programmes.disputes import DISPUTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.alarms import Alarms
    from pipeline.catch_up import Pipeline
    from pipeline.packs.merchants.programmes.forecast import Forecast, Outlook

log = structlog.get_logger()

#: It looks so often whether today's is there; a query that fails is tried again then.
EVERY_S: Final = 600.0
ALARM: Final = "limit.ahead"
_NAMED: Final = 3


def look_ahead(pipeline: Pipeline) -> None:
    """Make today's forecast where it is not there yet; whatever fails is an alarm and is tried again."""
    today = today_of(pipeline.lake)
    newest = pipeline.state.rows("forecasts", at_most=1)
    if newest and newest[0]["day"] >= today:
        return
    aside = ""
    with pipeline.ornaments.beside(DISPUTES), closing(pipeline.source.again()) as source:
        found = foresee(Looked(source, pipeline.state, pipeline.lake), today)
        with pipeline.state.changing() as connection:
            result = json.dumps(found.as_json())
            pipeline.state.ask(connection, "record_forecast", day=today, result=result)
        say(pipeline.alarms, found)
        if found.wrong:
            rows = sum(found.wrong.values())
            aside = f"{rows} rows of disputes and custody are set aside, first {found.example}"
        log.info("forecast.made", day=today.isoformat(), breaches=len(found.breaches))
    if aside:  # the others are foreseen
        pipeline.ornaments.fails(DISPUTES, aside, "correct them in the query; it is read anew each day")


def say(alarms: Alarms, found: Forecast) -> None:
    """An alarm a programme with a breach, or one that lies ahead; the others end."""
    by_programme: dict[str, list[Outlook]] = {}
    for outlook in found.breaches:
        by_programme.setdefault(outlook.programme, []).append(outlook)
    for programme, breaches in by_programme.items():
        named = ", ".join(_named(one) for one in breaches[:_NAMED])
        more = f" and {len(breaches) - _NAMED} more" if len(breaches) > _NAMED else ""
        hint = "`minuterisk forecast` has the counts; talk to the merchant, hold or limit it before that day"
        alarms.raise_alarm(Alarm(ALARM, f"{programme}: {named}{more}", hint, programme))
    _end_others(alarms, list(by_programme))


def _end_others(alarms: Alarms, kept: Sequence[str]) -> None:
    for subject in alarms.subjects(ALARM):
        if subject not in kept:
            alarms.end(ALARM, subject)


def _named(one: Outlook) -> str:
    who = "the company" if one.merchant_id is None else f"merchant {one.merchant_id}"
    return f"{who} is in breach" if not one.days_until else f"{who} in {one.days_until} days"


JOBS: Final[Mapping[str, Job]] = {"ahead": Job(look_ahead, EVERY_S)}

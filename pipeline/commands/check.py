"""check: configuration and connections, without changing anything."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
import sqlalchemy
from sqlalchemy import text

from baselines.rules import load_rules
from pipeline.alarms import open_alarms
from pipeline.commands.common import json_option, read_settings, report
from pipeline.embedded import Urls, connect_urls, open_urls
from pipeline.errors import ConfigurationError, MinuteriskError, UsageError
from pipeline.migrate import current_revision, newest_revision
from pipeline.plain import moment
from pipeline.settings import describe_settings
from pipeline.state import connect_state
from pipeline.statement import verify_statement
from pipeline.translate import state_errors
from queries import sql
from scheduler import open_source, source_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.settings import Settings

    #: Gives what there is to say beside "ok", or raises what is wrong.
    Part = Callable[[Settings], str | None]

#: A live pipeline beats every 5 s and judges a minute at most this late.
LATE = timedelta(minutes=3)
HEART_STOPPED = timedelta(seconds=30)


@click.command()
@click.option(
    "--live", is_flag=True, help="Also fail (exit 1) when the pipeline is late or its leader is gone."
)
@click.option("--settings", "only_settings", is_flag=True, help="Only show the settings.")
@click.option(
    "--statement",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Only verify a daily statement (reports/statement-DATE.json): exit 3 when it was changed.",
)
@json_option
def check(*, live: bool, only_settings: bool, statement: Path | None, as_json: bool) -> None:
    """Check settings, rules and both databases; secrets are masked."""
    settings = read_settings()
    if statement is not None:
        content = verify_statement(settings, statement)
        report(content, as_json=as_json, text="\n".join(f"{name:<32}{v}" for name, v in content.items()))
        return
    shown = describe_settings(settings)
    if only_settings:
        report(shown, as_json=as_json, text="\n".join(f"{name:<32}{value}" for name, value in shown.items()))
        return
    findings = {name: _try(part, settings) for name, part in _parts(live=live).items()}
    failures = {name: found for name, found in findings.items() if isinstance(found, MinuteriskError)}
    results = {name: str(found or "ok") for name, found in findings.items()}
    if live:
        results["traffic"] = traffic(settings)
    promise = source_class(settings.source_url).promise
    lines = [
        *(f"{name:<32}{value}" for name, value in shown.items()),
        "",
        *(f"{n:<12}{r}" for n, r in results.items()),
        f"{'promise':<12}{promise}",
    ]
    content = {"settings": shown, "checks": results, "promise": promise, "ok": not failures}
    report(content, as_json=as_json, text="\n".join(lines))
    if failures:
        worst = next(
            (e for e in failures.values() if isinstance(e, UsageError)), next(iter(failures.values()))
        )
        raise worst


def _parts(*, live: bool) -> dict[str, Part]:
    parts: dict[str, Part] = {"rules": _rules, "source": _source, "categories": _categories, "state": _state}
    return {**parts, "live": _live} if live else parts


def source_checks(settings: Settings) -> dict[str, MinuteriskError | str | None]:
    """What `check` says of a configured trade database alone, by part."""
    urls = Urls(settings.source_url or "", "")
    parts: dict[str, Part] = {
        "source": lambda s: _source(s, urls),
        "categories": lambda s: _categories(s, urls),
    }
    return {name: _try(part, settings) for name, part in parts.items()}


def _try(part: Part, settings: Settings) -> MinuteriskError | str | None:
    try:
        return part(settings)
    except MinuteriskError as error:
        return error


def _rules(settings: Settings) -> None:
    load_rules(settings.rules)


def _source(settings: Settings, urls: Urls | None = None) -> None:
    with open_source(settings, urls or _urls(settings)) as source:
        source.check()
        for error in source.check_ornaments().values():
            raise error


def _categories(settings: Settings, urls: Urls | None = None) -> str | None:
    """Read them all: only so is it certain that they can be read."""
    with open_source(settings, urls or _urls(settings)) as source:
        given = source.categories() is not None
    return None if given else "no categories.sql: a new merchant starts from the rate of all merchants"


def _state(settings: Settings) -> None:
    with _state_connection(settings) as connection:
        found = current_revision(connection)
    if found not in (None, newest_revision()):
        msg = f"the operational database stands at {found}, this version needs {newest_revision()}"
        raise ConfigurationError(msg, "the next `minuterisk run` brings it up to date")


def _live(settings: Settings) -> str | None:
    with _state_connection(settings) as connection:
        if not sqlalchemy.inspect(connection).has_table("leader"):
            msg = "the pipeline has never run here"
            raise MinuteriskError(msg, "start it with `minuterisk run`")
        pulse = connection.execute(text(sql("ops/pulse"))).mappings().one()
        alarms = open_alarms(connection.engine, _urls(settings).state_url) if _has_alarms(connection) else []
    if pulse["heartbeat_age"] > HEART_STOPPED:
        msg = f"the last heartbeat is {pulse['heartbeat_age']} old ({pulse['holder'] or 'no leader yet'})"
        raise MinuteriskError(msg, "restart `minuterisk run`; it goes on from the ledger")
    if pulse["lag"] is not None and pulse["lag"] > LATE:
        msg = f"the newest judged minute ended {pulse['lag']} ago"
        raise MinuteriskError(msg, "it is catching up, or a step fails: see the log of `minuterisk run`")
    wrong = [alarm for alarm in alarms if alarm.wrong]
    if wrong:
        msg = "; ".join(f"{alarm.name}: {alarm.what}" for alarm in wrong)
        raise MinuteriskError(msg, wrong[0].hint)
    return "; ".join(f"ok, but {alarm.name}: {alarm.what}" for alarm in alarms) or None


def _has_alarms(connection: sqlalchemy.Connection) -> bool:
    """An operational database that an older version made has none."""
    return sqlalchemy.inspect(connection).has_table("alarm")


def traffic(settings: Settings) -> str:
    """Does the source, which answers or not, also have transactions? Told, never a failure of ours."""
    try:
        with _state_connection(settings) as connection:
            found = connection.execute(text(sql("ops/traffic"))).mappings().one_or_none()
    except (MinuteriskError, sqlalchemy.exc.SQLAlchemyError):
        return "unknown: the operational database does not say"
    if found is None:
        return "nothing is published yet"
    zone = settings.business_timezone
    newest = (
        f"newest transaction in minute {moment(found['newest'], zone)}" if found["newest"] else "none yet"
    )
    if not found["silent_minutes"]:
        return f"ok: {newest}"
    said = (
        f"SILENT: the minutes were read, but the last {found['silent_minutes']} hold no transaction; {newest}"
    )
    return f"{said} (incident {found['incident_id']})" if found["incident_id"] else said


@contextmanager
def _state_connection(settings: Settings) -> Iterator[sqlalchemy.Connection]:
    url = _urls(settings).state_url
    engine = connect_state(url)
    try:
        with state_errors(url), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _urls(settings: Settings) -> Urls:
    """The databases; an embedded server that exists is started, one that does not exist is not made."""
    return (
        open_urls(settings)
        if (settings.home / "postgres" / "PG_VERSION").is_file()
        else connect_urls(settings)
    )

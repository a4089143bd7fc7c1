"""What every command shares: settings, progress on a terminal, one way to report."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from pipeline.embedded import open_urls
from pipeline.errors import MinuteriskError, UsageError
from pipeline.figures import fit, harmless, moment, one_line, pad, width
from pipeline.log import configure_log
from pipeline.minute import Span, format_minute, parse_time_in, require_minute
from pipeline.packs import load_pack
from pipeline.settings import Settings, load_settings
from scheduler import open_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from pipeline.catch_up import Progress
    from pipeline.pack import Pack
    from pipeline.store.state import State


class Time(click.ParamType[datetime]):
    """A full minute. One without a zone is taken in the business zone, which is said on standard error."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 - click's signature
        """Read the option's text; anything unreadable is a usage error that names the next step."""
        if isinstance(value, datetime):
            return value
        zone = load_settings(os.environ).business_timezone
        try:
            found, taken = parse_time_in(zone, value)
            found = require_minute(found)
        except UsageError as error:
            self.fail(str(error), param, ctx)
        if taken:
            click.echo(f"{value} is taken in {zone}: {moment(found, zone)}, {stamp(found)}", err=True)
        return found


TIME = Time()

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Report as one JSON object on the last line."
)
from_option = click.option(
    "--from",
    "start",
    type=TIME,
    required=True,
    help='First minute: 2026-11-21T00:00Z, or "2026-11-21 09:00" in the business zone.',
)
to_option = click.option("--to", "end", type=TIME, required=True, help="End, not included.")


for_option = click.option("--for", "for_", help="For how long: 30m, 1h, 2d.")
until_option = click.option("--until", type=TIME, help="Until when, not included.")
entity_option = click.option("--entity", help="The entity's id.")


class OfPack(click.Command):
    """A command whose option --entity may also be called by the pack's own word for one."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The parameters, with the pack's word; where the settings are wrong, the command itself says so."""
        found = super().get_params(ctx)
        with suppress(MinuteriskError):
            word = f"--{load_pack(load_settings(os.environ).pack).noun}"
            for parameter in found:
                if parameter.name == "entity" and word not in parameter.opts:
                    parameter.opts.append(word)
        return found


def read_settings(**overrides: str) -> Settings:
    """Settings of this process, with options of the command line over them; also sets up the log."""
    over = {f"MINUTERISK_{name.upper()}": value for name, value in overrides.items() if value}
    settings = load_settings({**os.environ, **over})
    configure_log(settings)
    return settings


def require_place(output: Path, settings: Settings) -> None:
    """Refuse what is no place for a command's file: a folder, a device, the pipeline's own home."""
    place = output.resolve()
    if place.is_dir():
        msg = f"{output} is a folder"
        raise UsageError(msg, "name a file in it")
    if place.exists() and not place.is_file():  # it would be replaced by a file, for everybody
        msg = f"{output} is a device or a pipe"
        raise UsageError(msg, "name a file")
    if not place.parent.is_dir():
        msg = f"there is no folder {place.parent}"
        raise UsageError(msg, "make it, or name a file in another one")
    require_outside(output, settings)


def require_outside(output: Path, settings: Settings) -> None:
    """Refuse a file in the pipeline's own home."""
    if settings.home.resolve() in output.resolve().parents:
        msg = f"{output} lies in the home of minuterisk, whose files are its own"
        raise UsageError(msg, "name a file elsewhere")


def span_of(start: datetime, end: datetime) -> Span:
    """A span that holds at least one minute."""
    span = Span(start, end)
    if not span.minutes:
        msg = f"the period {stamp(start)} to {stamp(end)} is empty"
        raise UsageError(msg, "let --to be later than --from")
    return span


def report(content: Mapping[str, Any], *, as_json: bool, text: str) -> None:
    """Print a result: JSON where a machine reads, text where a person does. Neither acts on a terminal."""
    click.echo(as_json_text(content) if as_json else harmless(text))


def as_json_text(content: Mapping[str, Any]) -> str:
    """Strict JSON on one line: times as ISO 8601 in UTC, invisible and acting characters escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    plain = not encoding.lower().replace("-", "").startswith("utf")  # a Korean letter would not fit through
    made = json.dumps(content, ensure_ascii=plain, default=_json_value)
    if made.isascii() and made.isprintable():
        return made
    return "".join(json.dumps(c)[1:-1] if not c.isprintable() else c for c in made)


def _json_value(value: object) -> object:
    """What JSON has no type for; anything else is a fault of ours."""
    if isinstance(value, datetime):
        # Only `sql` knows times without a zone: DuckDB's TIMESTAMP.
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Path | UUID):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    msg = f"no JSON for {type(value).__name__}"
    raise TypeError(msg)


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """A progress bar on standard error when that is a terminal; nothing in a pipe."""
    bar: Any = None

    def show(done: int, total: int | None, what: str) -> None:
        nonlocal bar
        with suppress(OSError, ValueError):  # a terminal that went away stops no work
            if not sys.stderr.isatty():
                return
            if bar is None:
                bar = click.progressbar(
                    length=total, label=one_line(label), file=sys.stderr, item_show_func=lambda item: item
                )
                bar.__enter__()
            bar.update(done - bar.pos, one_line(what))

    try:
        yield show
    finally:
        if bar is not None:
            with suppress(OSError, ValueError):
                bar.__exit__(None, None, None)


#: A cell of a table is cut to so many columns of the terminal; `show` and --json have the whole.
CELL_COLUMNS = 32


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Callable[[Any], str]]) -> str:
    """Rows as aligned text columns, or "none". Each cell is one line, whatever a name holds."""
    if not rows:
        return "none"
    shown = [[fit(one_line(show(row[name])), CELL_COLUMNS) for name, show in columns.items()] for row in rows]
    cells = [list(columns), *shown]
    widths = [max(width(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join(
        "  ".join(pad(c, w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def fields(row: Mapping[str, Any], zone: ZoneInfo, indent: str = "") -> str:
    """A row as a line a field: times in `zone`, a mapping as lines of its own, a list of them as a table."""
    lines = []
    for name, value in row.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{one_line(name)}", fields(value, zone, indent + "  ")]
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for number, item in enumerate(value, 1):
                lines += [f"{indent}{one_line(name)} {number}", fields(item, zone, indent + "  ")]
        else:
            lines.append(f"{indent}{pad(one_line(name), 24 - len(indent))}{field_text(value, zone)}")
    return "\n".join(lines)


def field_text(value: object, zone: ZoneInfo) -> str:
    """One value for people, on one line."""
    if value is None or value in ({}, []):
        return "-"
    if isinstance(value, datetime):
        return moment(value, zone, seconds=bool(value.second))
    return one_line(str(value), 1000)


def stamp(minute: datetime) -> str:
    """A minute as commands take it: 2026-11-21T00:00Z."""
    return f"{format_minute(minute)}Z"


def list_if_bare(context: click.Context, listing: click.Command, *, as_json: bool) -> None:
    """What a group does that is called without a command: it lists."""
    if context.invoked_subcommand is None:
        context.invoke(listing, as_json=as_json)
    elif as_json:
        name = context.invoked_subcommand
        msg = f"--json stands before {name}"
        raise UsageError(msg, f"put it behind: {context.info_name} {name} --json")


@contextmanager
def open_pack_state() -> Iterator[tuple[State, Pack[Any, Any], ZoneInfo]]:
    """The operational database of the settings' first pack, to read from."""
    settings = read_settings()
    with open_state(open_urls(settings), settings) as state:
        yield state, load_pack(settings.pack), settings.business_timezone

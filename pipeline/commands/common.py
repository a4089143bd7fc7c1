"""What every command shares: settings, progress on a terminal, one way to report."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import UsageError
from pipeline.log import configure_log
from pipeline.minute import Span, parse_time, require_minute
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pipeline.catch_up import Progress


class Time(click.ParamType[datetime]):
    """A full minute with a time zone."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 - click's signature
        """Read the option's text; anything unreadable is a usage error that names the next step."""
        try:
            return require_minute(parse_time(value)) if isinstance(value, str) else value
        except UsageError as error:
            self.fail(str(error), param, ctx)


TIME = Time()

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Report as one JSON object on the last line."
)
from_option = click.option(
    "--from", "start", type=TIME, required=True, help="First minute, e.g. 2026-11-21T00:00Z."
)
to_option = click.option("--to", "end", type=TIME, required=True, help="End, not included.")


def read_settings(**overrides: str) -> Settings:
    """Settings of this process, with options of the command line over them; also sets up the log."""
    over = {f"MINUTERISK_{name.upper()}": value for name, value in overrides.items() if value}
    settings = load_settings({**os.environ, **over})
    configure_log(settings)
    return settings


def span_of(start: datetime, end: datetime) -> Span:
    """A span that holds at least one minute."""
    span = Span(start, end)
    if not span.minutes:
        msg = f"the period {span} is empty"
        raise UsageError(msg, "let --to be later than --from")
    return span


def report(content: Mapping[str, Any], *, as_json: bool, text: str) -> None:
    """Print a result: JSON where a machine reads, text where a person does."""
    click.echo(json.dumps(content, ensure_ascii=False, default=str) if as_json else text)


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
                    length=total, label=label, file=sys.stderr, item_show_func=lambda item: item
                )
                bar.__enter__()
            bar.update(done - bar.pos, what)

    try:
        yield show
    finally:
        if bar is not None:
            with suppress(OSError, ValueError):
                bar.__exit__(None, None, None)


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Callable[[Any], str]]) -> str:
    """Rows as aligned text columns, or "none"."""
    if not rows:
        return "none"
    cells = [list(columns), *([show(row[name]) for name, show in columns.items()] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells
    )

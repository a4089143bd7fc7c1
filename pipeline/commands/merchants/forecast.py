"""forecast: how the month will end for the programmes of card networks, and when a limit is breached."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.commands.common import json_option, read_settings, report, table
from pipeline.embedded import open_urls
from pipeline.errors.translate import storage_errors
from pipeline.online.merchants.ahead import Looked, foresee, today_of
from pipeline.packs.merchants.programmes.rows import parse_programmes
from scheduler import open_lake, open_source, open_state

if TYPE_CHECKING:
    from collections.abc import Mapping

PACK: Final = "merchants"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

#: Why something is not known, in words. Those with a day are short: a cell holds no more of them.
WHY: Final[Mapping[str, str]] = {
    "disputes": "the source gives no disputes (extract/…/disputes.sql)",
    "custody": "the source does not say what is held outside (extract/…/custody.sql)",
    "exposure": "the book of exposure is not published yet",
    "custody_day": "held: only through {day}",
    "owed_day": "owed on {day} is not known",
    "exposure_day": "owed: only through {day}",
    "owed_some": "owed to some is not known",
    "limit": "its limit is not public",
    "amount_usd": "disputes.sql gives no amount_usd",
    "sales_previous_month": "sales of the month before are not known",
    "sales_this_month": "sales of this month are not known",
}


@click.command()
@click.option("--programmes", type=_FILE, help="Another file of dated rows, instead of the shipped one.")
@json_option
def forecast(programmes: Path | None, *, as_json: bool) -> None:
    """Foresee the month's end for Visa VAMP and MERP, Mastercard ECM, HECM and EFM, and the custody ratio.

    From the source's optional queries `disputes` and `custody`, the published sales and the book of exposure.
    Nothing is stored; the running pipeline makes one a business day, for the page, and raises alarms.
    """
    rows = None
    if programmes is not None:
        with storage_errors(programmes):
            rows = parse_programmes(programmes.read_text(encoding="utf-8"), str(programmes))
    settings = read_settings().of(PACK)
    with ExitStack() as stack:
        urls = open_urls(settings)
        state = stack.enter_context(open_state(urls, settings))
        source = stack.enter_context(open_source(settings, urls))
        lake = open_lake(settings)
        found = foresee(Looked(source, state, lake), today_of(lake), rows)
    content = found.as_json()
    report(content, as_json=as_json, text=as_text(content))


def as_text(content: Mapping[str, Any]) -> str:
    """A table, worst first, and what is not known."""
    through = content["known_through"] or "not known"
    lines = [f"{content['today']}, disputes known through {through}"]
    lines += [f"not given: {WHY[name]}" for name in content["missing"]]
    lines += [_owed_more(one) for one in content["outlooks"] if one["merchants_unknown"]]
    if content["wrong"]:
        lines.append(f"set aside: {sum(content['wrong'].values())} rows, first {content['example']}")
    counts = ", ".join(f"{status} {number:,}" for status, number in content["counts"].items() if number)
    names = ("status", "programme", "who", "so far", "month end", "ratio", "days", "why")
    columns = dict.fromkeys(names, str)
    return "\n".join([*lines, counts or "no programme is in force", "", table(_rows(content), columns)])


def _rows(content: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {
            "status": one["status"],
            "programme": one["programme"],
            "who": one["merchant_id"] or "company",
            "so far": _number(one["counted"]),
            "month end": _span(one),
            "ratio": _ratio(one),
            "days": _days(one),
            "why": _why(one),
        }
        for one in content["outlooks"]
    ]


def _why(one: Mapping[str, Any]) -> str:
    """Why it is not known; else of which day the balances are."""
    if not one["why"]:
        return f"balances of {one['known_on']}" if one["known_on"] else ""
    return WHY.get(one["why"], str(one["why"])).format(day=one["known_on"])


def _owed_more(one: Mapping[str, Any]) -> str:
    merchants = f"{one['merchants_unknown']:,} merchants"
    return f"not known: what is owed to {merchants}; the true custody ratio is at most the one shown"


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _span(one: Mapping[str, Any]) -> str:
    if one["projected"] is None:
        return "–"
    interval = "" if one["low"] is None else f" ({one['low']:,}–{one['high']:,})"
    least = f" of {one['at_least']:,}" if one["at_least"] else ""
    return f"{one['projected']:,}{interval}{least}"


def _ratio(one: Mapping[str, Any]) -> str:
    return f"{_percent(one['per_10000'], '–')} / {_percent(one['limit_per_10000'], '?')}"


def _percent(per_10000: float | None, unknown: str) -> str:
    return unknown if per_10000 is None else f"{per_10000 / 100:.2f} %"


def _days(one: Mapping[str, Any]) -> str:
    later = f"limit changes {one['next_from']}" if one["next_from"] else ""
    if one["days_until"] is not None:
        return f"{one['days_until']}" + (f", {later}" if later else "")
    return f"{one['days_earliest']} at the earliest" if one["days_earliest"] is not None else later or "–"

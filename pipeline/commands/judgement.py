"""explain: say why, why not, and when."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from baselines.versions import always
from pipeline.commands.common import Time, json_option, read_settings, report
from pipeline.commands.transfers.explained import RULE, explain_transfer
from pipeline.embedded import open_urls
from pipeline.errors import UsageError
from pipeline.figures import duration_text, moment, one_line
from pipeline.history import rebuild_windows
from pipeline.minute import MINUTE, Span, one_minute
from pipeline.pack import AROUND, Asked
from pipeline.packs import load_pack
from pipeline.replay.backtest import require_published
from pipeline.store.rules import read_rules_file, versions_of
from scheduler import open_lake, open_state

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.pack import Windows


class _TimeOrRule(Time):
    """A full minute, or the name of an event rule, which no time looks like."""

    name = "TIME|RULE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's signature
        """Leave a rule's name as it is."""
        if isinstance(value, str) and RULE.fullmatch(value):
            return value
        return super().convert(value, param, ctx)


@click.command()
@click.argument("entity", metavar="ENTITY|TRANSFER")
@click.argument("minute", type=_TimeOrRule(), metavar="MINUTE|RULE")
@click.option("--rules", type=click.Path(exists=True, dir_okay=False), help="Another file of tuned numbers.")
@json_option
def explain(entity: str, minute: datetime | str, rules: str | None, *, as_json: bool) -> None:
    """Say why ENTITY fired at MINUTE or did not: every number, how far it was, when it first could.

    Of a payment: why RULE fired at TRANSFER, or why not.
    """
    if isinstance(minute, str):
        explain_transfer(entity, minute, as_json=as_json)
    else:
        _explain_entity(entity, minute, rules, as_json=as_json)


def _explain_entity(entity: str, minute: datetime, rules: str | None, *, as_json: bool) -> None:
    settings = read_settings()
    pack = load_pack(settings.pack)
    file = None if rules is None else read_rules_file(pack, Path(rules))
    if pack.explain is None:
        msg = f"the pack {pack.name} explains nothing"
        raise UsageError(msg, "its signals are in `minuterisk sql`")
    with open_state(open_urls(settings), settings) as state:
        judged = one_minute(minute)
        zone = settings.business_timezone
        require_published(judged, state.published(), state.unpublished(judged), zone)
        lake = open_lake(settings)
        version = versions_of(state, settings).at(minute) if file is None else always(file.tuned).at(minute)
        tuned = version.tuned
        windows, facts = rebuild_windows(lake, state, minute + MINUTE, tuned)
        around = Span(minute - AROUND, minute + AROUND + MINUTE)
        found = lake.read(state.signal_files(around), "signal", around, [entity])
        if windows.entities.find(entity) is None and found.is_empty():
            _refuse_unknown(pack.noun, entity, moment(minute, zone), windows)
        held = [span for span in state.withheld().at(minute) if span.concerns(entity)]
        policies = {row["minute"]: row["policy"] for row in state.minutes(around) if row["policy"]}
        said = pack.explain(windows, tuned, facts, Asked(entity, minute, zone, found, policies))
        stored = found.rename({"entity_id": pack.entity}).filter(minute=minute).to_dicts()
    content = {
        pack.entity: entity,
        "minute": minute.isoformat(),
        "policy": settings.policy,
        "rules_version": version.number,
        "accounts": list(said.accounts),
        **({"held_back": [{"reason": s.reason, "rule": s.rule} for s in held]} if held else {}),
        "stored_signals": stored,
    }
    listed = "\n".join(f"  {row['rule']}: {row['reason']} ({row['tier']})" for row in stored) or "  none"
    kept = [f"  {span.rule or 'every rule'}: {span.reason}" for span in held]
    text = "\n".join([said.text, *(["", "people held back in this minute:", *kept] if kept else [])])
    text = f"{text}\n\nsignals stored when the minute was judged:\n{listed}"
    report(content, as_json=as_json, text=text)


def _refuse_unknown(kind: str, entity: str, minute: str, windows: Windows) -> NoReturn:
    looked = duration_text(windows.history_minutes * MINUTE, "en")
    msg = f"{kind} {entity!r} is unknown: no row in the {looked} up to {minute}"
    near = difflib.get_close_matches(entity, windows.entities.ids.to_list(), n=3)
    hint = f"did you mean {', '.join(map(one_line, near))}?" if near else "see the ids with `minuterisk sql`"
    raise UsageError(msg, hint)

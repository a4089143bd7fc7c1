"""The rules that come with the program: what a fresh installation judges by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import text

import baselines.transfers
from pipeline.minute import EPOCH
from pipeline.packs.transfers.language import parse
from pipeline.packs.transfers.ruleset import LIVE
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.packs.transfers.language import RuleText
    from pipeline.store.state import State

log = structlog.get_logger()

AUTHOR: Final = "minuterisk"
FOLDER: Final = Path(baselines.transfers.__file__).parent / "rules"
_WHY: Final = "it comes with the program"


def shipped_rules() -> list[RuleText]:
    """The rules of baselines/transfers/rules, by their names."""
    return [parse(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]


def install_shipped(state: State, rules: Sequence[RuleText] | None = None) -> int:
    """Where there never was an event rule, let those that come with the program be live; gives how many.

    They hold for events of any time, so that what a first start reads is judged as what comes. A later
    program with other rules changes nothing here: people decide what judges.
    """
    with state.changing() as connection:
        connection.execute(text(sql("transfers/ops/change_rules")))
        if connection.execute(text(sql("transfers/ops/event_rule_names"))).first() is not None:
            return 0
        found = shipped_rules() if rules is None else rules
        for rule in found:
            key = {"rule": rule.rule, "version": 1}
            said = {"status": LIVE, "reason": _WHY, "author": AUTHOR, "author_id": None}
            content = {"content": rule.canonical, "sha256": rule.sha256}
            connection.execute(text(sql("transfers/ops/insert_event_rule")), {**key, **content, **said})
            span = {"mode": LIVE, "from_at": EPOCH, "until_at": None, "by": AUTHOR, "reason": _WHY}
            connection.execute(text(sql("transfers/ops/begin_rule_span")), {**key, **span})
    log.info("event_rules.installed", rules=len(found))
    return len(found)

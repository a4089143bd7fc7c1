"""What `check` says of the tuned numbers: is the file what minutes are judged by, and is a rule paused?"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import sqlalchemy

from pipeline.errors import MinuteriskError
from pipeline.figures import moment
from pipeline.finding import Finding
from pipeline.inspection.live import state_connection, urls_of
from pipeline.minute import EPOCH
from pipeline.store.database import connect_state
from pipeline.store.rules import RulesReader
from pipeline.store.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from baselines.versions import Versions
    from pipeline.pack import Pack
    from pipeline.settings import Settings
    from pipeline.store.rules import RulesFile


def rules_findings(settings: Settings, pack: Pack[Any, Any], file: RulesFile) -> list[Finding]:
    """What there is to know beside that the file can be read; nothing where nothing has run yet."""
    found: list[Finding] = []
    # What is wrong with the operational database, its own part says.
    with suppress(MinuteriskError), state_connection(settings) as connection:
        if not sqlalchemy.inspect(connection).has_table("rule_version"):
            return []
        url = urls_of(settings).state_url
        with State(connect_state(url), url, settings.pack, settings.currency) as state:
            versions = RulesReader(state, pack, file).read()
            next_minute = state.next_minute() or EPOCH
        found += _file(versions, file)
        found += _paused(versions, next_minute, settings)
    return found


def _file(versions: Versions[Any], file: RulesFile) -> Iterable[Finding]:
    newest = versions.versions[-1]
    if newest.number is not None and newest.tuned != file.tuned:
        what = f"{file.name} differs from version {newest.number}, by which minutes are judged"
        hint = f"`minuterisk rules diff {newest.number}`; `minuterisk rules export` gives what is in force"
        yield Finding("rules", "note", what, hint)


def _paused(versions: Versions[Any], minute: datetime, settings: Settings) -> Iterable[Finding]:
    for pause in versions.pauses:
        if pause.end > minute:
            what = f"{pause.rule} is paused until {moment(pause.end, settings.business_timezone)}"
            yield Finding("rules", "note", what, f"`minuterisk rules resume {pause.rule}` ends it before")

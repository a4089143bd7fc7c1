"""What of the operational database analysts find in their file: tables, their columns, and their files.

A table is published as Parquet beside the lake's datasets, never read through the database. What people wrote
and what they are called is not in it: whoever can open the file sees all of it, and no role is asked. People
are numbers of accounts; texts of messages, notes and reasons stay behind the roles of page and command line.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import structlog

from pipeline.errors import UsageError
from pipeline.minute import Span
from pipeline.schema import UTC_TIME
from pipeline.store.manifest import LakeFile, manifest_of, span_of_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline.pack import Pack
    from pipeline.store.manifest import Manifest

log = structlog.get_logger()

#: In the pack's part of the lake: its tables, and the list of those that count now.
FOLDER: Final = "tables"
INDEX: Final = "tables.json"
#: The list of the tables itself.
PUBLISHED: Final = "published_table"
_TEXT, _WHOLE, _FLAG = pl.String(), pl.Int64(), pl.Boolean()
_DAYS: Final = pl.Date()


@dataclass(frozen=True, slots=True)
class Table:
    """One table; `query` gives its rows, newest first."""

    name: str
    query: str  # of queries/ops
    horizon: timedelta  # older rows are left out …
    moment: str  # the column of time by which a row is older; by it they are ordered
    columns: Mapping[str, pl.DataType]
    most_rows: int = 20_000  # … and so are more than these
    more: str = ""  # columns that the pack names: "money", "sums", or none
    #: Is a part a business day, read again only when its mark is another?
    by_day: bool = False

    def schema(self, pack: Pack[Any, Any]) -> pl.Schema:
        """Its columns; an entity goes by the pack's own word."""
        own = dict[str, pl.DataType]()
        if self.more:
            own = _money(pack) if self.more == "money" else dict.fromkeys(pack.sums, _WHOLE)
        names = {"entity_id": pack.entity, "entity_name": f"{pack.noun}_name"}
        return pl.Schema({**{names.get(name, name): kind for name, kind in self.columns.items()}, **own})


def _money(pack: Pack[Any, Any]) -> dict[str, pl.DataType]:
    known = {} if pack.exposures is None else dict(pack.exposures.schema)
    usual = {name: _DAYS if name.endswith("_date") else _WHOLE for name in pack.figures}
    return {**dict.fromkeys(pack.parts, _WHOLE), **usual, **{n: known[n] for n in pack.figures if n in known}}


#: An incident's life is looked at over quarters; minutes over a month, beside what the lake holds of them.
_QUARTERS: Final = timedelta(days=400)
_MONTH: Final = timedelta(days=35)
_LONG: Final = timedelta(days=36_500)  # few rows, for ever

INCIDENT: Final = Table(
    "incident",
    "snapshot_incident",
    _QUARTERS,
    "opened_minute",
    {
        "incident_id": _WHOLE,
        "rule": _TEXT,
        "entity_id": _TEXT,
        "entity_name": _TEXT,
        "tier": _TEXT,
        "severity": _TEXT,
        "status": _TEXT,
        "policy": _TEXT,
        "times": _WHOLE,
        "opened_minute": UTC_TIME,
        "last_breach_minute": UTC_TIME,
        "resolved_minute": UTC_TIME,
        "corrected_minute": UTC_TIME,
        "opened_at": UTC_TIME,
        "acknowledged_at": UTC_TIME,
        "resolved_at": UTC_TIME,
        "snoozed_until": UTC_TIME,
        "assigned": _FLAG,
        "label": _TEXT,
        "currency": _TEXT,
        "at_risk": _WHOLE,
        "reason": _TEXT,
        "latest_reason": _TEXT,
    },
    more="money",
)
INCIDENT_EVENT: Final = Table(
    "incident_event",
    "snapshot_incident_event",
    _QUARTERS,
    "event_at",
    {
        "incident_id": _WHOLE,
        "event_at": UTC_TIME,
        "event": _TEXT,
        "by_person": _FLAG,
        "account_id": _WHOLE,
        "minute": UTC_TIME,
        "severity": _TEXT,
        "label": _TEXT,
    },
)
MESSAGE: Final = Table(
    "message",
    "snapshot_message",
    _QUARTERS,
    "created_at",
    {
        "message_id": _WHOLE,
        "incident_id": _WHOLE,
        "event": _TEXT,
        "minute": UTC_TIME,
        "destination": _TEXT,
        "status": _TEXT,
        "attempts": _WHOLE,
        "ambiguous": _FLAG,
        "severity": _TEXT,
        "at_risk": _WHOLE,
        "created_at": UTC_TIME,
        "sent_at": UTC_TIME,
    },
)
ACTION: Final = Table(
    "action",
    "snapshot_action",
    _QUARTERS,
    "proposed_at",
    {
        "action_id": _WHOLE,
        "incident_id": _WHOLE,
        "entity_id": _TEXT,
        "kind": _TEXT,
        "percent": _WHOLE,
        "amount": _WHOLE,
        "helps_until": UTC_TIME,
        "status": _TEXT,
        "by_person": _FLAG,
        "proposer_id": _WHOLE,
        "approver_id": _WHOLE,
        "proposed_at": UTC_TIME,
        "decided_at": UTC_TIME,
        "told_at": UTC_TIME,
        "ended_at": UTC_TIME,
        "money": _TEXT,
        "outcome": _TEXT,
    },
)
RULE_VERSION: Final = Table(
    "rule_version",
    "snapshot_rule_version",
    _LONG,
    "created_at",
    {
        "version": _WHOLE,
        "parent": _WHOLE,
        "instead_of": _WHOLE,
        "origin": _TEXT,
        "status": _TEXT,
        "author_id": _WHOLE,
        "approved_by_id": _WHOLE,
        "created_at": UTC_TIME,
        "submitted_at": UTC_TIME,
        "decided_at": UTC_TIME,
        "withdrawn_at": UTC_TIME,
        "in_force_from": UTC_TIME,
        "numbers": _TEXT,
    },
    most_rows=1_000,
)
MINUTE_LEDGER: Final = Table(
    "minute_ledger",
    "snapshot_minute_ledger",
    _MONTH,
    "minute",
    {
        "minute": UTC_TIME,
        "revision": _WHOLE,
        "state": _TEXT,
        "row_count": _WHOLE,
        "quarantined_count": _WHOLE,
        "source_row_count": _WHOLE,
        "policy": _TEXT,
        "rules_version": _WHOLE,
        "committed_at": UTC_TIME,
        "judged_at": UTC_TIME,
    },
    most_rows=100_000,
    more="sums",
    by_day=True,
)
RECONCILIATION: Final = Table(
    "reconciliation",
    "snapshot_reconciliation",
    timedelta(days=8),  # as long as reports of jobs are kept
    "compared_at",
    {
        "compared_at": UTC_TIME,
        "kind": _TEXT,
        "from_minute": UTC_TIME,
        "until_minute": UTC_TIME,
        "difference_count": _WHOLE,
        "difference_left_count": _WHOLE,
        "without_time_count": _WHOLE,
        "file_verified_count": _WHOLE,
        "file_damaged_count": _WHOLE,
        "took_ms": _WHOLE,
    },
)
TABLES: Final = (INCIDENT, INCIDENT_EVENT, MESSAGE, ACTION, RULE_VERSION, MINUTE_LEDGER, RECONCILIATION)

PUBLISHED_SCHEMA: Final = pl.Schema(
    {"table_name": _TEXT, "row_count": _WHOLE, "complete_from": UTC_TIME, "horizon_days": _WHOLE}
)


def entity_schema(pack: Pack[Any, Any]) -> pl.Schema:
    """The columns of the table that is called like an entity: what is known of each."""
    fact = {} if pack.fact is None else {pack.fact[1]: _TEXT}
    return pl.Schema({pack.entity: _TEXT, f"{pack.noun}_name": _TEXT, **fact})


def table_schemas(pack: Pack[Any, Any]) -> dict[str, pl.Schema]:
    """Every table of a pack with its columns, as they are published."""
    baseline = {} if pack.baseline is None else {"baseline_now": pack.baseline.schema}
    own = {pack.noun: entity_schema(pack), **baseline, PUBLISHED: PUBLISHED_SCHEMA}
    return {**{table.name: table.schema(pack) for table in TABLES}, **own}


def day_schema(pack: Pack[Any, Any]) -> pl.Schema:
    """The columns of a closed business day's sums."""
    sums = {name: _WHOLE for name, kind in pack.counted.items() if kind.is_integer()}
    return pl.Schema({"business_date": _DAYS, pack.entity: _TEXT, **sums})


def frame_of(rows: Iterable[Mapping[str, Any]], schema: pl.Schema, pack: Pack[Any, Any]) -> pl.DataFrame:
    """Rows of the database in the columns of a table; what does not fit its column is not known."""
    names = {pack.entity: "entity_id", f"{pack.noun}_name": "entity_name"}
    flat = [{**row, **(row.get("more") or {})} for row in rows]
    given = {
        name: pl.Series(name, [_value(row.get(names.get(name, name)), kind) for row in flat], kind)
        for name, kind in schema.items()
    }
    return pl.DataFrame(given)


def _value(value: Any, kind: pl.DataType) -> Any:  # noqa: ANN401 - what a database gives
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if kind == _WHOLE:
        return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind == _DAYS and isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return value


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a table; `mark` tells without reading them whether its rows are still the same."""

    table: str
    part: str
    mark: str
    path: str  # relative to the lake's folder
    rows: int
    bytes: int
    sha256: str
    complete_from: str | None = None  # ISO; None: nothing is left out
    #: The business day that it sums up, as ISO times; "": it is no sum of published minutes.
    start: str = ""
    end: str = ""

    @property
    def day(self) -> Span | None:
        """The business day that it sums up."""
        if not self.start:
            return None
        return Span(datetime.fromisoformat(self.start), datetime.fromisoformat(self.end))

    def file(self, span: Span) -> LakeFile:
        """As the catalog takes it; `span` is what is published."""
        return LakeFile(self.table, self.path, self.day or span, self.rows, self.bytes, self.sha256)


def index_of(folder: Path, pack: str) -> Path:
    """Where the list of a pack's tables lies; `folder` is the lake."""
    return folder / pack / INDEX


def read_index(folder: Path, pack: str) -> list[Part]:
    """The parts that count now. A list that is missing or damaged is one of nothing: it is written again."""
    return read_tables(folder, pack)[0]


def read_tables(folder: Path, pack: str) -> tuple[list[Part], Manifest | None]:
    """The same, and what was published at the moment that they show; None where the list does not say."""
    path = index_of(folder, pack)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        parts = [Part(**part) for part in content["parts"]]
        return parts, manifest_of(content["published"]) if "published" in content else None
    except FileNotFoundError:
        return [], None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, UsageError) as error:
        log.warning("catalog.tables_left_out", pack=pack, why=str(error))
        return [], None


def index_text(parts: Sequence[Part], published: Mapping[str, Any] | None = None) -> str:
    """The content of the list, for `read_tables`."""
    fields = Part.__dataclass_fields__
    listed = [{name: getattr(part, name) for name in fields} for part in parts]
    content = {"parts": listed} if published is None else {"parts": listed, "published": published}
    return json.dumps(content, separators=(",", ":"))


def table_files(
    folder: Path, pack: Pack[Any, Any], parts: Sequence[Part], files: Sequence[LakeFile]
) -> list[LakeFile]:
    """Parts of a pack's tables as files beside the published ones.

    One that is gone is left out, and so are sums of a day whose minutes have been corrected since.
    """
    span = span_of_files(files)
    return [
        part.file(span)
        for part in parts
        if (folder / part.path).is_file() and _holds(part, pack.dataset, files)
    ]


def _holds(part: Part, dataset: str, files: Iterable[LakeFile]) -> bool:
    day = part.day
    return day is None or part.mark == mark_of(
        file for file in files if file.dataset == dataset and day.start <= file.span.start < day.end
    )


def mark_of(files: Iterable[LakeFile]) -> str:
    """Tells whether something was made from just these files."""
    return hashlib.sha256("".join(sorted(file.sha256 for file in files)).encode()).hexdigest()[:32]


def moment_of(text: str | None) -> datetime | None:
    """A moment of the list."""
    return None if text is None else datetime.fromisoformat(text)

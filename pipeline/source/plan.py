"""What a query's plan says about its cost: which tables are read whole, which indexes are used. Pure.

It reads what a plain EXPLAIN gives, which runs nothing: PostgreSQL's FORMAT JSON, and the rows of MySQL and
MariaDB. The reason is one short sentence for an error, an alarm or a finding of `check`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard

_NAMED_AT_MOST: Final = 3
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_CAST = re.compile(r"::\"?[a-z_][\w ]*\"?(\(\d+(,\d+)?\))?(\[\])?")
_NAME = re.compile(r'"([^"]+)"|\b([a-z_]\w*)\b(?!\s*\()', re.IGNORECASE)
#: Words of a filter's text that are no columns.
_WORDS: Final = re.compile(
    "and|or|not|is|null|any|all|array|true|false|i?like|in|between|at|time|zone|case|when|then|else|end|row"
    "|distinct|from|hashed|subplan|initplan|returns|similar|to",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PlanReason:
    """What a plan does. `text` is empty where nothing in the plan is worth a word."""

    sequential: tuple[str, ...] = ()  # tables that are read whole, in the plan's order, each once
    estimated_rows: int = 0  # of the largest scan; PostgreSQL says what passes its filter, MySQL what is read
    indexes: tuple[str, ...] = ()
    text: str = ""
    workers: int = 0  # parallel processes beside our own connection's


@dataclass(frozen=True, slots=True)
class _Scan:
    """One table in a plan."""

    table: str
    rows: int
    whole: bool
    index: str = ""
    unused: str = ""  # why no index is used, in words


def plan_reason(plan: object, dialect: str) -> PlanReason:
    """The reason of a plan; nothing where it has no form that is known.

    `plan` is for "postgresql" the one value of EXPLAIN (FORMAT JSON), as text or parsed, and for "mysql" the
    rows of EXPLAIN as mappings.
    """
    if isinstance(plan, str | bytes):
        try:
            plan = json.loads(plan)
        except ValueError:
            return PlanReason()
    if dialect == "mysql":
        return (
            _reason([_mysql_scan(row) for row in plan if isinstance(row, Mapping)])
            if _many(plan)
            else PlanReason()
        )
    nodes = list(_nodes(plan))
    workers = sum(_number(node.get("Workers Planned")) for node in nodes)
    return _reason([scan for node in nodes for scan in _postgresql_scan(node)], workers)


def _reason(scans: Sequence[_Scan], workers: int = 0) -> PlanReason:
    whole: dict[str, str] = {}
    for scan in scans:
        if scan.whole:
            whole[scan.table] = whole.get(scan.table) or scan.unused
    said = [f"sequential scan of {table}{f', {why}' if why else ''}" for table, why in whole.items()]
    shown = said[:_NAMED_AT_MOST]
    if len(said) > len(shown):
        shown.append(f"and of {len(said) - len(shown)} more tables")
    if workers:
        shown.append(f"{workers} parallel workers")
    return PlanReason(
        sequential=tuple(whole),
        estimated_rows=max((scan.rows for scan in scans), default=0),
        indexes=tuple(dict.fromkeys(scan.index for scan in scans if scan.index)),
        text="; ".join(shown),
        workers=workers,
    )


def _nodes(plan: object) -> Iterator[Mapping[str, object]]:
    """Every node of a plan, the parents first."""
    if _many(plan):
        for part in plan:
            yield from _nodes(part)
    elif isinstance(plan, Mapping):
        if "Node Type" in plan:
            yield plan
        for below in ("Plan", "Plans"):
            yield from _nodes(plan.get(below))


def _postgresql_scan(node: Mapping[str, object]) -> Iterator[_Scan]:
    kind, rows = str(node.get("Node Type")), _number(node.get("Plan Rows"))
    table, index = str(node.get("Relation Name") or ""), str(node.get("Index Name") or "")
    if kind == "Seq Scan" and table:
        columns = _columns(str(node.get("Filter") or ""), str(node.get("Alias") or ""))
        yield _Scan(
            table, rows, whole=True, unused=f"no index used for {', '.join(columns)}" if columns else ""
        )
    elif index or table:
        yield _Scan(table, rows, whole=False, index=index)


def _columns(text: str, alias: str) -> list[str]:
    """The columns that a filter names."""
    bare = _CAST.sub("", _QUOTED.sub("''", text))
    names = (quoted or plain for quoted, plain in _NAME.findall(bare))
    return [n for n in dict.fromkeys(names) if not _WORDS.fullmatch(n) and n != alias][:_NAMED_AT_MOST]


def _mysql_scan(row: Mapping[object, object]) -> _Scan:
    given = {str(name).lower(): value for name, value in row.items()}
    kind, possible = str(given.get("type") or "").upper(), str(given.get("possible_keys") or "")
    table, rows = str(given.get("table") or ""), _number(given.get("rows"))
    if kind == "ALL" and table and not table.startswith("<"):  # <derived2> is a step, not a table
        unused = f"index {possible} not used" if possible else "no index for its conditions"
        return _Scan(
            table, rows, whole=True, unused=unused if "where" in str(given.get("extra")).lower() else ""
        )
    index = str(given.get("key") or "")
    whole = kind == "INDEX" and bool(table)  # the whole index, entry by entry
    return _Scan(
        table, rows, whole=whole, index=index, unused=f"through the whole index {index}" if whole else ""
    )


def _many(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _number(value: object) -> int:
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return 0

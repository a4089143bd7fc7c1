"""Read-only SQL over one version of the published files.

DuckDB has no read-only switch that holds: a COPY inside a WITH counts as a SELECT and can overwrite a
file that may be read. So every question is parsed first and anything but reading is refused, file access
is limited to the published files, and the settings are locked. People who must not be trusted with the
process itself need the operating system's walls as well (README of this folder).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Self

import duckdb

from pipeline.errors import ConfigurationError, UsageError
from pipeline.packs import load_pack
from pipeline.store.manifest import read_manifest
from pipeline.store.views.catalog import catalog_statements, other_shelves, shelf_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

#: The nodes of DuckDB's syntax tree that only read.
_READING_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_EXPLAIN = re.compile(r"\s*explain\s+(analyze\s+)?", re.IGNORECASE)


class Analyst:
    """One connection with the views over one published version."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """The newest version; raises ConfigurationError when nothing is published yet."""
        manifest = read_manifest(settings.manifest)
        if manifest is None:
            msg = f"nothing is published under {settings.home} yet"
            raise ConfigurationError(msg, "start with `make demo`, or `minuterisk backfill`")
        shelves = [
            shelf_of(load_pack(settings.pack), manifest.files, settings.lake),
            *other_shelves(settings.pack, settings.home, settings.lake),
        ]
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        for statement in catalog_statements(shelves, settings.lake, settings.business_timezone):
            connection.execute(statement)
        paths = [path for shelf in shelves for path in shelf.paths(settings.lake)]
        connection.execute("SET allowed_paths = $paths", {"paths": paths})
        for lock in (
            "enable_external_access = false",
            "python_enable_replacements = false",
            "lock_configuration = true",
        ):
            connection.execute(f"SET {lock}")
        return cls(connection)

    def ask(self, question: str) -> duckdb.DuckDBPyRelation:
        """Answer one question; raises UsageError for what does more than read or cannot be understood."""
        require_reading(self._connection, question)
        try:
            return self._connection.sql(question)
        except duckdb.Error as error:
            msg = f"cannot answer: {str(error).splitlines()[0]}"
            raise UsageError(msg, "SHOW ALL TABLES lists the views, DESCRIBE view their columns") from error


def require_reading(connection: duckdb.DuckDBPyConnection, question: str) -> None:
    """Refuse a question unless its whole syntax tree only reads."""
    inner = _EXPLAIN.sub("", question, count=1)
    serialized = connection.execute("SELECT json_serialize_sql($question)", {"question": inner}).fetchall()[
        0
    ][0]
    tree = json.loads(serialized)
    if tree.get("error"):
        msg = f"refused: {tree['error_message'].splitlines()[0]}"
        raise UsageError(msg, "ask one SELECT, DESCRIBE, SHOW TABLES, SUMMARIZE or EXPLAIN")
    if len(tree["statements"]) != 1:
        msg = f"refused: {len(tree['statements'])} statements at once"
        raise UsageError(msg, "ask one question at a time")
    writing = [node for node in _node_types(tree) if node not in _READING_NODES]
    if writing:
        msg = f"refused: {writing[0]} inside the question would change something"
        raise UsageError(msg, "this shell only reads; use SELECT")


def _node_types(tree: Any) -> Iterator[str]:  # noqa: ANN401 - parsed JSON
    """The types of all query nodes, found by the one key that only they have."""
    if isinstance(tree, dict):
        if "cte_map" in tree:
            yield tree["type"]
        for value in tree.values():
            yield from _node_types(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _node_types(value)

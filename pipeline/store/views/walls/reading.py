"""What a question itself may hold: one statement that reads views, by functions that reach nothing else.

DuckDB has no read-only switch that holds: a COPY inside a WITH counts as a SELECT and can overwrite a file
that may be read. So the whole syntax tree is walked.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

#: The nodes of DuckDB's syntax tree that only read.
_READING_NODES: Final = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_EXPLAIN: Final = re.compile(r"\s*explain\s+(analyze\s+)?", re.IGNORECASE)
#: Table functions of DuckDB that make rows of what they are given, or tell of the views. The catalog's macros
#: come to them. Every other one is refused: it reads a file, runs a text, or changes a setting.
_TABLE_FUNCTIONS: Final = {
    *("range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"),
    *("regexp_split_to_table", "generate_subscripts"),
    *("duckdb_columns", "duckdb_functions", "duckdb_keywords", "duckdb_schemas", "duckdb_tables"),
    *("duckdb_types", "duckdb_views", "duckdb_databases", "duckdb_constraints"),
    *("pragma_table_info", "pragma_show", "pragma_version", "pg_timezone_names", "icu_calendar_names"),
}
#: Scalar functions that do more than compute a value, or wait. A plan is made of a text that may name a file.
_OTHER_FUNCTIONS: Final = {
    *("getenv", "write_log", "nextval", "setval", "pg_sleep", "sleep_ms", "json_serialize_plan"),
}
#: DuckDB reads a file by a name that it does not know, where the name has an ending; so no CTE has one.
_NO_FILE: Final = re.compile(r"[^./\\:]+")
#: Views and tables by their names, and DuckDB's own of the standard's schemas.
_TABLES: Final = """
    SELECT lower(database_name), lower(schema_name), lower(view_name) FROM duckdb_views()
    WHERE NOT internal OR schema_name <> 'main' OR list_contains($functions, view_name)
    UNION ALL
    SELECT lower(database_name), lower(schema_name), lower(table_name) FROM duckdb_tables()
"""
#: DuckDB's own views of the catalog that are no function; of its log there is one too.
_SYSTEM_VIEWS: Final = {
    *("sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema", "duckdb_indexes"),
}
_OURS: Final = """
    SELECT DISTINCT lower(function_name) FROM duckdb_functions()
    WHERE function_type = 'table_macro' AND NOT internal
"""


def require_reading(connection: duckdb.DuckDBPyConnection, question: str) -> None:
    """Refuse a question unless its whole syntax tree only reads. Raises UsageError."""
    inner = _EXPLAIN.sub("", question, count=1)
    found = connection.execute("SELECT json_serialize_sql($question)", {"question": inner}).fetchall()
    tree = json.loads(found[0][0])
    if tree.get("error"):
        msg = f"refused: {tree['error_message'].splitlines()[0]}"
        raise UsageError(msg, "ask one SELECT, DESCRIBE, SHOW TABLES, SUMMARIZE or EXPLAIN")
    if len(tree["statements"]) != 1:
        msg = f"refused: {len(tree['statements'])} statements at once"
        raise UsageError(msg, "ask one question at a time")
    ours = {str(name) for (name,) in connection.execute(_OURS).fetchall()}
    nodes = list(_nodes(tree))
    tables = _tables(connection) | {("", "", name) for node in nodes for name in _ctes(node)}
    for node in nodes:
        _require_node(node, _TABLE_FUNCTIONS | ours)
        _require_table(node, tables)


def _tables(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str]]:
    """The views and tables, each in every way to write it: catalog, schema and name."""
    known = {"functions": sorted(_TABLE_FUNCTIONS | _SYSTEM_VIEWS)}
    found = connection.execute(_TABLES, known).fetchall()
    ways = set()
    for database, schema, name in found:
        ways |= {("", "", name), ("", schema, name), ("", database, name), (database, schema, name)}
    return ways


def _ctes(node: dict[str, Any]) -> list[str]:
    """The names that a node gives to queries inside it. Raises UsageError where one could be a file's."""
    found = node.get("cte_map")
    names = [str(one["key"]).lower() for one in found["map"]] if isinstance(found, dict) else []
    if "cte_name" in node:
        names.append(str(node["cte_name"]).lower())
    for name in names:
        if not _NO_FILE.fullmatch(name):
            msg = f"refused: {name} could be the name of a file"
            raise UsageError(msg, "give that part of the question a name of letters, digits and _")
    return names


def _require_table(node: dict[str, Any], tables: set[tuple[str, str, str]]) -> None:
    """DuckDB looks for a file where no view has the name."""
    if node.get("type") != "BASE_TABLE":
        return
    path = [str(node.get(part) or "") for part in ("catalog_name", "schema_name", "table_name")]
    if tuple(part.lower() for part in path) not in tables:
        name = ".".join(filter(None, path))
        msg = f"refused: {name} is no view"
        raise UsageError(msg, "ask the views; SHOW ALL TABLES lists them")


def _require_node(node: dict[str, Any], table_functions: set[str]) -> None:
    if "cte_map" in node and node["type"] not in _READING_NODES:
        msg = f"refused: {node['type']} inside the question would change something"
        raise UsageError(msg, "this shell only reads; use SELECT")
    if node.get("type") == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", "")).lower()
        refused = name not in table_functions
    else:
        name = str(node.get("function_name", "")).lower()
        refused = name in _OTHER_FUNCTIONS
    if refused:
        msg = f"refused: the function {name} reaches beyond the views"
        raise UsageError(msg, "ask the views; SHOW ALL TABLES lists them")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - parsed JSON
    """Every object of the tree, without a call for each level: people may nest as they like."""
    left = [tree]
    while left:
        found = left.pop()
        if isinstance(found, dict):
            yield found
            left += found.values()
        elif isinstance(found, list):
            left += found

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
    *("histogram", "histogram_values", "summary", "regexp_split_to_table", "generate_subscripts"),
    *("duckdb_columns", "duckdb_functions", "duckdb_keywords", "duckdb_schemas", "duckdb_tables"),
    *("duckdb_types", "duckdb_views", "duckdb_databases", "duckdb_constraints"),
    *("pragma_table_info", "pragma_show", "pragma_version", "pg_timezone_names", "icu_calendar_names"),
}
#: Scalar functions that do more than compute a value, or wait.
_OTHER_FUNCTIONS: Final = {"getenv", "write_log", "nextval", "setval", "pg_sleep", "sleep_ms"}
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
    for node in _nodes(tree):
        _require_node(node, _TABLE_FUNCTIONS | ours)


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

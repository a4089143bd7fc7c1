"""Every SQL text, by name: `sql("ops/outbox_claim")` is the text of queries/ops/outbox_claim.sql.

Each file starts with a comment: one sentence on what it does, its parameters and its grain.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def sql(name: str) -> str:
    """The text of one query. A name that does not exist is a programming error and raises KeyError."""
    path = FOLDER / f"{name}.sql"
    if not path.is_file():
        raise KeyError(name)
    return path.read_text(encoding="utf-8")

"""Every query that reads or writes events names all their columns; a forgotten one is lost in silence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.packs.transfers.schema import EVENT

ROOT = Path(__file__).resolve().parents[3]
#: In no query without the others.
_ONE = "merchant_id"


def _queries() -> list[Path]:
    found = sorted((ROOT / "queries" / "transfers").rglob("*.sql"))
    return [path for path in found if _times(path, _ONE)]


def _times(path: Path, column: str) -> int:
    said = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    return len(re.findall(rf"\b{column}\b", said))


@pytest.mark.parametrize("path", _queries(), ids=lambda path: str(path.relative_to(ROOT / "queries")))
def test_a_query_of_events_names_every_column_as_often_as_any_other(path: Path) -> None:
    assert [name for name in EVENT if _times(path, name) < _times(path, _ONE)] == []


def test_all_queries_of_events_are_looked_at() -> None:
    assert len(_queries()) >= 14

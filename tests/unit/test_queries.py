"""Every SQL file says what it does, what it takes and what one row of its answer is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import queries

FILES = sorted(queries.FOLDER.rglob("*.sql"))
NAMES = [path.relative_to(queries.FOLDER).with_suffix("").as_posix() for path in FILES]
#: Statements that create take and give no rows; checks must give none; questions have a head of their own.
WITHOUT_GRAIN = re.compile(r"^ops/schema/|/analyst/views$|/checks/|/analyst/(?!app_)")
CODE = sorted(
    path
    for folder in ("pipeline", "app", "data", "queries")
    for path in (queries.FOLDER.parent / folder).rglob("*.py")
)


def header(name: str) -> str:
    lines = queries.sql(name).splitlines()
    comment = []
    for line in lines:
        if not line.startswith("--"):
            break
        comment.append(line.removeprefix("--").strip())
    return " ".join(comment)


def body(name: str) -> str:
    """Without comments and without quoted text."""
    return re.sub(r"--[^\n]*|'[^']*'", "", queries.sql(name))


def test_there_are_queries_to_look_at() -> None:
    assert len(FILES) > 20


@pytest.mark.parametrize("name", NAMES)
def test_a_query_begins_with_a_sentence(name: str) -> None:
    assert re.match(r"[A-Z].{10,}?[.?:]", header(name)), header(name)


@pytest.mark.parametrize("name", [n for n in NAMES if not WITHOUT_GRAIN.search(n)])
def test_a_query_names_its_parameters_and_its_grain(name: str) -> None:
    assert re.search(r"Parameters?: \S", header(name))
    assert re.search(r"Grain: \S", header(name))


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("ops/") and not WITHOUT_GRAIN.search(n)])
def test_every_parameter_a_query_takes_is_named_in_its_header(name: str) -> None:
    taken = set(re.findall(r"(?<![:\w]):([a-z_]+)\b", body(name)))
    named = header(name).split("Parameters:")[1].split("Grain:")[0]
    assert {p for p in taken if not re.search(rf"\b{p}\b", named)} == set()
    if not taken:
        assert named.strip().startswith("none")


@pytest.mark.parametrize("name", NAMES)
def test_a_division_cannot_meet_a_zero(name: str) -> None:
    for divisor in re.findall(r"(?<!/)/(?![/*])\s*(\w+)", body(name)):
        assert divisor.lower() == "nullif" or divisor.isdigit(), divisor


def test_every_query_is_used_by_the_code() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in CODE)
    unused = [name for name in NAMES if f'"{name}"' not in text and f'"{Path(name).name}"' not in text]
    unused = [name for name in unused if not WITHOUT_GRAIN.search(name)]  # found by their folder
    unused = [name for name in unused if f'/{name.partition("/")[2]}"' not in text]  # of any pack
    assert unused == []


def test_a_name_that_does_not_exist_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        queries.sql("ops/nothing")

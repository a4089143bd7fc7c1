"""The daily statement: `check --statement` finds out who changed one, or removed the one before it."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from pipeline.cli import main
from pipeline.packs import PACKS
from pipeline.prove.statement import write_statement
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MINUTERISK_HOME", str(tmp_path / "home"))
    return load_settings({"MINUTERISK_HOME": str(tmp_path / "home")})


def statements(settings: Settings) -> list[Path]:
    return [write_statement(settings, f"2026-03-0{day}", {"minutes": day}) for day in (1, 2, 3)]


def verify(path: Path) -> int:
    return main(["check", "--statement", str(path), "--json"])


def test_statements_as_they_were_signed_hold(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert [verify(path) for path in statements(settings)] == [0, 0, 0]
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["minutes"] == 3


def test_two_packs_state_the_same_day_beside_each_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PACKS, "doors", "tests.doors")
    paths = [path for pack in ("merchants", "doors") for path in statements(settings.of(pack))]
    assert len(set(paths)) == 6
    assert [verify(path) for path in paths] == [0] * 6


def test_a_key_that_another_pack_is_writing_signs_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, inside = secrets.token_hex, list[int]()

    def meanwhile(length: int) -> str:
        if length == 32 and not inside:
            inside.append(1)
            write_statement(settings, "2026-02-28", {"minutes": 0})
        return made(length)

    monkeypatch.setattr("pipeline.prove.statement.secrets.token_hex", meanwhile)
    earlier = settings.home / "reports" / "statement-2026-02-28.json"
    assert [verify(path) for path in (*statements(settings)[1:], earlier)] == [0, 0, 0]
    assert [path.name for path in (settings.home / "run").iterdir()] == ["statement.key"]


def test_a_changed_number_ends_with_3(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    path = statements(settings)[2]
    path.write_text(path.read_text().replace('"minutes": 3', '"minutes": 4'))
    assert verify(path) == 3
    assert "was changed after it was signed" in capsys.readouterr().err


@pytest.mark.parametrize("fate", ["changed", "removed"])
def test_the_one_before_it_is_held_by_the_next(
    settings: Settings, capsys: pytest.CaptureFixture[str], fate: str
) -> None:
    _, before, last = statements(settings)
    if fate == "removed":
        before.unlink()
    else:
        before.write_text(before.read_text() + " ")
    assert verify(last) == 3
    assert "was changed or removed" in capsys.readouterr().err


def test_what_is_no_statement_or_of_another_home_is_wrong_use(settings: Settings, tmp_path: Path) -> None:
    other = tmp_path / "statement-2026-03-01.json"
    assert verify(other) == 2
    other.write_text('{"signature": "x"}')
    assert verify(other) == 2
    assert not (settings.home / "run").exists()  # a check makes nothing

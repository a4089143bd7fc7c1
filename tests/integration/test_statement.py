"""The daily statement: `check --statement` finds out who changed one, or removed the one before it."""

from __future__ import annotations

import hmac
import json
import secrets
import shutil
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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
        if not inside:
            inside.append(1)
            write_statement(settings, "2026-02-28", {"minutes": 0})
        return made(length)

    monkeypatch.setattr("pipeline.prove.statement.secrets.token_hex", meanwhile)
    earlier = settings.home / "reports" / "statement-2026-02-28.json"
    assert [verify(path) for path in (*statements(settings)[1:], earlier)] == [0, 0, 0]
    assert [path.name for path in (settings.home / "run").iterdir()] == ["statement.pem"]


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


def test_whoever_has_the_public_key_verifies_without_the_one_that_signs(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = statements(settings)[2]
    elsewhere = tmp_path / "auditor"
    shutil.copytree(settings.home / "reports", elsewhere)
    shutil.rmtree(settings.home)
    assert verify(elsewhere / path.name) == 0
    forged = verify_forged(elsewhere / path.name)
    assert main(["check", "--statement", str(forged), "--public-key", str(elsewhere / "kept.pem")]) == 3
    assert "by another installation" in capsys.readouterr().err


def verify_forged(path: Path) -> Path:
    """A statement that somebody signed with a key of their own, put beside it."""
    shutil.copy(path.with_name("statement.pub.pem"), path.with_name("kept.pem"))
    key = Ed25519PrivateKey.generate()
    content = json.loads(path.read_text(encoding="utf-8")) | {"minutes": 9}
    del content["signature"]
    said = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    path.write_text(json.dumps({**content, "signature": "ed25519:" + key.sign(said).hex()}), encoding="utf-8")
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.with_name("statement.pub.pem").write_bytes(pem)
    return path


def test_a_statement_of_the_earlier_kind_is_still_verified(settings: Settings) -> None:
    path = statements(settings)[0]
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["signature"]
    said = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    (settings.home / "run" / "statement.key").write_text("ab" * 32)
    old = hmac.new(bytes.fromhex("ab" * 32), said, "sha256").hexdigest()
    path.write_text(json.dumps({**content, "signature": old}))
    assert verify(path) == 0
    path.write_text(json.dumps({**content, "minutes": 8, "signature": old}))
    assert verify(path) == 3

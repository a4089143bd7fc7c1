"""check says of shards what starting them would meet, and starts none."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError, PassingError
from pipeline.inspection.shards import shard_findings
from pipeline.packs import load_pack
from pipeline.settings import CARRIERS, PROJECT, load_settings
from pipeline.shards.opening import CARRIER_OF
from tests.servers import free_port


def found(pack: str = "merchants", **more: object) -> list[tuple[str, str]]:
    given = {"SOURCE_URL": "postgresql://u@db/x", "SHARDS": 2, **more}
    settings = load_settings({f"MINUTERISK_{name}": str(value) for name, value in given.items()})
    return [(finding.level, finding.what) for finding in shard_findings(settings, load_pack(pack))]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Of a user without any token."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


def test_one_process_is_nothing_to_look_at() -> None:
    assert found(SHARDS=1) == []
    assert [level for level, _ in found(SHARDS=1, CARRIER="ray")] == ["note"]


def test_more_processes_than_processors_are_worth_knowing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    shared = "processes of this machine share the windows"
    assert found(SHARDS=4) == [("ok", f"4 {shared}")]
    assert found(SHARDS=5) == [
        ("ok", f"5 {shared}"),
        ("note", "5 shards on 4 processors gain nothing over fewer of them"),
    ]


def test_a_pack_that_stays_whole_says_so() -> None:
    what = "transfers is not shared out: one process holds all of its windows"
    assert found("transfers") == [("note", what)]


def test_a_ray_of_our_own_is_for_trying() -> None:
    assert [level for level, _ in found(CARRIER="ray")] == ["note"]


@pytest.mark.usefixtures("home")
def test_a_head_that_answers_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"localhost:{head.getsockname()[1]}"
        answers = f"the head of Ray answers at {address.replace('localhost', '127.0.0.1')}; "
        one_folder = (
            f"nobody can say from here whether {load_settings({}).home} is one folder on all machines"
        )
        healthy = [("ok", f"{answers}it has to have room for 2"), ("note", one_folder)]
        missing = ("failure", f"there is no token of the cluster at {address}")
        assert found(CARRIER="ray", RAY_ADDRESS=address) == [missing, *healthy]
        monkeypatch.setenv("RAY_AUTH_TOKEN", "a" * 32)
        assert found(CARRIER="ray", RAY_ADDRESS=address) == healthy


@pytest.mark.parametrize("mode", ["token", "disabled"])
def test_a_token_in_the_users_file_or_none_at_all_is_enough(
    mode: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mode == "token":
        (home / ".ray").mkdir()
        (home / ".ray" / "auth_token").write_text("a" * 32)
    monkeypatch.setenv("RAY_AUTH_MODE", mode)
    with socket.create_server(("127.0.0.1", 0)) as head:
        levels = [
            level for level, _ in found(CARRIER="ray", RAY_ADDRESS=f"127.0.0.1:{head.getsockname()[1]}")
        ]
    assert levels == ["ok", "note"]


def test_a_head_that_does_not_answer_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a" * 32)
    with pytest.raises(PassingError, match=r"no head answers at .* \(Connection refused\)"):
        found(CARRIER="ray", RAY_ADDRESS=f"127.0.0.1:{free_port()}")


def test_what_starting_them_refuses_the_check_refuses() -> None:
    with pytest.raises(ConfigurationError, match="a public address"):
        found(CARRIER="ray", RAY_ADDRESS="8.8.8.8:6379")
    with pytest.raises(ConfigurationError, match="which uses no other machine"):
        found(RAY_ADDRESS="10.0.0.5:6379")


def test_one_process_loads_nothing_of_shards() -> None:
    loaded = "print([name for name in sys.modules if name.startswith('pipeline.shards')])"
    code = f"import sys, scheduler, pipeline.inspection.installation; {loaded}"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "[]\n"


def test_every_word_of_the_setting_is_a_carrier() -> None:
    assert set(CARRIER_OF) == set(CARRIERS)

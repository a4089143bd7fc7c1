"""docker-compose.cluster.yml: two shards in containers of their own, in a network that nobody else is in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from pipeline.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]


def services(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text("utf-8"))["services"]
    return found


CLUSTER = services("docker-compose.cluster.yml")


def test_there_are_as_many_containers_as_shards_and_the_head_holds_none() -> None:
    environment, command = CLUSTER["scheduler"]["environment"], CLUSTER["scheduler"]["command"][-1]
    settings = load_settings({k: v for k, v in environment.items() if k.startswith("MINUTERISK_")})
    assert (settings.shards, settings.carrier) == (CLUSTER["shard"]["deploy"]["replicas"], "ray")
    assert "--num-cpus=0" in command
    assert command.endswith("&& exec minuterisk run")  # it gets the signals
    assert "--num-cpus=1" in CLUSTER["shard"]["command"]


def test_everybody_names_the_same_head() -> None:
    address = CLUSTER["scheduler"]["environment"]["MINUTERISK_RAY_ADDRESS"]
    assert f"--address={address}" in CLUSTER["shard"]["command"]
    assert f"--port={address.rpartition(':')[2]}" in CLUSTER["scheduler"]["command"][-1].split()


def test_ray_answers_those_who_have_the_token_and_no_port_of_it_is_published() -> None:
    for service in CLUSTER.values():
        assert service["environment"]["RAY_AUTH_MODE"] == "token"
        assert service["environment"]["RAY_AUTH_TOKEN"].startswith("${RAY_AUTH_TOKEN:?")
        assert service["environment"]["RAY_USAGE_STATS_ENABLED"] == "0"
        assert "ports" not in service
    assert "ports" not in services("docker-compose.yml")["scheduler"]
    assert "--include-dashboard=false" in CLUSTER["scheduler"]["command"][-1]


def test_shards_have_the_same_home_under_the_same_path() -> None:
    (home,) = services("docker-compose.yml")["scheduler"]["volumes"]
    assert CLUSTER["shard"]["volumes"] == [home]


def test_both_images_have_what_the_extra_needs_in_versions_that_are_locked() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert "--constraint requirements-dev.lock $WITH" in dockerfile
    assert "!requirements-dev.lock" in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for service in CLUSTER.values():
        wanted = service["build"]["args"]["WITH"]
        lock = (ROOT / "requirements-dev.lock").read_text("utf-8")
        assert re.search(rf"^{wanted}==", lock, re.MULTILINE)
        assert service["image"] != services("docker-compose.yml")["scheduler"]["image"]

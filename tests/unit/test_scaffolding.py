"""The files around the code: locks, compose, CI and Makefile say what they promise."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.packs import PACKS
from pipeline.settings import PER_PACK, PREFIX, setting_names

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements-build.lock", "requirements.lock", "requirements-dev.lock"]
NAME = re.compile(r"[A-Za-z0-9._-]+")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(text("docker-compose.yml"))
    return content


def locked(name: str) -> dict[str, str]:
    """Each requirement of a lock file, `package==version`, with the lines that follow it."""
    joined = text(name).replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return {line.split()[0]: line for line in lines}


def canonical(requirement: str) -> str:
    found = NAME.match(requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_address_and_no_folder(name: str) -> None:
    assert not re.search(r"://|--(index|extra-index|find-links|trusted-host)|(^|\s)[./]*/\w", text(name))


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_requirement_is_pinned_and_has_hashes(name: str) -> None:
    requirements = locked(name)
    assert requirements
    for requirement, line in requirements.items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[^\s=]+", requirement), requirement
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), requirement


def test_every_declared_dependency_is_locked() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    runtime = {canonical(r) for r in project["dependencies"]}
    dev = runtime | {canonical(r) for r in project["optional-dependencies"]["dev"]}
    assert runtime <= {canonical(r) for r in locked("requirements.lock")}
    assert dev <= {canonical(r) for r in locked("requirements-dev.lock")}


def test_tests_run_against_the_versions_that_are_shipped() -> None:
    assert locked("requirements.lock").items() <= locked("requirements-dev.lock").items()
    build = {r for r in locked("requirements-build.lock") if canonical(r) != "pip"}
    assert build <= locked("requirements-dev.lock").keys()


def test_every_kind_of_file_inside_the_packages_is_packaged() -> None:
    tools = tomllib.loads(text("pyproject.toml"))["tool"]["setuptools"]
    packages = [ROOT / pattern.rstrip("*") for pattern in tools["packages"]["find"]["include"]]
    files = [path for package in packages for path in package.rglob("*") if path.is_file()]
    written = [ROOT / "data" / folder.partition("/")[0] for folder in tools["exclude-package-data"]["data"]]
    ours = [f for f in files if not any(f.is_relative_to(w) for w in written) and f.parent != ROOT / "data"]
    kinds = {f.suffix for f in ours} - {".py", ".pyc"}
    assert kinds <= {Path(pattern).suffix for pattern in tools["package-data"]["*"]}


def test_compose_runs_one_image_with_health_checks_and_restarts() -> None:
    services = compose()["services"]
    assert services.keys() >= {"postgres", "scheduler", "app"}
    assert services["scheduler"]["image"] == services["app"]["image"]
    for name in ("postgres", "scheduler", "app"):
        assert services[name]["healthcheck"]["test"], name
        assert services[name]["restart"] == "unless-stopped", name


def test_compose_publishes_on_this_machine_only() -> None:
    ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports), ports


def test_compose_holds_no_password_and_refuses_to_start_without_one() -> None:
    content = text("docker-compose.yml")
    used = re.findall(r"\$\{(\w+_PASSWORD)(.*?)\}", content)
    assert {name for name, _ in used} == set(
        re.findall(r"^(\w+_PASSWORD)=$", text(".env.example"), re.MULTILINE)
    )
    assert all(rest.startswith(":?") for _, rest in used), used
    assert not re.search(r"://\w+:(?!\$\{)", content)


def test_compose_and_its_example_name_only_settings_that_exist() -> None:
    content = text("docker-compose.yml") + text(".env.example") + text("Dockerfile")
    said = set(re.findall(r"MINUTERISK_[A-Z_]+", content))
    of_packs = {f"{PREFIX}{pack}_{name}".upper() for pack in PACKS for name in PER_PACK}
    known = {*setting_names(), *of_packs}
    assert {name for name in said if not name.startswith("MINUTERISK_APPRISE_")} <= known


def test_every_file_that_compose_mounts_exists() -> None:
    volumes = compose()["services"]["postgres"]["volumes"]
    mounted = [v.split(":")[0] for v in volumes if v.startswith("./")]
    assert mounted
    assert all((ROOT / path).is_file() for path in mounted), mounted


def test_ci_can_be_executed() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_make_target_says_what_it_does() -> None:
    makefile = text("Makefile")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    described = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert described == set(phony[1].split())

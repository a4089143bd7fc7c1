"""docker-compose.yml without Docker: its services as processes of this machine.

What Docker would give a container is mapped in the service's own words: the host `postgres`, the mounted
folders, the dashboard's port. Nothing else of the environment reaches a service. The stand-in's history
is one day instead of eight, because nobody waits for a test.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^${}]*))?\}")
HOME = "/var/lib/minuterisk"
PAGE_PORT, SERVE_PORT = "8501", "8600"


@dataclass(frozen=True)
class Machine:
    """What this machine has in place of the containers."""

    folder: Path
    postgres_bin: Path
    postgres_port: int
    page_port: int
    metrics_port: int
    serve_port: int

    @property
    def replacements(self) -> dict[str, str]:
        return {
            "@postgres:5432/": f"@127.0.0.1:{self.postgres_port}/",
            HOME: str(self.folder / "home"),
            PAGE_PORT: str(self.page_port),
            SERVE_PORT: str(self.serve_port),
        }

    @property
    def environment(self) -> dict[str, str]:
        """What the image or the container's network would give; every container has ports of its own."""
        return {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "MINUTERISK_METRICS_PORT": str(self.metrics_port),
            "PATH": f"{self.folder / 'bin'}:{self.postgres_bin}:/usr/bin:/bin",
            "PGPORT": str(self.postgres_port),
            "PYTHONPATH": str(ROOT),
        }


@dataclass(frozen=True)
class Compose:
    """The services, their variables resolved, on one machine."""

    services: Mapping[str, Mapping[str, Any]]
    machine: Machine

    def environment(self, name: str) -> dict[str, str]:
        return {**self.machine.environment, **self.services[name].get("environment", {})}

    def check(self, name: str) -> subprocess.CompletedProcess[str]:
        """One run of the service's health check."""
        kind, *command = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        return self._run(name, command)

    def finish(self, name: str) -> subprocess.CompletedProcess[str]:
        """The service's command until it ends by itself."""
        return self._run(name, self.services[name]["command"])

    def run(self, name: str, command: str, given: str) -> subprocess.CompletedProcess[str]:
        """Another command in the service's container, as `docker compose run` has it."""
        return self._run(name, command.split(), given)

    @contextmanager
    def started(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """The service at work; it is killed at the end if it still runs."""
        log = self.machine.folder / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                self.services[name]["command"],
                env=self.environment(name),
                cwd=self.machine.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def wait_healthy(self, name: str, process: subprocess.Popen[bytes], within_s: float = 120) -> None:
        until = time.monotonic() + within_s
        while (checked := self.check(name)).returncode:
            assert process.poll() is None, f"{name} ended: {self.log(name)}"
            assert time.monotonic() < until, f"{checked.stdout}{checked.stderr}\n{self.log(name)}"
            time.sleep(0.3)

    def stop(self, name: str, process: subprocess.Popen[bytes]) -> int:
        """SIGTERM, as Docker sends it; the exit code, which must come within the grace period."""
        process.terminate()
        return process.wait(float(self.services[name]["stop_grace_period"].removesuffix("s")))

    def log(self, name: str) -> str:
        return (self.machine.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def _run(self, name: str, command: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment(name),
            cwd=self.machine.folder,
            input=given,
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )


def read_compose(machine: Machine, variables: Mapping[str, str]) -> Compose:
    """The file of the repository on `machine`; refuses a variable that must be set and is not."""
    content = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    services: dict[str, Any] = _each_text(
        content["services"], lambda text: _mapped(_resolved(text, variables), machine)
    )
    for name in ("history", "trade"):
        services[name]["command"] = _one_day(services[name]["command"])
    put_commands(machine.folder / "bin")
    return Compose(services, machine)


def example_variables(password: str) -> dict[str, str]:
    """.env as a person fills it in: .env.example with a password wherever one is missing."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    named = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value or f"{name.lower()}{password}" for name, _, value in named}


def put_commands(folder: Path) -> None:
    """The image's `python` and `minuterisk`: this interpreter and this checkout."""
    folder.mkdir(exist_ok=True)
    for name, arguments in {"python": [], "minuterisk": ["-m", "pipeline.cli"]}.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *arguments])} "$@"\n', "utf-8")
        script.chmod(0o755)


def mounted(text: str, service: Mapping[str, Any]) -> str:
    """`text` with the container's paths of mounted files as this machine has them."""
    for volume in service["volumes"]:
        source, target = volume.split(":")[:2]
        if source.startswith("./"):
            text = text.replace(f" {target}", f" {shlex.quote(str(ROOT / source))}")
    return text


def _each_text(value: Any, change: Any) -> Any:  # noqa: ANN401 - whatever YAML holds
    if isinstance(value, dict):
        return {name: _each_text(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [_each_text(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value


def _resolved(text: str, variables: Mapping[str, str]) -> str:
    """Compose's ${NAME}, ${NAME:-default} and ${NAME:?message}, innermost first."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        if variables.get(name):
            return variables[name]
        if kind != "-":
            raise KeyError(rest or name)
        return str(rest)

    while VARIABLE.search(text):
        text = VARIABLE.sub(value, text)
    return text


def _one_day(command: list[str]) -> list[str]:
    days = command.index("--history-days") + 1
    assert command[days] == "8"
    return [*command[:days], "1", *command[days + 1 :]]


def _mapped(text: str, machine: Machine) -> str:
    for container, here in machine.replacements.items():
        text = text.replace(container, here)
    return text

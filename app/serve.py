"""How the dashboard is started: the command and the environment of its process, for `minuterisk dashboard`.

What Streamlit is told is said in config.toml beside this file.
"""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.settings import PREFIX, PROJECT, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.settings import Settings

SCRIPT: Final = Path(__file__).resolve().parent / "main.py"
#: Answers 200 "ok" when the server is up; for container health checks.
HEALTH_PATH: Final = "/_stcore/health"
#: What Streamlit is told: app/config.toml, as it names its options.
CONFIG: Final = Path(__file__).resolve().parent / "config.toml"
#: What the page does not need either, beside the secrets.
WITHHELD: Final = ("slack_channel",)
#: A secret that it does need.
GIVEN: Final = ("oidc_client_secret",)


def dashboard_command(
    settings: Settings, address: str = "127.0.0.1", port: int | None = None, *, demo: bool = False
) -> list[str]:
    """The command line of the dashboard's process; port None means the setting's."""
    chosen = settings.dashboard_port if port is None else port
    where = [f"--address={address}", f"--port={chosen}", *(["--demo"] if demo else [])]
    return [sys.executable, "-m", "app.gate", *where]


def dashboard_environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with the settings the page needs said outright, and without the secrets it does not need."""
    kept = {name: value for name, value in environ.items() if not _withheld(name)}
    said = {
        "HOME": str(settings.home),
        "LANGUAGE": settings.language,
        "BUSINESS_TIMEZONE": str(settings.business_timezone),
        "PACKS": ",".join(settings.packs),
        "STATE_URL": settings.state_url or "",
        "DASHBOARD_URL": settings.dashboard_url,
    }
    path = os.pathsep.join(filter(None, [str(PROJECT), environ.get("PYTHONPATH", "")]))
    return {**kept, **{PREFIX + name: value for name, value in said.items()}, "PYTHONPATH": path}


def options() -> dict[str, bool | int | str]:
    """What app/config.toml says, by the full names of the options: theme.light.primaryColor."""
    return dict(_named(tomllib.loads(CONFIG.read_text(encoding="utf-8"))))


def _named(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _named(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _withheld(variable: str) -> bool:
    name = variable.removeprefix(PREFIX).lower()
    secret = is_secret(name) and name not in GIVEN
    return variable.startswith(PREFIX) and (secret or name in WITHHELD)

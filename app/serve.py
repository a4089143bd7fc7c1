"""How the dashboard is started: the command and the environment of its process, for `minuterisk dashboard`.

Whatever Streamlit could read from a person's own configuration and matters here is said in OPTIONS, so that
the page is the same on every machine. Nothing is sent to anybody, no browser is opened.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.settings import PREFIX, PROJECT, is_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.settings import Settings

SCRIPT: Final = Path(__file__).resolve().parent / "main.py"
#: Answers 200 "ok" when the server is up; for container health checks.
HEALTH_PATH: Final = "/_stcore/health"
FONT: Final = (
    "Pretendard, 'Noto Sans KR', 'Noto Sans CJK KR', 'Apple SD Gothic Neo', 'Malgun Gothic', sans-serif"
)
OPTIONS: Final[Mapping[str, bool | str]] = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.showEmailPrompt": False,
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",  # a traceback may hold an address; it is in the log
    "client.showSidebarNavigation": False,
    "runner.magicEnabled": False,
    "logger.level": "warning",
    "theme.base": "light",
    "theme.primaryColor": "#0072B2",
    "theme.font": FONT,
    "theme.headingFont": FONT,
    "theme.baseRadius": "10px",
}
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


def _withheld(variable: str) -> bool:
    name = variable.removeprefix(PREFIX).lower()
    secret = is_secret(name) and name not in GIVEN
    return variable.startswith(PREFIX) and (secret or name in WITHHELD)

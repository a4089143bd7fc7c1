"""Do the published data pass the pack's checks? Nothing is said before anything is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.finding import Finding
from pipeline.store.views.checks import run_checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.finding import Level
    from pipeline.settings import Settings


def data_findings(settings: Settings) -> Iterator[Finding]:
    """One finding for each check that gives rows, or that all hold."""
    asked, found = 0, 0
    for checked in run_checks(settings):
        asked += 1
        if checked.rows:
            found += 1
            level: Level = "failure" if checked.check.severity == "error" else "warning"
            numbers = {"rows": checked.rows, "name": checked.check.name}
            yield Finding("data", level, checked.what, checked.check.next, numbers, exit_code=3)
    if asked and not found:
        yield Finding("data", "ok", f"the published data pass all {asked} checks")

"""Can the home be written, and how much room is there? The file that proves it is taken away again."""

from __future__ import annotations

import os
import shutil
import uuid
from typing import TYPE_CHECKING, Final

from pipeline.errors import ConfigurationError, MinuteriskError
from pipeline.errors.translate import storage_errors
from pipeline.finding import Finding, failed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.settings import Settings

#: A day of 3 million rows of 100,000 entities is about 0.1 GB, compacted.
_LITTLE_BYTES: Final = 2 * 1000**3
_NONE_BYTES: Final = 50 * 1000**2


def home_findings(settings: Settings, entities: str) -> Iterator[Finding]:
    """The home, the folders under it that the pipeline writes into, and the room for `entities`."""
    home = settings.home
    existing = next((path for path in (home, *home.parents) if path.exists()), home)
    try:
        if existing != home:
            _require_makeable(home, existing)
            yield Finding("home", "ok", f"{home} does not exist yet and can be made")
        else:
            for folder in (home, settings.lake):
                if folder.exists():
                    _write(folder)
            yield Finding("home", "ok", f"{home} can be written, lake and catalog included")
    except MinuteriskError as error:
        yield failed("home", error)
        return
    yield _room(existing, entities)


def _require_makeable(home: Path, existing: Path) -> None:
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return
    msg = (
        f"{home} does not exist, and {existing} {'is a file' if existing.is_file() else 'cannot be written'}"
    )
    raise ConfigurationError(msg, "set MINUTERISK_HOME to a folder that this user may write")


def _write(folder: Path) -> None:
    """As files are published: written, forced to the disk, renamed."""
    path = folder / f".check-{uuid.uuid4().hex}"
    renamed = path.with_suffix(".done")
    try:
        with storage_errors(folder):
            with path.open("xb") as file:
                file.write(b"minuterisk check\n" * 64)
                file.flush()
                os.fsync(file.fileno())
            path.rename(renamed)
    finally:
        for left in (path, renamed):
            left.unlink(missing_ok=True)


def _room(folder: Path, entities: str) -> Finding:
    with storage_errors(folder):
        free = shutil.disk_usage(folder).free
    numbers = {"free_bytes": free}
    what = f"{free / 1e9:,.1f} GB are free"
    if free < _NONE_BYTES:
        return Finding("home", "failure", what, "free space, or set MINUTERISK_HOME to another disk", numbers)
    if free < _LITTLE_BYTES:
        hint = f"8 days of 100,000 {entities} need about 1 GB: free space before the disk is full"
        return Finding("home", "warning", what, hint, numbers)
    return Finding("home", "ok", what, numbers=numbers)

"""Making a report and putting it on the disk: first the rows, then the files, then the page."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors.translate import storage_errors
from pipeline.report.gathered import reckoned
from pipeline.report.published import read_published
from pipeline.store.lake import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.minute import Span
    from pipeline.report.about import About
    from pipeline.report.gathered import Gathered, Work
    from pipeline.report.published import Published
    from pipeline.settings import Settings
    from pipeline.store.lake import Lake
    from pipeline.store.state import State

#: The folder under the home where reports lie, beside the daily statements.
FOLDER: Final = "reports"


@dataclass(frozen=True, slots=True)
class Written:
    """A report on the disk."""

    about: str
    path: Path
    bytes: int
    sha256: str


def here(work: Callable[..., Any], *given: Any) -> Any:  # noqa: ANN401 - passed through
    """Do the work in this process."""
    return work(*given)


def make_report(
    state: State,
    lake: Lake,
    settings: Settings,
    gathered: Gathered,
    work: Work = here,
    compared: Callable[[Span], int] | None = None,
) -> bytes:
    """The file's content. Raises LakeDamaged where a published file is missing or no Parquet.

    `compared` counts the minutes that differ from the source. It is asked once the files are read, so that a
    report that cannot be made costs the source nothing.
    """
    gathered = reckoned(state, lake, gathered, work)
    published: Published = work(read_published, lake, gathered)
    if compared is not None:
        published = replace(published, proof={**published.proof, "differences": compared(gathered.span)})
    rows = state.rows("app_names_of", ids=sorted(published.entities))
    names = {row["entity_id"]: row["name"] for row in rows}
    content: bytes = work(_compose, settings, gathered, published, names)
    return content


def _compose(settings: Settings, gathered: Gathered, published: Published, names: Mapping[str, str]) -> bytes:
    """See `compose`. What draws takes a second to load, and a pipeline never needs it itself."""
    from pipeline.report.page import compose  # noqa: PLC0415 - as said

    return compose(settings, gathered, published, names)


def default_path(settings: Settings, about: About) -> Path:
    """Where a report lies that somebody asked for."""
    return settings.home / FOLDER / f"report-{settings.pack}-{about.key}.html"


def daily_path(settings: Settings, about: About, content: bytes) -> Path:
    """Where one lies that was written by itself; never the name of another content."""
    short = hashlib.sha256(content).hexdigest()[:12]
    return settings.home / FOLDER / settings.pack / f"{about.key}.{short}.html"


def put(about: About, path: Path, content: bytes) -> Written:
    """Write the file, whole or not at all."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    return Written(about.key, path, len(content), hashlib.sha256(content).hexdigest())

"""What the published files say of one entity: its newest signal, and why it was held back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.minute import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.catch_up import Pipeline

LOOKED_BACK: Final = timedelta(hours=24)


def newest_signal(pipeline: Pipeline, pack: str, entity_id: str) -> Mapping[str, Any] | None:
    """The newest signal of an entity within a day; None where it has none, or the pack is another one.

    Raises LakeDamaged or StorageUnavailable where a file cannot be read.
    """
    end = pipeline.state.next_minute()
    if end is None or pack != pipeline.pack.name:
        return None
    files = pipeline.state.publication().files
    found = pipeline.lake.read(files, "signal", Span(end - LOOKED_BACK, end), [entity_id])
    return None if found.is_empty() else found.row(-1, named=True)

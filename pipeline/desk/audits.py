"""Whether the audit still stands as it was written. Verifying it is an act: who did is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.perform import Act, Deed
from pipeline.prove.heads import kept_heads
from pipeline.store import audit

if TYPE_CHECKING:
    from collections.abc import Mapping


def verify(deed: Deed) -> Mapping[str, Any]:
    """Check every row against the hash after it, and against those that are kept elsewhere."""
    heads = kept_heads(deed.desk.settings)
    head = audit.head(deed.connection)
    wrong = list(audit.wrong_rows(deed.connection, heads))
    found = {"rows": head.number, "sha256": head.hash.hex(), "kept_elsewhere": len(heads)}
    deed.after = {**found, "wrong": len(wrong)}
    return {**found, "wrong": wrong}


ACTS: Final = (Act(name="verify_audit", action="read_audit", kind="audit", run=verify, needs_id=False),)

"""What an act changed, as the audit keeps it: each value before and after. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Change:
    """One value; None: there was none, or is none any more."""

    name: str
    before: str | None
    after: str | None


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Change]:
    """The values that differ, in the order in which they were kept."""
    was, now = before or {}, after or {}
    found = (Change(name, _text(was, name), _text(now, name)) for name in dict.fromkeys((*was, *now)))
    return [change for change in found if change.before != change.after]


def _text(kept: Mapping[str, Any], name: str) -> str | None:
    """A value as text; a text itself as it is."""
    if name not in kept or kept[name] is None:
        return None
    value = kept[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

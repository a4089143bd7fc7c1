"""What every pack's page shares, and which pack has something of its own to show.

A page without anything of its own shows the header and the incidents, drawn from the pack's words alone.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from app.reads import Page

#: Where each pack's own page lives: a module with one value, PAGE. Imported when it is asked for.
PAGES: Final = {"merchants": "app.merchants"}


@dataclass(frozen=True, slots=True)
class OwnPage:
    """What a pack adds to the shared page."""

    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # language -> key -> text
    sections: Sequence[Callable[[Page], None]] = ()  # below the incidents


def load_page(pack: str) -> OwnPage:
    """The own page of that pack; an empty one where it has none."""
    if pack not in PAGES:
        return OwnPage()
    page: OwnPage = importlib.import_module(PAGES[pack]).PAGE
    return page

"""What of a pack works beside the minute: relays, HTTP, what people change at once. A room for each pack."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.online.beside import Job
    from pipeline.store.state import State

#: Which packs come with rows for their own tables: a module with `install_shipped`, which gives how many it
#: put into an installation that has none.
SHIPPED: Final = {"transfers": "pipeline.online.transfers.shipped"}


def install(state: State) -> int:
    """Put what comes with the state's pack into its own tables; nothing where they hold something already."""
    if state.pack not in SHIPPED:
        return 0
    return int(importlib.import_module(SHIPPED[state.pack]).install_shipped(state))


#: What else the leader of a pack does beside the minute: a module with JOBS.
BESIDE: Final = {
    "merchants": "pipeline.online.merchants.beside",
    "transfers": "pipeline.online.transfers.beside",
}


def jobs_of(pack: str) -> Mapping[str, Job]:
    """The further jobs of a pack, by name."""
    if pack not in BESIDE:
        return {}
    found: Mapping[str, Job] = importlib.import_module(BESIDE[pack]).JOBS
    return found

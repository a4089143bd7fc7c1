"""A process that a terminal's Ctrl-C leaves alone from its first moment: whoever leads ends it, in order."""

from __future__ import annotations

import signal
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess


def start_child(process: SpawnProcess) -> None:
    """Start it with Ctrl-C blocked: it could do something about it only once its program is loaded."""
    resource_tracker.ensure_running()  # which the first start would do, and let everything through afterwards
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

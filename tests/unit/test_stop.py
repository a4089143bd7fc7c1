"""The signals that end a service end it whenever they come."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

#: The main thread holds the event's lock when the signal comes, as it does while it waits or sets it.
INTERRUPTED = """
    import signal, threading
    from pipeline.commands.work import stop_on_signals

    stopped = threading.Event()
    stop_on_signals(stopped)
    with stopped._cond:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    print(stopped.wait(20))
"""


def test_a_signal_ends_the_service_also_while_the_main_thread_holds_the_events_lock() -> None:
    command = [sys.executable, "-c", dedent(INTERRUPTED)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "True\n"

"""Run a command for as long as whoever started it lives: `python -m app.kept COMMAND…`.

The other end of the standard input is the starter's. It closes when that one ends, however it ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from threading import Thread
from typing import Final

#: So long the command may take to end in order.
PATIENCE_S: Final = 20


def main() -> int:
    """Run it, and end it when nobody is there any more."""
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603 - the starter's own, no shell
    Thread(target=_end_with_starter, args=(process,), daemon=True).start()
    return process.wait()


def _end_with_starter(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):  # not through sys.stdin, whose lock would be held when this process ends first
        pass
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_S)
        return
    process.kill()


if __name__ == "__main__":
    sys.exit(main())

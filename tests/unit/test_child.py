"""Ctrl-C on a terminal reaches every process of it, also one that has not loaded its program yet."""

from __future__ import annotations

import os
import signal
from multiprocessing import get_context
from typing import TYPE_CHECKING

from pipeline.shards.child import start_child
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def test_it_goes_on_when_it_is_interrupted_while_it_loads() -> None:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=answer, args=(theirs,), daemon=True)
    start_child(process)
    os.kill(process.pid or 0, signal.SIGINT)
    theirs.close()
    assert ours.poll(PATIENCE_S)
    assert ours.recv() == process.pid
    process.join(PATIENCE_S)
    assert process.exitcode == 0
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())  # ours comes through as before


def answer(pipe: Connection) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    pipe.send(os.getpid())

"""Starting the process of a question, hearing it within its time, and ending it."""

from __future__ import annotations

import json
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import Fault, MinuteriskError, UsageError
from pipeline.store.views.walls import frames
from pipeline.store.views.walls.kernel import WALLS

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOT: Final = str(Path(__file__).resolve().parents[4])
#: No environment, no site of the user, nothing of the folder that the command was started in.
_START: Final = (
    "import sys; sys.path.insert(0, {root!r}); from pipeline.store.views.walls.child import main; main()"
)
#: To load the libraries and open the views, beside the time of the question, seconds.
_TO_START: Final = 60
#: So many bytes of an answer are heard. A text can be many times that, so ask/forms.py counts what it writes
#: too: where somebody writes an answer to a disk, a question alone must not fill that.
LARGEST_ANSWER: Final = 4 << 30


class Process:
    """One process that answers one question. Everything it says is taken for what somebody else wrote."""

    def __init__(self, opening: Mapping[str, Any]) -> None:
        self._seconds: int = opening["seconds"]
        self._memory_mb: int = opening["memory_mb"]
        self._left = float(_TO_START)
        self._heard = 0
        command = [sys.executable, "-I", "-B", "-X", "utf8", "-c", _START.format(root=_ROOT)]
        self._process = subprocess.Popen(  # noqa: S603 - our own code; what was asked is no part of it
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            close_fds=True,
            start_new_session=True,
        )
        try:
            self._say(opening)
            _, said = self.hear(frames.READY)
            told = self._object(said)
        except BaseException:
            self.end()
            raise
        #: Which walls stand: None, or why one does not. One that it says nothing of is not taken to stand.
        self.walls: dict[str, str | None] = {
            name: None if told.get(name, "") is None else str(told.get(name, "nothing was said of it"))
            for name in WALLS
        }

    def ask(self, asked: Mapping[str, Any]) -> None:
        """Hand over the question; from now on its time counts."""
        self._left = float(self._seconds)
        self._say(asked)

    def hear(self, *kinds: bytes) -> tuple[bytes, bytes]:
        """The next piece, which is one of `kinds`. Raises what went wrong, as an error of ours."""
        try:
            kind, content = frames.receive(self._read)
        except frames.Ended:
            raise self._why_it_ended() from None
        except frames.Nonsense as error:
            raise self._strange(str(error)) from None
        if kind in (frames.REFUSED, frames.FAILED):
            self.end()
            raise self._said(kind, content)
        if kind not in kinds:
            msg = f"a piece {kind!r}"
            raise self._strange(msg)
        return kind, content

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        self._process.wait()

    def _say(self, content: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        try:
            frames.send(self._process.stdin.fileno(), frames.TEXT, json.dumps(content).encode())
        except BrokenPipeError:
            raise self._why_it_ended() from None

    def _read(self, count: int) -> bytes:
        """At most so many bytes. Only the waiting counts, not how slowly somebody reads the answer."""
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 - the same
        began = time.monotonic()
        with selectors.DefaultSelector() as waiting:
            waiting.register(pipe, selectors.EVENT_READ)
            in_time = bool(waiting.select(max(self._left, 0)))
        self._left -= time.monotonic() - began
        if not in_time:
            self.end()
            raise self._too_long()
        found = pipe.read(count) or b""
        self._heard += len(found)
        if self._heard > LARGEST_ANSWER:
            self.end()
            raise too_large(LARGEST_ANSWER)
        return found

    def _too_long(self) -> UsageError:
        return UsageError(
            f"the question took more than {self._seconds} s and was ended",
            "ask for fewer days or columns, or let somebody raise MINUTERISK_SQL_SECONDS",
        )

    def _strange(self, what: str) -> Fault:
        self.end()
        return Fault(f"the process of the question gave {what}", "report it with the question")

    def _why_it_ended(self) -> MinuteriskError:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            code = 0
        self.end()
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            return self._too_long()
        if code < 0:
            return UsageError(
                f"its process ended by {signal.Signals(-code).name}; it may have {self._memory_mb} MiB",
                "ask for less at once, nest less, or let somebody raise MINUTERISK_SQL_MEMORY",
            )
        return Fault(f"the process of the question ended with {code}", "report it with the question")

    def _object(self, content: bytes) -> dict[str, Any]:
        """An object of JSON that the process says. Raises Fault where it is none."""
        try:
            told = json.loads(content)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            msg = "what is no object of JSON"
            raise self._strange(msg)
        return told

    def _said(self, kind: bytes, content: bytes) -> MinuteriskError:
        told = self._object(content)
        if not {"what", "hint"} <= told.keys():
            return self._strange("an error without words")
        error = UsageError if kind == frames.REFUSED else MinuteriskError
        return error(str(told["what"]), str(told["hint"]))


def too_large(most: int) -> UsageError:
    """What an answer of more than so many bytes is refused with."""
    size = f"{most >> 30} GiB" if most >> 30 else f"{most >> 20} MiB"
    return UsageError(
        f"the answer has more than {size}", "ask for fewer rows or columns, or for sums of them"
    )

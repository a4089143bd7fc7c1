"""How the process of a question and whoever asked speak over a pipe: pieces of a kind and a length."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: One letter and the length of what follows.
HEAD: Final = struct.Struct(">cI")
READY, TEXT, ROWS, DONE, REFUSED, FAILED = b"W", b"T", b"R", b"D", b"X", b"F"
#: Nobody who is honest sends a larger piece.
LARGEST: Final = 64 << 20


class Ended(Exception):
    """The other side closed the pipe."""


class Nonsense(Exception):
    """What came is no piece of ours: whoever sent it is not the process that we started."""


def send(descriptor: int, kind: bytes, content: bytes) -> None:
    """Write one piece, or several where it is larger than one may be. Raises OSError."""
    for start in range(0, max(len(content), 1), LARGEST):
        part = content[start : start + LARGEST]
        left = memoryview(HEAD.pack(kind, len(part)) + part)
        while left:
            left = left[os.write(descriptor, left) :]


def receive(read: Callable[[int], bytes]) -> tuple[bytes, bytes]:
    """The next piece by `read`, which gives so many bytes at most, none at the end.

    Raises Ended and Nonsense.
    """
    kind, length = HEAD.unpack(_exactly(read, HEAD.size))
    if length > LARGEST:
        msg = f"a piece of {length} bytes"
        raise Nonsense(msg)
    return kind, _exactly(read, length)


def _exactly(read: Callable[[int], bytes], count: int) -> bytes:
    parts = []
    while count:
        part = read(min(count, 1 << 20))
        if not part:
            raise Ended
        parts.append(part)
        count -= len(part)
    return b"".join(parts)

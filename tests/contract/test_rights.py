"""What the process of a question cannot give up, or Landlock does not take, is a wall that is missing."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.store.views.walls import kernel

if TYPE_CHECKING:
    from pathlib import Path


class Libc:
    """A C library whose `prctl` fails for one of the things that it is told."""

    def __init__(self, fails: int, number: int = errno.EPERM) -> None:
        self.fails, self.number = fails, number

    def prctl(self, what: int, *_: int) -> int:
        ctypes.set_errno(self.number if what == self.fails else 0)
        return -1 if what == self.fails else 0


def rights(
    monkeypatch: pytest.MonkeyPatch, libc: Libc, held: int, capset: int = 0
) -> tuple[str | None, list[Any]]:
    """What is said of the rights, and what was kept of those that are held, with a kernel that answers so."""
    calls: list[Any] = []

    def call(number: int, *arguments: Any) -> int:  # noqa: ANN401 - as the kernel takes them
        calls.append((number, struct.unpack("=6I", arguments[1].raw[:24])[:2]))
        ctypes.set_errno(errno.EPERM if capset else 0)
        return capset

    monkeypatch.setattr(kernel, "_libc", lambda: libc)
    monkeypatch.setattr(kernel, "_held", lambda: held)
    monkeypatch.setattr(kernel, "_call", call)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return kernel._give_up_rights(), calls


@pytest.mark.parametrize("what", [1, 4, 38, 24])
def test_a_right_that_cannot_be_given_up_is_a_wall_that_is_missing(
    what: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    why, calls = rights(monkeypatch, Libc(what), held=0x1FF)
    assert why == f"prctl {what} refuses: Operation not permitted"
    assert calls == []


def test_of_roots_rights_those_to_read_stay_where_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    all_known = Libc(24, errno.EINVAL)  # the kernel knows no such capability
    assert rights(monkeypatch, all_known, held=0x1FF) == (None, [(126, (4, 4))])
    assert rights(monkeypatch, all_known, held=0x103) == (None, [(126, (2, 2))])  # a container's root
    assert rights(monkeypatch, Libc(24), held=0x401) == (None, [(126, (0, 0))])  # an account with two of them
    assert rights(monkeypatch, Libc(24), held=0) == (None, [])
    why, _ = rights(monkeypatch, all_known, held=0x1FF, capset=-1)
    assert why == "capset refuses: Operation not permitted"


def test_a_file_that_landlock_does_not_take_is_a_wall_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "a.parquet"
    file.touch()
    done: list[int] = []

    def call(number: int, *arguments: Any) -> int:  # noqa: ANN401 - as the kernel takes them
        done.append(number)
        ctypes.set_errno(errno.EBADFD)
        if number == 444:
            return 1 if arguments[0] is None else os.open(os.devnull, os.O_RDONLY)
        return -1 if number == 445 else 0

    monkeypatch.setattr(kernel, "_call", call)
    monkeypatch.setattr(os, "listdir", lambda _: ["1"])
    why = kernel._only_files([str(file)])
    assert why == f"Landlock refuses {file}: {os.strerror(errno.EBADFD)}"
    assert done == [444, 444, 445]

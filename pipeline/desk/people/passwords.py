"""Passwords: how they are kept, compared and chosen. Never more than a few at a time: each takes 64 MiB.

Argon2id with the low-memory parameters of RFC 9106: 64 MiB, three passes, four lanes. A name that nobody has
costs the same work as one that somebody has: a hash that no password fits is verified in its place.
"""

from __future__ import annotations

import secrets
import unicodedata
from contextlib import contextmanager, suppress
from functools import cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.profiles import RFC_9106_LOW_MEMORY

from pipeline.errors import PassingError, UsageError
from pipeline.errors.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Iterator

#: At most so many hashes are made at once: a memory of 128 MiB, whatever comes.
AT_ONCE: Final = 2
#: Whoever would wait longer than this is sent away instead.
WAIT_S: Final = 15.0
SHORTEST: Final = 12
#: Longer ones are no better and cost time before they are hashed.
LONGEST: Final = 256
FEWEST_LETTERS: Final = 5
#: Letters that nobody takes for others on paper, and how many stand together.
_CLEAR: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _IN_GROUP = 4, 5
#: A name of so many letters may stand in a password by chance.
SHORT_NAME: Final = 3


class Busy(PassingError):
    """Too many people sign in at this moment."""

    def __init__(self) -> None:
        super().__init__("too many sign-ins at this moment", "try again in a minute")


class Weak(UsageError):
    """A new password that is easily guessed or cannot be typed again."""


class Passwords:
    """Makes and compares hashes of passwords. One per process; threads share it."""

    def __init__(self, hasher: PasswordHasher | None = None, at_once: int = AT_ONCE) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._places = BoundedSemaphore(at_once)
        with self._place():
            self._nobodys = self._hasher.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """The hash to keep."""
        with self._place():
            return self._hasher.hash(_one_form(password))

    def fits(self, kept: str | None, password: str) -> bool:
        """Is it the password of that hash? No hash, an account without a password, takes as long: no."""
        given = _one_form(password[: LONGEST + 1])
        with self._place():
            try:
                self._hasher.verify(kept or self._nobodys, given)
            except (Argon2Error, InvalidHashError):
                return False
        return kept is not None

    def is_old(self, kept: str) -> bool:
        """Was the hash made with other parameters than today's?"""
        return self._hasher.check_needs_rehash(kept)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=WAIT_S):
            raise Busy
        try:
            yield
        finally:
            self._places.release()


def require_good(password: str, name: str) -> None:
    """Refuse a password that is easily guessed or cannot be typed again. Raises Weak."""
    text = _one_form(password)
    what = ""
    if len(text) < SHORTEST:
        what = phrase("the password has {letters} characters", letters=len(text))
    elif len(text) > LONGEST:
        what = phrase("the password has more than {most} characters", most=LONGEST)
    elif len(set(text)) < FEWEST_LETTERS:
        what = "the password repeats very few characters"
    elif len(name) > SHORT_NAME and name.lower() in text.lower():
        what = "the password holds the account's name"
    elif not text.isprintable():
        what = "the password holds a character that cannot be typed"
    if what:
        hint = phrase("choose one of {fewest} characters or more, such as four words", fewest=SHORTEST)
        raise Weak(what, hint)


def fresh(name: str) -> str:
    """A password that nobody chose, of about 100 random bits, for the account's first sign-in."""
    while True:
        letters = "".join(secrets.choice(_CLEAR) for _ in range(_GROUPS * _IN_GROUP))
        made = "-".join(letters[at : at + _IN_GROUP] for at in range(0, len(letters), _IN_GROUP))
        with suppress(Weak):  # its few letters, or the name in it, by chance
            require_good(made, name)
            return made


def _one_form(password: str) -> str:
    """Korean letters come composed or in parts, by the keyboard: both are the same password."""
    return unicodedata.normalize("NFKC", password)


@cache
def shared() -> Passwords:
    """The process's own."""
    return Passwords()

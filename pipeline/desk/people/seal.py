"""What is kept or handed out so that nobody else can read or make it: sealed with the key of this home.

The key is a file under the home, run/desk.key, that only its owner may read. It never stands in the database,
so a copy of the database alone opens nothing. Without it (another machine, a lost disk) they are lost, and
authenticators have to be set up again: `minuterisk users totp`.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
import stat
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from pipeline.errors import ConfigurationError
from pipeline.errors.phrases import phrase
from pipeline.errors.translate import storage_errors

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
FILE: Final = ("run", "desk.key")


class Broken(Exception):
    """What was to be opened is not ours, or was changed."""


class Seal:
    """Seals, opens and signs with one key, made into another for each `purpose`: nothing passes for else."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, home: Path) -> Seal:
        """The seal of a home; its key is made when there is none."""
        path = home.joinpath(*FILE)
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _make(path)
            _require_private(path)
            key = base64.b64decode(path.read_bytes())
        if len(key) != KEY_BYTES:
            msg = phrase("{path} holds no key", path=str(path))
            raise ConfigurationError(
                msg, "put it back from a backup; without one, delete it and renew all codes"
            )
        return cls(key)

    def close(self, secret: bytes, purpose: str, about: str = "") -> bytes:
        """Seal a secret; it opens only for the same purpose, about the same thing."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._for(purpose)).encrypt(nonce, secret, about.encode())

    def open(self, sealed: bytes, purpose: str, about: str = "") -> bytes:
        """The secret; raises Broken."""
        try:
            return AESGCM(self._for(purpose)).decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise Broken from error

    def close_text(self, content: dict[str, Any], purpose: str) -> str:
        """Some values as one sealed word, for a cookie or a form."""
        return base64.urlsafe_b64encode(self.close(json.dumps(content).encode(), purpose)).decode()

    def open_text(self, word: str, purpose: str) -> dict[str, Any]:
        """The values of a sealed word; raises Broken."""
        try:
            content = json.loads(self.open(base64.urlsafe_b64decode(word.encode()), purpose))
        except ValueError as error:
            raise Broken from error
        if not isinstance(content, dict):
            raise Broken
        return content

    def sign(self, text: str, purpose: str) -> str:
        """A word that only we can make of `text`."""
        return hmac.new(self._for(purpose), text.encode(), "sha256").hexdigest()

    def is_signed(self, text: str, purpose: str, signature: str) -> bool:
        """Did we make that word of `text`?"""
        return hmac.compare_digest(self.sign(text, purpose).encode(), signature.encode())

    def _for(self, purpose: str) -> bytes:
        return HKDFExpand(SHA256(), KEY_BYTES, purpose.encode()).derive(self._key)


def _make(path: Path) -> None:
    """Whole or not at all: two processes that start together must agree on one key."""
    if path.exists():
        return
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _require_private(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        msg = phrase("{path} may be read by others (mode {mode:o})", path=str(path), mode=mode)
        hint = phrase("chmod 600 {path}, and renew all codes if somebody may have read it", path=str(path))
        raise ConfigurationError(msg, hint)

"""The daily statement: what was proven about the published data, signed, each naming the one before it.

The signature is Ed25519 (RFC 8032) over the canonical JSON. The key that signs is `run/statement.pem` under
the home, readable by its owner alone; what verifies is `reports/statement.pub.pem`, which may be given to
anybody. Statements of earlier versions carry an HMAC-SHA-256, which only the installation itself can verify.
Whoever keeps yesterday's statement elsewhere can tell whether any earlier one was changed or removed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from pipeline.errors import DifferencesFound, UsageError
from pipeline.errors.translate import storage_errors
from pipeline.packs import FIRST
from pipeline.store.lake import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.settings import Settings

_SCHEME: Final = "ed25519:"
#: The public key, beside the statements.
PUBLIC: Final = "statement.pub.pem"


def write_statement(settings: Settings, day: str, facts: Mapping[str, Any]) -> Path:
    """Write and sign the statement of a business day (ISO date); gives its file."""
    folder = settings.home / "reports"
    path = folder / f"{_of_pack(settings.pack)}{day}.json"
    with storage_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        key = _key(settings)
        _publish(key, folder / PUBLIC)
        signed = _signed(key, {"business_date": day, **facts, "previous_sha256": _previous(path)})
        replace_file(path, f"{json.dumps(signed, indent=2, ensure_ascii=False)}\n".encode())
    return path


def sign(settings: Settings, content: Mapping[str, Any]) -> dict[str, Any]:
    """Content of our own with the installation's signature; its public key is published beside statements."""
    key, folder = _key(settings), settings.home / "reports"
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _publish(key, folder / PUBLIC)
    return _signed(key, content)


def is_signed(content: Mapping[str, Any], public_key: Path) -> bool:
    """Was the content signed, as it is, by the key whose public half is in a PEM file? Raises UsageError."""
    rest = {name: value for name, value in content.items() if name != "signature"}
    return _signed_by(public_key, str(content.get("signature", "")), rest)


def read_statements(settings: Settings) -> list[dict[str, Any]]:
    """The pack's signed statements under the home, by their day; what is none is passed over."""
    found = []
    for path in sorted((settings.home / "reports").glob(f"{_of_pack(settings.pack)}[0-9]*.json")):
        with suppress(OSError, ValueError):
            content = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(content, dict) and str(content.get("signature", "")).startswith(_SCHEME):
                found.append(content)
    return found


def verify_statement(settings: Settings, path: Path, public_key: Path | None = None) -> dict[str, Any]:
    """The statement's content if it and the one before it are as they were signed; writes nothing.

    `public_key` is a PEM file kept elsewhere; the default is the one beside the statement. Raises
    DifferencesFound when one of the two was changed or the earlier one is gone.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        signature = str(content.pop("signature"))
        previous = content["previous_sha256"]
    except (OSError, ValueError, KeyError, AttributeError) as error:
        msg = f"{path} is not a statement"
        raise UsageError(msg, "name a file reports/statement-DATE.json under the home") from error
    whole = (
        _signed_by(public_key or path.with_name(PUBLIC), signature, content)
        if signature.startswith(_SCHEME)
        else hmac.compare_digest(signature, _old_signature(settings, content))
    )
    if not whole:
        msg = f"{path} was changed after it was signed, or by another installation"
        raise DifferencesFound(msg, "compare it with a copy kept elsewhere")
    if previous != _previous(path):
        msg = f"the statement before {path.name} was changed or removed after this one was signed"
        raise DifferencesFound(msg, "compare it with a copy kept elsewhere")
    return {**content, "signature": signature}


def _of_pack(pack: str) -> str:
    """How the names of a pack's statements begin: those of the first one are older than packs."""
    return "statement-" if pack == FIRST else f"statement-{pack}-"


def _previous(path: Path) -> str | None:
    """The checksum of the newest earlier statement beside this one; None for the first one."""
    of_pack = path.name[: -len("YYYY-MM-DD.json")]
    earlier = sorted(p for p in path.parent.glob(f"{of_pack}[0-9]*.json") if p.name < path.name)
    with storage_errors(path.parent):
        return hashlib.sha256(earlier[-1].read_bytes()).hexdigest() if earlier else None


def _signed(key: Ed25519PrivateKey, content: Mapping[str, Any]) -> dict[str, Any]:
    return {**content, "signature": _SCHEME + key.sign(_canonical(content)).hex()}


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _signed_by(path: Path, signature: str, content: Mapping[str, Any]) -> bool:
    """Was the content signed by the key whose public half is in `path`?"""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        msg = f"{path} is no public key"
        raise UsageError(msg, f"name the installation's reports/{PUBLIC}: --public-key FILE") from error
    if not isinstance(key, Ed25519PublicKey):
        msg = f"{path} is a key of another kind than Ed25519"
        raise UsageError(msg, f"name the installation's reports/{PUBLIC}: --public-key FILE")
    try:
        key.verify(bytes.fromhex(signature.removeprefix(_SCHEME)), _canonical(content))
    except (InvalidSignature, ValueError):
        return False
    return True


def _old_signature(settings: Settings, content: Mapping[str, Any]) -> str:
    """What an earlier version signed with; its key never leaves the installation."""
    path = settings.home / "run" / "statement.key"
    if not path.is_file():
        msg = f"no statement of the earlier kind was signed under {settings.home}"
        raise UsageError(msg, "set MINUTERISK_HOME to the installation that signed it")
    with storage_errors(path):
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    return hmac.new(key, _canonical(content), "sha256").hexdigest()


def _publish(key: Ed25519PrivateKey, path: Path) -> None:
    said = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if not path.is_file() or path.read_bytes() != said:
        replace_file(path, said)


def _key(settings: Settings) -> Ed25519PrivateKey:
    path = settings.home / "run" / "statement.pem"
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():  # packs state at the same moment: nobody may see a key that is not whole
            made = Ed25519PrivateKey.generate()
            whole = path.with_suffix(f".{secrets.token_hex(6)}")
            with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            with suppress(FileExistsError):
                os.link(whole, path)
            whole.unlink()
        key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        msg = f"{path} is a key of another kind than Ed25519"
        raise UsageError(msg, "put back the installation's own key")
    return key

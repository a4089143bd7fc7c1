"""The daily statement: what was proven about the published data, signed, each naming the one before it.

The signature is an HMAC-SHA-256 over the canonical JSON with a key that only this installation has
(`run/statement.key` under the home, readable by its owner alone). Whoever keeps yesterday's statement
elsewhere can tell whether any earlier one was changed or removed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pipeline.errors import DifferencesFound, UsageError
from pipeline.errors.translate import storage_errors
from pipeline.packs import FIRST
from pipeline.store.lake import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.settings import Settings


def write_statement(settings: Settings, day: str, facts: Mapping[str, Any]) -> Path:
    """Write and sign the statement of a business day (ISO date); gives its file."""
    folder = settings.home / "reports"
    path = folder / f"{_of_pack(settings.pack)}{day}.json"
    with storage_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        content = {"business_date": day, **facts, "previous_sha256": _previous(settings, path.name)}
        signed = {**content, "signature": _sign(_key(settings), content)}
        replace_file(path, f"{json.dumps(signed, indent=2, ensure_ascii=False)}\n".encode())
    return path


def verify_statement(settings: Settings, path: Path) -> dict[str, Any]:
    """The statement's content if it and the one before it are as they were signed; writes nothing.

    Raises DifferencesFound when one of the two was changed or the earlier one is gone.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        signature = content.pop("signature")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        msg = f"{path} is not a statement"
        raise UsageError(msg, "name a file reports/statement-DATE.json under the home") from error
    if not _key_file(settings).is_file():
        msg = f"no statement was ever signed under {settings.home}"
        raise UsageError(msg, "set MINUTERISK_HOME to the installation that signed it")
    if not hmac.compare_digest(str(signature), _sign(_key(settings), content)):
        msg = f"{path} was changed after it was signed, or by another installation"
        raise DifferencesFound(msg, "compare it with a copy kept elsewhere")
    if content["previous_sha256"] != _previous(settings, path.name):
        msg = f"the statement before {path.name} was changed or removed after this one was signed"
        raise DifferencesFound(msg, "compare it with a copy kept elsewhere")
    return {**content, "signature": signature}


def _of_pack(pack: str) -> str:
    """How the names of a pack's statements begin: those of the first one are older than packs."""
    return "statement-" if pack == FIRST else f"statement-{pack}-"


def _previous(settings: Settings, name: str) -> str | None:
    """The checksum of the newest earlier statement; None for the first one."""
    folder = settings.home / "reports"
    of_pack = name[: -len("YYYY-MM-DD.json")]
    earlier = sorted(p for p in folder.glob(f"{of_pack}[0-9]*.json") if p.name < name)
    with storage_errors(folder):
        return hashlib.sha256(earlier[-1].read_bytes()).hexdigest() if earlier else None


def _sign(key: bytes, content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, canonical.encode(), "sha256").hexdigest()


def _key_file(settings: Settings) -> Path:
    return settings.home / "run" / "statement.key"


def _key(settings: Settings) -> bytes:
    path = _key_file(settings)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():  # packs state at the same moment: nobody may see a key that is not whole
            whole = path.with_suffix(f".{secrets.token_hex(6)}")
            with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
            with suppress(FileExistsError):
                os.link(whole, path)
            whole.unlink()
        return bytes.fromhex(path.read_text(encoding="ascii"))

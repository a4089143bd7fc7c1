"""The signature of what the company's systems are told: they know that it is ours, and not an old one. Pure.

    Minuterisk-Timestamp: 1764500000                    seconds since 1970, when this try was sent
    Minuterisk-Signature: v1=<hex of HMAC-SHA256(secret, timestamp + "." + body)>
    Idempotency-Key: <uuid>                             the same at every try of the same thing

pipeline/act/README.md says how a receiver checks it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

TIMESTAMP: Final = "Minuterisk-Timestamp"
SIGNATURE: Final = "Minuterisk-Signature"
KEY: Final = "Idempotency-Key"
_VERSION: Final = "v1"


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """What stands in the header, by RFC 2104 with SHA-256."""
    signed = f"{timestamp}.".encode() + body
    return f"{_VERSION}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"

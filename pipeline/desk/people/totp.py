"""Codes of an authenticator: six digits that change every 30 seconds (RFC 6238)."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

import pyotp

if TYPE_CHECKING:
    from datetime import datetime

ISSUER: Final = "minuterisk"
STEP_S: Final = 30
#: A telephone's clock may be so many steps off.
DRIFT_STEPS: Final = 1
DIGITS: Final = 6


def new_secret() -> str:
    """A secret of 160 bits, as authenticators take it."""
    return pyotp.random_base32()


def address(secret: str, name: str) -> str:
    """The otpauth address that authenticators read."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The step whose code was given; None: of no step near `now`. That none counts twice is the caller's."""
    given = "".join(code.split())
    if len(given) != DIGITS or not given.isascii():
        given = "-" * DIGITS
    totp, current = pyotp.TOTP(secret), int(now.timestamp()) // STEP_S
    found = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step), given):
            found = step
    return found

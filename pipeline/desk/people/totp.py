"""Codes of an authenticator: six digits that change every 30 seconds (RFC 6238), and how one is set up.

A new secret counts once its first code was given; until then only a sealed ticket in the form keeps it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pyotp

from pipeline.desk.people.seal import Broken
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.desk.people.seal import Seal

ISSUER: Final = "minuterisk"
STEP_S: Final = 30
#: A telephone's clock may be so many steps off.
DRIFT_STEPS: Final = 1
DIGITS: Final = 6
#: A new authenticator has to show its first code within this.
ENROL: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Enrol:
    """A secret that somebody may set up; `ticket` comes back with its first code."""

    ticket: str
    name: str
    secret: str
    address: str


class WrongCode(UsageError):
    """The first code of a new authenticator is not right; another may be tried."""

    def __init__(self, enrol: Enrol) -> None:
        super().__init__("the code is not right", "check the telephone's clock and type a new one")
        self.enrol = enrol


class TooLate(UsageError):
    """The ticket is not ours, too old, or of something that is no more."""

    def __init__(self) -> None:
        super().__init__("it took too long, or began elsewhere", "begin anew")


def offered(seal: Seal, purpose: str, account_id: int, name: str, now: datetime, **bound: str) -> Enrol:
    """A new secret for an account; its ticket opens for the same purpose, and says what it is `bound` to."""
    secret, until = new_secret(), (now + ENROL).timestamp()
    content = {"account_id": account_id, "name": name, "secret": secret, "until": until, **bound}
    return Enrol(seal.close_text(content, purpose), name, secret, address(secret, name))


def opened(seal: Seal, purpose: str, ticket: str, now: datetime) -> dict[str, Any]:
    """What a ticket holds. Raises TooLate."""
    try:
        content = seal.open_text(ticket, purpose)
    except Broken:
        content = {"until": 0}
    if content["until"] < now.timestamp():
        raise TooLate
    return content


def first_step(content: dict[str, Any], ticket: str, code: str, now: datetime) -> int:
    """The step of the first code of a ticket's secret. Raises WrongCode."""
    secret, name = content["secret"], content["name"]
    step = step_of(secret, code, now)
    if step is None:
        raise WrongCode(Enrol(ticket, name, secret, address(secret, name)))
    return step


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

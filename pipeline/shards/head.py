"""Where the head of a Ray cluster is: at an address of a network of its own. Nothing of Ray is loaded."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from typing import Final

from pipeline.errors import ConfigurationError, PassingError

#: Until a machine of the cluster has taken a connection, in seconds.
_CONNECT_S: Final = 5.0
_HIGHEST_PORT: Final = 65_535


def require_possible(address: str) -> None:
    """Refuse what can be no head, without asking anybody; a name is looked up by whoever connects to it.

    Raises:
        ConfigurationError: no such port, or an address that is public.
    """
    host, port = _parts(address)
    if not 0 < port <= _HIGHEST_PORT:
        msg = f"MINUTERISK_RAY_ADDRESS is {address}: there is no port {port}"
        raise ConfigurationError(msg, "name the head's own, which is 6379 where nobody chose another")
    with suppress(ValueError):
        _require_private(ipaddress.ip_address(host), address)


def reach(address: str) -> str:
    """The head's address in numbers, if a machine takes a connection there; Ray itself may wait for ever.

    Raises:
        PassingError: nobody answers.
        ConfigurationError: the name is that of a public address.
    """
    host, port = _parts(address)
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_S) as taken:
            there = ipaddress.ip_address(taken.getpeername()[0])
    except OSError as error:
        msg = f"no head answers at {address} ({error.strerror or error})"
        raise PassingError(
            msg, "is it started (`ray start --head`), and does a firewall let us pass?"
        ) from error
    _require_private(there, address)
    return f"[{there}]:{port}" if there.version == 6 else f"{there}:{port}"  # noqa: PLR2004 - of the protocol


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _require_private(there: ipaddress.IPv4Address | ipaddress.IPv6Address, address: str) -> None:
    if there.is_global:
        named = "" if str(there) in address else f", which is {there}"
        msg = f"MINUTERISK_RAY_ADDRESS is {address}{named}, a public address"
        hint = "a cluster belongs into a network of its own: name the head's address there"
        raise ConfigurationError(msg, hint)

"""How often one address may try: a few at once, then one every few seconds. Kept in memory, and bounded."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from threading import Lock
from typing import Final

#: More addresses than these are not told apart for long: the oldest is forgotten.
MOST_ADDRESSES: Final = 20_000
#: One customer of a provider has at least so much of IPv6.
IPV6_PREFIX: Final = 64


class Pace:
    """A bucket of tries for each address, filled again with time."""

    def __init__(self, at_once: int, every_s: float) -> None:
        self._at_once = float(at_once)
        self._every_s = every_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def allows(self, address: str, now_s: float) -> bool:
        """May it try once more? Takes a try when it may. `now_s`: seconds of a clock that never goes back."""
        key = _network(address)
        with self._lock:
            left, then = self._left.pop(key, (self._at_once, now_s))
            left = min(self._at_once, left + (now_s - then) / self._every_s)
            may = left >= 1
            self._left[key] = (left - 1 if may else left, now_s)
            if len(self._left) > MOST_ADDRESSES:
                self._left.popitem(last=False)
        return may


def _network(address: str) -> str:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, IPV6_PREFIX), strict=False))
    return str(known)

"""Can the shards be had that the settings ask for? Asked without starting any."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.finding import Finding
from pipeline.settings import CARRIERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.pack import Pack
    from pipeline.settings import Settings

_CHECK: Final = "shards"
#: Where Ray looks for the token of its cluster, in its own order; the last is a file of the user.
_TOKENS: Final = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_TOKEN_FILE: Final = Path(".ray") / "auth_token"


def shard_findings(settings: Settings, pack: Pack[Any, Any]) -> Iterator[Finding]:
    """Of the shards of a pack, where there are any; raises what starting them would."""
    if settings.shards == 1:
        if settings.carrier != CARRIERS[0] or settings.ray_address is not None:
            what = "one process holds all windows, whatever MINUTERISK_CARRIER and MINUTERISK_RAY_ADDRESS say"
            yield Finding(_CHECK, "note", what, "set MINUTERISK_SHARDS to the number of shards")
        return
    if pack.together is None:
        yield Finding(_CHECK, "note", f"{pack.name} is not shared out: one process holds all of its windows")
        return
    from pipeline.shards.opening import carrier_of  # noqa: PLC0415 - one process loads nothing of shards

    carrier_of(settings)
    if settings.carrier == "ray":
        yield from _of_ray(settings)
        return
    yield Finding(_CHECK, "ok", f"{settings.shards} processes of this machine share the windows")
    processors = os.cpu_count() or 1
    if settings.shards > processors:
        what = f"{settings.shards} shards on {processors} processors gain nothing over fewer of them"
        yield Finding(_CHECK, "note", what, "set MINUTERISK_SHARDS to the number of processors at most")


def _of_ray(settings: Settings) -> Iterator[Finding]:
    if settings.ray_address is None:
        what = f"{settings.shards} shards on this machine, by a Ray of our own: slower than processes are"
        hint = "name a cluster's head in MINUTERISK_RAY_ADDRESS, or leave MINUTERISK_CARRIER out"
        yield Finding(_CHECK, "note", what, hint)
        return
    if not _has_token():
        what = f"there is no token of the cluster at {settings.ray_address}"
        hint = "set RAY_AUTH_TOKEN to the one that it was started with"
        yield Finding(_CHECK, "failure", what, hint, exit_code=2)
    from pipeline.shards.head import reach  # noqa: PLC0415 - the same

    there = reach(settings.ray_address)
    yield Finding(
        _CHECK, "ok", f"the head of Ray answers at {there}; it has to have room for {settings.shards}"
    )
    what = f"nobody can say from here whether {settings.home} is one folder on all machines"
    yield Finding(
        _CHECK, "note", what, "mount it everywhere under the same path: shards write their files there"
    )


def _has_token() -> bool:
    """What Ray finds by itself; it is told to do without in words of its own."""
    if os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        return True
    return any(os.environ.get(name) for name in _TOKENS) or (Path.home() / _TOKEN_FILE).is_file()

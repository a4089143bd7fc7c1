"""Starts the shards that the settings ask for, with the carrier that they name."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from baselines.slots import shares
from pipeline.errors import ConfigurationError
from pipeline.shards.carrier import ShardConfig
from pipeline.shards.head import require_possible
from pipeline.shards.leader import Shards
from pipeline.shards.spread import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline.settings import Settings
    from pipeline.shards.carrier import Carrier
    from pipeline.store.lake import Lake

log = structlog.get_logger()


@contextmanager
def open_shards(
    settings: Settings, source_url: str, lake: Lake, epoch: Callable[[], int]
) -> Iterator[Shards | None]:
    """The shards of the lake's pack, which are started when windows are first built; they end with this.

    From here on the lake's pack is the one of the process that leads: its windows are spread. None where the
    pack cannot be shared out.
    """
    if lake.pack.together is None:
        log.info(
            "shards.none", pack=lake.pack.name, asked_for=settings.shards, why="the pack has no `together`"
        )
        yield None
        return
    with Shards(carrier_of(settings), config_of(settings, source_url, lake), epoch) as shards:
        lake.pack = spread(lake.pack, shards)
        yield shards


def config_of(settings: Settings, source_url: str, lake: Lake) -> ShardConfig:
    """What each shard is made from."""
    return ShardConfig(
        pack=lake.pack.name,
        lake=lake,
        slots=shares(settings.shards),
        source_url=source_url,
        source_queries=settings.source_queries,
        source_timeout=settings.source_timeout,
        currency=settings.currency,
        log_level=settings.log_level,
        log_format=settings.log_format,
        threads=max(1, (os.cpu_count() or 1) // settings.shards),
    )


def carrier_of(settings: Settings) -> Carrier:
    """How these settings reach shards; only the carrier that is used is loaded."""
    return CARRIER_OF[settings.carrier](settings)


def _processes(settings: Settings) -> Carrier:
    if settings.ray_address is not None:
        msg = "MINUTERISK_RAY_ADDRESS is set and MINUTERISK_CARRIER is processes, which uses no other machine"
        raise ConfigurationError(msg, "set MINUTERISK_CARRIER=ray, or leave the address out")
    from pipeline.shards.processes import Processes  # noqa: PLC0415 - see above

    return Processes()


def _ray(settings: Settings) -> Carrier:
    if settings.ray_address is not None and settings.source_url is None:
        msg = "MINUTERISK_RAY_ADDRESS is set, and the embedded PostgreSQL answers on this machine alone"
        raise ConfigurationError(msg, "set MINUTERISK_SOURCE_URL to a database that all machines reach")
    if settings.ray_address is not None:
        require_possible(settings.ray_address)
    from pipeline.shards.cluster import RayCarrier  # noqa: PLC0415 - see above

    return RayCarrier(settings.ray_address)


#: By the word of MINUTERISK_CARRIER.
CARRIER_OF: Final[Mapping[str, Callable[[Settings], Carrier]]] = {"processes": _processes, "ray": _ray}

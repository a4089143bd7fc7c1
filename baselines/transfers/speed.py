"""How far and how fast: between two places on the globe, in floors of km and km/h. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

#: The mean radius of the Earth, IUGG.
RADIUS_KM: Final = 6371.0088
KM: Final = "km"  # else km/h

Ints = npt.NDArray[np.int64]


def distance_km(lat: Ints, lon: Ints, other_lat: Ints, other_lon: Ints) -> npt.NDArray[np.float64]:
    """Great-circle distances of places in millionths of a degree, by the haversine formula."""
    here, there = np.deg2rad(lat / 1e6), np.deg2rad(other_lat / 1e6)
    along = np.deg2rad((other_lon - lon) / 1e6)
    half = np.sin((there - here) / 2) ** 2 + np.cos(here) * np.cos(there) * np.sin(along / 2) ** 2
    return np.asarray(2 * RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0))), dtype=np.float64)


def floors(of: str, km: npt.NDArray[np.float64], since_ms: Ints) -> Ints:
    """Whole kilometres, or whole km/h over the time between; less than a second counts as one."""
    if of == KM:
        return np.floor(km).astype(np.int64)
    return np.floor(km * 3_600_000 / np.maximum(since_ms, 1000)).astype(np.int64)

"""Chance as a function: the same number gets the same dice in every process and in any order.

Each attribute of a transaction is drawn by hashing the transaction's id with a key for the attribute.
So a row does not depend on which rows were drawn before it, which is what makes history, live traffic
and any chunking of them give the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Constants of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_TO_UNIT: Final = 2.0**-53


class Dice:
    """Uniform and normal draws from a seed, by attribute and number."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._keys: dict[str, np.uint64] = {}

    def uniform(self, attribute: str, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """One draw in [0, 1) per number."""
        z = numbers.astype(np.uint64)
        z *= _STEP
        z += self._key(attribute)
        z ^= z >> np.uint64(30)
        z *= _MIX_1
        z ^= z >> np.uint64(27)
        z *= _MIX_2
        z ^= z >> np.uint64(31)
        return np.asarray((z >> np.uint64(11)) * _TO_UNIT, dtype=np.float64)

    def normal(self, attribute: str, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """One standard normal draw per number (Box and Muller, 1958)."""
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(f"{attribute}/radius", numbers)))
        return radius * np.cos(2.0 * np.pi * self.uniform(f"{attribute}/angle", numbers))

    def poisson(self, attribute: str, number: int, mean: float) -> int:
        """One Poisson draw for a number."""
        key = int(self._key(attribute))
        return int(np.random.default_rng([key, number]).poisson(mean))

    def permutation(self, attribute: str, size: int) -> NDArray[np.int64]:
        """The numbers 0 … size - 1 in a random order."""
        return np.random.default_rng([int(self._key(attribute))]).permutation(size)

    def _key(self, attribute: str) -> np.uint64:
        if attribute not in self._keys:
            entropy = [self._seed, *attribute.encode()]
            self._keys[attribute] = np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]
        return self._keys[attribute]


def pick(draws: NDArray[np.float64], shares: tuple[float, ...]) -> NDArray[np.int64]:
    """Turn draws in [0, 1) into positions in `shares`, each as often as its share of their sum."""
    edges = np.cumsum(shares) / np.sum(shares)
    return np.searchsorted(edges[:-1], draws, side="right")

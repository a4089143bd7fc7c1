"""Trees from LightGBM's text, walked in bulk and alone with the same result to the last bit. Pure.

The text is data: it is read field by field, everything in it has bounds, and what this program does not know
is refused. A score is the sum of the trees' leaves in their order (log-odds, before the sigmoid).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.packs.transfers.learned.features import Features

MOST_TREES: Final = 500
MOST_LEAVES: Final = 64
_EXPECTED: Final = {
    "version": "v4",
    "num_class": "1",
    "num_tree_per_iteration": "1",
    "objective": "binary sigmoid:1",
}
#: Bits of a decision: a category instead of a number, unknown goes to the left, what counts as unknown.
_CATEGORY, _LEFT, _UNKNOWN = 1, 2, 12
_ZERO, _NAN = 4, 8


@dataclass(frozen=True, slots=True)
class Tree:
    """Splits first, then leaves, which lead to themselves. Values of splits are those of all below them."""

    feature: Sequence[int]
    threshold: Sequence[float]
    unknown_left: Sequence[bool]
    left: Sequence[int]
    right: Sequence[int]
    value: Sequence[float]
    splits: int
    depth: int


class Forest:
    """A sum of trees."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        self.trees = trees

    @cached_property
    def _arrays(self) -> list[tuple[int, Mapping[str, np.ndarray[Any, Any]]]]:
        names = ("feature", "threshold", "unknown_left", "left", "right", "value")
        return [(tree.depth, {name: np.array(getattr(tree, name)) for name in names}) for tree in self.trees]

    def scores(self, features: Features) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Of many events."""
        total, rows = np.zeros(len(features)), np.arange(len(features))
        for depth, tree in self._arrays:
            node = np.zeros(len(features), np.int64)
            for _ in range(depth):
                value = features[rows, tree["feature"][node]]
                to_left = np.where(
                    np.isnan(value), tree["unknown_left"][node], value <= tree["threshold"][node]
                )
                node = np.where(to_left, tree["left"][node], tree["right"][node])
            total += tree["value"][node]
        return total

    def score(self, features: Sequence[float]) -> float:
        """Of one event."""
        total = 0.0
        for tree in self.trees:  # one after the other, as in bulk: `sum` rounds otherwise
            total += tree.value[_path(tree, features)[-1]]
        return total

    def contributions(self, features: Sequence[float], names: Sequence[str]) -> dict[str, float]:
        """How far each feature moved the score of one event, along the ways that it took."""
        moved = dict.fromkeys(names, 0.0)
        for tree in self.trees:
            path = _path(tree, features)
            for node, below in pairwise(path):
                moved[names[tree.feature[node]]] += tree.value[below] - tree.value[node]
        return moved


def _path(tree: Tree, features: Sequence[float]) -> list[int]:
    node = 0
    path = [node]
    while node < tree.splits:
        value = features[tree.feature[node]]
        to_left = tree.unknown_left[node] if math.isnan(value) else value <= tree.threshold[node]
        node = tree.left[node] if to_left else tree.right[node]
        path.append(node)
    return path


def read_forest(text: str, names: Sequence[str]) -> Forest:
    """The trees of a text, which has to be about exactly these features. Raises UsageError."""
    head, *blocks = text.partition("\nend of trees")[0].split("\nTree=")
    said = _entries(head)
    for key, value in _EXPECTED.items():
        if said.get(key) != value:
            _refuse(f"{key} is {said.get(key)!r}, not {value!r}")
    if said.get("feature_names", "").split(" ") != list(names):
        _refuse("it looks at other features than this program")
    if not 1 <= len(blocks) <= MOST_TREES:
        _refuse(f"it has {len(blocks)} trees; 1 to {MOST_TREES} fit")
    return Forest([_tree(_entries(block), len(names)) for block in blocks])


def _entries(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _tree(said: Mapping[str, str], features: int) -> Tree:
    leaves = _integers(said, "num_leaves", 1, 1, MOST_LEAVES)[0]
    splits = leaves - 1
    if said.get("num_cat", "0") != "0" or said.get("is_linear", "0") != "0":
        _refuse("it has categories or linear leaves")
    leaf_values = _numbers(said, "leaf_value", leaves)
    if not splits:
        return Tree([0], [0.0], [True], [0], [0], leaf_values, 0, 0)
    feature = _integers(said, "split_feature", splits, 0, features - 1)
    # A threshold may be infinite: known values go one way, unknown ones the other.
    threshold = _numbers(said, "threshold", splits, fit=lambda number: not math.isnan(number))
    decision = _integers(said, "decision_type", splits, 0, 15)
    left = [_node(child, splits) for child in _integers(said, "left_child", splits, -leaves, splits - 1)]
    right = [_node(child, splits) for child in _integers(said, "right_child", splits, -leaves, splits - 1)]
    nodes = range(splits, splits + leaves)
    if any(child <= node for node, pair in enumerate(zip(left, right, strict=True)) for child in pair):
        _refuse("a way through a tree leads back")
    return Tree(
        [*feature, *([0] * leaves)],
        [*threshold, *([0.0] * leaves)],
        [*map(_unknown_left, decision, threshold), *([True] * leaves)],
        [*left, *nodes],
        [*right, *nodes],
        [*_numbers(said, "internal_value", splits), *leaf_values],
        splits,
        _depth(left, right, splits),
    )


def _node(child: int, splits: int) -> int:
    """A child's place: a leaf is written as -1, -2, … and stands behind the splits here."""
    return child if child >= 0 else splits + ~child


def _depth(left: Sequence[int], right: Sequence[int], splits: int) -> int:
    depth = [0] * splits
    for node in reversed(range(splits)):
        below = [depth[child] for child in (left[node], right[node]) if child < splits]
        depth[node] = 1 + max(below, default=0)
    return depth[0]


def _unknown_left(decision: int, threshold: float) -> bool:
    if decision & _CATEGORY or decision & _UNKNOWN not in (0, _NAN):
        _refuse("it decides by a category, or takes zero for unknown")
    # Where unknown was never met in training, it counts as zero.
    return bool(decision & _LEFT) if decision & _NAN else threshold >= 0


def _integers(said: Mapping[str, str], key: str, many: int, low: int, high: int) -> list[int]:
    try:
        found = [int(number) for number in said.get(key, "").split()]
    except ValueError:
        return _refuse(f"{key} holds no whole numbers")
    if len(found) != many or not all(low <= number <= high for number in found):
        _refuse(f"{key} is not {many} numbers from {low} to {high}")
    return found


def _numbers(
    said: Mapping[str, str], key: str, many: int, fit: Callable[[float], bool] = math.isfinite
) -> list[float]:
    try:
        found = [float(number) for number in said.get(key, "").split()]
    except ValueError:
        return _refuse(f"{key} holds no numbers")
    if len(found) != many or not all(fit(number) for number in found):
        _refuse(f"{key} is not {many} numbers")
    return found


def _refuse(reason: str) -> NoReturn:
    msg = f"this is no learned model that this program reads: {reason}"
    raise UsageError(msg, "learn it anew with `minuterisk learn`")
